"""Which words an attempt takes as it stands: the doors ask at once, the turn that decides asks again."""

from responder.model.action import ActionState

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
