"""The life of attempts within a turn: what came back and what people said is taken in, then time does its part."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.model.timeline import (
    Acted,
    ActionAsked,
    Answered,
    AutomationChanged,
    Diagnosed,
    Event,
    Followed,
    Previewed,
)
from responder.response import (
    approving,
    attempts,
    calling,
    checking,
    making,
    manual,
    running,
    stopping,
    unanswered,
    verifying,
)
from responder.response.answerable import ASKED
from responder.response.draft import Draft
from responder.response.forbidding import forbidden_now

_REMIND_AT_LEAST = timedelta(hours=1)
_MOST_REMINDERS = 50


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in previews, outcomes and answers in their order; what is called for no more is taken back first."""
    making.withdraw(draft)
    for event in events:
        _take(draft, event)


def advance(draft: Draft, before: Incident) -> None:
    """Make attempts of what is proposed, and do what the time has come for; `before` is the incident as it was."""
    making.make(draft)
    stopping.advance(draft)
    for number in [attempt.number for attempt in draft.incident.attempts]:
        attempt = attempts.find(draft, number)
        if attempt is not None:
            attempt = _forbidden(draft, attempt)
            _advance(draft, attempt, new_round=draft.incident.round > before.round)
    unanswered.note(draft, before)


def due_at(incident: Incident, attempt: Attempt) -> datetime | None:
    """Return when an attempt wants to be looked at again though nothing happens; None for never."""
    match attempt.state:
        case ActionState.PROPOSED:
            return min(filter(None, (attempt.expires_at, unanswered.due_at(attempt))), default=None)
        case ActionState.BLOCKED | ActionState.APPROVED if not attempt.pending:
            return attempt.retry_at
        case ActionState.VERIFYING:
            return verifying.due_at(attempt)
    return unanswered.due_at(attempt) if attempt.state.live else attempt.temporary_until


def _take(draft: Draft, event: Event) -> None:
    match event.what:
        case Previewed() as told:
            running.looked(draft, told)
            checking.previewed(draft, told)
        case Answered() as told:
            approving.answered(draft, event.at, told)
        case ActionAsked() as told:
            manual.asked(draft, told)
        case Acted() as told:
            running.acted(draft, event.at, told)
        case Followed() as told:
            running.followed(draft, event.at, told)
        case Diagnosed() as told if told.attempt:
            verifying.diagnosed(draft, event.at, told)
        case AutomationChanged() as told:
            stopping.changed(draft, told)


def _advance(draft: Draft, attempt: Attempt, *, new_round: bool) -> None:
    if attempt.state is ActionState.VERIFYING:
        verifying.advance(draft, attempt)
        return
    if attempt.state is ActionState.PROPOSED and attempt.expires_at is not None and attempt.expires_at <= draft.now:
        approving.expire(draft, attempt)
        return
    if attempt.pending:
        unanswered.advance(draft, attempt)
        return
    match attempt.state:
        case ActionState.PROPOSED if attempt.wants and not attempt.digest:
            checking.want(draft, attempt)
        case ActionState.BLOCKED if attempt.wants and (new_round or _is_due(draft, attempt)):
            checking.want(draft, attempt)
        case ActionState.PROPOSED | ActionState.BLOCKED if attempt.wants:
            pass
        case ActionState.PROPOSED if new_round and attempt.digest and not _changes_by_itself(attempt):
            attempts.look(draft, attempt)
        case ActionState.BLOCKED if new_round or _is_due(draft, attempt):
            attempts.look(draft, attempt)
        case ActionState.APPROVED if _is_due(draft, attempt):
            attempts.look(draft, attempt)
    if not attempt.state.live and attempt.temporary_until is not None and attempt.temporary_until <= draft.now:
        _remind(draft, attempt)


def _forbidden(draft: Draft, attempt: Attempt) -> Attempt:
    """Note whether what people are still asked about has come to be forbidden; whether it starts is decided then."""
    asked = attempt.state in ASKED
    why = forbidden_now(draft.brain, attempt.steps, unfilled=bool(attempt.wants)) if asked else ""
    return attempt if why == attempt.forbidden else attempts.put(draft, replace(attempt, forbidden=why))


def _is_due(draft: Draft, attempt: Attempt) -> bool:
    return attempt.retry_at is None or attempt.retry_at <= draft.now


def _changes_by_itself(attempt: Attempt) -> bool:
    """Whether it acts on things that come and go: of them it takes those that were approved, and people are left be."""
    return any(step.preview is not None and step.preview.among for step in attempt.steps)


def _remind(draft: Draft, attempt: Attempt) -> None:
    """Say that what was meant for a while still stands, again and again, ever less often than hourly."""
    span = max((attempt.temporary or _REMIND_AT_LEAST) / 2, _REMIND_AT_LEAST)
    again = draft.now + span if attempt.reminded < _MOST_REMINDERS else None
    reminded = replace(attempt, reminded=attempt.reminded + 1, temporary_until=again)
    calling.remind(draft, attempts.put(draft, reminded))
