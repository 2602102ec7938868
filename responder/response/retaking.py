"""Evidence that was kept too long ago for what waits for it: it is taken anew, as it was taken first."""

from responder.model.action import ActionState, Attempt
from responder.response import evidence
from responder.response.draft import Draft
from responder.response.guards import guards_of


def is_wanted_anew(draft: Draft, attempt: Attempt) -> bool:
    """Whether something waits for the evidence of an action that has kept some, but too long ago."""
    if not evidence.has_kept(draft, attempt):
        return False
    return any(_waits_for(draft, other, attempt) for other in draft.incident.attempts)


def _waits_for(draft: Draft, other: Attempt, attempt: Attempt) -> bool:
    if other.state is not ActionState.BLOCKED or not evidence.is_stale(draft, attempt, other):
        return False
    try:
        return any(attempt.name in guard.evidence for guard in guards_of(other))
    except ValueError:
        return False
