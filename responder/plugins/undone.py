"""The mark that an outcome bears whose step was taken back: to follow it is to see that it stays so."""

from dataclasses import replace

from responder.model.action import Outcome

_MARK = "undone"


def undone(told: Outcome) -> Outcome:
    """Mark the outcome of taking a step back."""
    return replace(told, basis={**told.basis, _MARK: True})


def is_undone(outcome: Outcome) -> bool:
    """Whether a step was taken back with this outcome."""
    return bool(outcome.basis.get(_MARK))
