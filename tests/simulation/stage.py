"""The stage of a story: its processes and everything they share; here they are born and die, and things get about."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from responder.errors import ResponderError
from responder.model.incident import Incident
from responder.store.store import Store
from tests.simulation import books
from tests.simulation.books import Book
from tests.simulation.clockwork import NOON, HandClock, LoopClock
from tests.simulation.laws import Broken, Laws
from tests.simulation.people import People
from tests.simulation.plan import Plan, Told
from tests.simulation.points import Parked, Points, Process
from tests.simulation.records import Begun, Records
from tests.simulation.replica import Replica, runtime_of
from tests.simulation.stores import Database, SeenTransaction
from tests.simulation.world import World


class Stage:
    """Everything of one story. `latest` are the incidents as they were seen last; `halt` asks for a stop at once."""

    def __init__(self, plan: Plan, store: Store, clock: LoopClock | HandClock, *, shared: bool = False) -> None:
        self.plan, self.clock, self.told = plan, clock, Told()
        self.rng = random.Random(plan.seed * 7919 + 1)
        self.book: Book = books.single(plan.only) if plan.only else books.book(plan.variant)
        self.points = Points(self.rng, self.tell)
        self.database = Database(
            store, self.points, self.rng, self._committed, plan.replicas > 1 or shared, plan.fine or shared, plan.unsure
        )
        if not shared:
            self.points.can_begin = lambda: not self.database.open
        self.records = Records(clock.now)
        self.world = World(clock.now, self.rng, lossy=plan.lossy, breaks=plan.breaks, stubborn=plan.stubborn)
        self.people = People(self.world, self.rng)
        self.laws = Laws(self.book, self.world, self.people, self.records, store)
        self.replicas: list[Replica] = []
        self.latest: list[Incident] = []
        self.halting, self.halt = plan.halting, False
        self._born = 0
        self._frozen: set[int] = set()
        for _ in range(plan.replicas):
            self.bear()

    # --- what is seen and told ---

    def since(self) -> timedelta:
        """Say how long the story lasts."""
        return self.clock.now() - NOON

    def tell(self, line: str) -> None:
        """Write the story down."""
        self.told.lines.append((self.since(), line))

    async def look(self) -> None:
        """See how things stand, and whether nothing is stuck."""
        await self.points.quiet()
        self.latest = [one.incident for one in await self.laws.at_rest()]
        for incident in self.latest:
            self.people.see(incident)
        for replica in self.replicas:
            if errors := replica.errors():
                raise Broken(f"{replica.process.name} failed: {errors}")
        if self.told.broken:
            raise Broken(self.told.broken)

    async def heard(self, doing: Awaitable[Any]) -> Any:
        """Wait for a door; whoever is turned away comes again or not."""
        try:
            return await doing
        except ResponderError as error:
            self.tell(f"the door: {type(error).__name__}")
            raise asyncio.CancelledError from error

    # --- what gets about ---

    async def let_pass(self, parked: Parked) -> None:
        """Let somebody go on who is at a point, unless his time has come."""
        replica = self._of(parked.process)
        peril = self.rng.random() < self.plan.peril and "effect" in parked.label
        dies = parked.number in self.plan.deaths or (peril and self.rng.random() < 0.5)
        freezes = parked.number in self.plan.freezes or (peril and not dies)
        if dies:
            self.tell(f"{parked.process.name} DIES at {parked.number} {parked.label}")
            await self.die(replica)
        elif freezes and parked.number not in self._frozen:
            self._frozen.add(parked.number)
            self.tell(f"{parked.process.name} FREEZES at {parked.number} {parked.label}")
            await replica.freeze()
        else:
            self.points.let_go(parked)

    async def forward(self, seconds: float) -> None:
        """Let time pass."""
        await self.points.quiet()
        await self.clock.forward(seconds)

    def bear(self) -> None:
        """Let a process begin."""
        self._born += 1
        runtime = runtime_of(self.book, self.clock.now)
        replica = Replica(f"r{self._born}", runtime, database=self.database, world=self.world, records=self.records)
        self.replicas.append(replica)
        if not self.database.shared:
            replica.spawn(self.heard(replica.orphan()), "start")
        self.tell(f"{replica.process.name} is there")

    async def die(self, replica: Replica) -> None:
        """Let a process end; there is always one."""
        self.told.deaths += 1
        self.replicas.remove(replica)
        await replica.die()
        if not self.replicas:
            self.bear()

    def thaw(self, often: float = 0.7) -> None:
        """Let those that are frozen go on, as often as not."""
        for replica in self.replicas:
            if replica.process.frozen and self.rng.random() < often:
                self.tell(f"{replica.process.name} goes on")
                replica.thaw()

    def able(self) -> list[Replica]:
        """List the processes that are not frozen."""
        return [replica for replica in self.replicas if not replica.process.frozen]

    def anybody(self) -> Replica | None:
        """Choose one of those."""
        able = self.able()
        return self.rng.choice(able) if able else None

    def _of(self, process: Process) -> Replica:
        return next(replica for replica in self.replicas if replica.process is process)

    def _committed(self, process: Process, tx: SeenTransaction) -> None:
        broken = self.records.committed(tx, self.database.commits)
        if broken:
            self.told.broken = self.told.broken or broken
        starts = any(name == "run_begin" for name, _ in tx.written)
        self.halt = self.halt or (starts and self.rng.random() < self.halting)
        if any(name == "effect_begin" for name, _ in tx.written):
            begun = Begun(tx.after, self.database.commits, self.clock.now(), tx.command())
            self.records.begun[begun.command] = begun.committed
            self._of(process).began[id(asyncio.current_task())] = begun
