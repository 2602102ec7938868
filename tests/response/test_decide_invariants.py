"""What holds of `decide` whatever happens, in whatever order, however often it is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from responder.model import codec
from responder.model.alert import Alert
from responder.model.command import Command, Diagnose, Notify, Page
from responder.model.incident import Incident, Status
from responder.model.message import Purpose
from responder.model.timeline import (
    Acknowledged,
    Event,
    Happening,
    Notified,
    NotifyFailed,
    Paged,
    PageFailed,
    SeverityRaised,
    SeveritySet,
    StatusChanged,
)
from responder.response.brain import Brain, Decision
from responder.response.decide import decide
from responder.response.diagnosis import is_settled
from responder.response.message import living
from tests.response.given import CHAT, HOOK, NOON, PAGER, PLAYBOOK, a_brain, an_alert, an_incident, ended, failed, read
from tests.response.given import fired as fired_event

LEGAL = {
    ("open", "acknowledged"),
    ("open", "monitoring"),
    ("acknowledged", "monitoring"),
    ("monitoring", "open"),
    ("monitoring", "resolved"),
}
BRAIN = a_brain()


class World:
    """An engine without a store: commands wait until somebody says how they ended, time passes when it is told to."""

    def __init__(self, brain: Brain = BRAIN) -> None:
        self.brain = brain
        self.now: datetime = NOON
        self.incident: Incident = an_incident(brain=brain)
        self.unseen: list[Event] = []
        self.past: list[Event] = []
        self.pending: dict[str, Command] = {}
        self.planned: set[str] = set()
        self.timers: dict[str, datetime] = {}
        self.posted: dict[str, int] = {}
        self.transitions: list[tuple[str, str]] = []

    def happen(self, what: Happening) -> None:
        self.unseen.append(Event(self.now, what))

    def turn(self) -> Decision:
        due = [name for name, at in self.timers.items() if at <= self.now]
        events, self.unseen = self.unseen, []
        before = self.incident
        decision = decide(before, events, due, self.now, self.brain)
        self.past += events
        self.timers = {name: at for name, at in self.timers.items() if name not in due}
        for name, at in decision.timers.items():
            self.timers.pop(name, None)
            if at is not None:
                self.timers[name] = at
        for planned in decision.commands:
            assert planned.command.key not in self.planned, f"{planned.command.key} was planned twice"
            self.planned.add(planned.command.key)
            self.pending[planned.command.key] = planned.command
        self.incident = codec.INCIDENT.load(codec.INCIDENT.dump(decision.incident))
        assert self.incident == decision.incident
        self._look(before, events, decision)
        return decision

    def _look(self, before: Incident, events: Sequence[Event], decision: Decision) -> None:
        for event in decision.records:
            if isinstance(event.what, StatusChanged):
                assert (event.what.before, event.what.after) in LEGAL
            if isinstance(event.what, SeverityRaised):
                assert self.brain.scale.rank(event.what.after) < self.brain.scale.rank(event.what.before)
        if not any(isinstance(event.what, SeveritySet) for event in events):
            rank = self.brain.scale.rank
            assert rank(decision.incident.severity) <= rank(before.severity), "a machine lowered the severity"
            if before.severity_by == "person":
                assert decision.incident.severity == before.severity, "a machine overruled a person"
        late = [name for name, at in self.timers.items() if at <= self.now]
        assert not late, f"{late} would fire at once, again and again"

    def answer(self, key: str, *, well: bool = True) -> None:
        command = self.pending.pop(key)
        match command:
            case Diagnose(name=name, round=number):
                self.unseen.append(self._reading(name, number, well))
            case Notify(receiver=receiver, purpose=purpose, sequence=sequence):
                if not well:
                    self.happen(NotifyFailed(receiver, purpose, sequence, "channel_not_found"))
                    return
                post = self.incident.posts[receiver]
                shown = living(self.incident, self.brain, self.now)
                if purpose is Purpose.MESSAGE and post.ref is None:
                    self.posted[receiver] = self.posted.get(receiver, 0) + 1
                assert (command.reply is None) == (purpose is Purpose.MESSAGE)
                assert purpose is Purpose.MESSAGE or post.ref is not None, "a note came before its message"
                ref = post.ref or {"ts": receiver}
                self.happen(Notified(receiver, purpose, sequence, ref, codec.MESSAGE.digest(shown)))
            case Page(receiver=receiver, event=event, sequence=sequence):
                result = Paged(receiver, event, sequence) if well else PageFailed(receiver, event, sequence, "refused")
                self.happen(result)

    def _reading(self, name: str, number: int, well: bool) -> Event:
        seconds = (self.now - NOON).total_seconds()
        if not well:
            return failed(name, number, seconds=seconds)
        results = {
            "rate": {"value": 0.2},
            "pods": {"total": 3, "ready": 1, "crash_looping": 2},
            "rollouts": {"current": 4, "shortly_before": True, "changed": "image"},
            "previous": {"count": 3},
        }
        return read(name, number, seconds=seconds, **results[name])

    def run(self, *, for_: timedelta) -> None:
        """Let everything succeed and time pass."""
        end = self.now + for_
        for _ in range(5000):
            self.turn()
            for key in list(self.pending):
                self.answer(key)
            if self.unseen:
                self.now += timedelta(milliseconds=10)
                continue
            next_at = min(self.timers.values(), default=end)
            if next_at >= end:
                break
            self.now = max(self.now, next_at)
        self.now = end
        self.turn()


ALERTS = [an_alert(-30), an_alert(-20, pod="api-1"), an_alert(-10, pod="api-2", severity="critical")]


class Storm(RuleBasedStateMachine):
    """Everything that can happen to an incident, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.alerts: dict[int, Alert | None] = {0: ALERTS[0], 1: None, 2: None}

    @initialize()
    def begin(self) -> None:
        self.world.unseen.append(fired_event(ALERTS[0]))
        self.world.turn()

    @rule(number=st.sampled_from([0, 1, 2]))
    def an_alert_fires(self, number: int) -> None:
        if self.alerts[number] is None and self.world.incident.status is not Status.RESOLVED:
            alert = replace(ALERTS[number], starts_at=self.world.now)
            self.alerts[number] = alert
            self.world.unseen.append(replace(fired_event(alert), at=self.world.now))

    @rule(number=st.sampled_from([0, 1, 2]))
    def an_alert_ends(self, number: int) -> None:
        alert = self.alerts[number]
        if alert is not None:
            self.alerts[number] = None
            self.world.now += timedelta(seconds=1)
            self.world.unseen.append(ended(alert, (self.world.now - NOON).total_seconds()))

    @rule(seconds=st.sampled_from([0.1, 1, 20, 40, 400, 900, 4000]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data(), well=st.booleans())
    def a_command_ends(self, data: st.DataObject, well: bool) -> None:
        self.world.answer(data.draw(st.sampled_from(sorted(self.world.pending))), well=well)

    @rule()
    def somebody_acknowledges(self) -> None:
        self.world.happen(Acknowledged("ann"))

    @rule(severity=st.sampled_from(["P0", "P1", "P3", "emergency", "nonsense"]))
    def somebody_sets_the_severity(self, severity: str) -> None:
        self.world.happen(SeveritySet("ann", severity))

    @rule()
    def a_turn_comes(self) -> None:
        self.world.turn()

    @precondition(lambda self: self.world.past)
    @rule(data=st.data())
    def what_is_known_is_told_again(self, data: st.DataObject) -> None:
        people = (Acknowledged, SeveritySet)
        known = [event for event in self.world.past if not isinstance(event.what, people)]
        self.world.unseen += data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else []

    @invariant()
    def a_receiver_has_one_living_message(self) -> None:
        assert self.world.posted.get(CHAT.name, 0) <= 1

    @invariant()
    def nothing_hangs(self) -> None:
        world, incident = self.world, self.world.incident
        if world.unseen or not incident.episodes:
            return
        if incident.status is Status.MONITORING:
            assert "quiet" in world.timers
        for name, diagnosis in incident.diagnoses.items():
            assert not diagnosis.running or f"diagnose/{name}/{diagnosis.round}" in world.pending
        if incident.status is not Status.RESOLVED and not is_settled(incident, PLAYBOOK):
            assert any(diagnosis.running for diagnosis in incident.diagnoses.values())
        for post in incident.posts.values():
            assert not post.in_flight or f"notify/{post.receiver}/message/{post.sequence}" in world.pending
            if post.edits and not post.in_flight and not post.retry_at:
                shown = living(incident, world.brain, world.now)
                assert post.digest == codec.MESSAGE.digest(shown), "a change would never be told"

    def teardown(self) -> None:
        """However it went: once all is quiet and everything answers, it comes to a good end."""
        for number in self.alerts:
            self.an_alert_ends(number)
        self.world.run(for_=timedelta(hours=3))
        incident = self.world.incident
        assert incident.status is Status.RESOLVED
        assert not self.world.pending
        digest = codec.MESSAGE.digest(living(incident, self.world.brain, self.world.now))
        for post in incident.posts.values():
            is_told = post.digest == digest if post.edits else post.stage == "resolved"
            assert is_told, f"{post.receiver} was not told of the end"
            assert not post.waiting
        for paging in incident.pagings.values():
            assert paging.asked in ("", "resolve") or paging.error, "somebody is still paged"
        assert not self.world.timers


Storm.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
test_whatever_happens_the_invariants_hold = Storm.TestCase


@given(st.permutations(["rate", "pods", "rollouts", "previous"]), st.integers(0, 3))
@settings(deadline=None)
def test_the_order_in_which_diagnostics_end_does_not_matter(order: list[str], together: int) -> None:
    expected, actual = World(), World()
    for world, names, at_once in ((expected, ["rate", "pods", "rollouts", "previous"], 0), (actual, order, together)):
        world.unseen.append(fired_event(ALERTS[0]))
        world.turn()
        left = list(names)
        while left:
            ready = [n for n in left if f"diagnose/{n}/1" in world.pending][: at_once + 1]
            for name in ready:
                left.remove(name)
                world.answer(f"diagnose/{name}/1")
            world.turn()
    first, second = expected.incident, actual.incident
    assert first.findings == second.findings
    assert [p.commands for p in first.proposals] == [p.commands for p in second.proposals]
    assert (first.checks, first.doubts, first.severity) == (second.checks, second.doubts, second.severity)
    shown = [codec.MESSAGE.digest(living(i, BRAIN, NOON)) for i in (first, second)]
    assert shown[0] == shown[1]


@given(st.permutations(["fired 0", "fired 1", "fired 2", "ended 0", "ended 1", "fired 0 again"]))
@settings(deadline=None)
def test_the_order_of_events_within_a_batch_does_not_matter(order: list[str]) -> None:
    again = replace(ALERTS[0], starts_at=NOON + timedelta(seconds=90))
    events = {
        "fired 0": fired_event(ALERTS[0]),
        "fired 1": fired_event(ALERTS[1]),
        "fired 2": fired_event(ALERTS[2]),
        "ended 0": ended(ALERTS[0], 30),
        "ended 1": ended(ALERTS[1], 40),
        "fired 0 again": fired_event(again),
    }
    world = World()
    world.unseen = [events[name] for name in order]
    world.turn()
    incident = world.incident
    assert {e.fingerprint for e in incident.firing} == {ALERTS[0].fingerprint, ALERTS[2].fingerprint}
    assert len(incident.episodes) == 4
    assert incident.status is Status.OPEN
    assert incident.severity == "P1"


def test_replaying_every_event_changes_nothing() -> None:
    world = World()
    world.unseen.append(fired_event(ALERTS[0]))
    world.run(for_=timedelta(minutes=5))
    world.unseen.append(ended(ALERTS[0], 301))
    world.now += timedelta(seconds=2)
    world.run(for_=timedelta(minutes=4))
    before = world.incident
    decision = decide(before, world.past, [], world.now, world.brain)
    assert decision.incident == before
    assert not decision.commands
    assert not decision.records
    assert not decision.timers


def test_a_receiver_that_cannot_be_edited_is_told_three_times_at_most() -> None:
    world = World()
    alert = an_alert()
    world.unseen.append(fired_event(alert))
    world.happen(SeveritySet("ann", "P0"))
    world.run(for_=timedelta(hours=2))
    world.unseen.append(ended(alert, (world.now - NOON).total_seconds()))
    world.run(for_=timedelta(minutes=10))
    sent = [key for key in world.planned if key.startswith(f"notify/{HOOK.name}/")]
    assert sorted(sent) == [f"notify/{HOOK.name}/message/{n}" for n in (1, 2, 3)]
    assert PAGER.name in world.incident.pagings
