"""What follows when an action did not help: it is taken back, people are called, the next alternative is tried."""

from dataclasses import replace

from responder.model.action import ActionState, Attempt
from responder.model.guard import verify_of
from responder.response import acting_replies, attempts, calling, diagnosis, making, undoing
from responder.response.draft import Draft

_HELD = frozenset({ActionState.INEFFECTIVE, ActionState.UNDONE})
"""Ends that escalation is the next state of; the others keep their own, which tells more."""


def unsuccessful(draft: Draft, attempt: Attempt, state: ActionState, why: str) -> None:
    """End an attempt that did not help, and do what its playbook says for that."""
    then = ("escalate",) if state is ActionState.REVERTED else otherwise(attempt)
    if state is ActionState.FAILED and "escalate" not in then and not attempt.approved_by and not attempt.called:
        then = (*then, "escalate")
    ended = attempts.move(draft, replace(attempt, then=then), state, why)
    if "escalate" not in then:
        draft.replies.append(acting_replies.ended(draft, ended))
    _look_around(draft)
    go_on(draft, ended)


def go_on(draft: Draft, attempt: Attempt) -> None:
    """Do what is still to follow, in its order, until something of it is under way."""
    called = False
    while attempt.then:
        word, rest = attempt.then[0], attempt.then[1:]
        attempt = attempts.put(draft, replace(attempt, then=rest))
        if word == "undo" and undoing.standing(draft.brain, attempt):
            begun = undoing.begin(draft, attempt, why=f"it did not help: {attempt.why}")
            if isinstance(begun, Attempt):
                return
            attempt, called = _escalate(draft, attempt, f"{attempt.why}; it could not be undone: {begun}"), True
        elif word == "escalate" and not called:
            attempt, called = _escalate(draft, attempt, attempt.why), True
        elif word == "next" and making.next_of(draft, attempt) is None and not called:
            attempt, called = _escalate(draft, attempt, f"{attempt.why}; nothing else is left to try"), True
        attempt = attempts.find(draft, attempt.number) or attempt


def succeeded(draft: Draft, attempt: Attempt, state: ActionState, why: str) -> None:
    """End an attempt that did what it should."""
    until = draft.now + attempt.temporary if attempt.temporary and not attempt.dry_run else None
    ended = attempts.move(draft, replace(attempt, temporary_until=until), state, why)
    draft.replies.append(acting_replies.ended(draft, ended))
    _look_around(draft)


def otherwise(attempt: Attempt) -> tuple[str, ...]:
    """Return what is to follow when it does not help."""
    try:
        return verify_of(attempt.verify).otherwise
    except ValueError:
        return ("escalate",)


def _escalate(draft: Draft, attempt: Attempt, why: str) -> Attempt:
    if attempt.state in _HELD:
        attempt = attempts.move(draft, attempt, ActionState.ESCALATED, why)
    return calling.escalate(draft, attempt, why)


def _look_around(draft: Draft) -> None:
    """Look at what blocked again, and at the world: both may be other than before."""
    for other in draft.incident.attempts:
        if other.state is ActionState.BLOCKED and not other.pending:
            attempts.put(draft, replace(other, retry_at=draft.now))
    if draft.incident.resolved_at is None:
        diagnosis.ask_for_round(draft)
