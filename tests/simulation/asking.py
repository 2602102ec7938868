"""Whose word was behind everything that was done: what they were shown, what they gave, whether they might say so."""

from collections.abc import Iterator, Mapping, Sequence

from responder.model.action import Attempt
from responder.model.incident import Incident
from responder.model.timeline import Answered
from responder.model.verdict import Json
from tests.simulation.books import TOO_MUCH, Book, Promise
from tests.simulation.people import People, effect_name
from tests.simulation.records import LASTING
from tests.simulation.spans import Span
from tests.simulation.world import Effect

_ADMIN = "admin"


def broken(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book, people: People) -> Iterator[str]:
    """Say what was done without a word that it takes."""
    for span in spans:
        words = list(_words(people, span.incident, span.attempt))
        yield from _unwanted_undo(span, effects, book, words)
        if not span.undo:
            yield from _unapproved(span, book, words)
            yield from _unshown(span, effects, book, words)


def _words(people: People, incident: Incident, attempt: Attempt) -> Iterator[Answered]:
    for said in people.said:
        if said.incident == incident.number and isinstance(said.what, Answered) and said.what.attempt == attempt.number:
            yield said.what


def _unapproved(span: Span, book: Book, words: Sequence[Answered]) -> Iterator[str]:
    """Enough distinct people said yes to that very digest, or it may go by itself."""
    attempt, promise = span.attempt, book.promise(span.playbook, span.attempt)
    if any(_broke_glass(word, attempt) for word in words):
        return
    yes = {word.by for word in words if _is_yes(word, attempt, promise)}
    auto = promise.auto and book.automation == "auto" and not promise.approvals and not attempt.proposed_by
    needed = max(promise.approvals, 1)
    if len(yes) < needed and not auto:
        yield f"{span} began with the yes of {sorted(yes)}; it takes {needed} ({attempt.digest})"


def _is_yes(word: Answered, attempt: Attempt, promise: Promise) -> bool:
    """Whether it counts: to what was shown, or to the inputs that it gave, by somebody of the role that it takes."""
    one_of_two = promise.approvals > 1 and word.by == attempt.proposed_by
    if word.answer != "yes" or one_of_two or not _has_role(word, promise):
        return False
    gave = bool(word.inputs) and dict(word.inputs) == dict(attempt.inputs)
    return gave or (word.digest == attempt.digest and not word.inputs)


def _broke_glass(word: Answered, attempt: Attempt) -> bool:
    shown = word.digest == attempt.digest and bool(word.why)
    return word.answer == "break_glass" and shown and _ADMIN in word.roles


def _unshown(span: Span, effects: Mapping[str, Effect], book: Book, words: Sequence[Answered]) -> Iterator[str]:
    """What was done has the value that the rules say, or that somebody gave and enough agreed to."""
    attempt = span.attempt
    promise = book.promise(span.playbook, span.attempt)
    given = {word.inputs["to"] for word in words if word.inputs and _is_yes(word, attempt, promise)} - {TOO_MUCH}
    for place, step in enumerate(attempt.steps):
        effect = span.effect(place, effects)
        own = book.promise(span.playbook, attempt, step)
        wanted: set[Json] = {*own.to, *((*promise.to, *given) if own.asks else ())}
        wanted = {step.params["to"]} if attempt.proposed_by else wanted
        if effect is not None and effect.to not in wanted:
            yield f"{span} gave {effect.to}; only {sorted(wanted, key=str)} was agreed to"


def _unwanted_undo(span: Span, effects: Mapping[str, Effect], book: Book, words: Sequence[Answered]) -> Iterator[str]:
    """What was taken back lasted as long as its incident, or its rules say so, or somebody who may asked for it."""
    attempt, promise = span.attempt, book.promise(span.playbook, span.attempt)
    asked = any(word.answer == "undo" and _may_undo(word, promise) for word in words)
    for place, step in enumerate(attempt.steps):
        taken_back = effect_name(span.incident, attempt, place, undo=True) in effects
        if taken_back and not (asked or promise.undo or step.plugin == LASTING):
            yield f"{span} was taken back, and nobody had asked for that"


def _may_undo(word: Answered, promise: Promise) -> bool:
    return _ADMIN in word.roles or _has_role(word, promise)


def _has_role(word: Answered, promise: Promise) -> bool:
    return not promise.roles or bool(set(promise.roles) & set(word.roles))
