"""Removes what has been kept long enough: resolved incidents with all that is theirs, what is done, evidence."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from responder.engine.runtime import Runtime
from responder.errors import PermanentError
from responder.store.rows import micros
from responder.store.store import Store

SCOPE = "retain"
_CLAIM = timedelta(minutes=20)
_AT_ONCE = 50
_ROWS_AT_ONCE = 500

_log = structlog.get_logger()


@dataclass(slots=True)
class Keeper:
    """Removes a little at a time."""

    store: Store
    runtime: Runtime
    owner: str

    async def step(self) -> bool:
        """Remove some of what is old, unless another process does; True when there may be more."""
        now = self.runtime.now()
        async with self.store.transaction() as tx:
            if not await tx.fetch("claim_take", SCOPE, self.owner, micros(now + _CLAIM), micros(now)):
                return False
        resolved = micros(now - self.runtime.limits.keep_resolved)
        rows = await self.store.read("incidents_old", resolved, _AT_ONCE)
        for row in rows:
            await self._drop(row[0])
        done = micros(now - self.runtime.limits.keep_commands)
        async with self.store.transaction() as tx:
            await tx.fetch("lock_correlate")
            tx.run("commands_old", done, _ROWS_AT_ONCE)
            tx.run("timers_old", done)
            tx.run("episodes_old", resolved, _ROWS_AT_ONCE)
            tx.run("storms_old", resolved)
            tx.run("playbooks_unused", done)
            tx.run("runs_old", micros(now - self.runtime.limits.keep_runs))
        return len(rows) == _AT_ONCE

    async def sweep(self) -> bool:
        """Remove evidence of incidents that ended long ago, or that nobody knows any more; an open one keeps all."""
        if self.runtime.sweep_evidence is None:
            return False
        before = self.runtime.now() - self.runtime.limits.keep_evidence
        rows = await self.store.read("incidents_spared", micros(before))
        try:
            removed = await self.runtime.sweep_evidence(before, [f"INC-{number}" for (number,) in rows])
        except PermanentError as error:
            _log.warning("evidence.not_removed", why=str(error))
            return False
        if removed:
            _log.info("evidence.removed", files=removed, before=before.isoformat())
        return False

    async def _drop(self, number: int) -> None:
        async with self.store.transaction() as tx:
            await tx.fetch("incident_lock", number)
            tx.run("runs_end", number, micros(self.runtime.now()), "forgotten")
            for name in (
                "events_drop",
                "timers_drop",
                "commands_drop",
                "episodes_drop",
                "storm_lines_drop",
                "attempts_drop",
                "incident_drop",
            ):
                tx.run(name, number)
