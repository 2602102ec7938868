"""The global stop: who stopped all automation and until when, for every replica at once, and loud in every incident."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from responder.model import codec
from responder.model.action import Stop
from responder.model.timeline import AutomationChanged
from responder.store.rows import micros
from responder.store.store import Rows, Store, Transaction

STOP = "stop"
"""Its name in the store."""

_log = structlog.get_logger()


def stop_in(body: str | None, now: datetime) -> Stop | None:
    """Read a stored stop; None when there is none, or it is over."""
    stop = codec.STOP.load(body) if body is not None else None
    return stop if stop is not None and (stop.until is None or stop.until > now) else None


def _lasts_longer(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one > other)


@dataclass(frozen=True, slots=True)
class Controls:
    """
    Stops all automation and lets it go on. `woken` is called with every incident that is told.

    Every method raises StoreUnavailable.
    """

    store: Store
    now: Callable[[], datetime]
    woken: Callable[[int], None]

    async def standing(self) -> Stop | None:
        """Return the stop that stands by the hand of a person, None for none."""
        rows = await self.store.read("control_read", STOP)
        return stop_in(rows[0][0], self.now()) if rows else None

    async def stop(self, by: str, *, until: datetime | None = None, why: str = "") -> Stop:
        """
        Stop all automation, until a moment or until it is lifted; returns the stop that stands.

        That is an earlier one where it lasts longer: who wants less has to lift it, which nobody does unawares.
        """
        now = self.now()
        stop = Stop(by, now, until, why)
        async with self.store.transaction() as tx:
            await tx.fetch("control_lock")
            rows = await tx.fetch("control_read", STOP)
            before = stop_in(rows[0][0], now) if rows else None
            if before is not None and _lasts_longer(before.until, until):
                stop = before
            else:
                tx.run("control_write", STOP, codec.STOP.dump(stop), micros(now))
            self._tell(tx, AutomationChanged(by, True, why, stop.until))
        _log.warning("automation.stopped", by=by, until=stop.until.isoformat() if stop.until else "", why=why)
        await self._wake(await self.store.read("incidents_open"))
        return stop

    async def lift(self, by: str, *, why: str = "") -> bool:
        """Let automation go on; False when nobody had stopped it."""
        async with self.store.transaction() as tx:
            await tx.fetch("control_lock")
            rows = await tx.fetch("control_drop", STOP)
            stood = bool(rows) and stop_in(rows[0][0], self.now()) is not None
            if stood:
                self._tell(tx, AutomationChanged(by, False, why))
        if stood:
            _log.warning("automation.resumed", by=by, why=why)
            await self._wake(await self.store.read("incidents_open"))
        return stood

    def _tell(self, tx: Transaction, what: AutomationChanged) -> None:
        tx.run("event_add_open", what.kind, codec.HAPPENING.dump(what), micros(self.now()))

    async def review(self) -> None:
        """Wake every open incident: what it shows may not be what the rules allow any more."""
        await self._wake(await self.store.read("incidents_open"))

    async def remind(self) -> None:
        """Wake incidents that were told something and not woken, as who told them ended before."""
        await self._wake(await self.store.read("incidents_unheard", micros(self.now())))

    async def _wake(self, rows: Rows) -> None:
        """Wake them one by one: who locked several would stand in the way of those who correlate."""
        for (number,) in rows:
            async with self.store.transaction() as tx:
                await tx.fetch("incident_lock", number)
                tx.run("incident_wake", number, micros(self.now()))
                tx.hint("turn")
            self.woken(number)
