"""What do the pods of the workload write?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from responder.errors import CallError, NoTarget, PermanentError
from responder.model import resource as kinds
from responder.model.finding import Weight
from responder.model.log_text import top_patterns, top_values, without_keys
from responder.model.place import Place
from responder.model.redaction import MARK, redact
from responder.model.regex import compile_regex
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.params import Duration
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, known, scope_of
from responder.plugins.tools import Tools

Object = Mapping[str, Any]

_BYTES_IN_ALL = 8_000_000
_BYTES_AT_LEAST = 100_000
_LONGEST_LINE = 2000
_GROUPED_AT_MOST = 20_000
"""Newest matching lines that patterns are made of: 15 us each."""
_SIDECARS = frozenset({"istio-proxy", "istio-init", "linkerd-proxy", "linkerd-init", "vault-agent", "cloud-sql-proxy"})
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"

Regex = Annotated[str, Place.REGEX]


class LogPattern(BaseModel):
    """Lines that differ only in times, ids and numbers."""

    model_config = ConfigDict(frozen=True)

    pattern: str
    count: int
    example: str = Field(description="The newest such line.")


class FoundValue(BaseModel):
    """One value that an expression of `extract` took out."""

    model_config = ConfigDict(frozen=True)

    value: str
    count: int


class Logs(diagnostic.Result):
    """The lines that match, and what they have in common; secrets are taken out."""

    count: int = Field(description="Lines that `grep` selects, all where there is none.")
    lines: tuple[str, ...] = Field(description="The newest of them, newest last.")
    top: tuple[LogPattern, ...] = Field(description="Their most frequent patterns.")
    counts: dict[str, int] = Field({}, description="By name of `count`: lines that match it, of all that were read.")
    found: dict[str, tuple[FoundValue, ...]] = Field(
        {}, description="By name of `extract`: values, most frequent first."
    )
    read: int = Field(0, description="Lines that were read.")
    pods: int = Field(0, description="Pods whose logs were read.")
    unread: tuple[str, ...] = Field((), description="Containers whose log could not be read, and why.")
    previous: bool = Field(False, description="Whether these are the logs of the containers before the last restart.")

    def headline(self) -> str:
        """Say how many lines match and how most of them read."""
        where = "1 pod" if self.pods == 1 else f"{self.pods} pods"
        if not self.read:
            return f"No {'previous ' if self.previous else ''}log lines in {where}"
        most = f"; most: {self.top[0].count} x {self.top[0].pattern}" if self.top else ""
        return f"{self.count} of {self.read} lines in {where}{most}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """Give the most frequent patterns by their newest example."""
        unread = [f"not read: {why}" for why in self.unread[:3]]
        return tuple([f"{item.count} x {item.example}"[:300] for item in self.top] + unread)[:20]

    def weight(self) -> Weight:
        """Lines are what people look for first."""
        return Weight.NOTABLE if self.count or self.unread else Weight.NORMAL


class KubernetesLogs(diagnostic.Diagnostic["KubernetesLogs.Params"]):
    r"""
    Read the logs of all the target's pods at once, and answer every question from that one reading.

    `grep` selects the lines that are counted, shown, grouped into patterns, and searched by `extract`. `count` counts
    over all lines that were read, whatever `grep` says. Expressions are RE2. Lines of several pods stand in the order
    of their times. Secrets are redacted before anything is taken out.

    Of a pod with several containers the one named by `container`, by the alert, or by the annotation
    `kubectl.kubernetes.io/default-container` is read, else all but well-known sidecars.

    Source: `GET /api/v1/namespaces/{namespace}/pods/{pod}/log`.

    Example:

        diagnose:
          errors:
            kubernetes.logs:
              tail: 500
              grep: "(?i)error"
              count: {timeouts: "(?i)timed? ?out"}
              extract: {ip: '^(\S+) '}
    """

    name = "kubernetes.logs"
    needs = (*SCOPE_NEEDS, Verb("", "pods/log", "get"))

    class Params(params.Params):
        """What to read and what to look for."""

        selector: Annotated[str, Place.SELECTOR] = Field(
            "", description="Label selector of the pods, in the target's namespace; the target's own when absent."
        )
        container: Annotated[str, Place.NAME] = Field("", description="The container to read.")
        tail: int = Field(500, ge=1, le=20_000, description="Newest lines of each container.")
        since: Duration | None = Field(None, description="Lines of this time only.")
        previous: bool = Field(False, description="Read the containers before their last restart.")
        grep: Regex = Field("", description="RE2; selects lines. All when empty.")
        count: dict[str, Regex] = Field({}, max_length=20, description="RE2 by name; counts lines.")
        extract: dict[str, Regex] = Field({}, max_length=10, description="RE2 with one group, by name.")
        show: int = Field(20, ge=0, le=200, description="Lines shown at most.")
        pods: int = Field(20, ge=1, le=100, description="Pods read at most, those not ready first.")

        @field_validator("grep")
        @classmethod
        def _one(cls, source: str) -> str:
            compile_regex(source)
            return source

        @field_validator("count")
        @classmethod
        def _each(cls, sources: dict[str, str]) -> dict[str, str]:
            for source in sources.values():
                compile_regex(source)
            return sources

        @field_validator("extract")
        @classmethod
        def _each_with_a_group(cls, sources: dict[str, str]) -> dict[str, str]:
            for name, source in sources.items():
                if compile_regex(source).groups != 1:
                    raise ValueError(f"{name}: {source!r} must have exactly one group ( ): what it takes out")
            return sources

    Result: ClassVar[type[Logs]] = Logs

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Logs:
        """Read the logs."""
        pods = await _pods(params, target, tools)
        streams = [stream for pod in pods[: params.pods] for stream in _streams(pod, params, target)]
        limit = max(_BYTES_AT_LEAST, _BYTES_IN_ALL // max(1, len(streams)))
        readings = await asyncio.gather(*(_read(stream, params, limit, tools) for stream in streams))
        if readings and all(reading.error for reading in readings):
            raise PermanentError(f"No log could be read: {readings[0].error}")
        # Thousands of lines through several expressions: not on the loop that answers Alertmanager.
        logs = await asyncio.to_thread(answer, [reading.text for reading in readings if not reading.error], params)
        skipped = (
            [f"{len(pods) - params.pods} more pods: only {params.pods} are read"] if len(pods) > params.pods else []
        )
        unread = [f"{r.stream.pod}/{r.stream.container}: {r.error}"[:200] for r in readings if r.error]
        return logs.model_copy(
            update={"pods": len({stream.pod for stream in streams}), "unread": tuple((unread + skipped)[:20])}
        )


@dataclass(frozen=True, slots=True)
class _Stream:
    namespace: str
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """The log of one container, each line behind its moment; `error` says why there is none."""

    stream: _Stream
    text: str = ""
    error: str = ""


async def _pods(params: KubernetesLogs.Params, target: Target, tools: Tools) -> list[Object]:
    if params.selector:
        if not target.namespace:
            raise NoTarget
        found = await tools.kubernetes.list(kinds.PODS, target.namespace, labels=params.selector)
    elif target.kind == "Pod":
        found = await tools.kubernetes.pods(known(target)) or (await scope_of(target, tools.kubernetes)).pods
    else:
        found = (await scope_of(target, tools.kubernetes)).pods
    return sorted(found, key=_ready)


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _streams(pod: Object, params: KubernetesLogs.Params, target: Target) -> list[_Stream]:
    metadata, spec = pod["metadata"], pod["spec"]
    names = [str(container["name"]) for container in spec.get("containers") or ()]
    inits = [str(container["name"]) for container in spec.get("initContainers") or ()]
    if params.container and params.container not in (*names, *inits):
        raise PermanentError(f"{metadata['name']} has no container {params.container!r}: {', '.join(names + inits)}")
    wanted = (params.container, target.container, (metadata.get("annotations") or {}).get(_DEFAULT_CONTAINER, ""))
    chosen = next((name for name in wanted if name in (*names, *inits)), None)
    several = [name for name in names if name not in _SIDECARS] or names
    return [
        _Stream(str(metadata["namespace"]), str(metadata["name"]), name) for name in ([chosen] if chosen else several)
    ]


async def _read(stream: _Stream, params: KubernetesLogs.Params, limit: int, tools: Tools) -> _Reading:
    try:
        text = await tools.kubernetes.logs(
            stream.namespace,
            stream.pod,
            container=stream.container,
            tail=params.tail,
            since=params.since,
            previous=params.previous,
            timestamps=True,
            limit_bytes=limit,
        )
    except CallError as error:
        return _Reading(stream, error=str(error))
    return _Reading(stream, text)


def answer(texts: Sequence[str], params: KubernetesLogs.Params) -> Logs:
    """Answer every question from the logs of some containers."""
    lines = [line for _, line in merge(*map(_lines, texts), key=lambda pair: pair[0])]
    matching = _grep(lines, params.grep)
    shown = [redact(line)[:500] for line in matching[len(matching) - min(params.show, len(matching)) :]]
    return Logs(
        count=len(matching),
        lines=tuple(shown),
        top=tuple(
            LogPattern(pattern=redact(top.text)[:300], count=top.count, example=redact(top.example)[:300])
            for top in top_patterns(matching[-_GROUPED_AT_MOST:], 10)
        ),
        counts={name: len(_grep(lines, source)) for name, source in params.count.items()},
        found={name: _extract(matching, source) for name, source in params.extract.items()},
        read=len(lines),
        previous=params.previous,
    )


def _lines(text: str) -> list[tuple[str, str]]:
    """Cut a log into lines with their moments, oldest first."""
    pairs = [line.partition(" ") for line in text.split("\n") if line]
    lines = without_keys([line[:_LONGEST_LINE].rstrip("\r") for _, _, line in pairs], MARK)
    return [(pair[0], line) for pair, line in zip(pairs, lines, strict=True)]


def _grep(lines: Sequence[str], source: str) -> Sequence[str]:
    if not source:
        return lines
    expression = compile_regex(source)
    return [line for line in lines if expression.search(line)]


def _extract(lines: Sequence[str], source: str) -> tuple[FoundValue, ...]:
    expression = compile_regex(source)
    hits = (expression.search(redact(line)) for line in lines if expression.search(line))
    values = (str(hit[1])[:200] for hit in hits if hit and hit[1])
    return tuple(FoundValue(value=value, count=count) for value, count in top_values(values, 20))
