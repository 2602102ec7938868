"""A clock that stands still until it is told to go on; who sleeps by it is woken in the order of the times."""

import asyncio
import heapq
import itertools
from datetime import datetime, timedelta


class VirtualClock:
    """Time for replays: aware, UTC."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    @property
    def sleeping(self) -> int:
        """How many wait for the clock."""
        return len(self._sleepers)

    @property
    def next(self) -> datetime | None:
        """When the first sleeper wakes; None when nobody sleeps."""
        return self._sleepers[0][0] if self._sleepers else None

    async def sleep(self, span: timedelta) -> None:
        """Wait until the clock has gone on by that much."""
        if span <= timedelta(0):
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + span, next(self._order), woken))
        await woken

    def advance(self, to: datetime) -> None:
        """Go on to a time, never back, and wake whose time has come."""
        self._now = max(self._now, to)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
