"""What has Kubernetes itself reported about the workload and its pods?"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model import resource as kinds
from responder.model.finding import Weight
from responder.model.moment import EPOCH, parse_moment
from responder.model.redaction import redact
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.params import Duration
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, Scope, scope_of
from responder.plugins.tools import Tools

Object = Mapping[str, Any]

_READ_AT_MOST = 3000
"""Events of a namespace; the API server keeps them for an hour and has no order to ask for."""
_GENERATED = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}|-\d{1,5}", re.ASCII)
"""The end of a pod's name: random, or an ordinal. Source: apimachinery, `rand.String`."""
_VARIES = re.compile(r"\b[0-9a-f]{8,}\b|\d+(?:\.\d+)*|\"[^\"]*\"")


class EventItem(BaseModel):
    """One report, and how often it came."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Normal or Warning.")
    reason: str
    message: str
    object: str = Field(description="The object of the newest one, as `pod/api-0`.")
    count: int
    objects: int = Field(1, description="How many objects it is about.")
    last_seen: datetime


class Events(diagnostic.Result):
    """The reports, the same ones counted together."""

    count: int = Field(description="Reports within `within`, repetitions included.")
    warnings: int = Field(description="Of `count`, those of type Warning.")
    items: tuple[EventItem, ...] = Field(description="Newest first, the same ones once.")

    def headline(self) -> str:
        """Name the newest warning."""
        newest = next((item for item in self.items if item.type == "Warning"), None)
        if newest is None:
            return f"{self.count} events, no warning"
        return f"{self.warnings} warnings; newest: {newest.reason}: {newest.message}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the warnings before the others."""
        ordered = sorted(self.items, key=lambda item: item.type != "Warning")
        return tuple(f"{i.last_seen:%H:%M} {i.object} {i.reason} x{i.count}: {i.message}"[:300] for i in ordered)[:20]

    def weight(self) -> Weight:
        """A warning is worth a look; most come and go."""
        return Weight.NOTABLE if self.warnings else Weight.NORMAL


class KubernetesEvents(diagnostic.Diagnostic["KubernetesEvents.Params"]):
    """
    Collect the events of the target, of its workload and of its pods, also of pods that are gone.

    The same report about several pods is one item with a count; values in it may differ.

    Source: `GET /api/v1/namespaces/{namespace}/events`, `count` and `lastTimestamp`, or `eventTime` and `series`.

    Example:

        diagnose:
          events: {kubernetes.events: {within: 30m}}
    """

    name = "kubernetes.events"
    needs = (*SCOPE_NEEDS, Verb("", "events", "list"))

    class Params(params.Params):
        """What to collect."""

        within: Duration = Field(timedelta(hours=1), description="How far back. API servers keep events for 1h.")
        show: int = Field(20, ge=1, le=100, description="Different reports listed at most; all are counted.")

    Result: ClassVar[type[Events]] = Events

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Events:
        """Collect the events."""
        scope = await scope_of(target, tools.kubernetes)
        # Events about what belongs to no namespace stand in `default`.
        namespaces = {scope.target.namespace or "default", target.namespace or "default"}
        read = (tools.kubernetes.list(kinds.EVENTS, namespace, limit=_READ_AT_MOST) for namespace in sorted(namespaces))
        found = [event for events in await asyncio.gather(*read) for event in events]
        about = _Subjects(target, scope)
        since = tools.now() - params.within
        return digest([event for event in found if about.cover(event) and last_seen(event) >= since], params.show)


class _Subjects:
    """The objects whose events count."""

    def __init__(self, target: Target, scope: Scope) -> None:
        self._named = {(target.kind, target.name), (scope.target.kind, scope.target.name)}
        self._owners: set[str] = set()
        objects = [*scope.pods, *([scope.workload] if scope.workload else ())]
        for found in objects:
            metadata = found["metadata"]
            self._named.add((str(found.get("kind", "Pod")), str(metadata["name"])))
            for owner in metadata.get("ownerReferences") or () if found.get("kind", "Pod") == "Pod" else ():
                self._named.add((str(owner.get("kind")), str(owner.get("name"))))
        # A pod that is gone is known by its name: its controller's, and what was put behind it.
        self._owners = {name for kind, name in self._named if kind in ("ReplicaSet", "StatefulSet", "DaemonSet", "Job")}

    def cover(self, event: Object) -> bool:
        """Say whether an event is about one of the objects."""
        about = event.get("involvedObject") or {}
        kind, name = str(about.get("kind", "")), str(about.get("name", ""))
        if (kind, name) in self._named:
            return True
        if kind != "Pod":
            return kind == "ReplicaSet" and any(
                known == "Deployment" and name.startswith(f"{owner}-") and "-" not in name[len(owner) + 1 :]
                for known, owner in self._named
            )
        return any(_GENERATED.fullmatch(name[len(owner) :]) for owner in self._owners if name.startswith(owner))


def last_seen(event: Object) -> datetime:
    """Return when a report came last, from whichever of the fields the reporter filled."""
    series = event.get("series") or {}
    stamps = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    return next(moment for moment in (*map(parse_moment, stamps), EPOCH) if moment is not None)


def digest(events: Sequence[Object], show: int) -> Events:
    """Put the same reports together, newest first."""
    groups: dict[tuple[str, str, str], list[Object]] = {}
    for event in sorted(events, key=last_seen, reverse=True):
        message = str(event.get("message") or event.get("note") or "")
        key = (str(event.get("type") or "Normal"), str(event.get("reason") or ""), _VARIES.sub("#", message))
        groups.setdefault(key, []).append(event)
    items = tuple(_item(kind, reason, found) for (kind, reason, _), found in groups.items())
    return Events(
        count=sum(item.count for item in items),
        warnings=sum(item.count for item in items if item.type == "Warning"),
        items=items[:show],
    )


def _item(kind: str, reason: str, events: Sequence[Object]) -> EventItem:
    newest = events[0]
    return EventItem(
        type=kind,
        reason=reason[:100],
        message=redact(" ".join(str(newest.get("message") or newest.get("note") or "").split()))[:300],
        object=_named(newest)[:200],
        count=sum(map(_count, events)),
        objects=len({_named(event) for event in events}),
        last_seen=last_seen(newest),
    )


def _named(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _count(event: Object) -> int:
    series = event.get("series") or {}
    return int(series.get("count") or event.get("count") or 1)
