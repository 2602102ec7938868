"""Runs a program in a container of the target."""

from typing import Annotated

from pydantic import Field

from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference
from responder.plugins.fields import Container
from responder.plugins.params import Params
from responder.plugins.rights import Verb

Argument = Annotated[str, Place.ARGUMENT]


class ExecParams(Params):
    """Which program."""

    argv: list[Argument] = Field(min_length=1, max_length=100, description="Program and arguments; never a shell line.")
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")


class Exec(Action[ExecParams]):
    """
    Run a program that the settings allow; its exit code counts, its output is bounded and redacted.

    Source: `pods/{name}/exec` over a WebSocket; the exit code comes on the error channel.

    Example:

        actions:
          reset: {kubernetes.exec: {argv: [python, -m, ops.breaker, reset, "${labels.breaker}"]}, mode: approve}
    """

    name = "kubernetes.exec"
    Params = ExecParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods/exec", "get"),
        Verb("", "pods/exec", "create"),
    )
    kinds = WORKLOADS | {"Pod"}

    def command(self, params: ExecParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl exec`."""
        container = params.container or target.container
        where = ("-n", target.namespace) if target.namespace else ()
        which = ("-c", container) if container else ()
        return (kubectl("exec", reference(target), *where, *which, "--", *params.argv),)
