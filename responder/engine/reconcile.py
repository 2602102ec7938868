"""
Compares what we hold with what the Alertmanagers hold, since some things they never tell.

Ends are not sent for what is silenced or inhibited when it ends; firings may be lost on the way. A silence shows on the
incident. Whoever cannot be asked proves nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class _Look:
    """What one Alertmanager answered."""

    watched: Watched
    alerts: Sequence[AmAlert]
    settled: bool


@dataclass(slots=True)
class Reconciler:
    """Looks every now and then. `woken` is called with each incident that has something new."""

    store: Store
    runtime: Runtime
    intake: Intake
    owner: str
    woken: Callable[[int], None]
    _absent: dict[str, datetime] = field(default_factory=dict)
    _undelivered: dict[str, datetime] = field(default_factory=dict)

    async def step(self) -> bool:
        """Look at every cluster, unless another process does."""
        if not self.runtime.alertmanagers:
            return False
        now = self.runtime.now()
        until = now + max(2 * self.runtime.reconcile_every, timedelta(seconds=30))
        async with self.store.transaction() as tx:
            if not await tx.fetch("claim_take", SCOPE, self.owner, micros(until), micros(now)):
                return False
        for cluster in sorted({watched.cluster for watched in self.runtime.alertmanagers}):
            await self._cluster(cluster)
        return False

    async def _cluster(self, cluster: str) -> None:
        asked = [watched for watched in self.runtime.alertmanagers if watched.cluster == cluster]
        now = self.runtime.now()
        looks = [look for look in await asyncio.gather(*(self._look(one) for one in asked)) if look is not None]
        if not looks:
            return
        episodes = [row async for row in self._open(cluster)]
        held = _held(looks)
        await self._silence([row for row in episodes if row.incident], held)
        if len(looks) == len(asked) and all(look.settled for look in looks):
            await self._end([row for row in episodes if HEARTBEAT_LABEL not in row.labels], held, now)
        await self._take_in(looks, {row.fingerprint for row in episodes}, now)

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

    async def _end(self, episodes: Sequence[EpisodeRow], held: Mapping[str, Sequence[AmAlert]], now: datetime) -> None:
        missing = {row.fingerprint: row for row in episodes if row.fingerprint not in held}
        self._absent = {f: _first_absence(self._absent.get(f), row, now) for f, row in missing.items()}
        over = [row for f, row in missing.items() if now - self._absent[f] >= BETWEEN_LOOKS]
        ends = [
            ended(row.fingerprint, row.labels, started_at=row.started_at, ended_at=self._absent[row.fingerprint])
            for row in over
        ]
        for some in _portions(ends):
            await self.intake.accept(delivery_of(some, receiver=SCOPE), Source.MISSING)
        for row in over:
            _log.info("alert.missing", fingerprint=row.fingerprint, incident=row.incident)
            del self._absent[row.fingerprint]

    # --- firings that never arrived ---

    async def _take_in(self, looks: Sequence[_Look], known: set[str], now: datetime) -> None:
        """Take in what an Alertmanager should have delivered to us, once that is later than it can be."""
        unknown = {
            alert.fingerprint: alert
            for look in looks
            for alert in look.alerts
            if alert.state == "active" and look.watched.receiver in alert.receivers and self._counts(alert, known)
        }
        self._undelivered = {f: self._undelivered.get(f, now) for f in unknown}
        patience = self.runtime.group_wait + self.runtime.group_interval
        late = [alert for f, alert in unknown.items() if now - self._undelivered[f] >= patience]
        for some in _portions([_firing(alert) for alert in late]):
            await self.intake.accept(delivery_of(some, receiver=SCOPE), Source.LOOK)
        if late:
            _log.warning("alerts.undelivered", count=len(late), first=late[0].fingerprint)
            async with self.store.transaction() as tx:
                tx.run("counter_add", "undelivered", len(late))
        for alert in late:
            del self._undelivered[alert.fingerprint]

    def _counts(self, alert: AmAlert, known: set[str]) -> bool:
        """A heartbeat has no episode, and that it does not arrive is what its rule is for."""
        return alert.fingerprint not in known and self.runtime.rulebook().match(alert.labels).heartbeat is None

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
