"""What holds of attempts whatever happens in whatever order: people, the world, time, and answers that come twice."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responder.model import codec
from responder.model.action import ActionState, Outcome, Stop
from responder.model.command import Act, Diagnose, Follow, Look
from responder.model.timeline import Acted, ActionAsked, ActionMoved, Answered, AutomationChanged, Previewed
from responder.response.brain import Decision
from tests.response.given import fired
from tests.response.story import DONE, GOOD, Story, a_playbook, an_action

PEOPLE = ("ann", "bob", "cem")
VERIFY = {"until": "rate.value < 0.01", "hold": "30s", "within": "3m"}
ACTIONS = (
    an_action("roll-back", guard={"approvals": 2}, verify={**VERIFY, "otherwise": ["undo", "next"]}),
    an_action("scale", "kubernetes.scale", mode="auto", verify={**VERIFY, "hold": "0s", "otherwise": ["next"]}),
    an_action("restart", "kubernetes.rollout_restart", mode="auto", guard={"cooldown": "5m", "at_most": "2 per 1h"}),
    an_action("both", "", do=("one", "two"), params={}, temporary=timedelta(hours=2)),
    an_action("one", "kubernetes.scale", params={"revision": 1}),
    an_action("two", "kubernetes.rollout_undo", params={"revision": 2}),
)
LOCKS = {
    "kubernetes.rollout_restart": {"lock": "default/deployment/prod/web"},
    "kubernetes.scale": {"beside": ("default/deployment/prod/web",)},
}
NEEDED = {"roll-back": 2}

OPERATIONS = st.one_of(
    st.tuples(st.just("preview"), st.sampled_from(["good", "good", "good", "drift", "refusal"])),
    st.tuples(st.just("act"), st.sampled_from(["done", "done", "done", "follow", "failed", "not_done", "in_doubt"])),
    st.tuples(st.just("follow"), st.sampled_from(["complete", "complete", "under way", "failed", "reverted"])),
    st.tuples(st.just("look"), st.just("")),
    st.tuples(
        st.sampled_from(["yes", "yes", "yes", "no", "undo", "happened", "not_happened"]), st.sampled_from(PEOPLE)
    ),
    st.tuples(st.sampled_from(["stale yes", "break_glass"]), st.sampled_from(PEOPLE)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 300, 900, 4000])),
    st.tuples(st.just("rate"), st.sampled_from([0.001, 0.2, 0.4, None])),
    st.tuples(st.sampled_from(["heal", "fire", "stop", "start", "by hand", "repeat"]), st.just("")),
)


class Walk:
    """Walks through a story and checks after each turn what must always hold."""

    def __init__(self) -> None:
        names = ("roll-back", "scale", "restart", "both")
        self.story = Story(playbook=a_playbook(*ACTIONS, propose=names)).open()
        self.answered: list[Any] = []
        self.fires = 0

    def step(self, operation: str, how: Any) -> None:
        before = self.story.now
        decision = self._do(operation, how)
        if decision is not None:
            self.check(decision)
        assert self.story.now >= before

    def _do(self, operation: str, how: Any) -> Decision | None:
        story = self.story
        match operation:
            case "preview" | "act" | "follow" | "look":
                return self._answer(operation, how)
            case "wait":
                return story.turn(after=how)
            case "rate":
                story.rate = how
                return None
            case "heal":
                if story.incident.firing:
                    story.heal()
                return story.decision
            case "fire":
                self.fires += 1
                started = story.now - timedelta(milliseconds=1)
                story.alert = replace(story.alert, starts_at=started)
                return story.turn(fired(story.alert).what)
            case "stop":
                story.change(stop=Stop("dan", story.now))
                return story.turn(AutomationChanged("dan", stopped=True))
            case "start":
                story.change(stop=None)
                return story.turn(AutomationChanged("dan", stopped=False))
            case "by hand":
                return story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 9}))
            case "repeat":
                return story.turn(self.answered[-1]) if self.answered else None
        return self._say(operation, how)

    def _say(self, answer: Any, by: str) -> Decision | None:
        story = self.story
        open_ones = [a for a in story.incident.attempts if a.state is not ActionState.WITHDRAWN]
        if not open_ones:
            return None
        attempt = open_ones[len(by + answer) * 7 % len(open_ones)]
        digest = "stale" if answer == "stale yes" else attempt.digest
        roles = ("admin",) if by == "cem" else ()
        told = Answered(attempt.number, answer.removeprefix("stale "), by, roles, digest, why="it is down")
        self.answered.append(told)
        return story.turn(told)

    def _answer(self, operation: str, how: str) -> Decision | None:
        story = self.story
        kind: Any = {"preview": Look, "act": Act, "follow": Follow, "look": Diagnose}[operation]
        waiting = story.asked(kind)
        if not waiting:
            return None
        command = waiting[0]
        if isinstance(command, Look):
            self.answered.append(Previewed(command.attempt, command.look, self._previews(command, how)))
        elif isinstance(command, Act):
            self.answered.append(Acted(command.attempt, command.step, _outcome(how), command.undo))
        elif isinstance(command, Diagnose):
            self.answered.append(story.reading(command))
        else:
            progress = {"under way": {"complete": False}, "complete": {}}.get(how, {how: "because", "complete": False})
            return story.follow(**progress)
        del story.commands[command.key]
        return story.turn(self.answered[-1])

    def _previews(self, look: Look, how: str) -> tuple[Any, ...]:
        made = [replace(GOOD, **LOCKS.get(step.plugin, {})) for step in look.steps]
        if how == "drift":
            made = [replace(each, basis={"generation": look.look + 7}) for each in made]
        return tuple(replace(each, refusal="paused") if how == "refusal" else each for each in made)

    def check(self, decision: Decision) -> None:
        """Check what must hold after each turn."""
        self._check_lives()
        self._check_starts(decision)
        self._check_next_steps()
        assert codec.INCIDENT.load(codec.INCIDENT.dump(self.story.incident)) == self.story.incident

    def _check_lives(self) -> None:
        live = [attempt for attempt in self.story.incident.attempts if attempt.state.live]
        same = {(a.name, str(a.steps[0].params) if a.proposed_by else "") for a in live}
        assert len(same) == len(live), "two live attempts at the same"
        locks = [
            lock
            for attempt in live
            if attempt.state.at_work
            for lock in {lock for step in attempt.steps if step.preview is not None for lock in step.preview.locks}
        ]
        assert len(set(locks)) == len(locks), "two attempts at work on one target"

    def _check_starts(self, decision: Decision) -> None:
        attempts = {attempt.number: attempt for attempt in self.story.incident.attempts}
        started = {
            e.what.attempt for e in decision.records if isinstance(e.what, ActionMoved) and e.what.after == "running"
        }
        for number in started & {run.attempt for run in decision.starts}:
            attempt = attempts[number]
            people = {approval.by for approval in attempt.approvals if approval.yes}
            glass = any(approval.broke_glass and "admin" in approval.roles for approval in attempt.approvals)
            wanted = 0 if attempt.mode == "auto" else NEEDED.get(attempt.name, 1)
            assert glass or len(people) >= wanted, f"{attempt.name} started with the yes of {people}"
            assert all(step.preview is not None and not step.preview.refusal for step in attempt.steps)
        effects = [one.command for one in decision.commands if isinstance(one.command, Act)]
        assert not (effects and self.story.brain.stop), "something was begun though all automation is stopped"

    def _check_next_steps(self) -> None:
        story = self.story
        reading = {command.attempt for command in story.asked(Diagnose)}
        for attempt in story.incident.attempts:
            timer = story.timers.get(f"attempt/{attempt.number}")
            assert timer is None or timer > story.now, "a timer in the past is a loop"
            if attempt.state.live and attempt.state is not ActionState.IN_DOUBT:
                waits = attempt.pending in story.commands or attempt.number in reading
                assert waits or timer is not None, f"{attempt.name} is {attempt.state} and waits for nothing"


def _outcome(how: str) -> Outcome:
    if how == "follow":
        return replace(DONE, follow=True)
    return replace(DONE, status=how)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OPERATIONS, max_size=60))
def test_whatever_happens_nothing_starts_unasked_twice_or_beside_another_and_nothing_is_stuck(
    operations: list[tuple[str, Any]],
) -> None:
    walk = Walk()
    for operation, how in operations:
        walk.step(operation, how)


LIKELY = (
    *[("preview", "good")] * 10,
    *[("act", how) for how in ("done", "done", "done", "done", "follow", "failed", "not_done", "in_doubt")],
    *[("follow", how) for how in ("complete", "complete", "complete", "under way", "failed", "reverted")],
    *[("look", "")] * 8,
    *[(answer, by) for answer in ("yes", "yes", "yes", "undo", "happened") for by in PEOPLE],
    *[("wait", 20)] * 4,
    *[
        ("rate", 0.001),
        ("rate", 0.001),
        ("rate", 0.2),
        ("rate", None),
        ("wait", 300),
        ("wait", 900),
        ("no", "ann"),
        ("fire", ""),
    ],
    *[("preview", "drift"), ("preview", "refusal"), ("not_happened", "bob"), ("break_glass", "cem"), ("heal", "")],
    *[("stop", ""), ("start", ""), ("start", ""), ("by hand", ""), ("repeat", ""), ("stale yes", "ann")],
)


def test_it_holds_along_long_ways_that_reach_every_end() -> None:
    reached: set[str] = set()
    for seed in range(60):
        chance = Random(seed)
        walk = Walk()
        for _ in range(150):
            walk.step(*chance.choice(LIKELY))
        reached.update(walk.story.moves)
    assert reached == {state.value for state in ActionState}
