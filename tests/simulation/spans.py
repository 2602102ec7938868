"""Attempts as the timeline tells of them: from when to when each was at work, and what had been seen before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from responder.model.action import ActionState, Attempt, Preview
from responder.model.incident import Incident
from responder.model.timeline import ActionMoved, Happening, Previewed
from responder.store.rows import moment
from tests.simulation.people import effect_name
from tests.simulation.world import Effect

_AT_WORK = frozenset(state.value for state in ActionState if state.at_work)


@dataclass(frozen=True)
class History:
    """An incident at its end, with its timeline: place, microseconds, what."""

    incident: Incident
    events: list[tuple[int, int, Happening]]


@dataclass(frozen=True)
class Span:
    """While an attempt held its locks: places in the order of commits, moments, and whether it took something back."""

    incident: Incident
    attempt: Attempt
    locks: frozenset[str]
    first: int
    last: int
    begin: datetime
    end: datetime
    undo: bool
    seen: tuple[Preview, ...]
    """What the last look before it saw."""

    @property
    def broke_glass(self) -> bool:
        """Whether somebody broke the glass for it."""
        return any(approval.broke_glass for approval in self.attempt.approvals)

    def effect(self, place: int, effects: Mapping[str, Effect]) -> Effect | None:
        """Return what came of a step."""
        return effects.get(effect_name(self.incident, self.attempt, place, undo=self.undo))

    @property
    def playbook(self) -> str:
        """Return the name of its playbook."""
        return self.incident.rule.rpartition("/")[2]

    def __str__(self) -> str:
        """Name it."""
        return f"{self.incident.id}/{self.attempt.number} {self.attempt.name}"


def spans_of(history: History) -> Iterator[Span]:
    """Yield the times at work of an incident's attempts."""
    attempts = {attempt.number: attempt for attempt in history.incident.attempts}
    begun: dict[int, tuple[int, int, bool, tuple[Preview, ...]]] = {}
    seen: dict[int, Previewed] = {}
    for place, at, what in history.events:
        if isinstance(what, Previewed) and (what.attempt not in seen or what.look >= seen[what.attempt].look):
            seen[what.attempt] = what
        if not isinstance(what, ActionMoved):
            continue
        before, after = what.before in _AT_WORK, what.after in _AT_WORK
        if after and not before:
            begun[what.attempt] = (place, at, what.after == ActionState.UNDOING.value, seen[what.attempt].previews)
        elif before and not after and what.attempt in begun:
            first, since, undo, looked = begun.pop(what.attempt)
            attempt = attempts[what.attempt]
            previews = (step.preview for step in attempt.steps if step.preview is not None)
            locks = frozenset(lock for preview in previews for lock in preview.locks)
            yield Span(history.incident, attempt, locks, first, place, moment(since), moment(at), undo, looked)
