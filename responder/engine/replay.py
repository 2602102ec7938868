"""
Plays a recording through the whole way, from the inbox to the message, on a clock that runs as fast as the work does.

Nothing outside is asked, told or done: diagnostics and actions answer from the recording, notifiers keep what they were
to send, and the store is a file that is thrown away.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from responder.engine.captured import Nothing, Sent, captured
from responder.engine.delivery import parse
from responder.engine.fates import Fate, fates_of
from responder.engine.recorded import RecordedReadings
from responder.engine.recording import Recording
from responder.engine.rehearsed import Rehearsal
from responder.engine.replayed_people import People
from responder.engine.runtime import Kitchen, Limits, Rulebook, Runtime
from responder.engine.views import Wanted
from responder.engine.virtual_time import VirtualClock
from responder.engine.worker import Engine
from responder.errors import RejectedDelivery, ResponderError
from responder.model.action import ActionState, Mode
from responder.model.incident import Incident
from responder.model.timeline import Event
from responder.plugins.registry import Registry
from responder.store.opening import open_store

LINGER = timedelta(minutes=1)
"""After the last delivery and the quiet time: what is still open then stays open."""
MOST_STEPS = 200_000
"""Of one replay; a recording that needs more does not come to an end."""
MOST_AT_WORK = timedelta(hours=4)
"""That an action is played on after that."""
_GOES_ON = frozenset({ActionState.RUNNING, ActionState.VERIFYING, ActionState.UNDOING})
_FOREVER = timedelta(days=3650)
"""The lease of commands: nobody else could take them over."""
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """
    What became of one incident: how it ended, its timeline, and what was sent because of it, in order.

    `fates` are those of its actions, `assumed` what is assumed of them as it was not recorded.
    """

    incident: Incident
    timeline: Sequence[Event]
    sent: Sequence[Sent]
    fates: Sequence[Fate] = ()
    assumed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """
    What became of a recording: incidents in the order of their opening.

    `rejected` says why deliveries were not taken; `missed` is what people had said, and nobody asked for here.
    """

    recording: Recording
    told: Sequence[Told]
    rejected: Sequence[str]
    ended_at: datetime
    missed: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """
    What a replay is decided with: the rules, and what is set about them.

    With `approve_all` somebody made up says yes to every action that people are asked for.
    """

    rulebook: Rulebook
    kitchen: Kitchen
    registry: Registry
    clusters: tuple[str, ...] = ("default",)
    quiet_for: timedelta = timedelta(minutes=5)
    automation: Mode = "suggest"
    approve_all: bool = False


async def replay(
    recording: Recording,
    house: House,
    *,
    folder: Path,
    progress: Callable[[datetime], Awaitable[None]] | None = None,
    delivered: Callable[[], None] | None = None,
) -> Story:
    """
    Play one recording.

    `folder` takes the store. `progress` is awaited whenever the clock is about to go on, with the time it goes on to;
    `delivered` is called after each delivery.
    """
    clock = VirtualClock(recording.start)
    sent: list[Sent] = []
    assumed: dict[int, dict[str, None]] = {}

    def assume(incident: Incident, action: str, what: str) -> None:
        assumed.setdefault(incident.number, {})[f"{action}: {what}"] = None

    store = await open_store(f"sqlite:///{folder / uuid4().hex}.db")
    try:
        rehearsal = Rehearsal(find=lambda _: recording, now=clock.now, assume=assume)
        engine = Engine(store, replace(_runtime(recording, house, clock, sent), rehearsal=rehearsal))
        people = People(
            recording=recording, reader=engine.reader, answers=engine.answers, approve_all=house.approve_all
        )
        stage = _Stage(recording, clock, engine, people, house, assumed=assumed, delivered=delivered)
        await stage.play(progress)
        story = await stage.story(sent)
        await engine.stop()
        return story
    finally:
        await store.close()


def _runtime(recording: Recording, house: House, clock: VirtualClock, sent: list[Sent]) -> Runtime:
    nothing: Any = Nothing()
    return Runtime(
        rulebook=lambda: house.rulebook,
        kitchen=house.kitchen,
        registry=captured(house.registry, clock.now, sent.append),
        tools=lambda _: nothing,
        notifier_tools=nothing,
        now=clock.now,
        clusters=house.clusters,
        automation=house.automation,
        quiet_for=house.quiet_for,
        limits=Limits(lease=_FOREVER),
        stop_within=timedelta(0),
        recorded=RecordedReadings(
            find=lambda _: recording,
            playbook_of=lambda incident: playbook_of(house.rulebook, incident),
            registry=house.registry,
            now=clock.now,
            sleep=clock.sleep,
        ),
    )


def playbook_of(rulebook: Rulebook, incident: Incident) -> str:
    """Name the playbook of the incident's rule; "" for none."""
    return next((rule.playbook for rule in rulebook.ruleset.rules if rule.name == incident.rule), "")


@dataclass(slots=True)
class _Stage:
    """One replay under way."""

    recording: Recording
    clock: VirtualClock
    engine: Engine
    people: People
    house: House
    assumed: Mapping[int, Mapping[str, None]]
    delivered: Callable[[], None] | None = None
    rejected: list[str] = field(default_factory=list)
    played: int = 0

    async def play(self, progress: Callable[[datetime], Awaitable[None]] | None) -> None:
        """Play until nothing is left to do, or the time is up."""
        for _ in range(MOST_STEPS):
            await self._deliver()
            await self.engine.settle(lambda: self.clock.sleeping)
            if await self.people.speak(self.clock.now()):
                continue
            following = await self._next()
            if following is None or (following > self._end and not await self._at_work(following)):
                self.people.end()
                return
            if progress is not None:
                await progress(following)
            self.clock.advance(following)
        raise ResponderError(f"{self.recording.name}: no end after {MOST_STEPS} steps")

    async def story(self, sent: Sequence[Sent]) -> Story:
        """Gather what became of it."""
        reader = self.engine.reader
        incidents = sorted(await reader.incidents(Wanted(limit=1000)), key=lambda incident: incident.number)
        told = [await self._told(incident, sent) for incident in incidents]
        return Story(self.recording, told, tuple(self.rejected), self.clock.now(), tuple(self.people.missed))

    async def _told(self, incident: Incident, sent: Sequence[Sent]) -> Told:
        timeline = await self.engine.reader.timeline(incident.number)
        return Told(
            incident,
            timeline,
            [one for one in sent if one.message.incident == incident.id],
            fates_of(incident, timeline, self._approvals),
            tuple(self.assumed.get(incident.number, ())),
        )

    def _approvals(self, plugin: str) -> int:
        action = self.house.registry.actions.get(plugin)
        return action.approvals if action is not None else 1

    async def _at_work(self, following: datetime) -> bool:
        """Whether an action is at work, which is played to its end; one that comes to none is left."""
        if following > self._end + MOST_AT_WORK:
            return False
        incidents = await self.engine.reader.incidents(Wanted(limit=1000))
        return any(attempt.state in _GOES_ON for incident in incidents for attempt in incident.attempts)

    @property
    def _end(self) -> datetime:
        last = max((at for at, _ in self.recording.deliveries), default=timedelta(0))
        return self.recording.start + last + self.house.quiet_for + LINGER

    async def _deliver(self) -> None:
        deliveries = self.recording.deliveries
        while self.played < len(deliveries) and self._due(self.played) <= self.clock.now():
            body = deliveries[self.played][1]
            self.played += 1
            try:
                parse(body)
            except RejectedDelivery as error:
                self.rejected.append(str(error))
            else:
                await self.engine.intake.accept(body)
            if self.delivered is not None:
                self.delivered()

    async def _next(self) -> datetime | None:
        moments = [self.clock.next, await self.engine.next_due(), self.people.next(self.clock.now())]
        if self.played < len(self.recording.deliveries):
            moments.append(self._due(self.played))
        following = min((moment for moment in moments if moment is not None), default=None)
        return None if following is None else max(following, self.clock.now() + _TICK)

    def _due(self, place: int) -> datetime:
        return self.recording.start + self.recording.deliveries[place][0]
