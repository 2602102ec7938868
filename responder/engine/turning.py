"""Which incident takes its turn next: those we know to have something new, then those that the store knows."""

from dataclasses import dataclass, field
from datetime import timedelta

from responder.engine.turn import Turn
from responder.store.rows import micros


@dataclass(slots=True)
class TurnQueue:
    """Incidents that have something new, the oldest hint first; none is handed out twice at a time."""

    _ready: dict[int, None] = field(default_factory=dict)
    _busy: set[int] = field(default_factory=set)

    def add(self, number: int) -> None:
        """Note that an incident has something new."""
        self._ready[number] = None

    def take(self) -> int | None:
        """Hand out one that nobody is at."""
        number = next((number for number in self._ready if number not in self._busy), None)
        if number is not None:
            del self._ready[number]
            self._busy.add(number)
        return number

    def give_back(self, number: int) -> None:
        """Say that nobody is at it any more."""
        self._busy.discard(number)


@dataclass(slots=True)
class Turner:
    """Lets incidents take their turns, one at a time; several turners share a queue."""

    turn: Turn
    queue: TurnQueue
    _failed: int | None = None

    async def step(self) -> bool:
        """Let one incident take its turn; False when none has one to take."""
        number = self.queue.take()
        if number is None:
            for due in await self.turn.due():
                self.queue.add(due)
            number = self.queue.take()
        if number is None:
            return False
        self._failed = number
        try:
            await self.turn.take(number)
        finally:
            self.queue.give_back(number)
        self._failed = None
        return True

    async def failed(self, error: Exception) -> None:
        """Leave the incident whose turn failed alone for a while."""
        if self._failed is not None:
            await self.turn.failed(self._failed, error)

    async def until(self) -> timedelta | None:
        """Say how long it is until the next timer, None when there is none."""
        ((wake_at,),) = await self.turn.store.read("wake_next")
        return None if wake_at is None else timedelta(microseconds=wake_at - micros(self.turn.runtime.now()))
