"""Keeps evidence before anything is changed."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from posixpath import normpath
from typing import Annotated, Self

from pydantic import Field, model_validator

from responder.errors import CallError, PermanentError
from responder.model.action import ActionWeight, Change, Kept, Outcome, Preview
from responder.model.outside import Executed
from responder.model.place import Place
from responder.model.program import allows
from responder.model.quantity import format_bytes
from responder.model.resource import EVENTS, PODS
from responder.model.target import Target
from responder.plugins.acting import ActionTools, Draft, Object
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference, shell
from responder.plugins.manifests import event_lines, manifest
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs
from responder.plugins.rollout.plan import note_of

LOG_BYTES = 16 * 1024 * 1024
LOG_LINES = 200_000
"""Of one container, the newest."""
MOST_PODS = 50
MOST_EVENTS = 2000
PROGRAM_MAY_TAKE = timedelta(minutes=4)
READING_MAY_TAKE = timedelta(minutes=10)
READ_AT_LEAST = 2 * 1024 * 1024
"""Bytes a second of a file, below which it is given up: what has come of it is kept."""
BEGIN_WITHIN = timedelta(minutes=6)
"""Nothing is begun later: whoever waits for the evidence waits for all of it."""
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_CLOSED = ("/proc/", "/sys/", "/run/secrets/", "/var/run/secrets/", "/etc/shadow")
"""Where a file would be a secret, or no file."""
Argument = Annotated[str, Place.ARGUMENT]


class Run(Params):
    """A program whose output or file is kept."""

    argv: list[Argument] = Field(min_length=1, max_length=100, description="Program and arguments; never a shell line.")
    file: str = Field(
        "stdout",
        pattern=r"^(stdout|/[A-Za-z0-9._/-]{1,250})$",
        description="The file to keep, which an argument of the program has to name; or stdout.",
    )

    @model_validator(mode="after")
    def _its_own_file(self) -> Self:
        if normpath(self.file) != self.file or self.file.startswith("//"):
            raise ValueError(
                f"{self.file} is written in a roundabout way: leave `//`, `.`, `..` and a `/` at its end out"
            )
        if f"{self.file}/".startswith(_CLOSED):
            raise ValueError(f"{self.file} is not kept as evidence: it may be a secret")
        if not self.names_file and not any("${" in argument for argument in self.argv):
            raise ValueError(_strange(self))
        return self

    @property
    def names_file(self) -> bool:
        """Whether an argument names the file, so that who allows the command line has allowed what is read."""
        named = re.compile(rf"(^-[A-Za-z]|(?<![\w./-])){re.escape(self.file)}(?![\w./-])")
        return self.file == "stdout" or any(map(named.search, self.argv[1:]))


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

    Logs are kept as they are; in manifests secrets are redacted. Of a workload, programs run in one pod; they must be
    allowed by `actions.programs`, and run once: where nobody knows whether they did, people are asked. It has failed
    when a program did, or when nothing was to be had of what was asked.

    Source: `pods/log`, `pods`, `events`, `pods/exec`.

    Example:

        actions:
          heap:
            evidence.capture:
              logs: true
              exec: [{argv: [jmap, "-dump:format=b,file=/tmp/heap.hprof", "1"], file: /tmp/heap.hprof}]
            mode: approve
          restart:
            kubernetes.rollout_restart: {}
            mode: approve
            guard: {evidence: [heap]}
    """

    name = "evidence.capture"
    Params = CaptureParams
    once = "repeatable"
    weight = "destructive"
    lightest = "harmless"
    cost = (
        "with `exec` a program does whatever it does, unless other actions wait for what it keeps; all else only reads"
    )
    deadline = timedelta(minutes=25)
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods/log", "get"),
        Verb("", "events", "list"),
        Verb("", "pods/exec", "get"),
        Verb("", "pods/exec", "create"),
        Verb("apps", "replicasets", "get"),
        Verb("apps", "replicasets", "list"),
        *workload_verbs("get"),
    )
    kinds = WORKLOADS | {"Pod"}

    def needs_in(
        self, namespace: str, params: CaptureParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Leave out what is not kept."""
        kept = {"pods/log": params.logs, "events": params.events, "pods/exec": params.exec}
        return tuple(verb for verb in self.needs if kept.get(verb.resource, True))

    def weight_of(self, params: CaptureParams, files: Mapping[str, str]) -> ActionWeight:
        """Read and keep; a program weighs as much as in `kubernetes.exec`."""
        return "destructive" if params.exec else "harmless"

    def entails(self, params: CaptureParams) -> tuple[str, ...]:
        """Run programs, where asked for."""
        return ("kubernetes.exec",) if params.exec else ()

    def command(self, params: CaptureParams, target: Target) -> tuple[str, ...]:
        """Return one line for each piece of evidence, each into a file of its own."""
        return tuple(_lines(params, target))

    async def preview(self, params: CaptureParams, target: Target, tools: ActionTools) -> Preview:
        """Say what would be kept of which pods, and whether the programs may run."""
        refusal = _not_allowed(params, tools.allowed.programs)
        pods = [] if refusal else await tools.kubernetes.pods(target)
        runs_in = _chosen(pods)
        if not refusal and not pods and not (params.events or params.manifests):
            refusal = f"{target} has no pods: there is nothing to keep"
        if not refusal and params.exec and runs_in is None:
            refusal = f"no pod of {target} is running: the programs cannot run"
        if not refusal and params.exec:
            refusal = await tools.kubernetes.may("create", PODS, target.namespace, subresource="exec")
        return Preview(
            f"keep {', '.join(_wanted(params))} of {target}",
            changes=tuple(Change("runs", "", shell(*run.argv)) for run in params.exec),
            refusal=refusal,
            namespace=target.namespace,
            touches=tuple(str(pod["metadata"]["name"]) for pod in pods[:MOST_PODS]),
            disruption=f"the programs run in {runs_in['metadata']['name']}" if params.exec and runs_in else "",
            warnings=tuple(_warnings(params, len(pods), tools.evidence.max_size)),
            dry_run=not params.exec,
        )

    async def act(self, params: CaptureParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Keep one piece after the other; what cannot be had is named, and keeps no other from being kept."""
        if refusal := _not_allowed(params, tools.allowed.programs):
            return Outcome("not_done", refusal)
        if tools.retry and params.exec:
            ran = ", ".join(run.argv[0] for run in params.exec)
            return Outcome("in_doubt", f"Whether {ran} ran is not known, and nothing runs twice: look, and say so")
        haul = _Haul(tools.now() + BEGIN_WITHIN)
        if params.manifests:
            await haul.take("manifests", _manifests(target, tools), tools)
        if params.events:
            await haul.take("events", _events(target, tools), tools)
        pods = (await tools.kubernetes.pods(target))[:MOST_PODS] if params.logs or params.exec else []
        for pod in pods if params.logs else ():
            for container in _containers(pod):
                await haul.take("logs", _logs(pod, container, tools), tools)
        runs_in = _chosen(pods)
        for number, run in enumerate(params.exec, start=1):
            await tools.hold()
            await haul.take(f"program {number}", _program(number, run, runs_in, target, tools=tools), tools)
        if params.exec and runs_in is not None:
            note = note_of(f"ran {', '.join(run.argv[0] for run in params.exec)} for evidence", tools)
            pod = {"kind": "Pod", "apiVersion": "v1", **runs_in}
            await tools.kubernetes.tell(pod, reason="EvidenceCaptured", note=note, key=tools.attempt)
        return haul.outcome(params)


@dataclass(slots=True)
class _Haul:
    """What was kept, and what is missing, by what was asked for; nothing is begun after `until`."""

    until: datetime
    kept: list[Kept] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, what: str, files: AsyncIterator[Kept], tools: ActionTools) -> None:
        """Keep every file of one source, as far as it goes."""
        self.asked.setdefault(what, 0)
        if tools.now() > self.until:
            self.missing.append((what, f"{what}: no time was left"))
            return
        try:
            async for file in files:
                self.kept.append(file)
                self.asked[what] += 1
        except CallError as error:
            self.missing.append((what, f"{what}: {error}"))

    def outcome(self, params: CaptureParams) -> Outcome:
        """Say what there is and what is missing; a source of which nothing could be kept makes it a failure."""
        lost = [what for what, _ in self.missing if what.startswith("program") or not self.asked[what]]
        size = format_bytes(sum(kept.size for kept in self.kept))
        say = f"kept {len(self.kept)} files, {size}"
        cut = [kept.name for kept in self.kept if kept.cut]
        told = (*(why for _, why in self.missing), *(f"{name} was cut: it is longer" for name in cut))
        if self.missing:
            say += f"; missing: {', '.join(dict.fromkeys(what for what, _ in self.missing))}"
        if not self.kept and not lost:
            return Outcome("failed", "there was nothing to keep", told)
        return Outcome("failed" if lost else "done", say, told, kept=tuple(self.kept))


async def _manifests(target: Target, tools: ActionTools) -> AsyncIterator[Kept]:
    workload, pods = await tools.kubernetes.workload(target), await tools.kubernetes.pods(target)
    if workload is not None:
        name = f"{str(workload['kind']).lower()}-{workload['metadata']['name']}.yaml"
        yield await tools.evidence.keep(name, manifest([workload]))
    named = [{"apiVersion": "v1", "kind": "Pod", **pod} for pod in pods[:MOST_PODS]]
    if named:
        yield await tools.evidence.keep("pods.yaml", manifest(named))
    if workload is None and not named:
        raise PermanentError(f"{target} is not there")


async def _events(target: Target, tools: ActionTools) -> AsyncIterator[Kept]:
    found = await tools.kubernetes.list(EVENTS, target.namespace, limit=MOST_EVENTS)
    yield await tools.evidence.keep("events.txt", event_lines(found), cut=len(found) >= MOST_EVENTS)


async def _logs(pod: Object, container: str, tools: ActionTools) -> AsyncIterator[Kept]:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    for previous in (False, True):
        text = await tools.kubernetes.logs(
            namespace,
            name,
            container=container,
            tail=LOG_LINES,
            previous=previous,
            timestamps=True,
            limit_bytes=min(LOG_BYTES, tools.evidence.max_size),
        )
        if text:
            cut = len(text) >= LOG_BYTES * 0.99 or text.count("\n") >= LOG_LINES
            file = f"{name}.{container}{'.previous' if previous else ''}.log"
            yield await tools.evidence.keep(file, text.encode(), cut=cut)


async def _program(
    number: int, run: Run, pod: Object | None, target: Target, *, tools: ActionTools
) -> AsyncIterator[Kept]:
    if pod is None:
        raise PermanentError("no pod is running")
    async with tools.evidence.begin(f"output-{number}.txt") as draft:
        ran = await _run(run.argv, pod, target, tools, draft)
        if draft.size and (run.file == "stdout" or ran.code != 0):
            yield await draft.keep(cut=ran.cut)
    if ran.code != 0:
        ended = "ended without an exit code" if ran.code is None else f"ended with {ran.code}"
        raise PermanentError(f"{run.argv[0]} {ended} in {pod['metadata']['name']}")
    if run.file == "stdout":
        if not draft.size:
            raise PermanentError(f"{run.argv[0]} wrote nothing")
        return
    async with tools.evidence.begin(run.file.rsplit("/", 1)[-1]) as draft:
        ran = await _run(["cat", run.file], pod, target, tools, draft, timeout=_reading(tools.evidence.max_size))
        if draft.size:
            yield await draft.keep(cut=ran.cut or ran.code is None)
    if ran.code != 0 and not ran.cut:
        raise PermanentError(f"{run.file} could not be read in {pod['metadata']['name']}")


async def _run(
    argv: Sequence[str],
    pod: Object,
    target: Target,
    tools: ActionTools,
    draft: Draft,
    *,
    timeout: timedelta = PROGRAM_MAY_TAKE,
) -> Executed:
    """Run a program, and write what it writes; what it complains of when it fails, too."""
    ran = await tools.kubernetes.execute(
        pod["metadata"]["namespace"],
        pod["metadata"]["name"],
        argv,
        container=_container(pod, target),
        timeout=timeout,
        limit_bytes=tools.evidence.max_size,
        into=draft.write,
    )
    if ran.code != 0:
        await draft.write(ran.stderr[: tools.evidence.max_size - draft.size])
    return ran


def _reading(limit: int) -> timedelta:
    """Say how long the largest file may take to be read, at the slowest."""
    return min(timedelta(seconds=30 + limit / READ_AT_LEAST), READING_MAY_TAKE)


def _chosen(pods: Sequence[Object]) -> Object | None:
    """Choose the pod that programs run in: the first that is running."""
    return next((pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"), None)


def _containers(pod: Object) -> list[str]:
    spec = pod.get("spec") or {}
    return [str(one["name"]) for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))]


def _container(pod: Object, target: Target) -> str:
    names = [str(one["name"]) for one in (pod.get("spec") or {}).get("containers") or ()]
    default = ((pod["metadata"].get("annotations")) or {}).get(_DEFAULT_CONTAINER, "")
    return next((name for name in (target.container, default, target.workload, *names) if name in names), "")


def _strange(run: Run) -> str:
    return f"no argument of {run.argv[0]} names {run.file}: write the path into `argv` as it stands in `file`"


def _not_allowed(params: CaptureParams, allowed: Sequence[str]) -> str:
    if any("\x00" in argument for run in params.exec for argument in run.argv):
        return "An argument holds a NUL byte, which no program can be given"
    if strange := next((_strange(run) for run in params.exec if not run.names_file), ""):
        return strange
    refused = [shell(*run.argv)[:300] for run in params.exec if not allows(allowed, run.argv)]
    return f"actions.programs does not allow {'; '.join(refused)}: add it there" if refused else ""


def _warnings(params: CaptureParams, pods: int, limit: int) -> Iterator[str]:
    if pods > MOST_PODS:
        yield f"only {MOST_PODS} of {pods} pods are kept"
    if params.exec:
        yield f"a file longer than {format_bytes(limit)} (evidence.max_size) is cut"


def _wanted(params: CaptureParams) -> Iterator[str]:
    for name in ("logs", "manifests", "events"):
        if getattr(params, name):
            yield name
    for run in params.exec:
        yield f"the output of {run.argv[0]}" if run.file == "stdout" else run.file


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
