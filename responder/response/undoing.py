"""Taking an attempt back: its steps in reverse, under the guards that bind whoever changes something."""

from dataclasses import replace

from responder.model.action import ActionState, Attempt, Step
from responder.response import attempts, budgets, effects
from responder.response.draft import Draft
from responder.response.guards import undo_refusals

_STANDING = frozenset({"done", "in_doubt"})


def begin(draft: Draft, attempt: Attempt, *, why: str, by: str = attempts.BY_ITSELF) -> Attempt | str:
    """Begin to take back what stands of an attempt; a string says why that cannot be, and nothing was begun."""
    places = standing(attempt)
    if not places:
        return "nothing stands of it that could be taken back"
    if attempt.dry_run:
        return "it was a dry run: nothing was changed"
    for place in places:
        against = _against(draft, attempt.steps[place])
        if against:
            return against
    refused = undo_refusals(draft, attempt)
    if refused:
        return "; ".join(refused)
    draft.starts.extend(budgets.runs_of(draft, attempt, undo=True))
    attempt = replace(attempt, ended_at=None, temporary_until=None)
    attempt = attempts.move(draft, attempt, ActionState.UNDOING, why, by=by)
    return effects.take_back(draft, attempt, places[-1])


def standing(attempt: Attempt) -> list[int]:
    """Return the places of the steps that stand, or may, and change something."""
    return [place for place, step in enumerate(attempt.steps) if _stands(step)]


def _stands(step: Step) -> bool:
    undone = step.undone is not None and step.undone.status == "done"
    return step.outcome is not None and step.outcome.status in _STANDING and not undone and not step.verifies


def _against(draft: Draft, step: Step) -> str:
    known = draft.brain.action(step.plugin)
    if known is None or not known.undoable:
        return f"{attempts.title(step)} cannot be taken back"
    if step.undone is not None:
        return f"taking back {attempts.title(step)} was tried already ({step.undone.say}): do it by hand"
    recorded = step.outcome.undo if step.outcome is not None else None
    if recorded is None and (step.preview is None or step.preview.undo is None):
        return f"nothing was recorded to put back for {attempts.title(step)}"
    return ""
