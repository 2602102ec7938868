"""
Watches the alerts that must keep coming: the absence of one is an alert of our own.

A heartbeat is watched from its first sighting on. After our own start it gets its whole time anew, since what came
while we were away could not be seen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from responder.engine.accept import Intake
from responder.engine.runtime import Runtime
from responder.engine.sources import HEARTBEAT_LABEL, Source, delivery_of
from responder.model.alert import Alert, AlertStatus
from responder.model.duration import format_duration
from responder.model.labels import fingerprint
from responder.model.rule import Heartbeat, Rule
from responder.store.rows import HeartbeatRow, micros
from responder.store.store import Store

SCOPE = "heartbeat"
_CLAIM = timedelta(minutes=1)


@dataclass(slots=True)
class Heartbeats:
    """Looks every now and then; `started_at` is when this process began to watch."""

    store: Store
    runtime: Runtime
    intake: Intake
    owner: str
    started_at: datetime

    async def step(self) -> bool:
        """Look at every heartbeat, unless another process does."""
        now = self.runtime.now()
        async with self.store.transaction() as tx:
            if not await tx.fetch("claim_take", SCOPE, self.owner, micros(now + _CLAIM), micros(now)):
                return False
        rules = {rule.name: rule for rule in self.runtime.rulebook().ruleset.rules if rule.heartbeat}
        for row in map(HeartbeatRow.of, await self.store.read("heartbeats_list")):
            await self._look(row, rules.get(row.rule), now)
        return False

    async def _look(self, row: HeartbeatRow, rule: Rule | None, now: datetime) -> None:
        if rule is None or rule.heartbeat is None:
            await self._forget(row, now)
            return
        due_at = max(row.seen_at, self.started_at) + rule.heartbeat.expect_every
        if row.missing_since is None and due_at < now:
            await self._tell(self._absence(row, rule.heartbeat, due_at), row, missing_since=due_at)
        elif row.missing_since is not None and row.seen_at > row.missing_since:
            await self._tell(self._over(row, row.missing_since, row.seen_at), row, missing_since=None)

    async def _forget(self, row: HeartbeatRow, now: datetime) -> None:
        """Its rule is gone: nobody waits for it any more."""
        if row.missing_since is not None:
            await self._tell(self._over(row, row.missing_since, now), row, missing_since=None)
        async with self.store.transaction() as tx:
            tx.run("heartbeat_drop", row.rule, row.key)

    async def _tell(self, alert: Alert, row: HeartbeatRow, *, missing_since: datetime | None) -> None:
        """Put it into the inbox first: told twice it is still one episode, never told it would be lost."""
        await self.intake.accept(delivery_of([alert], receiver=SCOPE), Source.HEARTBEAT)
        since = micros(missing_since) if missing_since else None
        async with self.store.transaction() as tx:
            tx.run("heartbeat_missing", row.rule, row.key, since)

    def _absence(self, row: HeartbeatRow, heartbeat: Heartbeat, since: datetime) -> Alert:
        shown = ", ".join(f"{name} {value}" for name, value in row.labels.items() if value)
        name = row.rule.rpartition("/")[2]
        return self._alert(
            row,
            AlertStatus.FIRING,
            since,
            annotations={
                "summary": f"The heartbeat {name} is missing{f' ({shown})' if shown else ''}",
                "description": (
                    f"It is expected every {format_duration(heartbeat.expect_every)} and came last at "
                    f"{row.seen_at:%Y-%m-%d %H:%M:%S} UTC. Alerts may not be arriving: look at Prometheus, "
                    "Alertmanager and the way from there to here."
                ),
            },
        )

    def _over(self, row: HeartbeatRow, since: datetime, until: datetime) -> Alert:
        return self._alert(row, AlertStatus.RESOLVED, since, until=until)

    def _alert(
        self,
        row: HeartbeatRow,
        status: AlertStatus,
        since: datetime,
        *,
        until: datetime | None = None,
        annotations: dict[str, str] | None = None,
    ) -> Alert:
        several = {self.runtime.cluster_label: row.cluster} if len(self.runtime.clusters) > 1 else {}
        labels = {**row.labels, **several, "alertname": "HeartbeatMissing", HEARTBEAT_LABEL: row.rule}
        given = {name: value for name, value in labels.items() if value}
        return Alert(fingerprint(given), status, given, annotations or {}, since, until)
