"""
Compares what we hold with what the Alertmanagers hold, since some things they never tell.

Ends are not sent for what is silenced or inhibited when it ends; firings may be lost on the way. A silence shows on the
incident. Whoever cannot be asked proves nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from responder.engine.accept import Intake
from responder.engine.runtime import Runtime, Watched
from responder.engine.sources import HEARTBEAT_LABEL, Source, delivery_of, ended
from responder.errors import CallError
from responder.model import codec
from responder.model.alert import Alert, AlertStatus
from responder.model.outside import AmAlert
from responder.model.timeline import AlertSilenced
from responder.store.rows import EpisodeRow, compact, micros
from responder.store.store import Store

_log = structlog.get_logger()

SETTLED_AFTER = timedelta(minutes=10)
"""An Alertmanager that started later may not have heard of every alert yet."""
BETWEEN_LOOKS = timedelta(minutes=5)
"""An alert must be missing on two looks at least that far apart."""
SCOPE = "reconcile"
_PAGE = 500
_AT_ONCE = 200
"""Alerts in one delivery of our own making."""


Marks: TypeAlias = Mapping[str, datetime]
"""Of each fingerprint, when it was first looked for in vain, or first seen undelivered."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one Alertmanager answered."""

    watched: Watched
    alerts: Sequence[AmAlert]
    settled: bool


@dataclass(slots=True)
class Reconciler:
    """
    Looks every now and then. `woken` is called with each incident that has something new.

    What it remembers is kept for each cluster. An alert has ended only when it is missing on every look between two of
    them that are far enough apart, and each of these was complete.
    """

    store: Store
    runtime: Runtime
    intake: Intake
    owner: str
    woken: Callable[[int], None]
    _absent: dict[str, Marks] = field(default_factory=dict)
    _undelivered: dict[str, Marks] = field(default_factory=dict)
    _kept: bool = False

    async def step(self) -> bool:
        """Look at every cluster, unless another process does."""
        if not self.runtime.alertmanagers:
            return False
        before, self._absent = self._absent, {}  # whatever keeps a look from being complete leaves nothing marked
        if not await self._claim():
            return False
        for cluster in sorted({watched.cluster for watched in self.runtime.alertmanagers}):
            await self._cluster(cluster, before.get(cluster, {}) if self._kept else {})
        return False

    async def _claim(self) -> bool:
        """Take the task, or keep it; what was marked before somebody else had it counts no more."""
        now = self.runtime.now()
        until = now + max(2 * self.runtime.reconcile_every, timedelta(seconds=30))
        async with self.store.transaction() as tx:
            owners, ours = await tx.fetch_all(
                ("claim_owner", SCOPE), ("claim_take", SCOPE, self.owner, micros(until), micros(now))
            )
        self._kept = bool(ours) and [owner for (owner,) in owners] == [self.owner]
        if not self._kept:
            self._undelivered = {}
        return bool(ours)

    async def _cluster(self, cluster: str, before: Marks) -> None:
        asked = [watched for watched in self.runtime.alertmanagers if watched.cluster == cluster]
        now = self.runtime.now()
        looks = [look for look in await asyncio.gather(*(self._look(one) for one in asked)) if look is not None]
        if not looks:
            return
        episodes = [row async for row in self._open(cluster)]
        held = _held(looks)
        await self._silence([row for row in episodes if row.incident], held)
        if len(looks) == len(asked) and all(look.settled for look in looks):
            missing = [row for row in episodes if row.fingerprint not in held and HEARTBEAT_LABEL not in row.labels]
            self._absent[cluster] = await self._end(missing, before, now)
        await self._take_in(cluster, looks, {row.fingerprint for row in episodes})

    async def _look(self, watched: Watched) -> _Look | None:
        try:
            status = await watched.source.status()
            alerts = await watched.source.alerts()
        except CallError as error:
            _log.warning("alertmanager.unreachable", cluster=watched.cluster, why=str(error))
            return None
        return _Look(watched, alerts, self.runtime.now() - status.uptime_since > SETTLED_AFTER)

    async def _open(self, cluster: str) -> AsyncIterator[EpisodeRow]:
        after = 0
        while rows := await self.store.read("episodes_open", cluster, after, _PAGE):
            for row in map(EpisodeRow.of, rows):
                yield row
            after = rows[-1][0]

    # --- ends that nobody told ---

    async def _end(self, missing: Sequence[EpisodeRow], before: Marks, now: datetime) -> Marks:
        """End what was missing on the looks before too, and return since when the others are."""
        since = {row.fingerprint: _first_absence(before.get(row.fingerprint), row, now) for row in missing}
        over = [row for row in missing if now - since[row.fingerprint] >= BETWEEN_LOOKS]
        ends = [
            ended(row.fingerprint, row.labels, started_at=row.started_at, ended_at=since[row.fingerprint])
            for row in over
        ]
        for some in _portions(ends):
            await self.intake.accept(delivery_of(some, receiver=SCOPE), Source.MISSING)
        for row in over:
            _log.info("alert.missing", fingerprint=row.fingerprint, incident=row.incident)
            del since[row.fingerprint]
        return since

    # --- firings that never arrived ---

    async def _take_in(self, cluster: str, looks: Sequence[_Look], known: set[str]) -> None:
        """Take in what an Alertmanager should have delivered to us, once that is later than it can be."""
        now, before = self.runtime.now(), self._undelivered.get(cluster, {})
        ours = [
            a for look in looks for a in look.alerts if a.state == "active" and look.watched.receiver in a.receivers
        ]
        candidates = {a.fingerprint: a for a in ours if a.fingerprint not in known and self._counts(a)}
        elsewhere = await self._known_in({self._cluster_of(alert) for alert in candidates.values()} - {cluster})
        unknown = {f: alert for f, alert in candidates.items() if f not in elsewhere}
        since = self._undelivered[cluster] = {f: before.get(f, now) for f in unknown}
        patience = self.runtime.group_wait + self.runtime.group_interval
        late = [alert for f, alert in unknown.items() if now - since[f] >= patience]
        for some in _portions([_firing(alert) for alert in late]):
            await self.intake.accept(delivery_of(some, receiver=SCOPE), Source.LOOK)
        if late:
            _log.warning("alerts.undelivered", cluster=cluster, count=len(late), first=late[0].fingerprint)
            async with self.store.transaction() as tx:
                tx.run("counter_add", "undelivered", len(late))
        for alert in late:
            del since[alert.fingerprint]

    def _counts(self, alert: AmAlert) -> bool:
        """A heartbeat has no episode, and that it does not arrive is what its rule is for."""
        return self.runtime.rulebook().match(alert.labels).heartbeat is None

    def _cluster_of(self, alert: AmAlert) -> str:
        clusters = self.runtime.clusters
        return clusters[0] if len(clusters) == 1 else alert.labels.get(self.runtime.cluster_label, "")

    async def _known_in(self, clusters: set[str]) -> set[str]:
        """One Alertmanager may serve many clusters: list what fires in those that its alerts name."""
        return {row.fingerprint for cluster in clusters async for row in self._open(cluster)}

    # --- silences ---

    async def _silence(self, episodes: Sequence[EpisodeRow], held: Mapping[str, Sequence[AmAlert]]) -> None:
        changed: list[tuple[EpisodeRow, tuple[str, ...]]] = []
        for row in episodes:
            if row.fingerprint in held:
                ids = tuple(sorted({key for alert in held[row.fingerprint] for key in alert.silenced_by}))
                if ids != row.silenced_by:
                    changed.append((row, ids))
        if not changed:
            return
        now = micros(self.runtime.now())
        incidents = sorted({row.incident for row, _ in changed})
        async with self.store.transaction() as tx:
            await tx.fetch("lock_correlate")
            await tx.fetch_each("incident_lock", [(number,) for number in incidents])
            for row, ids in changed:
                what = AlertSilenced(row.fingerprint, ids)
                tx.run("episode_silence", row.id, compact(ids))
                tx.run("event_add", row.incident, what.kind, codec.HAPPENING.dump(what), now, 0)
            tx.run_each("incident_wake", [(number, now) for number in incidents])
            tx.hint("turn")
        for number in incidents:
            self.woken(number)


def _first_absence(known: datetime | None, row: EpisodeRow, now: datetime) -> datetime:
    """Say when the alert was first looked for in vain; a look before its last start tells nothing."""
    return known if known and known >= row.latest_at else max(now, row.latest_at)


def _held(looks: Iterable[_Look]) -> dict[str, list[AmAlert]]:
    held: dict[str, list[AmAlert]] = {}
    for look in looks:
        for alert in look.alerts:
            held.setdefault(alert.fingerprint, []).append(alert)
    return held


def _firing(alert: AmAlert) -> Alert:
    return Alert(
        fingerprint=alert.fingerprint,
        status=AlertStatus.FIRING,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        ends_at=None,
        generator_url=alert.generator_url,
    )


def _portions(alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
    return (alerts[start : start + _AT_ONCE] for start in range(0, len(alerts), _AT_ONCE))
