"""Looks that nobody has answered for long: they are asked for again, for a while. An effect never is."""

from dataclasses import replace
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.response import attempts, running
from responder.response.draft import Draft

_AFTER = timedelta(minutes=15)
"""Far longer than any look takes: the answer to the old one counts no more."""
_MOST_LOOKS = 500
_UNDER_WAY = (ActionState.RUNNING, ActionState.UNDOING)


def due_at(attempt: Attempt) -> datetime | None:
    """Return when the look that an attempt waits for is asked for again; None for never."""
    return attempt.retry_at if _waits(attempt) else None


def note(draft: Draft, before: Incident) -> None:
    """Remember from when a look is unanswered; `before` is the incident as it was before the turn."""
    known = {attempt.number: attempt.pending for attempt in before.attempts}
    for attempt in draft.incident.attempts:
        is_new = known.get(attempt.number) != attempt.pending
        if _waits(attempt) and (is_new or attempt.retry_at is None):
            attempts.put(draft, replace(attempt, retry_at=draft.now + _AFTER))


def advance(draft: Draft, attempt: Attempt) -> None:
    """Ask again once its time has come; a yes that is too old by then does not count."""
    due = due_at(attempt)
    if due is None or due > draft.now:
        return
    if attempt.state in _UNDER_WAY:
        running.unheard(draft, attempt, due)
    elif attempt.state is ActionState.APPROVED and attempt.expires_at is not None and attempt.expires_at <= draft.now:
        asked = replace(attempt, approvals=(), digest="", expires_at=None)
        why = "nobody could look whether all is as it was approved: people are asked anew"
        attempts.look(draft, attempts.move(draft, asked, ActionState.PROPOSED, why))
    else:
        attempts.look(draft, attempt)


def _waits(attempt: Attempt) -> bool:
    """Whether it waits for a look that can be asked for again; who verifies has a deadline of its own."""
    if attempt.state in _UNDER_WAY:
        return attempt.pending.startswith(("look/", "follow/"))
    may_ask = attempt.state.live and attempt.looks < _MOST_LOOKS
    return may_ask and attempt.state is not ActionState.VERIFYING and attempt.pending.startswith("look/")
