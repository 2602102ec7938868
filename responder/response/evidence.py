"""Evidence first: what must have been kept before something that destroys it may run."""

from collections.abc import Iterator, Sequence

from responder.errors import ResponderError
from responder.model.action import HEAVY, ActionState, ActionWeight, Attempt, Step
from responder.model.playbook import ActionStep
from responder.response.draft import Draft
from responder.response.proposals import find

CAPTURE = "evidence.capture"
_KEPT = frozenset({ActionState.DONE, ActionState.VERIFIED})
_HOW = {"destructive": "may destroy what cannot be brought back", "security": "touches security"}


def lacking(draft: Draft, attempt: Attempt, wanted: Sequence[str]) -> Iterator[str]:
    """
    Say what evidence is missing, and what to run for it.

    `wanted` are actions of the playbook. Destructive and security actions need some, though their rules name none.
    """
    for name in wanted:
        if not any(_is_of(draft, other, name) for other in _keeping(draft)):
            yield f"no evidence has been kept yet: run the action `{name}` first"
    heavy = next(((step, weight) for step in attempt.steps if (weight := weight_of(draft, step)) in HEAVY), None)
    if heavy is not None and not wanted and not any(_keeping(draft)):
        step, weight = heavy
        yield f"{step.plugin} {_HOW[weight]}, and no evidence has been kept yet; first {_first(draft)}"


def weight_of(draft: Draft, step: Step) -> ActionWeight:
    """Return what a step may cost; as much as it ever may, where its parameters are not known."""
    known = draft.brain.action(step.plugin)
    if known is None:
        return "ordinary"  # it is refused for good: nobody can run it
    try:
        return draft.brain.weight_of(ActionStep(step.name, step.plugin), step.params) or known.weight
    except (ValueError, ResponderError):
        return known.weight


def _first(draft: Draft) -> str:
    capturing = next((action for action in draft.brain.playbook.actions if action.plugin == CAPTURE), None)
    if capturing is not None:
        return f"run the action `{capturing.name}`"
    return f"type responder act {draft.incident.id} {CAPTURE} logs=true manifests=true events=true"


def _keeping(draft: Draft) -> Iterator[Attempt]:
    """Yield the attempts of this incident that kept something; in a dry run nothing is kept, and it counts there."""
    for attempt in draft.incident.attempts:
        if attempt.state in _KEPT:
            kept = any(step.outcome is not None and step.outcome.kept for step in attempt.steps)
            if kept or (attempt.dry_run and draft.brain.dry_run):
                yield attempt


def _is_of(draft: Draft, attempt: Attempt, name: str) -> bool:
    """Whether it is an attempt at that action; one that a person asked for by hand counts as one."""
    action = find(draft, name)
    by_hand = bool(attempt.proposed_by) and action is not None and attempt.name == action.plugin
    return attempt.name == name or by_hand
