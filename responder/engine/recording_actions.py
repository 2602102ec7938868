"""What a recording holds of actions: what each would have changed then, what became of it, and what people said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from responder.model.action import Outcome, Preview, Progress, Step
from responder.model.duration import exact_duration
from responder.model.redaction import redact_json
from responder.model.target import Target
from responder.plugins.params import Duration

Span = Annotated[Duration, PlainSerializer(exact_duration, return_type=str, when_used="json")]
"""A duration that is written to the millisecond: what was measured is kept."""


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
    steps: list[RecordedStep]


class RecordedOutcome(_Shape):
    """What became of one step, or with `undo` of taking it back."""

    step: int = 0
    undo: bool = False
    outcome: Annotated[Outcome, _of(Outcome)]


class RecordedProgress(_Shape):
    """How far the world had followed a step."""

    step: int = 0
    after: Span = Field(timedelta(0), description="How long after the step ended.")
    progress: Annotated[Progress, _of(Progress)]


class RecordedAction(_Shape):
    """Everything that was recorded of one action of a playbook, or of an action that people asked for by hand."""

    looks: list[RecordedLook] = []
    outcomes: list[RecordedOutcome] = []
    progress: list[RecordedProgress] = []

    def look(self, elapsed: timedelta) -> RecordedLook | None:
        """Find what it would have done at that time after the start."""
        looks = sorted(self.looks, key=lambda look: look.since)
        return next((look for look in reversed(looks) if look.since <= elapsed), looks[0] if looks else None)

    def outcome(self, step: int, *, undo: bool) -> Outcome | None:
        """Find what became of a step; the last try counts."""
        found = (one.outcome for one in reversed(self.outcomes) if (one.step, one.undo) == (step, undo))
        return next(found, None)

    def followed(self, step: int, after: timedelta) -> Progress | None:
        """Find how far it was that long after the step ended."""
        known = sorted((one for one in self.progress if one.step == step), key=lambda one: one.after)
        seen = next((one for one in reversed(known) if one.after <= after), known[0] if known else None)
        return seen.progress if seen else None


class RecordedAnswer(_Shape):
    """What a person said of an action, by its name, at a time counted from the start."""

    at: Span
    action: str
    answer: Annotated[Literal["yes", "no", "undo", "happened", "not_happened", "break_glass"], BeforeValidator(_word)]
    by: str
    roles: list[str] = []
    inputs: dict[str, Any] = {}
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
