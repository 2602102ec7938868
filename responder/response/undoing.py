"""Taking an attempt back: its steps in reverse, under the guards that bind whoever changes something."""

from dataclasses import replace

from responder.model.action import ActionState, Attempt, Step
from responder.response import attempts, budgets, effects, weights
from responder.response.brain import Brain
from responder.response.draft import Draft
from responder.response.guards import undo_refusals

_STANDING = frozenset({"done", "in_doubt"})


def begin(draft: Draft, attempt: Attempt, *, why: str, by: str = attempts.BY_ITSELF) -> Attempt | str:
    """Begin to take back what stands of an attempt; a string says why that cannot be, and nothing was begun."""
    against = why_not(draft.brain, attempt, by=by) or "; ".join(undo_refusals(draft, attempt))
    if against:
        return against
    place = standing(draft.brain, attempt)[-1]
    kept = replace(attempt, temporary_until=None, helped=_has_helped(attempt), undone_by=by)
    return _begin(draft, kept, place, why=why, by=by)


def end(draft: Draft, attempt: Attempt, *, why: str) -> Attempt | str:
    """Begin to take back what was to last as long as the incident; the global stop does not bar that."""
    places = lasting(draft, attempt)
    against = _against(draft.brain, attempt.steps[places[-1]])
    against = against or "; ".join(undo_refusals(draft, attempt, past_stop=True))
    if against:
        return against
    helped = attempt.state in (ActionState.DONE, ActionState.VERIFIED)
    attempt = replace(attempt, ending=attempt.state, then=(), helped=helped)
    return _begin(draft, attempt, places[-1], why=why, by=attempts.BY_ITSELF)


def why_not(brain: Brain, attempt: Attempt, *, by: str = "anybody") -> str:
    """Say why nothing of an attempt can be taken back by somebody; "" where something can."""
    places = standing(brain, attempt)
    if not places:
        return "nothing stands of it that could be undone"
    if attempt.dry_run:
        return "it was a dry run: nothing was changed"
    last = attempt.steps[places[-1]]
    return _against(brain, replace(last, undone=None) if by and _may_be_tried_again(brain, last) else last)


def lasting(draft: Draft, attempt: Attempt) -> list[int]:
    """Return the places of the steps that stand and are to last as long as the incident, none that was tried."""
    places = [place for place in standing(draft.brain, attempt) if attempt.steps[place].undone is None]
    known = [(place, draft.brain.action(attempt.steps[place].plugin)) for place in places]
    return [place for place, traits in known if traits is not None and traits.until_resolved]


def standing(brain: Brain, attempt: Attempt) -> list[int]:
    """Return the places of the steps that stand, or may, and change something."""
    return [place for place, step in enumerate(attempt.steps) if _stands(brain, step)]


def stays(brain: Brain, attempt: Attempt) -> str:
    """Say beforehand which step cannot be taken back, and so stays with all before it; "" where all can."""
    steps = [attempt.steps[place] for place in standing(brain, attempt)]
    return next((against for step in reversed(steps) if (against := _against(brain, step))), "")


def go_on(draft: Draft, attempt: Attempt) -> Attempt | str | None:
    """
    Take back the step before; None when there is none left, a string says why it stays, and all before it.

    Those before it are left as they are: one that cannot be taken back may rest on them.
    """
    left = standing(draft.brain, attempt) if attempt.ending is None else lasting(draft, attempt)
    if not left:
        return None
    against = _against(draft.brain, attempt.steps[left[-1]])
    if against:
        return f"{against}; what still stands: {', '.join(attempts.title(attempt.steps[place]) for place in left)}"
    return effects.take_back(draft, attempt, left[-1])


def _has_helped(attempt: Attempt) -> bool:
    """Whether it did what it should up to now, as what was meant for a while has when that is over."""
    meant = attempt.state is ActionState.DONE and attempt.reminded > 0
    return attempt.state is ActionState.VERIFIED or meant


def _begin(draft: Draft, attempt: Attempt, place: int, *, why: str, by: str) -> Attempt:
    draft.starts.extend(budgets.runs_of(draft, attempt, undo=True))
    attempt = attempts.move(draft, replace(attempt, ended_at=None), ActionState.UNDOING, why, by=by)
    return effects.take_back(draft, attempt, place)


def _stands(brain: Brain, step: Step) -> bool:
    undone = step.undone is not None and step.undone.status == "done"
    if step.outcome is None or step.outcome.status not in _STANDING or undone or step.verifies:
        return False
    known = brain.action(step.plugin)
    return known is None or known.undoable or not weights.is_harmless(brain, step)


def _may_be_tried_again(brain: Brain, step: Step) -> bool:
    """Whether a person may ask anew for what could not be undone: an outage ends, and others let go of an object."""
    known = brain.action(step.plugin)
    told = step.undone is not None and step.undone.status in ("failed", "not_done")
    return told and known is not None and known.once != "doubtful"


def _against(brain: Brain, step: Step) -> str:
    known = brain.action(step.plugin)
    if known is None or not known.undoable:
        return f"{attempts.title(step)} cannot be undone"
    if step.undone is not None:
        return f"undoing {attempts.title(step)} was tried already ({step.undone.say}): do it by hand"
    recorded = step.outcome.undo if step.outcome is not None else None
    if recorded is None and (step.preview is None or step.preview.undo is None):
        return f"nothing was recorded to put back for {attempts.title(step)}"
    return ""
