"""
The places where a process can be held up, frozen or ended: every await on the store and on the world is one.

All processes of a story live in one event loop. Nobody passes a point before the story lets him, one at a time, so that
the same seed is the same story.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from responder.errors import StoreUnavailable

BEGIN = "begin"
"""The point before a transaction."""


@dataclass(eq=False)
class Process:
    """One process: once ended it does nothing more."""

    name: str
    alive: bool = True
    frozen: bool = False
    store_away: bool = False
    tasks: list["asyncio.Task[object]"] = field(default_factory=list)


@dataclass(eq=False)
class Parked:
    """Somebody at a point; `number` counts the points of the whole story from 1."""

    process: Process
    label: str
    number: int
    opened: "asyncio.Future[None]"


@dataclass
class Points:
    """All points of a story. `can_begin` says whether a transaction may begin without waiting for another."""

    rng: Random
    tell: Callable[[str], None]
    can_begin: Callable[[], bool] = lambda: True
    parked: list[Parked] = field(default_factory=list)
    passed: int = 0
    under_way: int = 0

    async def reach(self, process: Process, label: str) -> None:
        """Wait at a point until the story goes on."""
        if not process.alive:
            raise asyncio.CancelledError
        self.passed += 1
        loop = asyncio.get_running_loop()
        here = Parked(process, label, self.passed, loop.create_future())
        self.parked.append(here)
        cut_off = False
        try:
            while True:
                try:
                    await here.opened
                    break
                except asyncio.CancelledError:
                    if not process.alive or not process.frozen:
                        raise
                    cut_off = True  # what is frozen hears of it when it goes on
                    here.opened = loop.create_future()
        finally:
            if here in self.parked:
                self.parked.remove(here)
        if not process.alive or (cut_off and self.rng.random() < 0.5):
            raise asyncio.CancelledError

    def ready(self) -> list[Parked]:
        """List who could go on."""
        free = self.can_begin()
        return [p for p in self.parked if not p.process.frozen and (free or p.label != BEGIN)]

    def let_go(self, parked: Parked) -> None:
        """Let somebody pass."""
        self.tell(f"{parked.process.name} passes {parked.number} {parked.label}")
        self.parked.remove(parked)
        parked.opened.set_result(None)

    async def quiet(self) -> None:
        """Wait until everybody is at a point, asleep, or held up by the database."""
        loop = asyncio.get_running_loop()
        patience = 30
        while True:
            await asyncio.sleep(0)
            if loop._ready:  # type: ignore[attr-defined]
                continue
            if not self.under_way or not patience:
                return
            patience -= 1
            await asyncio.sleep(0.001)


def check_up(process: Process) -> None:
    """Raise StoreUnavailable for a process that cannot reach the store."""
    if process.store_away:
        raise StoreUnavailable("the store is away")
