"""One process of a story: a whole engine, whose steps are begun one by one, and which can end or freeze anywhere."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from responder.engine.loops import Loop
from responder.engine.runtime import Limits, Runtime
from responder.engine.worker import Engine
from responder.errors import StoreUnavailable
from responder.model.labels import Labels
from responder.plugins.acting import StepContext
from responder.store.rows import micros
from tests.simulation import books
from tests.simulation.books import Book
from tests.simulation.points import Points, Process
from tests.simulation.records import Begun, Records
from tests.simulation.stores import Database, SeenStore
from tests.simulation.world import Effect, World

ASIDE = ("storm", "lease", "tidy")
"""Loops that seldom have anything to do."""


@dataclass(frozen=True)
class Hands:
    """What plugins may use: the world, through points at which their process can be held up."""

    world: World
    points: Points
    process: Process
    context: StepContext
    records: Records
    begun: Begun | None = None

    async def point(self, label: str) -> None:
        """Reach a point."""
        await self.points.reach(self.process, f"{label} of {self.attempt}" if self.attempt else label)

    def happened(self, plugin: str, thing: str, to: int) -> None:
        """Say that the effect is there."""
        changed = self.world.thing(thing)
        effect = Effect(
            name=self.attempt,
            plugin=plugin,
            lock=f"default/{thing}",
            namespace=self.labels.get("namespace", ""),
            at=self.world.now(),
            process=self.process.name,
            began=self.begun.after if self.begun else None,
            stale=self.begun is not None and self.records.is_stale(self.begun),
            retry=self.retry,
            to=to,
            pods=changed.pods,
            ready=changed.ready,
        )
        self.points.tell(f"{self.process.name} EFFECT {self.attempt}")
        self.world.happened(effect)

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

    @property
    def hold(self) -> Callable[[], Awaitable[None]]:
        return self.context.hold

    @property
    def labels(self) -> Labels:
        return self.context.labels

    def now(self) -> datetime:
        return self.world.now()


class Replica:
    """A process. `began` says in which transaction a task has last begun an effect."""

    def __init__(self, name: str, runtime: Runtime, *, database: Database, world: World, records: Records) -> None:
        self.process = Process(name)
        self.began: dict[int, Begun] = {}
        self._database = database
        points, process = database.points, self.process
        idle: Any = Hands(world, points, process, StepContext(attempt=""), records)

        def hands(incident: Any, context: StepContext) -> Any:
            task = asyncio.current_task()
            begun = self.began.get(id(task)) if context.reason and task is not None else None
            return Hands(world, points, process, context, records, begun)

        self.runtime = replace(runtime, tools=lambda incident: idle, notifier_tools=idle, action_tools=hands)
        self.store = SeenStore(database, process)
        self.engine = Engine(self.store, self.runtime)
        engine = self.engine
        self.loops: dict[str, Loop] = {
            "correlate": engine._correlating,
            **{f"turn{place}": loop for place, loop in enumerate(engine._turning)},
            "perform": engine._performing,
            "storm": engine._storming,
            "lease": engine._leasing,
            **{loop.name: loop for loop in engine._aside if loop.name == "tidy"},
        }
        self._steps: dict[str, asyncio.Task[Any]] = {}
        self.moved = False

    def idle(self) -> list[str]:
        """Name the loops that are at nothing."""
        return [name for name in self.loops if name not in self._steps or self._steps[name].done()]

    def begin(self, name: str) -> None:
        """Let a loop take a step."""
        self._steps[name] = self.spawn(self._step(self.loops[name]), name)

    async def _step(self, loop: Loop) -> None:
        self.moved = await loop.attempt() or self.moved

    def spawn(self, doing: Awaitable[Any], name: str) -> "asyncio.Task[Any]":
        """Begin something that ends with the process."""
        task = asyncio.ensure_future(doing)
        task.set_name(f"{self.process.name} {name}")
        self.process.tasks = [each for each in self.process.tasks if not each.done()]
        self.process.tasks.append(task)
        return task

    def tasks(self) -> list["asyncio.Task[Any]"]:
        """List everything that it is at."""
        flushing = self.engine.intake._flushing
        commands = [running.task for running in self.engine._performer._running.values()]
        own = [task for task in self.process.tasks if not task.done()]
        return [*own, *commands, *([flushing] if flushing is not None else [])]

    async def orphan(self) -> None:
        """Take up at once what an earlier process on an embedded store was at, as `Engine.start` does."""
        async with self.store.transaction() as tx:
            tx.run("commands_orphaned", micros(self.runtime.now()))

    async def die(self) -> None:
        """End without a word."""
        self.process.alive = False
        tasks = self.tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def freeze(self) -> None:
        """Stand still; a database does not wait for who stands still within a transaction."""
        self.process.frozen = True
        for tx in [each for each in self._database.open if each.process is self.process and not each.under_way]:
            await tx.end(StoreUnavailable("frozen within a transaction"))

    def thaw(self) -> None:
        """Go on."""
        self.process.frozen = False

    def errors(self) -> list[str]:
        """Say which loops have failed for another reason than the store."""
        return [f"{name}: {loop._error!r}" for name, loop in self.loops.items() if loop._error is not None]


def runtime_of(book: Book, now: Callable[[], datetime]) -> Runtime:
    """Make what the engines of a story work with; each replica has hands of its own."""
    nothing: Any = None
    return Runtime(
        rulebook=lambda: book.rulebook,
        kitchen=books.kitchen(),
        registry=books.registry(),
        tools=lambda incident: nothing,
        notifier_tools=nothing,
        now=now,
        automation=book.automation,
        limits=replace(Limits(), storm=0),
    )
