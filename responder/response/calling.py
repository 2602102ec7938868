"""Calling people: through the receivers of who may decide, with a mention; and waking them when actions went wrong."""

from collections.abc import Sequence
from dataclasses import replace

from responder.model.action import Approval, Attempt
from responder.model.receiver import Receiver
from responder.response import acting_replies, attempts
from responder.response.approvals import needed, roles
from responder.response.draft import Call, Draft


def ask(draft: Draft, attempt: Attempt, *, held: str = "", why: str = "") -> None:
    """
    Ask who may decide for a yes or no.

    `held` says why it does not go on by itself though it might, `why` why they are asked anew.
    """
    note = acting_replies.asks(draft, attempt, people=needed(draft.brain, attempt), held=held, why=why)
    draft.calls.append(Call(note, deciders(draft, attempt)))


def ask_again(draft: Draft, attempt: Attempt) -> None:
    """Say to who was asked that nobody said yes in time, and how to ask again."""
    draft.calls.append(Call(acting_replies.expired(draft, attempt), deciders(draft, attempt)))


def glass_broken(draft: Draft, attempt: Attempt, approval: Approval, past: Sequence[str]) -> None:
    """Tell everybody that somebody overrode what stood against an action, and why; `past` is what that was."""
    people = needed(draft.brain, attempt)
    lacking = (f"the yes of {people} people",) if people > 1 else ()
    draft.calls.append(Call(acting_replies.glass_broken(draft, attempt, approval, (*past, *lacking))))


def remind(draft: Draft, attempt: Attempt) -> None:
    """Say to who may decide that what was meant for a while still stands."""
    draft.calls.append(Call(acting_replies.reminder(draft, attempt), deciders(draft, attempt)))


def doubt(draft: Draft, attempt: Attempt) -> Attempt:
    """Ask people to find out whether something happened; what nobody had approved wakes them."""
    draft.calls.append(Call(acting_replies.doubt(draft, attempt)))
    if not attempt.approved_by:
        _wake(draft, attempt, f"it may have happened, and nobody can tell: {attempt.why}")
    return attempts.put(draft, replace(attempt, called=True))


def escalate(draft: Draft, attempt: Attempt, why: str) -> Attempt:
    """Call people with a mention, and wake whoever has a pager: nothing more is done by itself."""
    draft.calls.append(Call(acting_replies.escalated(draft, attempt, why)))
    _wake(draft, attempt, f"{attempt.state.value}, a person is needed: {why}")
    return attempts.put(draft, replace(attempt, called=True))


def deciders(draft: Draft, attempt: Attempt) -> tuple[Receiver, ...]:
    """Return where those are told who may say yes; none where the rules name nobody, or only those with pagers."""
    try:
        named = tuple(dict.fromkeys(role for group in roles(attempt) for role in group))
    except ValueError:
        return ()
    found = draft.brain.receivers(named, draft.incident.team) if named else ()
    return tuple(receiver for receiver in found if not draft.brain.pages(receiver))


def _wake(draft: Draft, attempt: Attempt, why: str) -> None:
    """Wake people for an attempt, once."""
    if not attempt.dry_run:
        draft.wakings.setdefault(str(attempt.number), f"{draft.incident.id}/{attempt.number} {attempt.name}: {why}")
