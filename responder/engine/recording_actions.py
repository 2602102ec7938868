"""What a recording holds of actions: what each would have changed then, what became of it, and what people said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from responder.engine.recording_readings import Recorded, Span, at_that_time
from responder.model.action import Outcome, Preview, Progress, Step
from responder.model.incident import Incident
from responder.model.redaction import redact_json
from responder.model.target import Target


def _of(kind: type[Any]) -> BeforeValidator:
    """Refuse fields that there are not: a word that is misspelt would silently mean nothing."""
    known = {each.name for each in fields(kind)}

    def check(given: Any) -> Any:
        unknown = sorted(given.keys() - known) if isinstance(given, dict) else []
        if unknown:
            raise ValueError(f"there is no {unknown[0]} here; there are {', '.join(sorted(known))}")
        return given

    return BeforeValidator(check)


def _word(given: Any) -> Any:
    """Take what YAML makes of a bare `yes` or `no`."""
    return {True: "yes", False: "no"}.get(given, given) if isinstance(given, bool) else given


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RecordedStep(_Shape):
    """What one step would have done; it counts for a step of the same plugin, target and parameters."""

    plugin: str
    target: str = Field("", description="The target, as `deployment/api in prod`; absent for any.")
    params: dict[str, Any] | None = Field(None, description="Its parameters, without secrets; absent for any.")
    preview: Annotated[Preview, _of(Preview)]

    def fits(self, step: Step) -> bool:
        """Whether it was recorded of what the step would do."""
        if step.plugin != self.plugin or self.target not in ("", str(step.target)):
            return False
        return self.params is None or redact_json(dict(step.params)) == self.params


class RecordedLook(_Shape):
    """What the steps of an action would have done, in their order."""

    since: Span = Field(timedelta(0), description="From when, counted from the start, it would have done this.")
    first: int = Field(0, description="The place of the first of the steps, of a look between two of the action's.")
    steps: list[RecordedStep]

    @property
    def previews(self) -> list[Preview]:
        """What each step would have done."""
        return [step.preview for step in self.steps]

    def fits(self, steps: Sequence[Step]) -> bool:
        """Whether it was recorded of what these steps would do."""
        return len(self.steps) == len(steps) and all(
            one.fits(step) for one, step in zip(self.steps, steps, strict=True)
        )


class RecordedOutcome(_Shape):
    """What became of one step, or with `undo` of taking it back."""

    step: int = 0
    undo: bool = False
    again: int = Field(0, description="How many attempts at the action came before this one.")
    outcome: Annotated[Outcome, _of(Outcome)]


class RecordedProgress(_Shape):
    """How far the world had followed a step."""

    step: int = 0
    again: int = Field(0, description="How many attempts at the action came before this one.")
    after: Span = Field(timedelta(0), description="How long after the step ended.")
    progress: Annotated[Progress, _of(Progress)]


class RecordedVerification(_Shape):
    """What diagnostics yielded that were to see whether an attempt had helped, by the name of the step."""

    again: int = Field(0, description="How many attempts at the action came before this one.")
    readings: dict[str, list[Recorded]]


Again = TypeVar("Again", RecordedOutcome, RecordedProgress, RecordedVerification)


class RecordedAction(_Shape):
    """Everything that was recorded of one action of a playbook, or of an action that people asked for by hand."""

    looks: list[RecordedLook] = []
    outcomes: list[RecordedOutcome] = []
    progress: list[RecordedProgress] = []
    verifications: list[RecordedVerification] = []

    def look(self, elapsed: timedelta, steps: Sequence[Step], *, first: int = 0) -> RecordedLook | None:
        """
        Find what these steps would have done at that time after the start; what other ones would, where it must.

        `first` is the place of the first of them.
        """
        looks = sorted((look for look in self.looks if look.first == first), key=lambda look: look.since)
        looks = [look for look in looks if look.fits(steps)] or looks
        return next((look for look in reversed(looks) if look.since <= elapsed), looks[0] if looks else None)

    def outcome(self, step: int, *, undo: bool, again: int = 0) -> Outcome | None:
        """Find what became of a step; the last try counts."""
        found = _told_of([one for one in self.outcomes if (one.step, one.undo) == (step, undo)], again)
        return found[-1].outcome if found else None

    def followed(self, step: int, after: timedelta, *, again: int = 0) -> Progress | None:
        """Find how far it was that long after the step ended."""
        found = _told_of([one for one in self.progress if one.step == step], again)
        known = sorted(found, key=lambda one: one.after)
        seen = next((one for one in reversed(known) if one.after <= after), known[0] if known else None)
        return seen.progress if seen else None

    def verified(self, step: str, after: timedelta, *, again: int = 0) -> Recorded | None:
        """Find what a diagnostic yielded that long after the action ended."""
        found = _told_of([one for one in self.verifications if step in one.readings], again)
        return at_that_time(found[-1].readings[step], after) if found else None


def _told_of(told: Sequence[Again], again: int) -> Sequence[Again]:
    """Return what is told of that attempt; where nothing is, of the one before it, else of the first."""
    numbers = [one.again for one in told]
    which = max((number for number in numbers if number <= again), default=min(numbers, default=0))
    return [one for one in told if one.again == which]


class RecordedAnswer(_Shape):
    """What a person said of an action, by its name, at a time counted from the start."""

    at: Span
    action: str
    answer: Annotated[Literal["yes", "no", "undo", "happened", "not_happened", "break_glass"], BeforeValidator(_word)]
    by: str
    roles: list[str] = []
    inputs: dict[str, Any] = {}
    withheld: list[str] = Field([], description="Names of the secret inputs that they gave, whose values nobody knows.")
    why: str = ""


class RecordedRequest(_Shape):
    """An action that a person asked for by hand."""

    at: Span
    by: str
    plugin: str
    params: dict[str, Any] = {}
    roles: list[str] = []
    reason: str = ""
    target: Annotated[Target, _of(Target)] | None = None


@dataclass(frozen=True, slots=True)
class Acts:
    """All that was recorded of actions: by their names, and what people said and asked for, in the order of time."""

    actions: Mapping[str, RecordedAction] = field(default_factory=dict)
    answers: Sequence[RecordedAnswer] = ()
    requests: Sequence[RecordedRequest] = ()


def try_of(incident: Incident, number: int) -> tuple[str, int]:
    """Return the name of an attempt's action, "" for none, and how many attempts at it came before."""
    name = next((attempt.name for attempt in incident.attempts if attempt.number == number), "")
    return name, sum(attempt.name == name and attempt.number < number for attempt in incident.attempts)
