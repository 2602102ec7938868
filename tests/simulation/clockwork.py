"""A loop in which time passes only when everybody sleeps, and a store on SQLite that answers within it."""

import asyncio
import selectors
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from responder.engine import unpacking
from responder.model import codec
from responder.store.sqlite import SqliteStore
from responder.store.sqlite_connection import Connection

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_REMEMBERED = 64
_STUCK = 120.0
"""Seconds of real time after which nothing will ever happen, also where a machine has much else to do."""


class _Jumping(selectors.SelectSelector):
    """Does not wait: time jumps to where something is due."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            found = super().select(_STUCK)
            if not found:
                raise RuntimeError("everybody waits for somebody else")
            return found
        if timeout <= 0:
            return []  # somebody can go on as it is
        found = super().select(0)
        if not found:
            self.passed += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return seconds since the loop began."""
        return self._jumping.passed


class LoopClock:
    """The time of a virtual loop, in tenths of a second: what is measured in real time must not show in it."""

    def now(self) -> datetime:
        """Return the time."""
        return NOON + timedelta(seconds=int(asyncio.get_running_loop().time() * 10 + 1e-6) / 10)

    async def forward(self, seconds: float) -> None:
        """Let time pass; who sleeps until then wakes."""
        await asyncio.sleep(seconds)


class HandClock:
    """A clock that is moved by hand, for a store that answers in real time."""

    def __init__(self) -> None:
        self._at = NOON

    def now(self) -> datetime:
        """Return the time."""
        return self._at

    async def forward(self, seconds: float) -> None:
        """Move on; who really sleeps gets a moment for it."""
        self._at += timedelta(seconds=seconds)
        await asyncio.sleep(min(seconds, 0.02))


def _inline(connection: Connection) -> None:
    """Let a connection carry its work out at once, so that its place among other things is always the same."""

    async def call(work: Callable[[sqlite3.Connection], Any]) -> Any:
        return connection._work(work)

    connection.call = call  # type: ignore[method-assign]


@contextmanager
def remembering() -> Iterator[None]:
    """Let the engine remember every incident that it has read, as it remembers the large ones."""
    before, large = (unpacking.LARGE, unpacking._large), lru_cache(_REMEMBERED)(codec.INCIDENT.load)
    unpacking.LARGE, unpacking._large = 0, large
    try:
        yield
    finally:
        unpacking.LARGE, unpacking._large = before


async def inline(store: SqliteStore) -> SqliteStore:
    """Open a SQLite store that answers within the loop, and trusts the machine not to lose power."""
    connections = (store._writing, store._reading, store.inbox._writing, store.inbox._reading)
    for connection in connections:
        _inline(connection)
    await store.open()
    for connection in connections:
        await connection.call(lambda one: one.execute("pragma synchronous = off"))
    return store
