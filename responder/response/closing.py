"""The end of an incident: what was to last as long as it does, such as a silence, is taken back first."""

from responder.model.action import ActionState, Attempt
from responder.response import calling, undoing
from responder.response.draft import Draft

_UNDER_WAY = frozenset({ActionState.RUNNING, ActionState.VERIFYING, ActionState.UNDOING})


def is_held_open(attempts: tuple[Attempt, ...]) -> bool:
    """Whether an action is under way: nothing is over before it is known what that came to."""
    return any(attempt.state in _UNDER_WAY for attempt in attempts)


def close(draft: Draft) -> bool:
    """
    Take back what was to last only as long as the incident; whether the incident may end now.

    What cannot be taken back does not hold it open: people are called.
    """
    standing: list[tuple[Attempt, str]] = []
    for attempt in draft.incident.attempts:
        if attempt.state not in _UNDER_WAY and not attempt.dry_run and undoing.lasting(draft, attempt):
            begun = undoing.end(draft, attempt, why="the incident is over")
            if isinstance(begun, str):
                standing.append((attempt, begun))
    if is_held_open(draft.incident.attempts):
        return False
    for attempt, why in standing:
        calling.escalate(draft, attempt, f"the incident is over, and it still stands: {why}")
    return True
