"""The engine as a whole: the loops around `response`, started, stopped, or driven step by step."""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import structlog

from responder.engine.accept import Intake
from responder.engine.answers import Answers
from responder.engine.brains import Brains
from responder.engine.controls import Controls
from responder.engine.correlate import Correlator
from responder.engine.heartbeat import Heartbeats
from responder.engine.keeping import Keeper
from responder.engine.lanes import Lanes
from responder.engine.loops import Loop
from responder.engine.perform import Performer
from responder.engine.reader import Reader
from responder.engine.reconcile import Reconciler
from responder.engine.runtime import Rulebook, Runtime
from responder.engine.turn import Turn
from responder.engine.turning import Turner, TurnQueue
from responder.engine.vault import SETTLED, Vault
from responder.errors import StoreUnavailable
from responder.model.secrecy import holding
from responder.store.rows import maybe, micros
from responder.store.store import Store

_log = structlog.get_logger()

_HEARTBEATS_EVERY = timedelta(seconds=15)
_SWEEP_EVERY = timedelta(seconds=1)
_TIDY_EVERY = timedelta(minutes=1)
_RETAIN_EVERY = timedelta(minutes=10)
_EVIDENCE_EVERY = timedelta(hours=1)
_STORMS_EVERY = timedelta(seconds=1)
_RULES_EVERY = timedelta(seconds=1)
_MOST_ROUNDS = 100_000

_COURTESY = 2.0
"""While deliveries wait for their commit, correlating pauses that many times as long as it worked: they come first."""
_PATIENCE = timedelta(seconds=5)
"""Unless what it works on has waited that long already."""
_BEAT = 0.05
"""Seconds after which `settle` looks again who has gone to sleep."""


class Engine:
    """
    Takes deliveries in and works them off. The store is the caller's to open and close.

    `intake` is the way in, `reader` the way out; `answers` takes what people say of actions, `controls` stops them all.
    Between `start` and `stop` the loops run by themselves.
    """

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._store, self._runtime = store, runtime
        limits = runtime.limits
        self.intake = Intake(
            store, now=runtime.now, committed=self._committed, capacity=limits.intake, kept=limits.kept_rejected
        )
        self.reader = Reader(store)
        self.answers = Answers(store, runtime.now, self._woken)
        self.controls = Controls(store, runtime.now, self._woken)
        self.vault = Vault(self.owner, runtime.now)
        self._queue = TurnQueue()
        brains = Brains(store, runtime)
        lanes = Lanes(limits, self.owner)
        self._correlator = Correlator(store, runtime, brains)
        self._performer = Performer(store, runtime, brains, lanes, self.owner, self._woken, self._freed, self.vault)
        turn = Turn(store, runtime, brains, lanes, self.owner, self._performer.start, self._freed)
        self.reconciler = Reconciler(store, runtime, self.intake, self.owner, self._woken)
        self.heartbeats = Heartbeats(store, runtime, self.intake, self.owner, runtime.now())
        self.keeper = Keeper(store, runtime, self.owner)
        self._correlating = Loop(
            "correlate", self._correlate, limits.poll, failed=self._correlator.failed, insistent=True
        )
        turners = [Turner(turn, self._queue) for _ in range(store.writers)]
        self._turning = [
            Loop("turn", one.step, limits.poll, failed=one.failed, insistent=True, until=one.until) for one in turners
        ]
        self._performing = Loop("perform", self._perform, limits.poll, until=self._until_next)
        self._leasing = Loop("lease", self._extend, limits.lease / 3)
        self._storming = Loop("storm", self._storm, _STORMS_EVERY)
        self._aside = [
            self._storming,
            Loop("reconcile", self.reconciler.step, runtime.reconcile_every),
            Loop("heartbeat", self.heartbeats.step, _HEARTBEATS_EVERY),
            Loop("rules", self._review, _RULES_EVERY),
            Loop("sweep", self._sweep, _SWEEP_EVERY),
            Loop("tidy", self._tidy, _TIDY_EVERY),
            Loop("retain", self.keeper.step, _RETAIN_EVERY),
            Loop("evidence", self.keeper.sweep, _EVIDENCE_EVERY),
        ]
        self._reviewed: Rulebook | None = None
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """
        Start the loops. What an earlier process on an embedded store was at begins again at once.

        Raises: StoreUnavailable.
        """
        if not self._store.shared:
            async with self._store.transaction() as tx:
                tx.run("commands_orphaned", micros(self._runtime.now()))
        self._store.listen(self._heard)
        self._run("work", self._loops)
        self._run("lease", [self._leasing])

    async def stop(self) -> None:
        """
        Commit what was taken in, end what can end in time, release the rest; nothing is lost.

        The door must have been closed before.
        """
        await self.intake.close()
        await self._end("work", self._loops)
        try:
            await self._performer.stop(self._runtime.stop_within)
            async with self._store.transaction() as tx:
                tx.run("claim_drop", self.owner)
        except StoreUnavailable as error:
            _log.warning("engine.not_released", why=str(error))
        await self._end("lease", [self._leasing])

    async def settle(self, asleep: Callable[[], int] = lambda: 0) -> None:
        """
        Do everything that is due now, and what comes of it, until nothing is; for a clock that stands still.

        `asleep` counts the commands that wait for that clock: they are not waited for. The loops must not be running.
        """
        for _ in range(_MOST_ROUNDS):
            moved = await self._correlating.attempt()
            moved = await self._turning[0].attempt() or moved
            moved = await self._performing.attempt() or moved
            moved = await self._storming.attempt() or moved
            running = self._performer.tasks
            if len(running) > asleep():
                await asyncio.wait(running, timeout=_BEAT, return_when=asyncio.FIRST_COMPLETED)
                moved = True
            if not moved:
                return

    async def next_due(self) -> datetime | None:
        """Say when the next timer or command is due, None when there is none; for a clock that can be moved."""
        ((wake_at,),) = await self._store.read("wake_next")
        ((due_at,),) = await self._store.read("command_next")
        return maybe(min((at for at in (wake_at, due_at) if at is not None), default=None))

    async def trouble(self) -> str:
        """
        Say why nothing can be written, "" when it can: by the last commit of a delivery and the last step of each loop.

        Only after a commit that failed one is tried, as nobody may send a delivery to somebody who is not ready.
        """
        if self.intake.trouble and (why := await self.intake.probe()):
            return why
        return next((loop.unavailable for loop in self._loops if loop.unavailable), "")

    @property
    def _loops(self) -> tuple[Loop, ...]:
        return (self._correlating, *self._turning, self._performing, *self._aside)

    # --- hints ---

    def _committed(self) -> None:
        self._correlating.wake()

    def _woken(self, number: int) -> None:
        self._queue.add(number)
        for loop in self._turning:
            loop.wake()

    def _freed(self) -> None:
        self._performing.wake()

    def _heard(self, topic: str) -> None:
        match topic:
            case "correlate":
                self._correlating.wake()
            case "turn":
                for loop in self._turning:
                    loop.wake()
            case "perform":
                self._performing.wake()

    # --- steps ---

    async def _correlate(self) -> bool:
        began = perf_counter()
        woken = await self._correlator.step()
        for number in woken or ():
            self._woken(number)
        if self.intake.held and self._correlator.lag < _PATIENCE:
            await asyncio.sleep(_COURTESY * (perf_counter() - began))
        return woken is not None

    async def _perform(self) -> bool:
        return await self._performer.claim() > 0

    async def _until_next(self) -> timedelta | None:
        """Say how long it is until the next command may run; what waits for room is told by `_freed`."""
        ((due_at,),) = await self._store.read("command_next")
        left = None if due_at is None else due_at - micros(self._runtime.now())
        return None if left is None or left <= 0 else timedelta(microseconds=left)

    async def _storm(self) -> bool:
        """Bring the messages of storms up to date."""
        telling = self._performer.telling
        due = await telling.storms.due()
        for storm in due:
            await telling.storm(storm)
        return False

    async def _review(self) -> bool:
        """Let what is shown be what the rules allow: after a start too, as they may have changed before it."""
        rulebook = self._runtime.rulebook()
        if rulebook is not self._reviewed:
            await self.controls.review()
            self._reviewed = rulebook
        return False

    async def _extend(self) -> bool:
        await self._performer.extend()
        return False

    async def _sweep(self) -> bool:
        await self._store.inbox.sweep()
        return False

    async def _tidy(self) -> bool:
        await self.intake.probe()
        await self._store.tidy()
        await self.controls.remind()
        await self._forget()
        return False

    async def _forget(self) -> None:
        """Forget secrets of attempts that are over, and those that others have been given for since."""
        settled = self._runtime.now() - SETTLED
        for ticket, one in self.vault.entrusted():
            incident = await self.reader.incident(one.incident)
            attempts = incident.attempts if incident is not None else ()
            attempt = next((each for each in attempts if each.number == one.attempt and each.state.live), None)
            named = attempt is not None and ticket in holding(attempt.inputs)[1].values()
            if attempt is None or (not named and one.given_at <= settled):
                self.vault.forget([ticket])

    # --- tasks ---

    def _run(self, group: str, loops: Sequence[Loop]) -> None:
        self._tasks[group] = [asyncio.create_task(loop.run(), name=f"engine {loop.name}") for loop in loops]

    async def _end(self, group: str, loops: Sequence[Loop]) -> None:
        for loop in loops:
            loop.stop()
        tasks = self._tasks.pop(group, [])
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._runtime.stop_within.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
