"""Taking an attempt back: its steps in reverse, under the guards that bind whoever changes something."""

from collections.abc import Sequence
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
    refused = _refused(draft, attempt, places) or undo_refusals(draft, attempt)
    if refused:
        return "; ".join(refused)
    return _begin(draft, replace(attempt, temporary_until=None), places[-1], why=why, by=by)


def end(draft: Draft, attempt: Attempt, *, why: str) -> Attempt | str:
    """Begin to take back what was to last as long as the incident; the global stop does not bar that."""
    places = lasting(draft, attempt)
    refused = _refused(draft, attempt, places) or undo_refusals(draft, attempt, past_stop=True)
    if refused:
        return "; ".join(refused)
    attempt = replace(attempt, ending=attempt.state, then=())
    return _begin(draft, attempt, places[-1], why=why, by=attempts.BY_ITSELF)


def lasting(draft: Draft, attempt: Attempt) -> list[int]:
    """Return the places of the steps that stand and are to last as long as the incident, none that was tried."""
    places = [place for place in standing(attempt) if attempt.steps[place].undone is None]
    known = [(place, draft.brain.action(attempt.steps[place].plugin)) for place in places]
    return [place for place, traits in known if traits is not None and traits.until_resolved]


def left(draft: Draft, attempt: Attempt) -> list[int]:
    """Return the places of the steps that are still to be taken back."""
    return standing(attempt) if attempt.ending is None else lasting(draft, attempt)


def standing(attempt: Attempt) -> list[int]:
    """Return the places of the steps that stand, or may, and change something."""
    return [place for place, step in enumerate(attempt.steps) if _stands(step)]


def _begin(draft: Draft, attempt: Attempt, place: int, *, why: str, by: str) -> Attempt:
    draft.starts.extend(budgets.runs_of(draft, attempt, undo=True))
    attempt = attempts.move(draft, replace(attempt, ended_at=None), ActionState.UNDOING, why, by=by)
    return effects.take_back(draft, attempt, place)


def _refused(draft: Draft, attempt: Attempt, places: Sequence[int]) -> tuple[str, ...]:
    against = (_against(draft, attempt.steps[place]) for place in places)
    return tuple(why for why in against if why)[:1]


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
