"""Tells the actions of an incident again, out of its timeline: previews, outcomes, and what people said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from responder.engine.outcomes import safe_preview
from responder.engine.recording_actions import (
    Acts,
    RecordedAction,
    RecordedAnswer,
    RecordedLook,
    RecordedOutcome,
    RecordedProgress,
    RecordedRequest,
    RecordedStep,
    RecordedVerification,
)
from responder.engine.retelling_readings import readings_of, since_of
from responder.model.action import Attempt, Outcome, Preview, Progress, Step
from responder.model.incident import Incident
from responder.model.redaction import redact, redact_json
from responder.model.secrecy import plain, secrets_in
from responder.model.timeline import Acted, ActionAsked, Answered, Event, Followed, Previewed

T = TypeVar("T", Preview, Outcome, Progress)


def acts_of(incident: Incident, events: Sequence[Event], start: datetime) -> Acts:
    """
    Tell everything about actions, secrets redacted.

    What taking an action back needs is left out: nothing is ever taken back in a replay.
    """
    attempts = {attempt.number: attempt for attempt in incident.attempts}
    names = dict.fromkeys(attempt.name for attempt in incident.attempts)
    actions = {name: _action([a for a in attempts.values() if a.name == name], events, start) for name in names}
    return Acts(
        actions={name: action for name, action in actions.items() if action.looks or action.outcomes},
        answers=tuple(_answers(attempts, events, start)),
        requests=tuple(_requests(events, start)),
    )


def _action(attempts: Sequence[Attempt], events: Sequence[Event], start: datetime) -> RecordedAction:
    numbers = {attempt.number: attempt for attempt in attempts}
    tries = {attempt.number: place for place, attempt in enumerate(attempts)}
    looks: list[RecordedLook] = []
    outcomes: list[RecordedOutcome] = []
    progress: list[RecordedProgress] = []
    frozen, before = _frozen(events), start
    for event in events:
        match event.what:
            case Previewed() as told if told.attempt in numbers:
                since = since_of(before, event.at, start) if looks else timedelta(0)
                known = event.at >= frozen.get(told.attempt, start)
                steps = _steps(numbers[told.attempt].steps[told.first :], told.previews, known=known)
                look = RecordedLook(since=since, first=told.first, steps=steps)
                before = event.at
                if not looks or (looks[-1].first, looks[-1].previews) != (look.first, look.previews):
                    looks.append(look)
            case Acted() as told if told.attempt in numbers:
                outcomes.append(_outcome(told, tries[told.attempt]))
            case Followed() as told if told.attempt in numbers:
                progress += _progress(numbers[told.attempt], event.at, told, progress, tries[told.attempt])
    return RecordedAction(
        looks=looks,
        outcomes=outcomes,
        progress=progress,
        verifications=[*_verifications(attempts, events, start)],
    )


def _frozen(events: Sequence[Event]) -> dict[int, datetime]:
    """Return since when the parameters of attempts are what they were in the end: people gave no other inputs later."""
    answers = ((event.at, event.what) for event in events if isinstance(event.what, Answered))
    return {told.attempt: at for at, told in answers if plain(told.inputs)}


def _outcome(told: Acted, again: int) -> RecordedOutcome:
    outcome = _safe(Outcome, replace(told.outcome, undo=None))
    return RecordedOutcome(step=told.step, undo=told.undo, again=again, outcome=outcome)


def _verifications(
    attempts: Sequence[Attempt], events: Sequence[Event], start: datetime
) -> Iterator[RecordedVerification]:
    for again, attempt in enumerate(attempts):
        if attempt.verification is not None:
            ended = attempt.verification.began_at
            if readings := readings_of(events, start, attempt=attempt.number, ended=ended):
                yield RecordedVerification(again=again, readings=readings)


def _steps(steps: Sequence[Step], previews: Sequence[Preview], *, known: bool) -> list[RecordedStep]:
    """Tell what steps would have done; with other inputs they had parameters that are not `known` any more."""
    return [
        RecordedStep(
            plugin=step.plugin,
            target=str(step.target) if step.target.known else "",
            params=redact_json(dict(step.params)) if known else None,
            preview=_safe(Preview, replace(safe_preview(preview), undo=None if preview.undo is None else True)),
        )
        for step, preview in zip(steps, previews, strict=False)
    ]


def _progress(
    attempt: Attempt, at: datetime, told: Followed, known: Sequence[RecordedProgress], again: int
) -> Iterator[RecordedProgress]:
    """Yield a progress, unless it is that of the look before."""
    step = attempt.steps[told.step] if told.step < len(attempt.steps) else None
    seen = _safe(Progress, told.progress)
    before = [one.progress for one in known if (one.again, one.step) == (again, told.step)]
    if step is not None and before[-1:] != [seen]:
        after = max(timedelta(0), at - (step.ended_at or at))
        yield RecordedProgress(step=told.step, again=again, after=after, progress=seen)


def _answers(attempts: Mapping[int, Attempt], events: Sequence[Event], start: datetime) -> Iterator[RecordedAnswer]:
    for event in events:
        told = event.what
        if isinstance(told, Answered) and told.attempt in attempts:
            yield RecordedAnswer(
                at=event.at - start,
                action=attempts[told.attempt].name,
                answer=told.answer,
                by=told.by,
                roles=list(told.roles),
                inputs=redact_json(plain(told.inputs)),
                withheld=[*secrets_in(told.inputs)],
                why=redact(told.why),
            )


def _requests(events: Sequence[Event], start: datetime) -> Iterator[RecordedRequest]:
    for event in events:
        told = event.what
        if isinstance(told, ActionAsked):
            yield RecordedRequest(
                at=event.at - start,
                by=told.by,
                plugin=told.plugin,
                params=redact_json(dict(told.params)),
                roles=list(told.roles),
                reason=redact(told.reason),
                target=told.target,
            )


def _safe(kind: type[T], value: T) -> T:
    adapter: TypeAdapter[T] = TypeAdapter(kind)
    plain: dict[str, Any] = redact_json(adapter.dump_python(value, mode="json"))
    return adapter.validate_python({name.name: plain[name.name] for name in fields(kind)})
