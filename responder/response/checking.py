"""What became of a look: people are asked, or what was approved is checked once more and started."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from responder.model.action import ActionState, Attempt, Preview, Step
from responder.model.basis import moved, since
from responder.model.guard import APPROVE_WITHIN
from responder.model.timeline import Previewed
from responder.response import acting_replies, attempts, budgets, calling, effects, entrusting, figures
from responder.response.approvals import is_enough, may_go_by_itself
from responder.response.draft import Draft
from responder.response.earlier import no_help_lately
from responder.response.guards import Refusal, early_refusals, guards_of, refusals

_SOON = timedelta(minutes=5)
"""What ends by itself so soon is waited for, by an attempt that is approved."""
_AT_LEAST = timedelta(seconds=15)
_MOST_LOOKS = 500
_MOST_DRIFTS = 100


def previewed(draft: Draft, told: Previewed) -> None:
    """Take in what the steps would do; an answer to a look that is not waited for is old."""
    attempt = attempts.find(draft, told.attempt)
    if attempt is None or attempt.pending != f"look/{told.attempt}/{told.look}":
        return
    attempt = replace(attempt, pending="")
    before, attempt = attempt, _with(attempt, told.previews)
    if attempt.state in (ActionState.PROPOSED, ActionState.BLOCKED):
        _offer(draft, before, attempt)
    elif attempt.state is ActionState.APPROVED and told.lacks:
        entrusting.ask_again(draft, attempt, told.lacks)
    elif attempt.state is ActionState.APPROVED:
        _check(draft, before, attempt)


def want(draft: Draft, attempt: Attempt) -> None:
    """Ask for the inputs of an attempt, which nobody can look at before a person gives them."""
    _offer(draft, attempt, attempt)


def approve(draft: Draft, attempt: Attempt, *, by: str, why: str) -> Attempt:
    """Let an attempt go on: it is looked at once more, and started when all is as it was approved."""
    until = draft.now + _within(attempt)
    approved = replace(attempt, expires_at=until, retry_at=None, blocks=())
    return attempts.look(draft, attempts.move(draft, approved, ActionState.APPROVED, why, by=by))


def _with(attempt: Attempt, previews: tuple[Preview, ...]) -> Attempt:
    if len(previews) != len(attempt.steps):
        previews = tuple(Preview("", refusal="the preview is incomplete") for _ in attempt.steps)
    steps = (replace(step, preview=seen) for step, seen in zip(attempt.steps, previews, strict=True))
    return replace(attempt, steps=tuple(steps))


# --- before people are asked ---


def _offer(draft: Draft, before: Attempt, attempt: Attempt) -> None:
    """Ask people for what can be done as things are; say what blocks the rest."""
    attempt = replace(attempt, digest=attempts.digest_of(attempt), steps=_warned(draft, attempt))
    why = ""
    if before.digest and before.digest != attempt.digest:
        why = _moved(before, attempt) if before.state is ActionState.PROPOSED else ""
        attempt = replace(attempt, approvals=())
    blocks = early_refusals(draft, attempt) if attempt.wants else refusals(draft, attempt)
    if blocks:
        _block(draft, attempt, blocks)
        return
    if before.state is ActionState.PROPOSED and before.digest == attempt.digest and before.expires_at is not None:
        _keep_asking(draft, attempt)
        return
    attempt = replace(attempt, blocks=(), retry_at=None, expires_at=draft.now + _within(attempt))
    if attempt.state is ActionState.BLOCKED:
        attempt = attempts.move(draft, attempt, ActionState.PROPOSED, "nothing stands in its way any more")
    elif why:
        attempt = attempts.move(draft, attempt, ActionState.PROPOSED, why)
    _ask(draft, attempts.put(draft, attempt), why)


def _keep_asking(draft: Draft, attempt: Attempt) -> None:
    """Leave it at what people were asked: nothing has moved. What waited only for the world goes on by itself."""
    attempt = attempts.put(draft, attempt)
    if may_go_by_itself(draft, attempt) == "":
        approve(draft, attempt, by=attempts.BY_ITSELF, why="its mode is `auto` and nothing stands in its way any more")


def _warned(draft: Draft, attempt: Attempt) -> tuple[Step, ...]:
    """Say beside what a step would do that the same did not help lately."""
    steps: list[Step] = []
    for step in attempt.steps:
        lately = no_help_lately(draft, attempt, step)
        preview = step.preview
        if lately and preview is not None:
            preview = replace(preview, warnings=(*preview.warnings, lately))
        steps.append(replace(step, preview=preview))
    return tuple(steps)


def _moved(before: Attempt, attempt: Attempt) -> str:
    """Say what has moved since people were asked, and whose yes is void."""
    told = list(_changes(before, attempt, "it was shown")) or ["what it would do is another thing now"]
    void = f"; the yes of {', '.join(before.approved_by)} is void" if before.approved_by else ""
    return f"{'; '.join(told)}{void}"


def _ask(draft: Draft, attempt: Attempt, why: str = "") -> None:
    if is_enough(draft, attempt):
        approve(draft, attempt, by=attempt.approvals[-1].by, why="approved with the inputs that were given")
        return
    held = may_go_by_itself(draft, attempt)
    if held == "":
        approve(draft, attempt, by=attempts.BY_ITSELF, why="its mode is `auto` and nothing stands in its way")
        return
    calling.ask(draft, attempt, held=held or "", why=why)


def _block(draft: Draft, attempt: Attempt, blocks: tuple[Refusal, ...]) -> None:
    known = [refusal.until for refusal in blocks if refusal.until is not None and refusal.until > draft.now]
    again = draft.now + attempts.back_off(attempt)
    retry_at = max(draft.now + _AT_LEAST, min([again, *known]))
    told = tuple(refusal.why for refusal in blocks)
    changed = attempt.state is not ActionState.BLOCKED or told != attempt.blocks
    attempt = replace(attempt, blocks=told, retry_at=retry_at, expires_at=None, approvals=())
    if changed:
        guards = [refusal.guard for refusal in blocks]
        attempts.move(draft, attempt, ActionState.BLOCKED, "; ".join(told), guards=guards)
    else:
        attempts.put(draft, attempt)


def _within(attempt: Attempt) -> timedelta:
    try:
        return min(guard.approve_within for guard in guards_of(attempt))
    except ValueError:
        return APPROVE_WITHIN


# --- once they have said yes ---


def _check(draft: Draft, approved: Attempt, attempt: Attempt) -> None:
    """Start it if all is as it was approved; otherwise say why not, and start nothing."""
    attempt = replace(attempt, steps=tuple(map(narrowed, approved.steps, attempt.steps)))
    refusal = next((step.preview.refusal for step in attempt.steps if step.preview and step.preview.refusal), "")
    if refusal:
        _refuse(draft, attempt, refusal, guards=["preview"])
        return
    drift = "; ".join(_drifts(draft, approved, attempt))
    if drift:
        _void(draft, attempt, drift)
        return
    against = _against(draft, attempt)
    if not against:
        _start(draft, attempt)
    elif _may_wait(draft, attempt, against):
        again = min(refusal.until for refusal in against if refusal.until is not None)
        told = tuple(refusal.why for refusal in against)
        attempts.put(draft, replace(attempt, blocks=told, retry_at=max(again, draft.now + _AT_LEAST)))
    else:
        guards = [refusal.guard for refusal in against if refusal.guard]
        _refuse(draft, attempt, "; ".join(dict.fromkeys(refusal.why for refusal in against)), guards=guards)


def narrowed(approved: Step, step: Step) -> Step:
    """Leave of the things that it acts on one by one those that were approved."""
    agreed, seen = approved.preview, step.preview
    if agreed is None or seen is None or not (agreed.among or seen.among):
        return step
    left = tuple(each for each in seen.among if each in set(agreed.among))
    gone = "" if left else f"none of the {len(agreed.among)} that were approved is there any more"
    return replace(step, preview=replace(seen, among=left, refusal=seen.refusal or gone))


def _against(draft: Draft, attempt: Attempt) -> list[Refusal]:
    """Return what stands against it now; who broke the glass passes all that is not firm."""
    glass = any(approval.broke_glass for approval in attempt.approvals)
    against = [refusal for refusal in refusals(draft, attempt) if refusal.firm or not glass]
    if not is_enough(draft, attempt):
        held = may_go_by_itself(draft, attempt)
        if held != "":
            against.append(Refusal(held or "it needs people to say yes"))
    return against


def _may_wait(draft: Draft, attempt: Attempt, against: list[Refusal]) -> bool:
    if attempt.expires_at is None or draft.now >= attempt.expires_at or attempt.looks > _MOST_LOOKS:
        return False
    return all(refusal.until is not None and refusal.until <= draft.now + _SOON for refusal in against)


def _refuse(draft: Draft, attempt: Attempt, why: str, *, guards: Sequence[str] = ()) -> None:
    ended = attempts.move(draft, attempt, ActionState.REFUSED, why, guards=guards)
    draft.replies.append(acting_replies.ended(draft, ended))


def _void(draft: Draft, attempt: Attempt, drift: str) -> None:
    """Ask anew: people agreed to something else."""
    if attempt.looks > _MOST_DRIFTS:
        _refuse(draft, attempt, f"it changes faster than it can be approved: {drift}")
        return
    attempt = replace(attempt, approvals=(), digest="")
    attempt = attempts.move(draft, attempt, ActionState.PROPOSED, drift)
    _offer(draft, attempt, attempt)


def _drifts(draft: Draft, approved: Attempt, attempt: Attempt) -> Iterator[str]:
    """Yield every fact that is no more what it was when people agreed."""
    by = ", ".join(approved.approved_by)
    unseen = (old.plugin for old, new in _pairs(approved, attempt) if old.preview is None or new.preview is None)
    yield from (f"{plugin} was not previewed before it was approved" for plugin in unseen)
    yield from _changes(approved, attempt, f"{by} approved" if by else "it was approved")


def _changes(before: Attempt, attempt: Attempt, when: str) -> Iterator[str]:
    for old, new in _pairs(before, attempt):
        known, seen = (step.preview or Preview("") for step in (old, new))
        yield from moved(known.basis, seen.basis, when=when, by=since(known.wrote, seen.wrote))


def _pairs(before: Attempt, attempt: Attempt) -> Iterator[tuple[Step, Step]]:
    return zip(before.steps, attempt.steps, strict=True)


def _start(draft: Draft, attempt: Attempt) -> None:
    """Begin its first step, and let all of them count from now on."""
    attempt = attempts.move(draft, attempt, ActionState.CHECKED, "all is as it was approved")
    draft.starts.extend(budgets.runs_of(draft, attempt))
    attempt = replace(
        attempt,
        started_at=draft.now,
        expires_at=None,
        retry_at=None,
        blocks=(),
        at_step=0,
        verification=figures.before(draft, attempt),
    )
    attempt = attempts.move(draft, attempt, ActionState.RUNNING, effects.reason(draft, attempt))
    effects.begin(draft, attempt)
