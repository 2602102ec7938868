"""Guards counted again: not as the engine counts, but from the world and the timelines."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from tests.simulation.books import Book, Promise
from tests.simulation.plugins.deeds import AT_ONCE, REPLICAS
from tests.simulation.spans import Span
from tests.simulation.world import Effect

_HOUR = timedelta(hours=1)
_CONDITIONAL, _KEEPING = "sim.switch", "sim.keep"


def broken(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book) -> Iterator[str]:
    """Say which guards were exceeded."""
    yield from _overlaps(spans)
    yield from _too_many(spans, effects, book)
    yield from _too_wide(spans, effects, book)
    yield from _without_evidence(spans, effects, book)


def _overlaps(spans: Sequence[Span]) -> Iterator[str]:
    """One at a time per lock."""
    for number, one in enumerate(spans):
        for other in spans[number + 1 :]:
            if other.first < one.last and one.locks & other.locks:
                yield f"{one} and {other} were at {sorted(one.locks & other.locks)} at the same time"


def _too_many(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book) -> Iterator[str]:
    """Cooldowns and budgets, of spans that had an effect."""
    starts = [span for span in spans if not span.undo and not span.broke_glass]
    for span in starts:
        for place, step in enumerate(span.attempt.steps):
            promise = book.promise(span.playbook, span.attempt, step)
            if step.preview is None:
                continue
            before = [
                effect
                for other in spans
                if not other.undo and other.first < span.first
                for effect in _in_time(other, effects)
                if effect.plugin == step.plugin and effect.lock == step.preview.lock and effect.at <= span.begin
            ]
            yield from _cooled(span, promise, before)
            recent = [effect for effect in before if effect.at > span.begin - _HOUR]
            if promise.per_hour and len(recent) >= promise.per_hour and span.effect(place, effects) is not None:
                yield f"{span} came after {len(recent)} within an hour, of at most {promise.per_hour}"


def _too_wide(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book) -> Iterator[str]:
    """What is disturbed: as the last look saw it, and where the write is conditioned on that also as it really was."""
    for span in spans:
        if span.undo or span.broke_glass:
            continue
        yield from _widest_together(span, book)
        for place, step in enumerate(span.attempt.steps):
            effect = span.effect(place, effects)
            promise = book.promise(span.playbook, span.attempt, step)
            if effect is None or step.plugin == _KEEPING:
                continue
            seen = span.seen[place]
            yield from _disturbs(span, promise, seen.pods, seen.ready)
            if step.plugin == _CONDITIONAL:
                yield from _disturbs(span, promise, effect.pods, effect.ready)


def _widest_together(span: Span, book: Book) -> Iterator[str]:
    """All steps of a sequence together; of one object the most that one of them disturbs counts."""
    most, pods = book.promise(span.playbook, span.attempt).blast, dict[str, int]()
    for step, seen in zip(span.attempt.steps, span.seen, strict=True):
        name = str(step.params.get("object"))
        pods[name] = max(pods.get(name, 0), seen.pods or 0)
    if most and sum(pods.values()) > most:
        yield f"{span} began to disturb {pods}, of at most {most}"


def _disturbs(span: Span, promise: Promise, pods: int, ready: int) -> Iterator[str]:
    limits = (promise.blast, promise.share * max(REPLICAS, ready) // 100)
    most = min((limit for limit in limits if limit), default=0)
    if most and pods > most:
        yield f"{span} disturbed {pods} pods, of at most {most}"
    if 0 < ready <= AT_ONCE:
        yield f"{span} left none of {ready} ready pods"


def _cooled(span: Span, promise: Promise, before: Sequence[Effect]) -> Iterator[str]:
    for effect in before:
        if effect.at + promise.cooldown > span.begin:
            yield f"{span} began {span.begin - effect.at} after {effect.name}; it cools {promise.cooldown}"


def _in_time(span: Span, effects: Mapping[str, Effect]) -> Iterator[Effect]:
    """Leave out what somebody who stood still caused when people had long said that it did not happen."""
    yield from (effect for effect in _caused(span, effects) if not effect.stale or effect.at <= span.end)


def _caused(span: Span, effects: Mapping[str, Effect]) -> Iterator[Effect]:
    for place in range(len(span.attempt.steps)):
        effect = span.effect(place, effects)
        if effect is not None:
            yield effect


def _without_evidence(spans: Sequence[Span], effects: Mapping[str, Effect], book: Book) -> Iterator[str]:
    """Evidence was kept before, where the rules want it."""
    caused = [(span.incident.number, effect) for span in spans for effect in _caused(span, effects)]
    kept = [(number, effect.at) for number, effect in caused if effect.plugin == _KEEPING]
    for span in spans:
        bound = book.promise(span.playbook, span.attempt).evidence and not (span.undo or span.broke_glass)
        if bound and not any(number == span.incident.number and at <= span.begin for number, at in kept):
            yield f"{span} began before evidence was kept"
