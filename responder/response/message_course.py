"""How far an action is, and what came of it, as part of the living message."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt, Kept, Step
from responder.model.duration import format_duration
from responder.model.message import Block, Code, Instant, Item, Listing, Note, Own, Paragraph, Text
from responder.response.answerable import stands_for_now
from responder.response.wording import bold, outside

_MOST_DETAILS = 8
_MOST_KEPT = 10
_MANY = 10
"""Progress in steps of a tenth: a message that is edited with every pod of thousands says nothing more."""


def course(attempt: Attempt) -> Iterator[Block]:
    """Show what it is at: its steps, how far the world has followed, what it has to show."""
    several = len(attempt.steps) > 1
    items = tuple(Item(_step(step), _done(step)) for step in attempt.steps)
    if several:
        yield Listing("Steps", items, style="checks")
    else:
        said = _step(attempt.steps[0])
        if said:
            yield Paragraph(said)
    verification = attempt.verification
    if verification is not None and attempt.state is ActionState.VERIFYING:
        yield Paragraph(_verifying(attempt, verification.deadline))
    yield from _figures(attempt)


def ending(attempt: Attempt) -> Iterator[Block]:
    """Show how it ended: why, the figures before and after, what was said and kept."""
    if attempt.why:
        yield Paragraph((outside(attempt.why),))
    yield from _figures(attempt)
    for step in attempt.steps:
        for outcome in (step.outcome, step.undone):
            if outcome is not None:
                yield from () if outcome.say == attempt.why else (Paragraph((outside(outcome.say),)),)
                yield from _details(outcome.details)
        if step.progress is not None:
            yield from _details(step.progress.details)
    kept = [each for step in attempt.steps if step.outcome for each in step.outcome.kept]
    if kept:
        items = tuple(Item(_kept(each)) for each in kept[:_MOST_KEPT])
        yield Listing("Evidence kept", items)
    if stands_for_now(attempt):
        yield Note(still_stands(attempt))


def still_stands(attempt: Attempt) -> Text:
    """Say of what was meant for a while that it stands, and until when it should."""
    until = (Own(": to be undone at "), Instant(attempt.temporary_until, "datetime")) if attempt.temporary_until else ()
    return (bold("Temporary"), *(until or (Own(": it still stands, and is to be undone"),)))


def _details(details: tuple[str, ...]) -> Iterator[Block]:
    if details:
        yield Code(tuple(outside(line).text for line in details[:_MOST_DETAILS]))


def _kept(kept: Kept) -> Text:
    size = f"{kept.size} bytes" + (", cut" if kept.cut else "")
    place = outside(kept.place, code=True)
    return (outside(kept.name, code=True), Own(f" ({size}, SHA-256 {kept.sha256[:12]}…) in "), place)


def _step(step: Step) -> Text:
    named: Text = (Own(f"{step.name}: "),) if step.name else ()
    if step.progress is not None and not step.progress.complete:
        return (*named, *((Own("undoing it: "),) if step.undone else ()), outside(_tenths(step)))
    if step.undone is not None:
        return (*named, outside(step.undone.say))
    if step.outcome is not None:
        return (*named, outside(step.outcome.say))
    if step.preview is not None and step.preview.summary:
        return (*named, outside(step.preview.summary))
    return named


def _tenths(step: Step) -> str:
    """Say how far a rollout is; of very many pods in tenths."""
    progress = step.progress
    if progress is None:
        return ""
    if progress.wanted <= _MANY * 10:
        return progress.say
    return f"{progress.updated * _MANY // progress.wanted * _MANY} % of {progress.wanted} pods updated"


def _done(step: Step) -> bool:
    return step.outcome is not None and step.outcome.status == "done" and step.undone is None


def _verifying(attempt: Attempt, deadline: datetime) -> Text:
    verification = attempt.verification
    if verification is None:
        return ()
    wanted: Text = (Own("Helps when "), outside(verification.until, code=True))
    hold: Text = ()
    if verification.hold > timedelta(0):
        hold = (Own(f" for {format_duration(verification.hold)}"),)
    since: Text = (Own(", true since "), Instant(verification.held_since)) if verification.held_since else ()
    why: Text = (Own("; "), outside(verification.why)) if verification.why and not verification.held_since else ()
    return (*wanted, *hold, Own(", by "), Instant(deadline), *since, *why)


def _figures(attempt: Attempt) -> Iterator[Block]:
    """Put what was measured before beside what is measured now."""
    verification = attempt.verification
    if verification is None:
        return
    shown = [figure for figure in verification.figures if figure.before or figure.after]
    if not shown:
        return
    took = ""
    if attempt.ended_at and attempt.started_at and not attempt.state.live:
        took = f" in {format_duration(_minutes(attempt.ended_at - attempt.started_at))}"
    items = tuple(
        Item((bold(figure.name), Own(" "), outside(figure.before or "?"), Own(" → "), outside(figure.after or "…")))
        for figure in shown
    )
    yield Listing(f"Before → after{took}", items)


def _minutes(span: timedelta) -> timedelta:
    seconds = int(span.total_seconds())
    return timedelta(seconds=seconds if seconds < 60 else seconds // 60 * 60)
