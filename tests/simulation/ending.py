"""The end of a story: everything heals, people answer, alerts end, and time passes until everything is over."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from responder.model.action import ActionState
from responder.store.rows import maybe, micros
from tests.simulation.laws import Broken
from tests.simulation.outside import Outside
from tests.simulation.stage import Stage

_ROUNDS = 400
_ANSWERED, _ANSWERED_ONE = 25, 12
"""Rounds in which people answer before the alerts end."""
_PATIENCE = 3
"""Rounds of those in which nothing is under way but what is blocked; as long as cooldowns and budgets, they are few."""
_PAUSES = (15.0, 130.0, 1300.0, 3700.0)
_LIVELY, _LIFTED = 0.3, 0.2
"""How often in such a round something happens from outside, how often a stop is lifted."""
_VAIN = 4
"""Looks after which what seems to be due is left to later."""
_WORKING = ("correlate", "turn0", "perform")


class Ending:
    """Sees a story to its end."""

    def __init__(self, stage: Stage, outside: Outside) -> None:
        self.stage, self.outside = stage, outside

    async def finish(self) -> None:
        """Heal everything, let people answer and time pass, until everything is over."""
        stage = self.stage
        self._heal()
        await self._answer()
        stage.halting = stage.world.lossy = stage.world.breaks = stage.database.unsure = 0.0
        for _ in range(_ROUNDS):
            await self._rest()
            if self.outside.lift() or self.outside.quieten() or self.outside.answer():
                continue
            if await stage.laws.is_over():
                break
            await self._next()
        else:
            raise Broken(f"it does not end: {await stage.laws.unfinished()}")
        stage.told.incidents = len(stage.latest)
        await stage.laws.at_the_end(stage.latest)

    def _heal(self) -> None:
        """Let everybody be there again; answers are still lost for a while."""
        stage = self.stage
        stage.tell("everything heals")
        stage.world.away = stage.world.chat_away = False
        for replica in stage.replicas:
            replica.process.store_away = False
            replica.thaw()

    async def _answer(self) -> None:
        """Let people answer while alerts fire and something is under way; and life goes on."""
        patience = _PATIENCE
        for _ in range(_ANSWERED_ONE if self.stage.plan.only else _ANSWERED):
            await self._rest()
            dice = self.stage.rng.random()
            if dice < _LIVELY and not self.stage.plan.only:
                await self.outside.anything()
                continue
            if (dice < _LIVELY + _LIFTED and self.outside.lift()) or self.outside.answer():
                continue
            under_way = self._under_way()
            patience -= not under_way
            if not patience:
                return
            await self._next(1.0 if under_way else self.stage.rng.choice(_PAUSES))

    def _under_way(self) -> bool:
        live = (attempt.state for incident in self.stage.latest for attempt in incident.attempts if attempt.state.live)
        return any(state is not ActionState.BLOCKED for state in live)

    async def _rest(self) -> None:
        await self._settle()
        await self.stage.look()

    async def _settle(self) -> None:
        """Let everything happen that can without time."""
        stage, vain, looked = self.stage, 0, False
        for _ in range(20_000):
            await stage.points.quiet()
            stage.laws.at_any_time()
            self.outside.halt()
            if ready := stage.points.ready():
                await stage.let_pass(stage.rng.choice(ready))
                if not stage.able():
                    stage.replicas[0].thaw()
            elif stage.points.under_way:
                await asyncio.sleep(0.002)
            elif any(replica.tasks() for replica in stage.able()):
                await stage.forward(0.5)
            else:
                vain = 0 if any(replica.moved for replica in stage.replicas) else vain + 1
                if looked and vain:
                    return
                due = await self._due() if vain < _VAIN else []
                looked = not due
                self._poll(due)
        raise Broken("it never comes to rest")

    async def _due(self) -> list[str]:
        """Name the loops that have something to do."""
        store, now = self.stage.database.store, micros(self.stage.clock.now())
        waiting, _ = await store.inbox.count()
        turns, lanes = await store.read("incidents_due", now, 1), await store.read("lanes_due", now)
        return [name for name, due in zip(_WORKING, (waiting, turns, lanes), strict=True) if due]

    def _poll(self, due: Sequence[str]) -> None:
        """Let some process do what is due; where nothing is, let it look all the same, now and then after itself."""
        rng, able = self.stage.rng, self.stage.able()
        for replica in self.stage.replicas:
            replica.moved = False
        names = due or _WORKING
        for replica in rng.sample(able, min(len(able), rng.choice((1, 1, 2)))):
            for name in names if rng.random() > 0.1 else replica.idle():
                if name in replica.idle():
                    replica.begin(name)

    async def _next(self, least: float = 1.0) -> None:
        """Go on to when something is due, or beyond."""
        stage, due = self.stage, await self._next_due()
        left = (due - stage.clock.now()).total_seconds() if due else 60.0
        await stage.forward(max(min(left, 3600.0), least))
        stage.thaw(often=0.3)
        if len(stage.replicas) < stage.plan.replicas:
            stage.bear()

    async def _next_due(self) -> datetime | None:
        store = self.stage.database.store
        rows: Sequence[Any] = [*await store.read("wake_next"), *await store.read("command_next")]
        return maybe(min((row[0] for row in rows if row[0] is not None), default=None))
