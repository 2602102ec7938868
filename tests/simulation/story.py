"""A story: by its seed it is decided who does what next, who dies, and what becomes of the world meanwhile."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from responder.errors import ResponderError
from responder.model.incident import Incident
from responder.model.timeline import ActionAsked
from responder.store.rows import maybe
from responder.store.store import Store
from tests.engine.world import alert, delivery
from tests.simulation import books
from tests.simulation.books import Book
from tests.simulation.clockwork import NOON, HandClock, LoopClock
from tests.simulation.laws import Broken, Laws
from tests.simulation.people import People, Said
from tests.simulation.plan import Plan, Told
from tests.simulation.points import Parked, Points, Process
from tests.simulation.records import Begun, Records
from tests.simulation.replica import Replica, runtime_of
from tests.simulation.stores import Database, SeenTransaction
from tests.simulation.world import World

NAMESPACES = ("prod", "dev", "kube-system")
_ROUNDS = 400
_WORKING = ("correlate", "turn0", "perform")
_ANSWERED = 25
_ANSWERED_ONE = 12
"""Rounds at the end in which people answer before the alerts end."""


class Story:
    """Everything of one story."""

    def __init__(self, plan: Plan, store: Store, clock: LoopClock | HandClock, *, shared: bool = False) -> None:
        random.seed(plan.seed)
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
        self.firing: dict[tuple[str, str], int] = {}
        self.ending: dict[tuple[tuple[str, str], int], int] = {}
        self.latest: list[Incident] = []
        self._born = 0
        self._frozen: set[int] = set()
        for _ in range(plan.replicas):
            self._bear()

    def tell(self, line: str) -> None:
        """Write the story down."""
        since = (self.clock.now() - NOON).total_seconds()
        self.told.trace.append(f"{since:8.1f} {line}")

    async def run(self) -> Told:
        """Let it happen, and see it to its end."""
        try:
            for _ in range(self.plan.steps):
                await self.points.quiet()
                self.laws.at_any_time()
                await self._step()
            if self.plan.only:
                self.firing["A", "prod"] = 0
                self._post(("A", "prod"), 0)
            await self._finish()
        except Broken as broken:
            self.told.broken = str(broken)
        for replica in self.replicas:
            await replica.die()
        self.told.points, self.told.effects = self.points.passed, len(self.world.effects)
        return self.told

    # --- one step ---

    async def _step(self) -> None:
        rng = self.rng
        ready = self.points.ready()
        if rng.random() < self.plan.trouble:
            await self._trouble()
        elif ready and rng.random() < 0.75:
            await self._pass(rng.choice(ready))
        elif rng.random() < 0.7:
            self._begin_something()
        elif rng.random() < 0.6:
            await self._outside()
        else:
            await self._wait()
        if rng.random() < 0.03:
            await self._look()

    async def _pass(self, parked: Parked) -> None:
        """Let somebody go on who is at a point, unless his time has come."""
        replica = self._of(parked.process)
        peril = self.rng.random() < self.plan.peril and "effect" in parked.label
        dies = parked.number in self.plan.deaths or (peril and self.rng.random() < 0.5)
        freezes = parked.number in self.plan.freezes or (peril and not dies)
        if dies:
            self.tell(f"{parked.process.name} DIES at {parked.number} {parked.label}")
            await self._die(replica)
        elif freezes and parked.number not in self._frozen:
            self._frozen.add(parked.number)
            self.tell(f"{parked.process.name} FREEZES at {parked.number} {parked.label}")
            await replica.freeze()
        else:
            self.points.let_go(parked)

    def _begin_something(self) -> None:
        able = [replica for replica in self.replicas if not replica.process.frozen]
        if able:
            replica = self.rng.choice(able)
            names = replica.idle()
            if names:
                replica.begin(self.rng.choice(names))

    async def _wait(self) -> None:
        span = self.rng.choice((0.5, 2, 5, 5, 16, 16, 40, 130))
        await self._forward(span)
        self.tell(f"-- {span} s later")

    async def _forward(self, seconds: float) -> None:
        await self.points.quiet()
        await self.clock.forward(seconds)

    # --- the world around ---

    async def _outside(self) -> None:
        rng, dice = self.rng, self.rng.random()
        if dice < 0.3 or not self.latest:
            for _ in range(rng.choice((1, 1, 3))):
                self._deliver()
            await self._look()
        elif dice < 0.8:
            said = self.people.anything(rng.choice(self.latest))
            if said is not None:
                self._say(said)
        elif dice < 0.9:
            name = rng.choice(books.OBJECTS)
            self.world.meddle(name)
            self.tell(f"somebody changes {name}")
        elif dice < 0.95:
            self.world.sick = rng.choice((0.0, 1.0, 1.0))
            self.tell(f"the world is {self.world.sick} ill")
        else:
            self._stop_or_lift()

    def _deliver(self) -> None:
        rng, now = self.rng, int((self.clock.now() - NOON).total_seconds())
        key = rng.choice(books.ALERTS), rng.choice(NAMESPACES[: rng.choice((1, 2, 3))])
        if key in self.firing and rng.random() < 0.35:
            if self.records.was_accepted(key, self.firing[key]):
                start = self.firing.pop(key)
                self._post(key, start, end=max(now, start + 1))
            return
        start = self.firing.setdefault(key, now)
        self.world.sick = 1.0
        self._post(key, start)

    def _post(self, key: tuple[str, str], start: int, end: int | None = None) -> None:
        name, namespace = key
        status = "firing" if end is None else "resolved"
        more = {} if end is None else {"end": end}
        one = alert(name, status=status, start=start, namespace=namespace, **more)
        if end is not None:
            self.ending[key, start] = end
        replica = self._anybody()
        if replica is None:
            return
        self.tell(f"{replica.process.name} gets {name} in {namespace}: {status} since {start}")

        async def post() -> None:
            await self._heard(replica.engine.intake.accept(delivery(one)))
            self.records.accepted(key, start, one["fingerprint"], ended=end is not None)
            if end is not None:
                self.ending.pop((key, start), None)

        replica.spawn(post(), "door")

    def _say(self, said: Said) -> None:
        replica = self._anybody()
        if replica is None:
            return
        self.tell(f"{replica.process.name} hears for INC-{said.incident}: {said.what}")
        answers, what = replica.engine.answers, said.what
        saying = (
            answers.ask(said.incident, what) if isinstance(what, ActionAsked) else answers.answer(said.incident, what)
        )
        replica.spawn(self._heard(saying), "door")

    def _stop_or_lift(self) -> None:
        replica = self._anybody()
        if replica is None:
            return
        if self.records.stopped_since() is None:
            until = self.clock.now() + timedelta(minutes=5) if self.rng.random() < 0.3 else None
            self.tell(f"{replica.process.name} is told to stop")
            replica.spawn(self._heard(replica.engine.controls.stop("ann", until=until)), "door")
        else:
            self.tell(f"{replica.process.name} is told to go on")
            replica.spawn(self._heard(replica.engine.controls.lift("ann")), "door")

    async def _heard(self, doing: Any) -> Any:
        """Wait for the door; whoever is turned away comes again or not."""
        try:
            return await doing
        except ResponderError as error:
            self.tell(f"the door: {type(error).__name__}")
            raise asyncio.CancelledError from error

    # --- trouble ---

    async def _trouble(self) -> None:
        rng = self.rng
        replica = rng.choice(self.replicas)
        match rng.choice(("die", "freeze", "freeze", "thaw", "thaw", "store", "world", "chat", "bear")):
            case "die":
                self.tell(f"{replica.process.name} DIES")
                await self._die(replica)
            case "freeze" if not replica.process.frozen:
                self.tell(f"{replica.process.name} FREEZES")
                await replica.freeze()
            case "thaw":
                self._thaw()
            case "store":
                replica.process.store_away = not replica.process.store_away
                self.tell(f"{replica.process.name} has a store: {not replica.process.store_away}")
            case "world":
                self.world.away = not self.world.away
                self.tell(f"the world is there: {not self.world.away}")
            case "chat":
                self.world.chat_away = not self.world.chat_away
                self.tell(f"the chat is there: {not self.world.chat_away}")
            case "bear" if len(self.replicas) < self.plan.replicas:
                self._bear()

    def _thaw(self, often: float = 0.7) -> None:
        for replica in self.replicas:
            if replica.process.frozen and self.rng.random() < often:
                self.tell(f"{replica.process.name} goes on")
                replica.thaw()

    async def _die(self, replica: Replica) -> None:
        self.told.deaths += 1
        self.replicas.remove(replica)
        await replica.die()
        if not self.replicas:
            self._bear()

    def _bear(self) -> None:
        self._born += 1
        runtime = runtime_of(self.book, self.clock.now)
        replica = Replica(f"r{self._born}", runtime, database=self.database, world=self.world, records=self.records)
        self.replicas.append(replica)
        if not self.database.shared:
            replica.spawn(self._heard(replica.orphan()), "start")
        self.tell(f"{replica.process.name} is there")

    def _of(self, process: Process) -> Replica:
        return next(replica for replica in self.replicas if replica.process is process)

    def _anybody(self) -> Replica | None:
        able = [replica for replica in self.replicas if not replica.process.frozen]
        return self.rng.choice(able) if able else None

    def _committed(self, process: Process, tx: SeenTransaction) -> None:
        broken = self.records.committed(tx, self.database.commits)
        if broken:
            self.told.broken = self.told.broken or broken
        if any(name == "effect_begin" for name, _ in tx.written):
            begun = Begun(tx.after, self.database.commits, self.clock.now(), tx.command())
            self.records.begun[begun.command] = begun.committed
            self._of(process).began[id(asyncio.current_task())] = begun

    # --- the end ---

    async def _look(self) -> None:
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

    async def _finish(self) -> None:
        """Heal everything, let people answer and time pass, until everything is over."""
        await self._heal()
        answered = _ANSWERED_ONE if self.plan.only else _ANSWERED
        for turn in range(_ROUNDS):
            await self._settle()
            await self._look()
            if turn < answered and self._answer():
                continue
            if turn >= answered and self._quieten():
                continue
            if turn > answered and self._answer():
                continue
            if turn > answered and await self.laws.is_over():
                break
            await self._next()
        else:
            raise Broken(f"it does not end: {await self.laws.unfinished()}")
        self.told.incidents = len(self.latest)
        await self.laws.at_the_end(self.latest)

    async def _heal(self) -> None:
        self.tell("everything heals")
        self.world.away = self.world.chat_away = False
        self.world.lossy = self.world.breaks = self.database.unsure = 0.0
        for replica in self.replicas:
            replica.process.store_away = False
            replica.thaw()
        if self.records.stopped_since() is not None:
            self._stop_or_lift()

    def _answer(self) -> bool:
        needed = [said for incident in self.latest if (said := self.people.needed(incident)) is not None]
        for said in needed:
            self._say(said)
        return bool(needed)

    def _quieten(self) -> bool:
        now = int((self.clock.now() - NOON).total_seconds())
        for (key, start), end in list(self.ending.items()):
            self._post(key, start, end)
        firing = list(self.firing.items())
        for key, start in firing:
            if self.records.was_accepted(key, start):
                self._post(key, self.firing.pop(key), end=max(now, start + 1))
            else:
                self._post(key, start)
        return bool(firing or self.ending)

    async def _settle(self) -> None:
        """Let everything happen that can without time."""
        for _ in range(20_000):
            await self.points.quiet()
            self.laws.at_any_time()
            ready = self.points.ready()
            if ready:
                await self._pass(self.rng.choice(ready))
                if self.replicas and all(replica.process.frozen for replica in self.replicas):
                    self.replicas[0].thaw()
                continue
            if self.points.under_way:
                await asyncio.sleep(0.002)
                continue
            moved = [replica for replica in self.replicas if replica.moved]
            if any(replica.tasks() for replica in self.replicas if not replica.process.frozen):
                await self._forward(0.5)
                continue
            if not moved and self._polled:
                self._polled = False
                return
            self._poll(first=not self._polled)
        raise Broken("it never comes to rest")

    _polled = False

    def _poll(self, *, first: bool) -> None:
        """Let one process look for work; now and then also after itself."""
        able = [replica for replica in self.replicas if not replica.process.frozen]
        for replica in self.replicas:
            replica.moved = False
        chosen = [replica for replica in able if self.rng.random() < 0.6] or able[:1]
        for replica in chosen:
            for name in _WORKING if not first or self.rng.random() > 0.1 else replica.idle():
                if name in replica.idle():
                    replica.begin(name)
        self._polled = True

    async def _next(self) -> None:
        """Go on to when something is due."""
        due = await self.next_due()
        left = (due - self.clock.now()).total_seconds() if due else 60.0
        await self._forward(min(max(left, 1.0), 3600.0))
        self._thaw(often=0.3)
        if len(self.replicas) < self.plan.replicas:
            self._bear()

    async def next_due(self) -> datetime | None:
        """Say when the next timer or command is due."""
        store = self.database.store
        rows: Sequence[Any] = [*await store.read("wake_next"), *await store.read("command_next")]
        return maybe(min((row[0] for row in rows if row[0] is not None), default=None))
