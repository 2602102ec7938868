"""Runs a program in a container of the target."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from responder.errors import PermanentError
from responder.model.action import Outcome, Preview
from responder.model.outside import Executed
from responder.model.place import Place
from responder.model.program import allows
from responder.model.redaction import redact
from responder.model.resource import PODS
from responder.model.rights import MAY_NOT
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, container_name, kubectl, reference, shell
from responder.plugins.fields import Container
from responder.plugins.objects.pod import pod_place, workload_locks
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs
from responder.plugins.rollout.plan import note_of
from responder.plugins.rollout.workload import ready_count

_OUTPUT = 256 * 1024
"""Bytes of output that are read."""
_LINES, _LONGEST_LINE = 40, 300
"""Lines of each output that are told, and characters of each."""

Argument = Annotated[str, Place.ARGUMENT]


class ExecParams(Params):
    """Which program."""

    argv: list[Argument] = Field(min_length=1, max_length=100, description="Program and arguments; never a shell line.")
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")


class Exec(Action[ExecParams]):
    """
    Run a program as the settings allow it (`actions.programs`); its exit code counts, its output is bounded, redacted.

    Of a workload it runs in the first ready pod, by name. What it did cannot be undone.

    Source: `pods/{name}/exec` over a WebSocket; the exit code comes on the error channel.

    Example:

        actions:
          logs: {evidence.capture: {logs: true}, mode: auto}
          reset:
            kubernetes.exec: {argv: [python, -m, ops.breaker, reset, "${labels.breaker}"]}
            mode: approve
            guard: {evidence: [logs]}
    """

    name = "kubernetes.exec"
    Params = ExecParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods/exec", "get"),
        Verb("", "pods/exec", "create"),
        Verb("apps", "replicasets", "get"),
        Verb("apps", "replicasets", "list"),
        *workload_verbs("get"),
    )
    kinds = WORKLOADS | {"Pod"}
    once = "doubtful"
    deadline = timedelta(minutes=2)
    weight = "destructive"
    cost = "nobody but its author knows what a program does, and nothing undoes it"

    def command(self, params: ExecParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl exec`."""
        container = container_name(params.container, target.container)
        where = ("-n", target.namespace) if target.namespace else ()
        which = ("-c", container) if container else ()
        return (kubectl("exec", reference(target), *where, *which, "--", *params.argv),)

    async def preview(self, params: ExecParams, target: Target, tools: ActionTools) -> Preview:
        """Say where it would run; a program cannot be tried without running it."""
        pod = await _pod(target, tools)
        container = _container(params, target, pod)
        place = replace(pod_place(target), name=str(pod["metadata"]["name"]))
        right = await tools.kubernetes.may("get", PODS, place.namespace, subresource="exec", name=place.name)
        refusal = _disallowed(params, tools) or (f"{MAY_NOT}: {right}" if right else "")
        return Preview(
            summary=f"run {shell(*params.argv)[:300]} in {container} of {place}",
            refusal=refusal,
            basis={"object": str(place), "uid": str(pod["metadata"]["uid"]), "container": container},
            namespace=place.namespace,
            lock=place.lock,
            beside=await workload_locks([pod], place, tools.kubernetes),
            touches=(place.name,),
            disruption="none: no pod is replaced or removed",
            warnings=("It could not be tried: a program has no dry run",),
        )

    async def act(self, params: ExecParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Run the program in the very pod that was approved."""
        if refusal := _disallowed(params, tools):
            return Outcome("not_done", refusal)
        if tools.retry:
            return Outcome("in_doubt", f"Whether {params.argv[0]} ran is not known: look at what it does, and say so")
        name = preview.touches[0] if preview.touches else ""
        pod = await tools.kubernetes.get(PODS, target.namespace, name)
        if pod is None or pod["metadata"].get("uid") != preview.basis.get("uid"):
            return Outcome("not_done", f"pod/{name} is not the one that was approved: it is gone or made anew")
        container = str(preview.basis.get("container", ""))
        timeout = self.deadline - timedelta(seconds=10)
        await tools.hold()
        ran = await tools.kubernetes.execute(
            target.namespace, name, params.argv, container=container, timeout=timeout, limit_bytes=_OUTPUT
        )
        note = note_of(f"ran {params.argv[0]}", tools)
        await tools.kubernetes.tell(
            {"kind": "Pod", "apiVersion": "v1", **pod}, reason="Executed", note=note, key=tools.attempt
        )
        return _outcome(ran, f"{params.argv[0]} in pod/{name}")


async def _pod(target: Target, tools: ActionTools) -> Mapping[str, Any]:
    pods = await tools.kubernetes.pods(target)
    running = [pod for pod in pods if ready_count([pod])]
    if not running:
        raise PermanentError(f"{target} has no ready pod to run it in")
    return running[0]


def _container(params: ExecParams, target: Target, pod: Mapping[str, Any]) -> str:
    names = [str(container["name"]) for container in pod["spec"]["containers"]]
    wanted = params.container or (target.container if target.container in names else "")
    if not wanted:
        wanted = names[0] if len(names) == 1 else target.workload or target.name
    if wanted not in names:
        raise PermanentError(f"The pod has no container {wanted!r}: give `container`, one of {', '.join(names)}")
    return wanted


def _disallowed(params: ExecParams, tools: ActionTools) -> str:
    if any("\x00" in word for word in params.argv):
        return "An argument holds a NUL byte, which no program can be given"
    if allows(tools.allowed.programs, params.argv):
        return ""
    named = "; ".join(tools.allowed.programs) or "none"
    return f"{shell(*params.argv)[:300]} may not be run: the settings allow {named} (actions.programs)"


def _outcome(ran: Executed, what: str) -> Outcome:
    cut = ("(the output was longer)",) if ran.cut else ()
    details = (*_lines(ran.stdout), *_lines(ran.stderr), *cut)
    match ran.code:
        case None:
            return Outcome("in_doubt", f"{what} gave no exit code: it may have run, or run still", details)
        case 0:
            return Outcome("done", f"{what} ended with 0", details)
    return Outcome("failed", f"{what} ended with {ran.code}", details)


def _lines(output: bytes) -> tuple[str, ...]:
    """Return the last lines of an output, redacted as a whole before it is cut, without control characters."""
    text = redact(output.decode(errors="replace"))
    lines = ["".join(c if c.isprintable() else " " for c in line)[:_LONGEST_LINE] for line in text.splitlines()]
    return tuple(lines[-_LINES:])
