"""What people say about actions, put where the incident's next turn finds it. What counts is decided there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from responder.engine import journal
from responder.model import codec
from responder.model.timeline import ActionAsked, Answered
from responder.store.rows import micros
from responder.store.store import Store


@dataclass(frozen=True, slots=True)
class Answers:
    """Takes people's words. `woken` is called with the incident that they concern."""

    store: Store
    now: Callable[[], datetime]
    woken: Callable[[int], None]

    async def ask(self, number: int, asked: ActionAsked) -> bool:
        """Note that a person asks for an action; False when there is no such incident. Raises: StoreUnavailable."""
        return await self._put(number, asked)

    async def answer(self, number: int, answered: Answered) -> bool:
        """Note a person's word on an attempt; False when there is no such incident. Raises: StoreUnavailable."""
        return await self._put(number, answered)

    async def _put(self, number: int, what: ActionAsked | Answered) -> bool:
        now = micros(self.now())
        async with self.store.transaction() as tx:
            if not await tx.fetch("incident_lock", number):
                return False
            tx.run("event_add", number, what.kind, codec.HAPPENING.dump(what), now, 0)
            tx.run("incident_wake", number, now)
            tx.hint("turn")
        journal.said(number, what)
        self.woken(number)
        return True
