"""What the store holds, for the API, the metrics and the diagnostics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from responder.engine.controls import STOP
from responder.engine.views import Counts, Rejected, SeenAlert, Wanted
from responder.model import codec
from responder.model.alert import Episode
from responder.model.incident import Incident
from responder.model.outside import RelatedIncident
from responder.model.playbook import Playbook
from responder.model.target import Target
from responder.model.timeline import Event
from responder.store.rows import EpisodeRow, maybe, moment
from responder.store.store import Row, Rows, Store

_NO_NUMBER = 2**62
_PAGE = 1_000
_MOST_EVENTS = 10_000
_MOST_FIRST = 100
"""Alerts shown of an incident whose first turn is still to come."""
_MOST_COMPARED = 500
"""Open incidents that are looked through for related ones, the newest."""
_MOST_RELATED = 20
_MOST_ACTING = 500
"""Incidents whose actions are listed together, the newest."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads. Every method raises StoreUnavailable when the store does not answer."""

    store: Store

    async def incidents(self, wanted: Wanted) -> Sequence[Incident]:
        """List incidents, newest first, at most `limit`."""
        status = wanted.status.value if wanted.status is not None else None
        before = wanted.before if wanted.before is not None else _NO_NUMBER
        filters = (status, wanted.severity, wanted.rule)
        found = _incidents(await self.store.read("incidents_list", *filters, before, wanted.limit))
        return [await self._begun(incident) for incident in found]

    async def incident(self, number: int) -> Incident | None:
        """Load one; None when there is none of that number."""
        found = _incidents(await self.store.read("incident_read", number))
        return await self._begun(found[0]) if found else None

    async def acting(self) -> Sequence[Incident]:
        """List the incidents with actions that are not over, or that are reminded of, newest first."""
        found = _incidents(await self.store.read("incidents_acting", _MOST_ACTING))
        return [await self._begun(incident) for incident in found]

    async def playbook(self, incident: Incident) -> Playbook | None:
        """Load the playbook that an incident goes by, None where it has none."""
        rows = await self.store.read("playbook_read", incident.playbook)
        return codec.PLAYBOOK.load(rows[0][0]) if rows else None

    async def timeline(self, number: int, *, after: int = 0, limit: int = _MOST_EVENTS) -> Sequence[Event]:
        """List an incident's events in the order in which they were written, those after one of them."""
        events: list[Event] = []
        while len(events) < limit:
            wanted = min(_PAGE, limit - len(events))
            rows = await self.store.read("events_list", number, after, wanted)
            events.extend(Event(moment(at), codec.HAPPENING.load(body), key) for key, at, body in rows)
            if len(rows) < wanted:
                break
            after = rows[-1][0]
        return events

    async def alerts(
        self, *, fingerprint: str | None = None, rule: str | None = None, before: int | None = None, limit: int = 50
    ) -> Sequence[SeenAlert]:
        """List stored episodes, newest first; also those that were only recorded."""
        start = before if before is not None else _NO_NUMBER
        rows = await self.store.read("episodes_recorded", fingerprint, rule, start, limit)
        return [_seen(EpisodeRow.of(row)) for row in rows]

    async def _begun(self, incident: Incident) -> Incident:
        """Show the alerts of an incident whose first turn is still to come: it has been opened for them."""
        if incident.episodes:
            return incident
        rows = await self.store.read("episodes_of_incident", incident.number, _MOST_FIRST)
        return replace(incident, episodes=tuple(_episode(EpisodeRow.of(row)) for row in rows))

    async def counts(self) -> Counts:
        """Count, for the metrics."""
        waiting, oldest = await self.store.inbox.count()
        ((rejected,),) = await self.store.read("rejected_count")
        pending = await self.store.read("attempts_pending")
        stop = await self.store.read("control_read", STOP)
        return Counts(
            inbox=waiting,
            oldest=maybe(oldest),
            open_by_severity=_counted(await self.store.read("incidents_by_severity")),
            rejected=rejected,
            waiting=_counted(await self.store.read("commands_waiting")),
            undelivered=await self._counter("undelivered"),
            set_aside=await self._counter("set_aside"),
            attempts={state: count for state, count, _, _ in pending},
            approvals=sum(asking for _, _, asking, _ in pending),
            asked_at=min((moment(since) for *_, since in pending if since is not None), default=None),
            stop=codec.STOP.load(stop[0][0]) if stop else None,
        )

    async def _counter(self, name: str) -> int:
        return sum(value for (value,) in await self.store.read("counter_read", name))

    async def rejected(self, limit: int) -> tuple[Sequence[Rejected], int]:
        """List what was refused for good, newest first, and count all that is kept."""
        rows = await self.store.read("rejected_list", limit)
        ((total,),) = await self.store.read("rejected_count")
        return [_rejected(row) for row in rows], total

    async def related(self, incident: Incident) -> Sequence[RelatedIncident]:
        """List other open incidents that share cluster, namespace or workload, the most shared first; at most 20."""
        target = incident.target
        rows = await self.store.read("incidents_related", incident.number, target.cluster, _MOST_COMPARED)
        found = [
            RelatedIncident(f"INC-{number}", title, severity, same, moment(since))
            for number, title, severity, namespace, workload, since in rows
            if (same := _same(target, namespace, workload))
        ]
        return sorted(found, key=lambda one: -len(one.same))[:_MOST_RELATED]


@dataclass(frozen=True, slots=True)
class RelatedTo:
    """What else is wrong now, seen from one incident: the tool that diagnostics are handed."""

    reader: Reader
    incident: Incident

    async def related(self) -> Sequence[RelatedIncident]:
        """List other open incidents that share something with it."""
        return await self.reader.related(self.incident)


def _incidents(rows: Rows) -> list[Incident]:
    return [codec.INCIDENT.load(data) for _, data in rows]


def _counted(rows: Rows) -> Mapping[str, int]:
    return {name: count for name, count in rows}  # noqa: C416 - a row is no pair to dict()


def _rejected(row: Row) -> Rejected:
    key, received_at, status, reason, sender, size, body, times = row
    return Rejected(moment(received_at), status, reason, sender, size, body, id=key, times=times)


def _seen(row: EpisodeRow) -> SeenAlert:
    return SeenAlert(
        fingerprint=row.fingerprint,
        started_at=row.started_at,
        ended_at=row.ended_at,
        labels=row.labels,
        annotations=row.annotations,
        cluster=row.cluster,
        rule=row.rule,
        incident=row.incident,
        id=row.id,
    )


def _episode(row: EpisodeRow) -> Episode:
    return Episode(
        row.fingerprint,
        row.started_at,
        row.ended_at,
        row.labels,
        row.annotations,
        row.generator_url,
        row.silenced_by,
    )


def _same(target: Target, namespace: str, workload: str) -> tuple[str, ...]:
    """
    Name what is shared within one cluster; nothing, where each is about a namespace of its own.

    What is about no namespace (a node, the control plane) concerns the whole cluster.
    """
    if not target.namespace or not namespace:
        return ("cluster",)
    if target.namespace != namespace:
        return ()
    if not target.workload or target.workload != workload:
        return ("cluster", "namespace")
    return ("cluster", "namespace", "workload")
