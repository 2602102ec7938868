"""Evidence first: what must have been kept before something that destroys it may run."""

from collections.abc import Iterator, Sequence

from responder.model.action import ActionState, Attempt
from responder.response.draft import Draft
from responder.response.proposals import find

CAPTURE = "evidence.capture"
_KEPT = frozenset({ActionState.DONE, ActionState.VERIFIED})


def lacking(draft: Draft, attempt: Attempt, wanted: Sequence[str]) -> Iterator[str]:
    """
    Say what evidence is missing, and what to run for it.

    `wanted` are actions of the playbook. Destructive and security actions need some, though their rules name none.
    """
    for name in wanted:
        if not any(_is_of(draft, other, name) for other in _keeping(draft)):
            yield f"no evidence has been kept yet: run the action `{name}` first"
    known = [draft.brain.action(step.plugin) for step in attempt.steps]
    heavy = any(each is not None and each.weight in ("destructive", "security") for each in known)
    if heavy and not wanted and not any(_keeping(draft)):
        capturing = next((action for action in draft.brain.playbook.actions if action.plugin == CAPTURE), None)
        first = f"run the action `{capturing.name}`" if capturing else f"responder act {draft.incident.id} {CAPTURE}"
        yield f"it destroys or reveals something, and no evidence has been kept yet: {first} first"


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
