"""A story: by its seed it is decided who does what next, who dies, and what becomes of the world meanwhile."""

import random

from responder.store.store import Store
from tests.simulation.clockwork import HandClock, LoopClock
from tests.simulation.ending import Ending
from tests.simulation.laws import Broken
from tests.simulation.outside import Outside
from tests.simulation.plan import Plan, Told
from tests.simulation.replica import ASIDE
from tests.simulation.stage import Stage

_WORKING = 0.85
"""How often of the loops one is begun that does the work."""


class Story:
    """Lets a plan happen."""

    def __init__(self, plan: Plan, store: Store, clock: LoopClock | HandClock, *, shared: bool = False) -> None:
        random.seed(plan.seed)
        self.plan = plan
        self.stage = Stage(plan, store, clock, shared=shared)
        self.outside = Outside(self.stage)

    async def run(self) -> Told:
        """Let it happen, and see it to its end."""
        stage, told = self.stage, self.stage.told
        try:
            for _ in range(self.plan.steps):
                await stage.points.quiet()
                stage.laws.at_any_time()
                self.outside.halt()
                await self._step()
            if self.plan.only:
                self.outside.fire(("A", "prod"))
            await Ending(stage, self.outside).finish()
        except Broken as broken:
            told.broken = str(broken)
        finally:
            for replica in stage.replicas:
                await replica.die()
        told.points, told.effects = stage.points.passed, len(stage.world.effects)
        return told

    async def _step(self) -> None:
        stage, rng = self.stage, self.stage.rng
        ready = stage.points.ready()
        if rng.random() < self.plan.trouble:
            await self._trouble()
        elif ready and rng.random() < 0.75:
            await stage.let_pass(rng.choice(ready))
        elif rng.random() < 0.7:
            self._begin_something()
        elif rng.random() < 0.6:
            await self.outside.anything()
        else:
            await self._wait()
        if rng.random() < 0.03:
            await stage.look()

    def _begin_something(self) -> None:
        replica = self.stage.anybody()
        idle = replica.idle() if replica is not None else []
        working = [name for name in idle if name not in ASIDE] if self.stage.rng.random() < _WORKING else idle
        if replica is not None and working:
            replica.begin(self.stage.rng.choice(working))

    async def _wait(self) -> None:
        span = self.stage.rng.choice((0.5, 2, 5, 5, 16, 16, 40, 130))
        await self.stage.forward(span)
        self.stage.tell(f"-- {span} s later")

    async def _trouble(self) -> None:
        stage, rng = self.stage, self.stage.rng
        replica = rng.choice(stage.replicas)
        match rng.choice(("die", "freeze", "freeze", "thaw", "thaw", "store", "world", "chat", "bear")):
            case "die":
                stage.tell(f"{replica.process.name} DIES")
                await stage.die(replica)
            case "freeze" if not replica.process.frozen:
                stage.tell(f"{replica.process.name} FREEZES")
                await replica.freeze()
            case "thaw":
                stage.thaw()
            case "store":
                replica.process.store_away = not replica.process.store_away
                stage.tell(f"{replica.process.name} has a store: {not replica.process.store_away}")
            case "world":
                stage.world.away = not stage.world.away
                stage.tell(f"the world is there: {not stage.world.away}")
            case "chat":
                stage.world.chat_away = not stage.world.chat_away
                stage.tell(f"the chat is there: {not stage.world.chat_away}")
            case "bear" if len(stage.replicas) < self.plan.replicas:
                stage.bear()
