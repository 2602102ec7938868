"""Evidence first: what must have been kept before something that destroys it may run."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from responder.model.action import HEAVY, ActionState, Attempt
from responder.response import budgets
from responder.response.attempts import clock, title
from responder.response.draft import Draft
from responder.response.proposals import find
from responder.response.weights import weight_of

CAPTURE = "evidence.capture"
_KEPT = frozenset({ActionState.DONE, ActionState.VERIFIED})
_HOW = {"destructive": "may destroy what cannot be brought back", "security": "touches security"}


def lacking(draft: Draft, attempt: Attempt, wanted: Sequence[str]) -> Iterator[str]:
    """
    Say what evidence is missing, and what to run for it.

    `wanted` are actions of the playbook. Destructive and security actions need some, though their rules name none. Only
    what was kept since the alerts last began to fire and since the same was last done to the same objects shows what
    there is to be lost now.
    """
    kept = [each for each in draft.incident.attempts if has_kept(draft, each)]
    since, what = _since(draft, attempt)
    fresh = [each for each in kept if _is_after(each, since)]
    for name in wanted:
        if not any(_is_of(draft, other, name) for other in fresh):
            stale = any(_is_of(draft, other, name) for other in kept)
            yield f"no evidence has been kept {what if stale else 'yet'}: run the action `{name}` first"
    heavy = next(((step, weight) for step in attempt.steps if (weight := weight_of(draft.brain, step)) in HEAVY), None)
    if heavy is not None and not wanted and not fresh:
        step, weight = heavy
        told = f"no evidence has been kept {what if kept else 'yet'}"
        yield f"{step.plugin} {_HOW[weight]}, and {told}; first {_first(draft)}"


def is_stale(draft: Draft, kept: Attempt, attempt: Attempt) -> bool:
    """Whether what an attempt has kept is no evidence for another one, and what is kept now would be."""
    since, _ = _since(draft, attempt)
    return since <= draft.now and not _is_after(kept, since)


def has_kept(draft: Draft, attempt: Attempt) -> bool:
    """Whether an attempt has kept something; in a dry run nothing is, and it counts there."""
    if attempt.state not in _KEPT:
        return False
    kept = any(step.outcome is not None and step.outcome.kept for step in attempt.steps)
    return kept or (attempt.dry_run and draft.brain.dry_run)


def _since(draft: Draft, attempt: Attempt) -> tuple[datetime, str]:
    """Return since when evidence has to be, and in words since what."""
    fired = max((each.started_at for each in draft.incident.episodes), default=draft.incident.started_at)
    found = [(fired, f"since an alert fired at {clock(fired, draft.now)}")]
    for step in attempt.steps:
        last = budgets.last(draft, attempt, step)
        if last is not None:
            ended = last.ended_at or last.started_at
            found.append((ended, f"since {title(step)} at {clock(ended, draft.now)}"))
    return max(found, key=lambda each: each[0])


def _is_after(attempt: Attempt, since: datetime) -> bool:
    return attempt.started_at is not None and attempt.started_at >= since


def _first(draft: Draft) -> str:
    capturing = next((action for action in draft.brain.playbook.actions if action.plugin == CAPTURE), None)
    if capturing is not None:
        return f"run the action `{capturing.name}`"
    return f"type responder act {draft.incident.id} {CAPTURE} logs=true manifests=true events=true"


def _is_of(draft: Draft, attempt: Attempt, name: str) -> bool:
    """Whether it is an attempt at that action; one that a person asked for by hand counts as one."""
    action = find(draft, name)
    by_hand = bool(attempt.proposed_by) and action is not None and attempt.name == action.plugin
    return attempt.name == name or by_hand
