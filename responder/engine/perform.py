"""
Runs commands: claimed under a lease with an epoch, so that what a stale owner brings back is refused.

A command whose owner died is claimed again when its lease runs out. One that has lost its owner again and again is
given up: it may be what kills them.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter

import structlog

from responder.engine import journal
from responder.engine.acting import Acting
from responder.engine.brains import Brains
from responder.engine.lanes import Lanes, is_effect
from responder.engine.looking import look
from responder.engine.outcomes import counted_as
from responder.engine.readings import could_not_look
from responder.engine.runtime import Rehearsing, Runtime
from responder.engine.storms import Storms
from responder.engine.telling import Again, Telling
from responder.engine.unpacking import unpack
from responder.engine.vault import Vault
from responder.errors import StoreUnavailable
from responder.model import codec
from responder.model.action import Outcome, Preview, Progress
from responder.model.command import Act, Command, Diagnose, Follow, Look, Notify, Page
from responder.model.incident import Incident
from responder.model.labels import clean
from responder.model.redaction import redact
from responder.model.timeline import Acted, Diagnosed, Followed, Input, NotifyFailed, PageFailed, Previewed
from responder.store.rows import CommandRow, micros
from responder.store.store import Store

_log = structlog.get_logger()

MOST_LOST = 5
"""Owners that a command may lose."""
HOLDER_GONE = timedelta(minutes=1)
"""After which others take a command over from the process that holds its secrets: they ask for them again."""
_FIRST_DELAY = timedelta(seconds=1)
_LONGEST_DELAY = timedelta(seconds=60)
_STORE_DELAYS = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Seconds between tries to write down what came of a command: together less than a lease."""
_LONGER = (*_STORE_DELAYS, *(5.0,) * 180)
"""The same for an action: what is known of an effect is held for a quarter of an hour before it is given up."""
GIVE_UP_AFTER = timedelta(days=1)
"""Of "try again": then the incident hears that it failed."""


@dataclass(slots=True)
class _Running:
    row: CommandRow
    task: "asyncio.Task[None]"
    outcome: "Input | Again | None" = None

    @property
    def ending(self) -> bool:
        """Whether it is known what came of it, and only to be written down."""
        return self.outcome is not None


@dataclass(slots=True)
class Performer:
    """
    Runs the commands of this process. `woken` is called with the incident that a result concerns.

    `vault` holds the secrets that people gave to this process.
    """

    store: Store
    runtime: Runtime
    brains: Brains
    lanes: Lanes
    owner: str
    woken: Callable[[int], None]
    freed: Callable[[], None]
    vault: Vault
    _running: dict[int, _Running] = field(default_factory=dict)

    @property
    def telling(self) -> Telling:
        """What tells receivers."""
        return Telling(self.runtime, self.brains, Storms(self.store, self.runtime))

    @property
    def acting(self) -> Acting | Rehearsing:
        """What carries actions out."""
        return self.runtime.rehearsal or Acting(self.store, self.runtime, self.brains, self.vault)

    @property
    def _grace(self) -> timedelta:
        """How long a command waits for the process that holds its secrets; on an embedded store no other one lives."""
        return HOLDER_GONE if self.store.shared else timedelta(0)

    @property
    def tasks(self) -> set["asyncio.Task[None]"]:
        """What runs now."""
        return {running.task for running in self._running.values()}

    def start(self, rows: Sequence[CommandRow]) -> None:
        """Run commands that are claimed and have their places in their lanes."""
        for row in sorted(rows, key=lambda row: (row.priority, row.id)):
            stale = self._running.get(row.id)
            known = stale.outcome if stale is not None else None
            if stale is not None:
                stale.task.cancel()
            task = asyncio.create_task(self._run(row, known), name=f"{row.key} of INC-{row.incident}")
            self._running[row.id] = _Running(row, task, known)

    async def claim(self) -> int:
        """Claim what is due and has room, run it, and return how much that was."""
        now = self.runtime.now()
        lanes = [row[0] for row in await self.store.read("lanes_due", micros(now))]
        lease = micros(now + self.runtime.limits.lease)
        open_lanes = sorted((lane for lane in lanes if self.lanes.free(lane) > 0), key=_urgency)
        if not open_lanes:
            return 0
        rows: list[CommandRow] = []
        with self.lanes.reservation() as reservation:
            async with self.store.transaction() as tx:
                for lane in open_lanes:
                    room = reservation.all_of(lane)
                    due = now if self.lanes.is_ours(lane) else now - self._grace
                    found = await tx.fetch("command_claim", self.owner, lease, micros(due), lane, room)
                    rows.extend(CommandRow.of(row) for row in found)
            reservation.keep([row.lane for row in rows])
        self.start(rows)
        return len(rows)

    async def extend(self) -> None:
        """Say that what runs is still ours; end what another epoch has taken."""
        now = self.runtime.now()
        lease = micros(now + self.runtime.limits.lease)
        running = list(self._running.values())
        if not running:
            return
        async with self.store.transaction() as tx:
            rows = await tx.fetch_each("command_extend", [(one.row.id, one.row.epoch, lease) for one in running])
        ours = {row[0] for row in rows}
        for one in running:
            if one.row.id not in ours and not one.ending:
                _log.warning("command.lost", command=one.row.key, incident=one.row.incident, epoch=one.row.epoch)
                one.task.cancel()

    async def stop(self, within: timedelta) -> None:
        """
        Let end what runs; what does not end in time is released, for whoever comes next.

        An action that does not end even then may still be at it: nobody else may begin before its lease is over.
        """
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=within.total_seconds())
        left = list(self._running.values())
        for one in left:
            one.task.cancel()
        if left:
            await asyncio.wait({one.task for one in left}, timeout=1)
        now = micros(self.runtime.now())
        ended = [one.row for one in left if one.task.done() or not is_effect(one.row.lane)]
        async with self.store.transaction() as tx:
            tx.run_each("command_release", [(row.id, row.epoch, now) for row in ended])

    # --- one command ---

    async def _run(self, row: CommandRow, known: Input | Again | None = None) -> None:
        """Run a command; of one that was claimed anew while we knew what came of it, only write that down."""
        began = perf_counter()
        try:
            outcome = await self._outcome(row) if known is None else known
            running = self._running.get(row.id)
            if running is not None and running.row is row:
                running.outcome = outcome
            if await self._record(row, outcome):
                self._forget(row, outcome)
                self._counted(row, outcome, timedelta(seconds=perf_counter() - began))
        except StoreUnavailable as error:
            _log.warning("command.unrecorded", command=row.key, incident=row.incident, why=str(error))
        finally:
            running = self._running.get(row.id)
            if running is not None and running.row is row:
                del self._running[row.id]
            self.lanes.give(row.lane)
            self.runtime.metrics.performed(row.kind, timedelta(seconds=perf_counter() - began))
            self.freed()

    async def _outcome(self, row: CommandRow) -> Input | Again:
        command = codec.COMMAND.load(row.args)
        try:
            outcome = await self._perform(row, command)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - what one plugin throws concerns this one command, never the others
            outcome = _given_up(command, _broke(row, command, error))
        if isinstance(outcome, Again):
            journal.again(row.incident, command, outcome.why, attempt=row.attempt + 1)
        else:
            journal.ended(row.incident, command, outcome)
        return outcome

    async def _perform(self, row: CommandRow, command: Command) -> Input | Again:
        if row.epoch - 1 - row.attempt >= MOST_LOST:
            return _given_up(command, f"given up: {MOST_LOST} processes ended while they were at it", begun=row.begun)
        incident = await self._incident(row.incident)
        match command:
            case Diagnose():
                return await look(command, incident, self.runtime)
            case Notify():
                outcome = await self.telling.notify(row, command, incident)
            case Page():
                outcome = await self.telling.page(command, incident)
            case Look():
                return await self.acting.look(command, incident)
            case Act():
                return await self.acting.act(row, command, incident)
            case Follow():
                return await self.acting.follow(command, incident)
        if isinstance(outcome, Again) and self.runtime.now() - row.asked_at > GIVE_UP_AFTER:
            return _given_up(command, f"given up after a day: {outcome.why}")
        return outcome

    async def _incident(self, number: int) -> Incident:
        rows = await self.store.read("incident_read", number)
        if not rows:
            raise StoreUnavailable(f"INC-{number} is not in the store")
        return unpack(rows[0][1])

    def _forget(self, row: CommandRow, outcome: Input | Again) -> None:
        """Forget the secrets of an effect that is over, unless a later step may take them too."""
        if isinstance(outcome, Acted):
            command = codec.COMMAND.load(row.args)
            if isinstance(command, Act) and (command.last or outcome.outcome.status != "done"):
                self.vault.forget(command.tickets.values())

    def _counted(self, row: CommandRow, outcome: Input | Again, took: timedelta) -> None:
        command = codec.COMMAND.load(row.args) if isinstance(outcome, Acted) else None
        if isinstance(outcome, Acted) and isinstance(command, Act):
            status = counted_as(command, outcome.outcome, dry_run=self.runtime.dry_run)
            self.runtime.metrics.acted(command.what.plugin, status, took)

    async def _record(self, row: CommandRow, outcome: Input | Again) -> bool:
        """Write down what came of it, while the store does not answer some more times; False when it does not count."""
        delays = _LONGER if isinstance(outcome, Acted) else _STORE_DELAYS
        for delay in (*delays, None):
            try:
                return await self._write(row, outcome)
            except StoreUnavailable:
                if delay is None:
                    raise
                await asyncio.sleep(delay)
        return False

    async def _write(self, row: CommandRow, outcome: Input | Again) -> bool:
        now = self.runtime.now()
        if isinstance(outcome, Again):
            async with self.store.transaction() as tx:
                tx.run("command_again", row.id, row.epoch, micros(now + _delay(row, outcome)), outcome.why[:500])
            return False
        body = codec.HAPPENING.dump(outcome)
        async with self.store.transaction() as tx:
            _, ours = await tx.fetch_all(
                ("incident_lock", row.incident), ("command_finish", row.id, row.epoch, micros(now), outcome.kind)
            )
            if ours:
                tx.run("event_add", row.incident, outcome.kind, body, micros(now), 0)
                tx.run("incident_wake", row.incident, micros(now))
                tx.hint("turn")
        if ours:
            self.woken(row.incident)
        else:
            _log.warning("command.refused", command=row.key, incident=row.incident, epoch=row.epoch)
        return bool(ours)


def _broke(row: CommandRow, command: Command, error: Exception) -> str:
    """Log what a plugin threw, and say it; of one that knew a secret only what kind of error it was."""
    kind = type(error).__name__
    if isinstance(command, Act | Look) and command.tickets:
        _log.error("command.broke", command=row.key, incident=row.incident, error=kind)
        return f"it broke: {kind}"
    _log.error("command.broke", command=row.key, incident=row.incident, exc_info=error)
    return f"it broke: {kind}: {error}"


def _given_up(command: Command, why: str, *, begun: bool = True) -> Input:
    """Say that nothing came of it; an effect that was `begun` may be there."""
    why = redact(clean(why[:2000]))[:500]
    match command:
        case Diagnose(name=name, round=number):
            return Diagnosed(name, number, could_not_look(name, why), attempt=command.attempt)
        case Notify():
            return NotifyFailed(command.receiver, command.purpose, command.sequence, why)
        case Page():
            return PageFailed(command.receiver, command.event, command.sequence, why, command.about)
        case Look(steps=steps):
            previews = tuple(Preview("", refusal=why) for _ in steps)
            return Previewed(command.attempt, command.look, previews, first=command.first)
        case Act():
            outcome = Outcome("in_doubt" if begun else "not_done", why)
            return Acted(command.attempt, command.step, outcome, command.undo)
        case Follow():
            return Followed(command.attempt, command.step, command.look, Progress(why, complete=False, ready=False))


def _delay(row: CommandRow, again: Again) -> timedelta:
    """Wait longer each time, spread out; and at least as long as the other side asked."""
    growing: timedelta = min(_FIRST_DELAY * (1 << min(row.attempt, 10)), _LONGEST_DELAY)
    spread = growing * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return max(spread, again.delay or timedelta(0))


def _urgency(lane: str) -> tuple[int, str]:
    """Pagers first, then people, then looking."""
    order = ("page/", "notify/")
    return next((place for place, start in enumerate(order) if lane.startswith(start)), len(order)), lane
