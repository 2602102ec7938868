"""A story of one incident with actions: turns are taken, commands answered, people speak, time passes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from responder.model.action import ActionState, ActionTraits, Attempt, Outcome, Preview, Progress, Run
from responder.model.command import Act, Command, Diagnose, Follow, Look
from responder.model.finding import DiagnosticStatus, Reading
from responder.model.playbook import ActionStep, Conclusion, DiagnosticStep, Playbook
from responder.model.timeline import (
    Acted,
    ActionMoved,
    Answered,
    AnswerRefused,
    Diagnosed,
    Event,
    Followed,
    Happening,
    Previewed,
)
from responder.model.verdict import Json
from responder.response.brain import Brain, Decision
from responder.response.decide import decide
from tests.response.given import NOON, PARAMS, PodsParams, UndoParams, a_brain, an_alert, an_incident, ended, fired

TRAITS: Mapping[str, ActionTraits] = {
    "kubernetes.rollout_undo": ActionTraits(undoable=True),
    "kubernetes.scale": ActionTraits(undoable=True),
    "kubernetes.rollout_restart": ActionTraits(),
    "kubernetes.run_job": ActionTraits("named"),
    "kubernetes.patch_secret": ActionTraits(weight="security", undoable=True),
    "redis.flush_db": ActionTraits("doubtful", "destructive", approvals=2),
    "evidence.capture": ActionTraits("repeatable", "harmless"),
    "postgres.execute": ActionTraits("doubtful", by_hand=False),
}
ALL_PARAMS = {**PARAMS, **dict.fromkeys(TRAITS, UndoParams), "kubernetes.pods": PodsParams}
GOOD = Preview(
    "roll api back from revision 7 to 6",
    basis={"generation": 7},
    undo={"revision": 7},
    namespace="prod",
    lock="default/deployment/prod/api",
    pods=1,
    ready=4,
    replicas=4,
)
DONE = Outcome("done", "rolled back")

UNTIL = "rate.value < 0.01"


def an_action(name: str = "roll-back", plugin: str = "kubernetes.rollout_undo", **fields: Any) -> ActionStep:
    given = {"mode": "approve", "params": {"revision": 6}, **fields}
    return ActionStep(name, plugin, **given)


def a_playbook(*actions: ActionStep, propose: Sequence[str] = (), **fields: Any) -> Playbook:
    inner = {name for action in actions for name in action.do}
    names = tuple(propose) or tuple(action.name for action in actions if action.name not in inner)
    return Playbook(
        name="shop/errors",
        diagnostics=(
            DiagnosticStep("rate", "prometheus.query"),
            DiagnosticStep("pods", "kubernetes.pods", only="verify"),
        ),
        conclusions=(Conclusion("errors", "Errors", "rate.value > 0.05", reads=("rate",), propose=names),),
        actions=actions,
        **fields,
    )


def _on(place: int) -> Preview:
    return replace(GOOD, lock=f"{GOOD.lock}-{place}") if place else GOOD


class Story:
    """Goes on turn by turn. `rate` is what a look at the errors finds at any time."""

    def __init__(self, *actions: ActionStep, playbook: Playbook | None = None, **brain: Any) -> None:
        made = playbook or a_playbook(*(actions or (an_action(),)))
        given = {
            "action": TRAITS.get,
            "actions": TRAITS.keys(),
            "plugin_params": ALL_PARAMS.get,
            "automation": "auto",
            **brain,
        }
        self.brain: Brain = a_brain(made, **given)
        self.alert = an_alert()
        self.incident = an_incident(self.alert, self.brain)
        self.now = NOON
        self.timers: dict[str, datetime] = {}
        self.commands: dict[str, Command] = {}
        self.records: list[Event] = []
        self.starts: list[Run] = []
        self.rate: float | None = 0.2
        self.decision: Decision | None = None

    # --- turns ---

    def turn(self, *whats: Happening, after: float = 1) -> Decision:
        """Let time pass, and take a turn with what happened at its end."""
        self.now += timedelta(seconds=after)
        due = sorted((name for name, at in self.timers.items() if at <= self.now), key=lambda name: self.timers[name])
        for name in due:
            del self.timers[name]
        events = [Event(self.now, what) for what in whats]
        decision = decide(self.incident, events, due, self.now, self.brain)
        for name, moment in decision.timers.items():
            if moment is None:
                self.timers.pop(name, None)
            else:
                self.timers[name] = moment
        for planned in decision.commands:
            key = planned.command.key
            assert key not in self.seen, f"{key} is asked for a second time"
            self.seen.add(key)
            self.commands[key] = planned.command
        self.incident = decision.incident
        self.records += decision.records
        self.starts += decision.starts
        self.decision = decision
        return decision

    @property
    def seen(self) -> set[str]:
        """The keys of all commands so far."""
        if not hasattr(self, "_seen"):
            self._seen: set[str] = set()
        return self._seen

    def open(self) -> "Story":
        """Let the alert fire, and its errors be read."""
        self.turn(fired(self.alert).what, after=0)
        self.look_at()
        return self

    def look_at(self, *, after: float = 1) -> None:
        """Answer every reading step that is asked for."""
        for command in [one for one in self.commands.values() if isinstance(one, Diagnose)]:
            del self.commands[command.key]
            self.turn(self.reading(command), after=after)

    def reading(self, command: Diagnose) -> Diagnosed:
        """Read what there is to be read."""
        result: dict[str, Json] = {"value": self.rate} if command.name == "rate" else {"total": 4, "ready": 4}
        shown = f"{self.rate:.1%}" if self.rate is not None and command.name == "rate" else "4 pods"
        has_data = command.name != "rate" or self.rate is not None
        reading = Reading(command.name, DiagnosticStatus.FOUND, result, has_data=has_data, headline=shown)
        return Diagnosed(command.name, command.round, reading, attempt=command.attempt)

    def heal(self) -> None:
        """Let the alert end."""
        self.turn(ended(self.alert, (self.now - NOON).total_seconds()).what)

    # --- commands ---

    def take(self, kind: type[Command]) -> Any:
        """Take the oldest command of a kind that nobody has answered."""
        command = next(one for one in self.commands.values() if isinstance(one, kind))
        del self.commands[command.key]
        return command

    def preview(self, *previews: Preview, after: float = 1, **changes: Any) -> Decision:
        """Answer the oldest look; without previews, every step after the first one is on an object of its own."""
        look: Look = self.take(Look)
        told = previews or tuple(replace(_on(place), **changes) for place in range(len(look.steps)))
        return self.turn(Previewed(look.attempt, look.look, told), after=after)

    def act(self, outcome: Outcome = DONE, *, after: float = 1) -> Decision:
        """Answer the oldest effect."""
        act: Act = self.take(Act)
        return self.turn(Acted(act.attempt, act.step, outcome, act.undo), after=after)

    def follow(self, *, after: float = 5, **progress: Any) -> Decision:
        """Answer the oldest look at a rollout."""
        follow: Follow = self.take(Follow)
        made = Progress(**{"say": "4 of 4 pods updated", **progress})
        return self.turn(Followed(follow.attempt, follow.step, follow.look, made), after=after)

    def verify(self, *, after: float = 1, **progress: Any) -> None:
        """Answer all of one look of a verification."""
        while any(isinstance(one, Follow) for one in self.commands.values()):
            self.follow(after=after, **progress)
        self.look_at(after=after)

    # --- people ---

    def say(self, answer: Any, by: str = "ann", *, number: int = 0, after: float = 1, **fields: Any) -> Decision:
        """Let a person answer to what is shown."""
        attempt = self.attempt(number)
        given = {"digest": attempt.digest, "roles": ("on-call",), **fields}
        return self.turn(Answered(attempt.number, answer, by, **given), after=after)

    # --- what became of it ---

    def attempt(self, number: int = 0) -> Attempt:
        """Return an attempt, the newest where no number is given."""
        return self.incident.attempts[number - 1 if number else -1]

    @property
    def state(self) -> ActionState:
        """Where the newest attempt stands."""
        return self.attempt().state

    @property
    def moves(self) -> list[str]:
        """The states that attempts went to once they were made, in order."""
        moves = [event.what for event in self.records if isinstance(event.what, ActionMoved)]
        return [move.after for move in moves if move.before]

    @property
    def refused(self) -> list[str]:
        """Why answers did not count."""
        return [event.what.why for event in self.records if isinstance(event.what, AnswerRefused)]

    def asked(self, kind: type[Command]) -> list[Any]:
        """Return the commands of a kind that nobody has answered yet."""
        return [one for one in self.commands.values() if isinstance(one, kind)]

    def change(self, **brain: Any) -> None:
        """Change what the incident is decided with."""
        self.brain = replace(self.brain, **brain)


def asked(*actions: ActionStep, **brain: Any) -> Story:
    """Begin a story up to the point where people are asked."""
    story = Story(*actions, **brain).open()
    story.preview()
    return story


def running(*actions: ActionStep, **brain: Any) -> Story:
    """Begin a story up to the point where an approved action runs."""
    story = asked(*actions, **brain)
    story.say("yes")
    story.preview()
    return story


def guarded(guard: dict[str, Any], *, preview: Preview = GOOD, plugin: str = "", **brain: Any) -> Story:
    """Propose an action with a guard, and look at it."""
    action = an_action(guard=guard, **({"plugin": plugin} if plugin else {}))
    story = Story(action, **brain).open()
    story.preview(preview)
    return story


def passes(story: Story) -> bool:
    """Whether people may be asked."""
    return story.state is ActionState.PROPOSED


def why(story: Story) -> str:
    """Say what stands against its first attempt."""
    assert story.state is ActionState.BLOCKED
    return "; ".join(story.attempt().blocks)
