"""What is being done, by whom, and what came of it, as part of the living message."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt, Kept, Preview, Step, Stop
from responder.model.duration import format_duration
from responder.model.incident import Incident
from responder.model.message import (
    Block,
    Button,
    Buttons,
    Code,
    Field,
    Fields,
    Instant,
    Item,
    Listing,
    Note,
    Own,
    Paragraph,
    Part,
    Text,
)
from responder.model.press import Press, Word
from responder.response.brain import Brain
from responder.response.guards import guards_of
from responder.response.wording import bold, clipped, count, listed, outside

_MOST_ATTEMPTS = 6
_MOST_CHANGES = 12
_MOST_DETAILS = 8
_MOST_KEPT = 10
_MOST_TOUCHED = 6
_LONGEST_COMMAND = 1500
_MANY = 10
"""Progress in steps of a tenth: a message that is edited with every pod of thousands says nothing more."""

_SHOWN = {
    ActionState.APPROVED: "approved, looked at once more",
    ActionState.CHECKED: "checked, about to start",
    ActionState.RUNNING: "running",
    ActionState.VERIFYING: "done; does it help?",
    ActionState.UNDOING: "being taken back",
    ActionState.REJECTED: "rejected",
    ActionState.EXPIRED: "nobody decided in time",
    ActionState.WITHDRAWN: "no longer called for",
    ActionState.REFUSED: "not done",
    ActionState.DONE: "done",
    ActionState.FAILED: "FAILED",
    ActionState.IN_DOUBT: "IN DOUBT: it may have happened",
    ActionState.VERIFIED: "helped",
    ActionState.INEFFECTIVE: "did not help",
    ActionState.REVERTED: "somebody took it back",
    ActionState.UNDONE: "taken back",
    ActionState.ESCALATED: "did not help, people were called",
}
_ENDED_UNDOABLE = frozenset(
    {
        ActionState.DONE,
        ActionState.VERIFIED,
        ActionState.FAILED,
        ActionState.INEFFECTIVE,
        ActionState.REVERTED,
        ActionState.ESCALATED,
    }
)


def banner(brain: Brain) -> Iterator[Block]:
    """Say first, and loudly, that all automation is stopped, or that nothing is really changed."""
    if brain.stop is not None:
        yield Paragraph(_stopped(brain.stop))
    if brain.dry_run:
        yield Paragraph((bold("DRY RUN"), Own(": actions are decided and tried, and change nothing")))


def actions(incident: Incident, brain: Brain) -> Iterator[Block]:
    """Show every attempt that people have to know of: what lives first, then what ended, the newest first."""
    shown = _ordered(incident)
    if not shown:
        return
    yield Paragraph((bold("Actions"),))
    for attempt in shown[:_MOST_ATTEMPTS]:
        yield from _attempt(incident, attempt, brain)
    if len(shown) > _MOST_ATTEMPTS:
        yield Note((Own(f"and {count(len(shown) - _MOST_ATTEMPTS, 'earlier attempt')}"),))


def is_shown_here(incident: Incident, name: str) -> bool:
    """Whether an action stands among the attempts already, so that its proposal needs no second mention."""
    return any(a.name == name and a.state is not ActionState.WITHDRAWN for a in incident.attempts)


def _stopped(stop: Stop) -> Text:
    until = (Own(" until "), Instant(stop.until, "datetime")) if stop.until else (Own(" until somebody lifts it"),)
    why = (Own(": "), outside(stop.why)) if stop.why else ()
    by = (Own(" by "), outside(stop.by)) if stop.by else ()
    return (bold("AUTOMATION IS STOPPED"), *by, Own(" since "), Instant(stop.at, "datetime"), *until, *why)


def _ordered(incident: Incident) -> list[Attempt]:
    newest = sorted(incident.attempts, key=lambda attempt: attempt.number, reverse=True)
    live = [attempt for attempt in reversed(newest) if attempt.state.live]
    told = [attempt for attempt in newest if not attempt.state.live and attempt.state is not ActionState.WITHDRAWN]
    return [*live, *told]


def _attempt(incident: Incident, attempt: Attempt, brain: Brain) -> Iterator[Block]:
    yield Paragraph(_headline(incident, attempt, brain))
    if not attempt.state.live:
        yield from _ending(attempt)
    elif attempt.state in (ActionState.PROPOSED, ActionState.BLOCKED, ActionState.APPROVED, ActionState.CHECKED):
        yield from _plan(attempt)
    else:
        yield from _course(attempt)
    buttons = tuple(_buttons(incident, attempt, brain))
    if buttons:
        yield Buttons(buttons)


def _headline(incident: Incident, attempt: Attempt, brain: Brain) -> Text:
    where = next((step.target for step in attempt.steps if step.target.known), None)
    on = (Own(" on "), outside(str(where), code=True)) if where else ()
    dry = (bold("DRY RUN "),) if attempt.dry_run else ()
    name = Own(f"{incident.id}/{attempt.number} ", "plain")
    return (*dry, name, bold(attempt.name), *on, Own(" · "), *_state(attempt, brain), *_people(attempt))


def _state(attempt: Attempt, brain: Brain) -> Text:
    if attempt.state is ActionState.PROPOSED:
        return _waiting(attempt, brain)
    if attempt.state is ActionState.BLOCKED:
        return (bold("cannot be done now"),)
    loud = attempt.state in (ActionState.IN_DOUBT, ActionState.FAILED, ActionState.REVERTED)
    return (Own(_SHOWN[attempt.state], "bold" if loud else "plain"),)


def _waiting(attempt: Attempt, brain: Brain) -> Text:
    if attempt.pending or not attempt.digest:
        return (Own("looking at what it would change"),)
    if attempt.mode == "auto" and attempt.expires_at is None:
        return (Own("waits for its guards"),)
    said, wanted = len(attempt.approved_by), _needed(attempt, brain)
    who = f"waits for {wanted} people to approve" if wanted > 1 else "waits for approval"
    have = f", {said} of {wanted} did" if said else ""
    until = (Own(", until "), Instant(attempt.expires_at)) if attempt.expires_at else ()
    return (bold(who), Own(have), *until)


def _needed(attempt: Attempt, brain: Brain) -> int:
    known = [traits.approvals for step in attempt.steps if (traits := brain.action(step.plugin)) is not None]
    try:
        written = [guard.approvals for guard in guards_of(attempt) if guard.approvals is not None]
    except ValueError:
        written = []
    return max([1, *(written or known)])


def _people(attempt: Attempt) -> Text:
    parts: list[Part] = []
    if attempt.proposed_by:
        parts += [Own(" · asked for by "), outside(attempt.proposed_by)]
    if attempt.approved_by:
        parts += [Own(" · approved by "), *listed(outside(name) for name in attempt.approved_by)]
    refused = [approval.by for approval in attempt.approvals if not approval.yes]
    if refused:
        parts += [Own(" · rejected by "), *listed(outside(name) for name in refused)]
    if any(approval.broke_glass for approval in attempt.approvals):
        parts += [Own(" · "), bold("GLASS BROKEN")]
    return tuple(parts)


# --- before it starts ---


def _plan(attempt: Attempt) -> Iterator[Block]:
    if attempt.blocks:
        yield Listing("What stands in the way", tuple(Item((outside(why),)) for why in attempt.blocks))
    if attempt.reason:
        yield Note((Own("Reason given: "), outside(attempt.reason)))
    for step in attempt.steps:
        if step.preview is not None and not step.preview.refusal:
            yield from _preview(step.preview)
    if attempt.inputs:
        named = ((name, outside(_told(value), code=True)) for name, value in attempt.inputs.items())
        yield Fields(tuple(Field(name, (value,)) for name, value in named))
    commands = [command for step in attempt.steps for command in step.commands]
    if commands:
        yield Code(tuple(outside(line, limit=_LONGEST_COMMAND).text for line in commands))


def _preview(preview: Preview) -> Iterator[Block]:
    if preview.summary:
        yield Paragraph((Own("Would "), outside(preview.summary)))
    changes = [*preview.changes[:_MOST_CHANGES]]
    if changes:
        items = tuple(Item(_change(change.what, change.before, change.after)) for change in changes)
        yield Listing("Changes", items)
        if len(preview.changes) > len(changes):
            yield Note((Own(f"and {count(len(preview.changes) - len(changes), 'more change')}"),))
    facts = tuple(_facts(preview))
    if facts:
        yield Fields(facts)
    for warning in preview.warnings:
        yield Note((bold("Beware: "), outside(warning)))


def _change(what: str, before: str, after: str) -> Text:
    name = outside(what)
    if not before and not after:
        return (name,)
    was = outside(before, code=True) if before else Own("nothing", "italic")
    becomes = outside(after, code=True) if after else Own("nothing", "italic")
    return (name, Own(": "), was, Own(" → "), becomes)


def _facts(preview: Preview) -> Iterator[Field]:
    if preview.disruption:
        yield Field("Disruption", (outside(preview.disruption),))
    if preview.pods:
        of = f" of {preview.replicas}" if preview.replicas else ""
        names = (
            (Own(": "), *listed(outside(n, code=True) for n in preview.touches[:_MOST_TOUCHED]))
            if preview.touches
            else ()
        )
        yield Field("Pods", (Own(f"{preview.pods}{of}, {preview.ready} ready"), *names))
    if preview.budgets:
        yield Field("Disruption budgets", listed(outside(budget) for budget in preview.budgets))
    if preview.owner:
        way = (Own("; its own way: "), outside(preview.owner_way, code=True)) if preview.owner_way else ()
        yield Field("Will be taken back by", (outside(preview.owner), *way))
    if not preview.dry_run:
        yield Field("Tried", (Own("not: the other side has no dry run"),))


# --- while it runs, and after ---


def _course(attempt: Attempt) -> Iterator[Block]:
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


def _ending(attempt: Attempt) -> Iterator[Block]:
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
    if attempt.temporary_until is not None:
        yield Note((bold("Temporary"), Own(": to be taken back at "), Instant(attempt.temporary_until, "datetime")))


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
        return (*named, *((Own("taking it back: "),) if step.undone else ()), outside(_tenths(step)))
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


# --- what a person may do about it ---


def _buttons(incident: Incident, attempt: Attempt, brain: Brain) -> Iterator[Button]:
    def press(word: Word) -> Press:
        return Press(word, incident.number, attempt.number, attempt.digest)

    match attempt.state:
        case ActionState.PROPOSED if attempt.digest and not attempt.pending and brain.stop is None:
            yield Button("Approve", press("approve"), "primary", _confirm(attempt))
            yield Button("Reject", press("reject"))
        case ActionState.IN_DOUBT:
            yield Button("It happened", press("happened"))
            yield Button("It did not happen", press("not-happened"))
        case ActionState.EXPIRED:
            yield Button("Ask again", press("approve"))
        case state if state in _ENDED_UNDOABLE and _can_be_undone(attempt, brain):
            yield Button("Take it back", press("undo"), "danger", "This takes back what the action changed.")


def _confirm(attempt: Attempt) -> str:
    told = [step.preview.summary for step in attempt.steps if step.preview is not None and step.preview.summary]
    return clipped(outside("; then ".join(told)).text, 280)


def _can_be_undone(attempt: Attempt, brain: Brain) -> bool:
    stands = [s for s in attempt.steps if s.outcome and s.outcome.status == "done" and not s.verifies and not s.undone]
    traits = [brain.action(step.plugin) for step in stands]
    return bool(stands) and not attempt.dry_run and all(one is not None and one.undoable for one in traits)


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
