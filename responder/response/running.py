"""An attempt at work: one step after the other, each followed until the world has come along, or taken back."""

from dataclasses import replace
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt, Outcome, Preview, Progress, Step
from responder.model.command import Follow
from responder.model.duration import format_duration
from responder.model.guard import verify_of
from responder.model.timeline import Acted, Followed, Previewed
from responder.response import (
    acting_replies,
    attempts,
    calling,
    carrying,
    checking,
    consequences,
    effects,
    entrusting,
    undoing,
    verifying,
)
from responder.response.draft import Draft
from responder.response.guards import stop_of, told_stop

BETWEEN_LOOKS = timedelta(seconds=5)
"""At a rollout that is followed."""
_LONGEST = timedelta(hours=1)
"""That a rollout is followed; what stalls says so long before."""
_PASSES = timedelta(minutes=1)
"""For so long what stands in the way of a next step, or of looking at it, may pass."""
DRY_RUN = "DRY RUN: nothing was changed"


def acted(draft: Draft, at: datetime, told: Acted) -> None:
    """Take in what became of a step, or of taking it back; an answer that is not waited for is old."""
    attempt = attempts.find(draft, told.attempt)
    key = f"{'undo' if told.undo else 'act'}/{told.attempt}/{told.step}"
    if attempt is None or key not in (attempt.pending, _first(attempt.pending)):
        return
    attempt = replace(attempt, pending="")
    if told.undo and attempt.state is ActionState.UNDOING:
        _taken_back(draft, at, attempt, told.outcome)
    elif attempt.state is ActionState.RUNNING:
        _ended(draft, at, attempt, told.outcome)


def _first(key: str) -> str:
    """Return the key of the first of several starts: `undo/3/0` of `undo/3/0/2`."""
    return "/".join(key.split("/")[:3])


def followed(draft: Draft, at: datetime, told: Followed) -> None:
    """Take in how far the world has come along."""
    attempt = attempts.find(draft, told.attempt)
    if attempt is None or attempt.pending != f"follow/{told.attempt}/{told.step}/{told.look}":
        return
    if attempt.state is ActionState.VERIFYING:
        verifying.followed(draft, attempt, told)
    elif attempt.state in (ActionState.RUNNING, ActionState.UNDOING):
        step = replace(attempt.steps[attempt.at_step], progress=told.progress)
        attempt = attempts.put(draft, _with(replace(attempt, pending=""), step))
        came_along = _came_along if attempt.state is ActionState.RUNNING else _went_back
        came_along(draft, at, attempt, told.progress)


def unheard(draft: Draft, attempt: Attempt, due: datetime) -> None:
    """Ask again for what nobody has answered until `due`; for so long that it cannot be waited for, say so."""
    place, between = attempt.at_step, attempt.pending.startswith("look/")
    step = attempt.steps[place]
    began = (step.began_at if between else step.ended_at) or attempt.proposed_at
    why = f"nobody could look at it for {format_duration(_LONGEST)}"
    if due - began <= _LONGEST:
        (attempts.look_between if between else _follow)(draft, attempt)
        return
    attempt = replace(attempt, pending="")
    if attempt.state is ActionState.UNDOING:
        _not_taken_back(draft, attempt, f"whether it was undone cannot be told: {why}")
    else:
        _fail(draft, attempt, f"{_only(attempt, place)}: {why}" if between else why)


def _came_along(draft: Draft, at: datetime, attempt: Attempt, progress: Progress) -> None:
    """Go on once the world has followed a step."""
    if progress.reverted:
        consequences.unsuccessful(draft, attempt, ActionState.REVERTED, f"{progress.reverted} changed it back")
    elif progress.failed:
        _fail(draft, attempt, progress.failed)
    elif progress.complete:
        _go_on(draft, at, attempt)
    elif _too_long(attempt, at):
        _fail(draft, attempt, _late(progress))
    else:
        _follow(draft, attempt)


def _went_back(draft: Draft, at: datetime, attempt: Attempt, progress: Progress) -> None:
    """Go on once the world has followed the taking back of a step; a world that does not is said loudly."""
    if progress.reverted:
        _not_taken_back(draft, attempt, f"it was undone, and changed again: {progress.reverted}")
    elif progress.failed:
        _not_taken_back(draft, attempt, f"undo stalled: {progress.failed}")
    elif progress.complete:
        _take_back_more(draft, attempt)
    elif _too_long(attempt, at):
        _not_taken_back(draft, attempt, f"undo stalled: {_late(progress)}")
    else:
        _follow(draft, attempt)


def _late(progress: Progress) -> str:
    return f"it is still under way after {format_duration(_LONGEST)}: {progress.say}"


def _too_long(attempt: Attempt, at: datetime) -> bool:
    began = attempt.steps[attempt.at_step].ended_at
    return began is not None and at - began > _LONGEST


def settle(draft: Draft, at: datetime, attempt: Attempt, *, happened: bool, by: str) -> None:
    """Go on after a doubt: a person saw what happened."""
    step = attempt.steps[attempt.at_step]
    undo = step.undone is not None and step.undone.status == "in_doubt"
    doubt = step.undone if undo else step.outcome
    said = f"{by} saw that it {'happened' if happened else 'did not happen'}"
    outcome = replace(doubt or Outcome("done", said), status="done" if happened else "failed", say=said)
    state = ActionState.UNDOING if undo else ActionState.RUNNING
    attempt = attempts.move(draft, attempt, state, said, by=by)
    if undo:
        _taken_back(draft, at, attempt, outcome)
    else:
        _ended(draft, at, attempt, outcome)


def _with(attempt: Attempt, step: Step) -> Attempt:
    place = attempt.at_step
    return replace(attempt, steps=(*attempt.steps[:place], step, *attempt.steps[place + 1 :]))


def _ended(draft: Draft, at: datetime, attempt: Attempt, outcome: Outcome) -> None:
    step = replace(attempt.steps[attempt.at_step], outcome=outcome, ended_at=at)
    attempt = attempts.put(draft, _with(attempt, step))
    nothing_yet = not any(other.outcome is not None for other in attempt.steps[: attempt.at_step])
    match outcome.status:
        case "done" if outcome.follow and not attempt.dry_run:
            _follow(draft, attempt)
        case "done":
            _go_on(draft, at, attempt)
        case "not_done" if nothing_yet and outcome.lacks:
            entrusting.ask_again(draft, attempt, outcome.lacks)
        case "not_done" if nothing_yet:
            refused = attempts.move(draft, attempt, ActionState.REFUSED, outcome.say)
            draft.replies.append(acting_replies.ended(draft, refused))
        case "in_doubt":
            _doubt(draft, attempt, outcome)
        case _:
            _fail(draft, attempt, outcome.say)


def _follow(draft: Draft, attempt: Attempt) -> None:
    step = attempt.steps[attempt.at_step]
    command = Follow(attempt.number, attempt.at_step, attempt.looks + 1, step)
    draft.plan(command, priority=draft.priority(1), due_at=draft.now + BETWEEN_LOOKS)
    attempts.put(draft, replace(attempt, looks=command.look, pending=command.key))


def _go_on(draft: Draft, at: datetime, attempt: Attempt) -> None:
    """Begin the next step, or say that all are done."""
    place = attempt.at_step + 1
    if place >= len(attempt.steps) or (attempt.dry_run and attempt.steps[place].verifies):
        _done(draft, at, attempt)
        return
    if not _is_stopped(draft, attempt, place):
        attempt = replace(attempt, at_step=place)
        touched = not attempt.dry_run and carrying.is_touched(draft.brain, attempt, place)
        (attempts.look_between if touched else effects.begin)(draft, attempt)


def _is_stopped(draft: Draft, attempt: Attempt, place: int) -> bool:
    """Whether all automation was stopped; then it ends before the step at that place."""
    stop = stop_of(draft)
    if stop is not None:
        _fail(draft, attempt, f"{_only(attempt, place)}: {told_stop(stop, draft.now)}")
    return stop is not None


def _only(attempt: Attempt, place: int) -> str:
    return f"only {place} of {len(attempt.steps)} steps were done"


def looked(draft: Draft, told: Previewed) -> None:
    """Take in what the next step would do after those before it: it begins if that is what was approved."""
    attempt = attempts.find(draft, told.attempt)
    if attempt is None or attempt.state is not ActionState.RUNNING or attempt.pending != _look_key(told):
        return
    place = attempt.at_step
    attempt, seen = replace(attempt, pending=""), told.previews[0] if told.previews else Preview("", refusal="unseen")
    step = checking.narrowed(attempt.steps[place], replace(attempt.steps[place], preview=seen))
    if _is_stopped(draft, attempt, place):
        return
    began = step.began_at or draft.now
    against = carrying.against(attempt, place, step.preview or seen)
    if seen.refusal and draft.now - began < _PASSES:
        attempts.look_between(draft, attempt, due_at=draft.now + BETWEEN_LOOKS)
    elif against:
        _fail(draft, attempt, f"{_only(attempt, place)}: {against}")
    else:
        effects.begin(draft, _with(attempt, step))


def _look_key(told: Previewed) -> str:
    return f"look/{told.attempt}/{told.look}"


def _done(draft: Draft, at: datetime, attempt: Attempt) -> None:
    if attempt.dry_run:
        consequences.succeeded(draft, attempt, ActionState.DONE, DRY_RUN)
        return
    try:
        verify = verify_of(attempt.verify)
    except ValueError as error:  # rules of before, which are not taken any more
        why = f"whether it helped cannot be told: {error}"
        consequences.unsuccessful(draft, attempt, ActionState.INEFFECTIVE, why)
        return
    if verify.until:
        verifying.begin(draft, attempt, at)
    else:
        said = [step.outcome.say for step in attempt.steps if step.outcome is not None]
        consequences.succeeded(draft, attempt, ActionState.DONE, "; ".join(said))


def _fail(draft: Draft, attempt: Attempt, why: str) -> None:
    """End what broke; a step that only was to show whether the others helped says that they did not."""
    verifies = attempt.steps[attempt.at_step].verifies
    consequences.unsuccessful(draft, attempt, ActionState.INEFFECTIVE if verifies else ActionState.FAILED, why)


def _doubt(draft: Draft, attempt: Attempt, outcome: Outcome) -> None:
    attempt = attempts.move(draft, replace(attempt, why=outcome.say), ActionState.IN_DOUBT, outcome.say)
    calling.doubt(draft, attempt)


def _taken_back(draft: Draft, at: datetime, attempt: Attempt, outcome: Outcome) -> None:
    step = replace(attempt.steps[attempt.at_step], undone=outcome, ended_at=at, progress=None)
    attempt = attempts.put(draft, _with(attempt, step))
    if outcome.status == "in_doubt":
        _doubt(draft, attempt, outcome)
        return
    if outcome.status != "done":
        _not_taken_back(draft, attempt, f"it could not be undone: {outcome.say}")
    elif outcome.follow and not attempt.dry_run:
        _follow(draft, attempt)
    else:
        _take_back_more(draft, attempt)


def _not_taken_back(draft: Draft, attempt: Attempt, why: str) -> None:
    again = draft.now + attempt.temporary if attempt.temporary and not attempt.dry_run else None
    attempt = replace(attempt, then=(), ending=None, temporary_until=again)  # it stands: people go on being reminded
    failed = attempts.move(draft, attempt, ActionState.FAILED, why)
    calling.escalate(draft, failed, why)


def _take_back_more(draft: Draft, attempt: Attempt) -> None:
    """Take back the step before, or say what stays, or that nothing stands any more."""
    begun = undoing.go_on(draft, attempt)
    if isinstance(begun, Attempt):
        return
    if begun is not None:
        _not_taken_back(draft, attempt, f"only a part of it was undone: {begun}")
        return
    if attempt.ending is not None and undoing.standing(draft.brain, attempt):
        attempts.move(draft, replace(attempt, ending=None), attempt.ending, attempt.why)
        return
    attempt = replace(attempt, ending=None, temporary_until=None)
    why = f"{attempt.why}; it was undone" if attempt.why else "it was undone"
    undone = attempts.move(draft, attempt, ActionState.UNDONE, why)
    if "escalate" not in undone.then:
        draft.replies.append(acting_replies.ended(draft, undone))
    consequences.go_on(draft, undone)
