"""What was tried earlier of the same: what did not help, what people took back, what nobody knows the effect of."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt, Run, Step
from responder.model.guard import verify_of
from responder.response import budgets, weights
from responder.response.attempts import clock, title
from responder.response.draft import Draft

_LATELY = timedelta(hours=24)
"""For so long nothing does by itself again what has not helped, or may not have, whichever incident calls for it."""
_NO_HELP = frozenset(
    {
        ActionState.FAILED,
        ActionState.INEFFECTIVE,
        ActionState.ESCALATED,
        ActionState.REVERTED,
        ActionState.UNDONE,
    }
)
_TOLD = frozenset({ActionState.REFUSED.value, ActionState.VERIFIED.value})
"""Outcomes of which it is known that nothing happened, or that it helped."""


def did_not_help(attempt: Attempt) -> bool:
    """Whether an attempt ended without having helped; what had helped until it was taken back did help."""
    return attempt.state in _NO_HELP and not (attempt.state is ActionState.UNDONE and attempt.helped)


def failed_before(draft: Draft, attempt: Attempt) -> str:
    """Say which earlier attempt of the incident at the same thing did not help, or was not let; "" for none."""
    for other, step in _same(draft, attempt):
        if did_not_help(other):
            told = f"{title(step)} did not help before ({draft.incident.id}/{other.number}: {other.state})"
            return _taken_back(draft, other, step) or told
    return ""


def taken_back(draft: Draft, attempt: Attempt) -> str:
    """Say who took back the same in this incident before its time was over, even if it helped; "" for nobody."""
    others = ((other, step) for other, step in _same(draft, attempt) if not other.reminded)
    return next(filter(None, (_taken_back(draft, other, step) for other, step in others)), "")


def no_help_lately(draft: Draft, attempt: Attempt, step: Step) -> str:
    """Say which run of a day, of any incident, did the same to the same object and did not help; "" for none."""
    told = {state.value for state in _NO_HELP}
    runs = [run for run in _lately(draft, attempt, step) if run.ended_at is not None and run.outcome in told]
    last = max(runs, key=_ended, default=None)
    if last is None:
        return ""
    when = clock(_ended(last), draft.now)
    return f"{title(step)} did not help at {when} (INC-{last.incident}/{last.attempt}: {last.outcome})"


def unverified_lately(draft: Draft, attempt: Attempt) -> str:
    """
    Say which run of a day did what this would do again, where nothing tells whether that helped; "" for none.

    Raises: ValueError for a verification that cannot be read.
    """
    if verify_of(attempt.verify).tells:
        return ""
    for step in attempt.steps:
        runs = [run for run in _lately(draft, attempt, step) if run.outcome not in _TOLD]
        last = max(runs, key=_ended, default=None)
        if last is not None:
            done = f"{title(step)} ran at {clock(_ended(last), draft.now)} (INC-{last.incident}/{last.attempt})"
            return f"{done}, and without a `verify` nothing says whether that helped"
    return ""


def _same(draft: Draft, attempt: Attempt) -> Iterator[tuple[Attempt, Step]]:
    """Yield the steps that another attempt has done too: in earnest, or tried as this one is."""
    for other in draft.incident.attempts:
        if other.number != attempt.number and (attempt.dry_run or not other.dry_run):
            done = {(step.plugin, step.target) for step in other.steps}
            yield from ((other, step) for step in attempt.steps if (step.plugin, step.target) in done)


def _taken_back(draft: Draft, other: Attempt, step: Step) -> str:
    if other.state is not ActionState.UNDONE or not other.undone_by:
        return ""
    return f"{other.undone_by} undid {title(step)} before ({draft.incident.id}/{other.number})"


def _lately(draft: Draft, attempt: Attempt, step: Step) -> list[Run]:
    """Return the runs of a day that did the same to the same object; none for what only reads and keeps."""
    if draft.brain.action(step.plugin) is None or weights.is_harmless(draft.brain, step):
        return []
    return [run for run in budgets.alike(draft, attempt, step) if _ended(run) + _LATELY > draft.now]


def _ended(run: Run) -> datetime:
    return run.ended_at or run.started_at
