"""
Runs a step again and again: woken by a hint, or by asking every now and then, whichever comes first.

This is where a failure of one step ends: it is logged, handed to whoever can do something about it, and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from responder.errors import StoreUnavailable

_log = structlog.get_logger()

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds after failures in a row; the last one is repeated."""

_MOST_INSISTENT = 20
"""Failures in a row after which even an insistent loop pauses."""

Step = Callable[[], Awaitable[bool]]
"""Does some work; True when there may be more at once."""


async def _nothing(error: Exception) -> None:
    """Leave it at the log."""


@dataclass(slots=True)
class Loop:
    """
    One loop. `every` is the longest pause between two steps; `until` may shorten it to when the next work is due.

    `unavailable` is why the store could not be worked on in the last step, "" when it could.
    `failed` is told of every failure but that of the store, before the next step; with `insistent` that comes at once.
    """

    name: str
    step: Step
    every: timedelta
    failed: Callable[[Exception], Awaitable[None]] = _nothing
    insistent: bool = False
    until: Callable[[], Awaitable[timedelta | None]] | None = None
    unavailable: str = ""
    _hinted: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _failures: int = 0
    _error: Exception | None = None

    def wake(self) -> None:
        """Take the next step now."""
        self._hinted.set()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Step until stopped."""
        while not self._stopping:
            self._hinted.clear()
            more = await self.attempt()
            if not more and not self._stopping:
                await self._pause()

    async def attempt(self) -> bool:
        """Take one step, whatever comes of it; True when there may be more at once."""
        try:
            error, self._error = self._error, None
            if error is not None:
                await self.failed(error)
            more = await self.step()
        except StoreUnavailable as unavailable:
            self._failures += 1
            self.unavailable = str(unavailable)
            _log.warning("store.unavailable", loop=self.name, why=self.unavailable)
            return False
        except Exception as raised:  # noqa: BLE001 - one failed step must not end the loop that all incidents live on
            self._failures += 1
            self._error = raised
            _log.error("loop.failed", loop=self.name, why=str(raised), exc_info=self._failures == 1)
            return self.insistent and self._failures < _MOST_INSISTENT
        self._failures = 0
        if self.unavailable:
            self.unavailable = ""
            _log.info("store.recovered", loop=self.name)
        return more

    async def _pause(self) -> None:
        pause = self.every.total_seconds()
        if self._failures:
            await asyncio.sleep(_PAUSES[min(self._failures, len(_PAUSES)) - 1])
            return
        if self.until is not None:
            pause = await self._shortened(pause)
        try:
            async with asyncio.timeout(pause):
                await self._hinted.wait()
        except TimeoutError:
            return

    async def _shortened(self, pause: float) -> float:
        assert self.until is not None  # noqa: S101
        try:
            due = await self.until()
        except StoreUnavailable:
            return pause
        return pause if due is None else max(0.0, min(pause, due.total_seconds()))
