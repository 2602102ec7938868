"""Captures that the rules name as evidence: their author has weighed the programs that they run."""

from responder.model.guard import guard_of
from responder.model.playbook import ActionStep, Playbook

CAPTURE = "evidence.capture"


def is_vouched(step: ActionStep, playbook: Playbook) -> bool:
    """Whether a step is a capture of a playbook for which another of its actions waits; what is typed never is."""
    own = any(action.name == step.name and action.plugin == CAPTURE for action in playbook.actions)
    others = (action for action in playbook.actions if action.name != step.name)
    return own and step.plugin == CAPTURE and any(step.name in _evidence(action) for action in others)


def _evidence(action: ActionStep) -> tuple[str, ...]:
    try:
        return guard_of(action.guard).evidence
    except ValueError:
        return ()  # a guard that cannot be read refuses, and vouches for nothing
