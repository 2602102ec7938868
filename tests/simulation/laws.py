"""What must hold of every story, counted again from the world, from what people said, and from what is committed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from responder.engine.unpacking import unpack
from responder.model import codec
from responder.model.action import ActionState, Attempt, Outcome
from responder.model.ceilings import NEVER
from responder.model.incident import Incident, Status
from responder.store.rows import micros
from responder.store.sqlite import SqliteStore
from responder.store.sqlite_connection import execute
from responder.store.store import Store
from tests.simulation import asking, counting
from tests.simulation.books import Book
from tests.simulation.clockwork import NOON
from tests.simulation.people import People, effect_name
from tests.simulation.records import LASTING, Records
from tests.simulation.spans import History, spans_of
from tests.simulation.world import Effect, World

_TWICE = ("sim.put", "sim.keep")
"""Those whose effect is the same when it happens again."""
_UNFENCED = ("sim.put", "sim.keep", "sim.press")
"""Those that a process which stood still just before the effect causes however late: nothing hinders it."""


def _denied(outcome: Outcome | None) -> bool:
    """Whether a person has said that it did not happen; who stands still before an effect may cause it after that."""
    return outcome is not None and outcome.say.endswith("saw that it did not happen")


class Broken(AssertionError):
    """A law is broken."""


@dataclass(frozen=True)
class Resting:
    """An incident as it is committed, with what is to happen to it."""

    incident: Incident
    wake_at: int | None
    commands: frozenset[str]
    timers: dict[str, int]
    unseen: int
    urgent: int
    """Those among the unseen that are told together with being woken."""


@dataclass
class Laws:
    """The laws of one story."""

    book: Book
    world: World
    people: People
    records: Records
    store: Store
    _seen: int = 0
    _known: dict[int, tuple[str, Incident]] = field(default_factory=dict)
    _names: Counter[str] = field(default_factory=Counter)

    def at_any_time(self) -> None:
        """Check new effects: each at most once, begun by who may, where it may, and while nobody had stopped it."""
        for effect in self.world.effects[self._seen :]:
            self._names[effect.name] += 1
            if self._names[effect.name] > 1 and not (effect.plugin in _TWICE and (effect.retry or effect.stale)):
                raise Broken(f"{effect.name} happened {self._names[effect.name]} times")
            if effect.began is None:
                raise Broken(f"{effect.name} happened, and nobody had begun it")
            ends = effect.plugin == LASTING and effect.name.endswith("/undo")
            if self.records.stood(effect.began, effect.at) and not ends:
                raise Broken(f"{effect.name} was begun after all had been stopped")
            if effect.namespace in NEVER:
                raise Broken(f"{effect.name} happened in {effect.namespace}")
        self._seen = len(self.world.effects)

    async def at_rest(self) -> Sequence[Resting]:
        """Check what is committed: nothing is stuck; returns the incidents, oldest first."""
        resting = await self._resting()
        for one in resting:
            self._goes_on(one)
        return resting

    async def is_over(self) -> bool:
        """Whether nothing is to happen any more but reminders."""
        return await self.unfinished() == []

    async def unfinished(self) -> list[str]:
        """Say what is still to happen."""
        left: list[str] = []
        for one in await self._resting():
            incident = one.incident
            if incident.status is not Status.RESOLVED:
                left.append(f"{incident.id} is {incident.status}")
            left += [f"{incident.id}/{a.number} is {a.state}" for a in incident.attempts if a.state.live]
            left += [f"{incident.id} waits for {key}" for key in sorted(one.commands)]
            left += [f"{incident.id} has not heard of everything"] if one.unseen else []
        waiting, _ = await self.store.inbox.count()
        return [*left, *(["the inbox is not empty"] if waiting else [])]

    async def at_the_end(self, incidents: Sequence[Incident]) -> None:
        """Check the whole: alerts, the truth of the timeline, guards."""
        self.at_any_time()
        await self._alerts()
        effects: dict[str, Effect] = {}
        for effect in self.world.effects:
            effects.setdefault(effect.name, effect)
        names: set[str] = set()
        for incident in incidents:
            for attempt in incident.attempts:
                names |= self._truth(incident, attempt, effects)
            self._lasting(incident)
        unknown = [name for name in effects if name not in names]
        if unknown:
            raise Broken(f"no timeline knows of {unknown}")
        histories = [await self._history(incident) for incident in incidents]
        spans = sorted((span for history in histories for span in spans_of(history)), key=lambda span: span.first)
        for found in counting.broken(spans, effects, self.book):
            raise Broken(found)
        for found in asking.broken(spans, effects, self.book, self.people):
            raise Broken(found)

    # --- nothing is stuck ---

    def _goes_on(self, one: Resting) -> None:
        incident = one.incident
        live = [attempt for attempt in incident.attempts if attempt.state.live]
        same = Counter(_same(attempt) for attempt in live)
        if any(count > 1 for count in same.values()):
            raise Broken(f"{incident.id} has two live attempts at the same: {dict(same)}")
        first = min(one.timers.values(), default=None)
        if first is not None and (one.wake_at is None or one.wake_at > first):
            raise Broken(f"{incident.id} sleeps beyond its timers: {one.wake_at} {one.timers}")
        if one.urgent and one.wake_at is None:
            raise Broken(f"{incident.id} has {one.unseen} events that nobody will see")
        for attempt in live:
            if not self._has_next(one, attempt):
                raise Broken(f"{incident.id}/{attempt.number} is {attempt.state} for ever: {attempt}")
        if incident.status is not Status.RESOLVED and not (live or one.commands or one.wake_at or incident.firing):
            raise Broken(f"{incident.id} is {incident.status} and nothing follows")

    def _has_next(self, one: Resting, attempt: Attempt) -> bool:
        if one.unseen or attempt.state is ActionState.IN_DOUBT:
            return True
        if attempt.state is ActionState.CHECKED:
            return False
        if attempt.state is ActionState.VERIFYING:
            return f"attempt/{attempt.number}" in one.timers
        if attempt.pending:
            return attempt.pending in one.commands
        return f"attempt/{attempt.number}" in one.timers

    # --- the truth of the timeline ---

    def _truth(self, incident: Incident, attempt: Attempt, effects: dict[str, Effect]) -> set[str]:
        """Compare an attempt with the world; returns the names of its effects."""
        names: set[str] = set()
        for place, step in enumerate(attempt.steps):
            for undo, outcome in ((False, step.outcome), (True, step.undone)):
                name = effect_name(incident, attempt, place, undo=undo)
                effect = effects.get(name)
                names.add(name)
                told = outcome is not None and outcome.status in ("done", "in_doubt")
                nothing = undo and effect_name(incident, attempt, place) not in effects
                late = effect is not None and effect.stale and (effect.plugin in _UNFENCED or _denied(outcome))
                if told and effect is None and not nothing:
                    raise Broken(f"{name} is told to be {outcome.status if outcome else ''}, and never happened")
                if effect is not None and not told and not late:
                    raise Broken(f"{name} happened, and {incident.id}/{attempt.number} says {outcome}: {attempt.state}")
        return names

    def _lasting(self, incident: Incident) -> None:
        """Nothing that was to last as long as its incident stands when that is over, unless people were told."""
        for attempt in incident.attempts:
            for step in attempt.steps:
                done = step.outcome is not None and step.outcome.status == "done"
                if done and step.plugin == LASTING and step.undone is None and not attempt.called:
                    raise Broken(f"{incident.id}/{attempt.number} still stands, and its incident is over")

    async def _alerts(self) -> None:
        rows = await self._rows("select fingerprint, started_at, ended_at, incident from episode order by id")
        known = {row[0] for row in await self._rows("select id from incident order by id")}
        for key, taken in self.records.taken.items():
            for one in taken:
                at = micros(NOON) + one.start * 1_000_000
                mine = [row for row in rows if row[0] == one.fingerprint and row[1] <= at and (row[2] or at) >= at]
                if not mine:
                    raise Broken(f"the alert {key} of {one.start} was taken in, and is lost")
                if not one.ended and not any(row[3] in known for row in mine):
                    raise Broken(f"the alert {key} of {one.start} belongs to no incident")

    # --- reading ---

    async def _resting(self) -> list[Resting]:
        rows = await self._rows("select id, data, wake_at from incident order by id")
        commands = await self._rows("select incident, key from command where ended_at is null order by id")
        timers = await self._rows("select incident, name, due_at from timer where fired_at is null order by name")
        urgent = "sum(case when kind = 'automation.changed' then 0 else 1 end)"
        unseen = await self._rows(f"select incident, count(*), {urgent} from event where seen = 0 group by incident")
        waiting = {row[0]: (row[1], row[2]) for row in unseen}
        return [
            Resting(
                self._unpacked(number, data),
                wake_at,
                frozenset(row[1] for row in commands if row[0] == number),
                {row[1]: row[2] for row in timers if row[0] == number},
                *waiting.get(number, (0, 0)),
            )
            for number, data, wake_at in rows
        ]

    def _unpacked(self, number: int, data: str) -> Incident:
        known = self._known.get(number)
        if known is None or known[0] != data:
            known = self._known[number] = (data, unpack(data))
        return known[1]

    async def _history(self, incident: Incident) -> History:
        rows = await self._rows(f"select id, at, body from event where incident = {incident.number} order by id")
        return History(incident, [(row[0], row[1], codec.HAPPENING.load(row[2])) for row in rows])

    async def _rows(self, sql: str) -> list[Any]:
        if isinstance(self.store, SqliteStore):
            return list(await self.store._reading.call(lambda connection: execute(connection, sql, ())))
        pool: asyncpg.Pool = self.store._pool  # type: ignore[attr-defined]
        return [tuple(row) for row in await pool.fetch(sql)]


def _same(attempt: Attempt) -> str:
    """Tell by what an attempt is the same as another; what people ask for is called alike, whatever it would do."""
    told = [(step.plugin, str(step.target), dict(step.params)) for step in attempt.steps]
    return f"{attempt.name} {told if attempt.proposed_by else ''}"
