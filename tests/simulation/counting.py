"""Guards counted again: not as the engine counts, but from the world, the timelines and what people said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.model.timeline import ActionMoved, Answered, Happening
from responder.store.rows import moment
from tests.simulation.books import Book, Promise
from tests.simulation.people import People, effect_name
from tests.simulation.world import Effect

_HOUR = timedelta(hours=1)
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


def broken(histories: Sequence[History], effects: Mapping[str, Effect], book: Book, people: People) -> str:
    """Say which guard was exceeded, "" for none."""
    spans = sorted((span for history in histories for span in _spans(history)), key=lambda span: span.first)
    found = [*_overlaps(spans), *_too_many(spans, effects, book), *_unapproved(spans, book, people)]
    return found[0] if found else ""


def _spans(history: History) -> Iterator[Span]:
    attempts = {attempt.number: attempt for attempt in history.incident.attempts}
    begun: dict[int, tuple[int, int, bool]] = {}
    for place, at, what in history.events:
        if not isinstance(what, ActionMoved):
            continue
        before, after = what.before in _AT_WORK, what.after in _AT_WORK
        if after and not before:
            begun[what.attempt] = (place, at, what.after == ActionState.UNDOING.value)
        elif before and not after and what.attempt in begun:
            first, since, undo = begun.pop(what.attempt)
            attempt = attempts[what.attempt]
            previews = (step.preview for step in attempt.steps if step.preview is not None)
            locks = frozenset(lock for preview in previews for lock in preview.locks)
            yield Span(history.incident, attempt, locks, first, place, moment(since), moment(at), undo)


def _overlaps(spans: Sequence[Span]) -> Iterator[str]:
    """One at a time per lock."""
    for number, one in enumerate(spans):
        for other in spans[number + 1 :]:
            if other.first < one.last and one.locks & other.locks:
                yield f"{_name(one)} and {_name(other)} were at {sorted(one.locks & other.locks)} at the same time"


def _too_many(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book) -> Iterator[str]:
    """Cooldowns and budgets, of spans that had an effect."""
    starts = [span for span in spans if not span.undo and not _broke_glass(span.attempt)]
    for span in starts:
        for place, step in enumerate(span.attempt.steps):
            promise = book.promises.get((_playbook(span), step.name))
            if promise is None or span.attempt.proposed_by or step.preview is None:
                continue
            before = [
                effect
                for other in spans
                if not other.undo and other.first < span.first
                for effect in _caused(other, effects)
                if effect.plugin == step.plugin and effect.lock == step.preview.lock and effect.at <= span.begin
            ]
            yield from _cooled(span, promise, before)
            recent = [effect for effect in before if effect.at > span.begin - _HOUR]
            if (
                promise.per_hour
                and len(recent) >= promise.per_hour
                and effect_name(span.incident, span.attempt, place) in effects
            ):
                yield f"{_name(span)} came after {len(recent)} within an hour, of at most {promise.per_hour}"
            if promise.blast and step.preview.pods > promise.blast:
                yield f"{_name(span)} disturbed {step.preview.pods} pods"


def _cooled(span: Span, promise: Promise, before: Sequence[Effect]) -> Iterator[str]:
    for effect in before:
        if effect.at + promise.cooldown > span.begin:
            yield f"{_name(span)} began {span.begin - effect.at} after {effect.name}; it cools {promise.cooldown}"


def _caused(span: Span, effects: Mapping[str, Effect]) -> Iterator[Effect]:
    for place in range(len(span.attempt.steps)):
        effect = effects.get(effect_name(span.incident, span.attempt, place))
        if effect is not None:
            yield effect


def _unapproved(spans: Sequence[Span], book: Book, people: People) -> Iterator[str]:
    """Enough distinct people said yes to that very digest, or it may go by itself."""
    for span in spans:
        if span.undo:
            continue
        attempt = span.attempt
        promise = book.promises.get((_playbook(span), attempt.name), Promise(auto=attempt.name == "keep"))
        said = [
            one.what
            for one in people.said
            if one.incident == span.incident.number
            and isinstance(one.what, Answered)
            and one.what.attempt == attempt.number
            and one.what.digest == attempt.digest
        ]
        if any(one.answer == "break_glass" and "admin" in one.roles and one.why for one in said):
            continue
        roles = () if attempt.proposed_by else promise.roles
        yes = {one.by for one in said if one.answer == "yes" and (not roles or set(roles) & set(one.roles))}
        auto = promise.auto and book.automation == "auto" and not promise.approvals and not attempt.proposed_by
        needed = 1 if attempt.proposed_by else max(promise.approvals, 1)
        if len(yes) < needed and not auto:
            yield f"{_name(span)} began with the yes of {sorted(yes)}; it takes {needed} ({attempt.digest})"


def _broke_glass(attempt: Attempt) -> bool:
    return any(approval.broke_glass for approval in attempt.approvals)


def _playbook(span: Span) -> str:
    return span.incident.rule.rpartition("/")[2]


def _name(span: Span) -> str:
    return f"{span.incident.id}/{span.attempt.number} {span.attempt.name}"
