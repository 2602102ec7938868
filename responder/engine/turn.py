"""
A turn: one transaction in which an incident takes in its new events and due timers, and `decide` says what is next.

Commands that can run at once are claimed by this process in the same transaction, so that the first message costs one
commit less.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from responder.engine import counting, journal, pending
from responder.engine.brains import Brains
from responder.engine.lanes import Lanes, Reservation, lane_of
from responder.engine.runtime import Runtime
from responder.engine.unpacking import LARGE, unpack
from responder.model import codec
from responder.model.action import Run
from responder.model.command import Planned
from responder.model.incident import Incident
from responder.model.timeline import ActionMoved, Event, Trouble
from responder.response import playbooks
from responder.response.brain import Brain, Decision
from responder.response.decide import decide
from responder.store.rows import CommandRow, incident_fields, micros, moment
from responder.store.store import Rows, Store, Transaction

EVENTS = 200
"""Events taken in at once: more would hold up everybody else; the rest are for the next turn."""
POSTPONED = timedelta(seconds=30)
"""How long an incident whose turn failed is left alone."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Takes turns. `owner` is the name of this process in the store; `lanes` says what it has room for."""

    store: Store
    runtime: Runtime
    brains: Brains
    lanes: Lanes
    owner: str
    started: Callable[[Sequence[CommandRow]], None]
    planned: Callable[[], None]

    async def take(self, number: int) -> bool:
        """
        Let an incident take its turn, if it has one.

        Returns whether it had; somebody else may be at it. Commands that were claimed are handed to `started`; that
        others wait is told to `planned`.
        """
        began = self.runtime.now()
        with self.lanes.reservation() as reservation:
            async with self.store.transaction() as tx:
                taken, events, timers = await tx.fetch_all(
                    ("incident_take", number, micros(began)),
                    ("events_unseen", number, EVENTS),
                    ("timers_pending", number),
                )
                if not taken:
                    return False
                _, data, stop = taken[0]
                decision, claimed = await self._decide(tx, Found(data, stop, events, timers), reservation)
            reservation.keep([row.lane for row in claimed])
        journal.decided(decision.incident, decision.records)
        self.started(claimed)
        self.runtime.metrics.turned(self.runtime.now() - began)
        for record in decision.records:
            if isinstance(record.what, ActionMoved):
                self.runtime.metrics.moved(record.what.after)
        return True

    async def due(self, limit: int = 50) -> list[int]:
        """List the incidents that have a turn to take, the longest waiting first."""
        return [row[0] for row in await self.store.read("incidents_due", micros(self.runtime.now()), limit)]

    async def failed(self, number: int, error: Exception) -> None:
        """Leave an incident alone for a while, and say so on its timeline."""
        now = self.runtime.now()
        trouble = Trouble(f"a turn of this incident failed and is tried again: {type(error).__name__}: {error}"[:500])
        async with self.store.transaction() as tx:
            await tx.fetch("incident_lock", number)
            known = await tx.fetch("events_unseen", number, EVENTS)
            if not any(f'"kind":"{trouble.kind}"' in row[2] for row in known):
                tx.run("event_add", number, trouble.kind, codec.HAPPENING.dump(trouble), micros(now), 0)
            tx.run("incident_postpone", number, micros(now + POSTPONED))

    async def _decide(
        self, tx: Transaction, found: "Found", reservation: Reservation
    ) -> tuple[Decision, list[CommandRow]]:
        now = self.runtime.now()
        large = len(found.data) > LARGE
        incident = before = unpack(found.data)
        if large:
            await asyncio.sleep(0)
        unseen = [Event(moment(at), codec.HAPPENING.load(body), key) for key, at, body in found.events]
        brain = await self._brain(tx, incident, unseen, found.stop)
        incident, brain = self._join(tx, incident, unseen, brain)
        timers = dict(tuple(row) for row in found.timers)
        due = sorted((name for name, due_at in timers.items() if due_at <= micros(now)), key=timers.__getitem__)
        decision = decide(incident, unseen, due, now, brain)
        if large:
            await asyncio.sleep(0)
        self._write(tx, decision, Taken(timers, due, [event.id for event in unseen]), now)
        counting.write(tx, before, decision, now)
        pending.write(tx, before, decision.incident, now)
        return decision, await self._plan(tx, incident.number, decision.commands, reservation)

    async def _brain(self, tx: Transaction, incident: Incident, unseen: Sequence[Event], stop: str | None) -> Brain:
        """Build what is decided with; who may start something reads, and holds, what has been started."""
        usage: Sequence[Run] = ()
        if counting.may_start(incident, unseen):
            ceilings = self.runtime.rulebook().ruleset.ceilings
            usage = await counting.counted(tx, incident, ceilings, self.runtime.now())
        return await self.brains.deciding(incident, tx, stop=stop, usage=usage)

    def _join(
        self, tx: Transaction, incident: Incident, unseen: Sequence[Event], brain: Brain
    ) -> tuple[Incident, Brain]:
        """Let the playbooks of rules whose alerts join for the first time join too."""
        playbook = playbooks.joined(incident, unseen, brain, self.brains.newest)
        if playbook is None:
            return incident, brain
        other, digest = self.brains.keep(playbook, tx)
        other = replace(other, stop=brain.stop, usage=brain.usage, forbidden=brain.forbidden)
        tx.run("incident_playbook", incident.number, digest)
        return replace(playbooks.adopt(incident, brain.playbook, playbook), playbook=digest), other

    def _write(self, tx: Transaction, decision: Decision, taken: "Taken", now: datetime) -> None:
        incident = decision.incident
        number = incident.number
        tx.run_each("event_seen", [(key,) for key in taken.events])
        records = [(number, e.what.kind, codec.HAPPENING.dump(e.what), micros(e.at), 1) for e in decision.records]
        tx.run_each("event_add", records)
        tx.run_each("timer_fired", [(number, name, micros(now)) for name in taken.due])
        set_timers = {name: micros(at) for name, at in decision.timers.items() if at is not None}
        cancelled = [name for name, at in decision.timers.items() if at is None]
        tx.run_each("timer_cancel", [(number, name) for name in cancelled])
        tx.run_each("timer_set", [(number, name, due_at) for name, due_at in set_timers.items()])
        wake_at = micros(now) if len(taken.events) == EVENTS else taken.next_wake(set_timers, cancelled)
        resolved_at = micros(incident.resolved_at) if incident.resolved_at else None
        tx.run("incident_save", number, *incident_fields(incident), resolved_at, wake_at, int(decision.released))

    async def _plan(
        self, tx: Transaction, number: int, commands: Sequence[Planned], reservation: Reservation
    ) -> list[CommandRow]:
        """Insert the commands; those due now for which there is room are ours already."""
        now = self.runtime.now()
        lease = micros(now + self.runtime.limits.lease)
        calls: list[tuple[object, ...]] = []
        for planned in sorted(commands, key=lambda one: one.priority):
            command, lane = planned.command, lane_of(planned.command)
            what = (number, command.key, command.kind, lane, codec.COMMAND.dump(command), planned.priority)
            if planned.due_at <= now and self.lanes.is_ours(lane) and reservation.take(lane):
                calls.append((*what, "running", self.owner, 1, lease, micros(now)))
            else:
                calls.append((*what, "ready", "", 0, micros(planned.due_at), micros(now)))
        rows = [CommandRow.of(row) for row in await tx.fetch_each("command_add", calls)]
        if any(not row.epoch for row in rows):
            tx.hint("perform")
            self.planned()
        return [row for row in rows if row.epoch]


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn found in the store: the incident, the stop of all automation, events not seen yet, timers."""

    data: str
    stop: str | None
    events: Rows
    timers: Rows


@dataclass(frozen=True, slots=True)
class Taken:
    """What a turn took in: the timers that were set, those of them that are due, the ids of the events."""

    pending: Mapping[str, int]
    due: Sequence[str]
    events: Sequence[int]

    def next_wake(self, set_timers: Mapping[str, int], cancelled: Sequence[str]) -> int | None:
        """Say when the next timer is due, None when there is none."""
        gone = {*self.due, *cancelled}
        left = {name: due_at for name, due_at in self.pending.items() if name not in gone} | dict(set_timers)
        return min(left.values(), default=None)
