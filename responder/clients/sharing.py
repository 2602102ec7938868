"""Identical reads within a moment share one answer: single flight, then a short cache."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Beyond(Protocol):
    """Where answers may be that other processes had."""

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return such an answer, or what `ask` answers. Raises what `ask` raises."""


@dataclass(slots=True)
class _Flight(Generic[T]):
    """One question under way or just answered; `landed_at` is in seconds of the clock, None while under way."""

    task: asyncio.Task[T]
    landed_at: float | None = None


class Sharing(Generic[T]):
    """
    Shares answers by key. Who stops waiting stops nobody else; a failure is shared only while under way.

    What no one in this process has is looked for `beyond` it first, where an answer may be as old as `fresh_for`.
    """

    def __init__(
        self, fresh_for: timedelta, *, clock: Callable[[], float] = time.monotonic, beyond: Beyond | None = None
    ) -> None:
        self._beyond = beyond
        self._fresh_for = fresh_for.total_seconds()
        self._clock = clock
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the answer for the key, asking if nobody did within the fresh time. Raises what `ask` raises."""
        flight = self._flights.get(key)
        if flight is None or self._stale(flight):
            flight = self._start(key, ask)
        return await asyncio.shield(flight.task)

    async def close(self) -> None:
        """End what is under way."""
        tasks = [flight.task for flight in self._flights.values() if not flight.task.done()]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def _start(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> _Flight[T]:
        async def fly() -> T:
            answer: T = await (self._beyond.get(key, ask) if self._beyond else ask())
            return answer

        flight = _Flight(asyncio.create_task(fly()))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda task: self._land(key, flight))
        return flight

    def _stale(self, flight: _Flight[T]) -> bool:
        return flight.landed_at is not None and self._clock() - flight.landed_at >= self._fresh_for

    def _land(self, key: Hashable, flight: _Flight[T]) -> None:
        failed = flight.task.cancelled() or flight.task.exception() is not None
        flight.landed_at = self._clock()
        if failed:
            self._drop(key, flight)
        else:
            # The answers are large and nobody may ask again: free them.
            flight.task.get_loop().call_later(self._fresh_for, self._drop, key, flight)

    def _drop(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
