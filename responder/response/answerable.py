"""Which words an attempt takes as it stands: the doors ask at once, the turn that decides asks again."""

from responder.model.action import ActionState, Attempt

ASKED = frozenset({ActionState.PROPOSED, ActionState.BLOCKED})
"""Nobody has decided yet: the glass may be broken for it, and it can be withdrawn."""
WAITING = frozenset({*ASKED, ActionState.APPROVED, ActionState.CHECKED})
"""Nothing has begun: a no ends it."""
RENEWABLE = frozenset({ActionState.REJECTED, ActionState.EXPIRED, ActionState.REFUSED, ActionState.WITHDRAWN})
"""It ended before anything began: a yes asks for it again."""
UNDOABLE = frozenset(
    {
        ActionState.DONE,
        ActionState.VERIFYING,
        ActionState.VERIFIED,
        ActionState.INEFFECTIVE,
        ActionState.ESCALATED,
        ActionState.FAILED,
        ActionState.REVERTED,
        ActionState.IN_DOUBT,
    }
)
"""Something of it may stand, which can be taken back."""


def stands_for_now(attempt: Attempt) -> bool:
    """Whether it was done to last for a while only, and stands: somebody has to undo it, whatever else is going on."""
    if attempt.temporary is None or attempt.dry_run or attempt.state.live or attempt.state is ActionState.REVERTED:
        return False
    done = (step for step in attempt.steps if step.outcome is not None and step.outcome.status == "done")
    return any((step.undone is None or step.undone.status != "done") and not step.verifies for step in done)
