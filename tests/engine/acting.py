"""A world in which actions are proposed, approved, and carried out on files; engines die in it, and others go on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from responder.engine.worker import Engine
from responder.errors import PermanentError
from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.model.labels import Labels
from responder.model.timeline import Answered
from responder.plugins.acting import StepContext
from tests.engine.conftest import Build
from tests.engine.plugins.acts import effects
from tests.engine.world import RULES, Clock, World, alert

ACTIONS = RULES.replace('percent}"}', 'percent}", propose: [act]}') + "    actions:\n      act: {ACTION}\n"


@dataclass(frozen=True)
class Tools:
    """What the actions of these tests use."""

    context: StepContext
    now: Callable[[], datetime]

    @property
    def attempt(self) -> str:
        return self.context.attempt

    @property
    def reason(self) -> str:
        return self.context.reason

    @property
    def by(self) -> str:
        return self.context.by

    @property
    def retry(self) -> bool:
        return self.context.retry

    async def hold(self) -> None:
        await self.context.hold()

    @property
    def labels(self) -> Labels:
        return self.context.labels

    def file(self, path: str) -> str:
        if path not in self.context.files:
            raise PermanentError(f"there is no {path}")
        return self.context.files[path]


@dataclass
class Stage:
    """A world with an attempt in it."""

    world: World

    @property
    def effects(self) -> list[dict[str, Any]]:
        """What happened to the world."""
        return effects(self.world.folder)

    def touch(self, name: str) -> Path:
        """Change how the world behaves."""
        path = self.world.folder / name
        path.touch()
        return path

    async def attempt(self, incident: int = 1) -> Attempt:
        """Return the last attempt of an incident."""
        return (await self.incident(incident)).attempts[-1]

    async def incident(self, number: int = 1) -> Incident:
        """Return an incident."""
        incident = await self.world.engine.reader.incident(number)
        assert incident is not None
        return incident

    async def state(self, incident: int = 1) -> ActionState:
        """Return where the last attempt of an incident stands."""
        return (await self.attempt(incident)).state

    async def answer(self, word: Any = "yes", by: str = "ann", incident: int = 1) -> None:
        """Say something about the last attempt; nothing comes of it yet."""
        attempt = await self.attempt(incident)
        said = Answered(attempt.number, word, by, roles=("on-call",), digest=attempt.digest)
        assert await self.world.engine.answers.answer(incident, said)

    async def approve(self, by: str = "ann", incident: int = 1) -> None:
        """Say yes, and let everything that is due happen."""
        await self.answer("yes", by, incident)
        await self.world.engine.settle()

    async def begin(self, reached: Callable[[], bool]) -> "asyncio.Task[None]":
        """Let things happen until something is so."""
        settling = asyncio.create_task(self.world.engine.settle())
        async with asyncio.timeout(30):
            while not reached():
                assert not settling.done()
                await asyncio.sleep(0.005)
        return settling

    async def at_work(self) -> None:
        """Let things happen until an effect is held up, and let the process die there."""
        await self.die(await self.begin((self.world.folder / "reached").exists))

    async def die(self, settling: "asyncio.Task[None]") -> None:
        """End the process without a word; another begins."""
        tasks = [settling, *self.world.engine._performer.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.world.engine = Engine(self.world.store, self.world.runtime)


Play = Callable[..., Awaitable[Stage]]


def rules_of(action: str, *, name: str = "api", mode: str = "approve", more: str = "") -> str:
    """Write rules that propose an action; `name` is of its object, `more` are words of the playbook."""
    return ACTIONS.replace("ACTION", f"{action}: {{folder: FOLDER, name: {name}}}, mode: {mode}{more}")


async def play(
    start: Build, action: str = "", *, name: str = "api", mode: str = "approve", more: str = "", **settings: Any
) -> Stage:
    """Open an incident that proposes an action; the clock stands still."""
    clock = settings.pop("clock", None) or Clock()
    rules = rules_of(action or "trial.switch", name=name, mode=mode, more=more)
    made = {"automation": "auto", "action_tools": lambda incident, context: Tools(context, clock.now)}
    world = await start(rules=rules, clock=clock, **made, **settings)
    await world.deliver(alert())
    return Stage(world)
