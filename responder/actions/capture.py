"""Keeps evidence before anything is changed."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference, shell
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs

Argument = Annotated[str, Place.ARGUMENT]


class Run(Params):
    """A program whose output or file is kept."""

    argv: list[Argument] = Field(min_length=1, max_length=100, description="Program and arguments; never a shell line.")
    file: str = Field(
        "stdout", pattern=r"^(stdout|/[A-Za-z0-9._/-]{1,250})$", description="The file to keep, or stdout."
    )


class CaptureParams(Params):
    """What to keep."""

    logs: bool = Field(False, description="Logs of all pods, of now and of before the last restart.")
    manifests: bool = Field(False, description="The target and its pods as YAML, secrets redacted.")
    events: bool = Field(False, description="Events of the target's namespace.")
    exec: list[Run] = Field([], max_length=10, description="Programs to run in the target, such as a heap dump.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.logs or self.manifests or self.events or self.exec):
            raise ValueError("give at least one of `logs`, `manifests`, `events`, `exec`")
        return self


class Capture(Action[CaptureParams]):
    """
    Store logs, manifests, events and the output of programs with their SHA-256, listed on the incident.

    Source: `pods/log`, `pods`, `events`, `pods/exec`.

    Example:

        actions:
          heap:
            evidence.capture:
              logs: true
              exec: [{argv: [jmap, "-dump:format=b,file=/tmp/heap.hprof", "1"], file: /tmp/heap.hprof}]
            mode: approve
    """

    name = "evidence.capture"
    Params = CaptureParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods/log", "get"),
        Verb("", "events", "list"),
        Verb("", "pods/exec", "get"),
        Verb("", "pods/exec", "create"),
        *workload_verbs("get"),
    )
    kinds = WORKLOADS | {"Pod"}

    def command(self, params: CaptureParams, target: Target) -> tuple[str, ...]:
        """Return one line for each piece of evidence, each into a file of its own."""
        return tuple(_lines(params, target))


def _lines(params: CaptureParams, target: Target) -> Iterator[str]:
    named, namespace = reference(target), target.namespace
    if params.logs:
        every = ("logs", named, "--all-containers", "--timestamps")
        yield f"{kubectl(*every, namespace=namespace)} > logs.txt"
        yield f"{kubectl(*every, '--previous', namespace=namespace)} > previous-logs.txt"
    if params.manifests:
        yield f"{kubectl('get', named, '-o', 'yaml', namespace=namespace)} > manifest.yaml"
    if params.events:
        yield f"{kubectl('get', 'events', '--sort-by=.lastTimestamp', namespace=namespace)} > events.txt"
    where = ("-n", namespace) if namespace else ()
    for number, run in enumerate(params.exec, start=1):
        program = kubectl("exec", named, *where, "--", *run.argv)
        if run.file == "stdout":
            yield f"{program} > output-{number}.txt"
        else:
            yield program
            yield f"{kubectl('exec', named, *where, '--', 'cat', run.file)} > {shell(run.file.rsplit('/', 1)[-1])}"
