"""What is being done, by whom, and what came of it, as part of the living message."""

from collections.abc import Iterator

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident, Status
from responder.model.message import (
    Block,
    Button,
    Buttons,
    Instant,
    Note,
    Own,
    Paragraph,
    Part,
    Text,
)
from responder.model.press import Press, Word
from responder.response import stopping
from responder.response.answerable import UNDOABLE, WAITING, stands_for_now
from responder.response.approvals import in_role, needed
from responder.response.brain import Brain
from responder.response.message_course import course, ending, still_stands
from responder.response.message_plan import plan
from responder.response.undoing import stays, why_not
from responder.response.wording import bold, clipped, count, listed, outside

_MOST_ATTEMPTS = 6

_SHOWN = {
    ActionState.APPROVED: "approved, looked at once more",
    ActionState.CHECKED: "checked, about to start",
    ActionState.RUNNING: "running",
    ActionState.VERIFYING: "done; does it help?",
    ActionState.UNDOING: "being undone",
    ActionState.REJECTED: "rejected",
    ActionState.EXPIRED: "nobody decided in time",
    ActionState.WITHDRAWN: "no longer called for",
    ActionState.REFUSED: "not done",
    ActionState.DONE: "done",
    ActionState.FAILED: "FAILED",
    ActionState.IN_DOUBT: "IN DOUBT: it may have happened",
    ActionState.VERIFIED: "helped",
    ActionState.INEFFECTIVE: "did not help",
    ActionState.REVERTED: "somebody undid it",
    ActionState.UNDONE: "undone",
    ActionState.ESCALATED: "did not help, people were called",
}


def banner(brain: Brain) -> Iterator[Block]:
    """Say first, and loudly, that all automation is stopped, or that nothing is really changed."""
    yield from stopping.banner(brain)
    if brain.dry_run:
        yield Paragraph((bold("DRY RUN"), Own(": actions are decided and tried, and change nothing")))


def actions(incident: Incident, brain: Brain) -> Iterator[Block]:
    """Show every attempt that people have to know of: what lives, what stands for a while, what ended, newest first."""
    shown = _ordered(incident)
    if not shown:
        return
    yield Paragraph((bold("Actions"),))
    for attempt in shown[:_MOST_ATTEMPTS]:
        yield from _attempt(incident, attempt, brain)
    standing = [attempt for attempt in shown[_MOST_ATTEMPTS:] if stands_for_now(attempt)]
    for attempt in standing:
        yield Note((*_headline(incident, attempt, brain), Own(" · "), *still_stands(attempt)))
    if len(shown) > _MOST_ATTEMPTS + len(standing):
        left = len(shown) - _MOST_ATTEMPTS - len(standing)
        yield Note((Own(f"and {count(left, 'earlier attempt')}"),))


def is_shown_here(incident: Incident, name: str) -> bool:
    """Whether an action stands among the attempts already, so that its proposal needs no second mention."""
    return any(a.name == name and a.state is not ActionState.WITHDRAWN for a in incident.attempts)


def _ordered(incident: Incident) -> list[Attempt]:
    newest = sorted(incident.attempts, key=lambda attempt: attempt.number, reverse=True)
    live = [attempt for attempt in reversed(newest) if attempt.state.live]
    told = [attempt for attempt in newest if not attempt.state.live and attempt.state is not ActionState.WITHDRAWN]
    return [*live, *sorted(told, key=lambda attempt: not stands_for_now(attempt))]


def _attempt(incident: Incident, attempt: Attempt, brain: Brain) -> Iterator[Block]:
    yield Paragraph(_headline(incident, attempt, brain))
    if not attempt.state.live:
        yield from ending(attempt)
    elif attempt.state in WAITING:
        yield from plan(attempt)
    else:
        yield from course(attempt)
    offered = tuple(buttons(incident, attempt, brain))
    if offered:
        yield Buttons(offered)


def _headline(incident: Incident, attempt: Attempt, brain: Brain) -> Text:
    where = next((step.target for step in attempt.steps if step.target.known), None)
    on = (Own(" on "), outside(str(where), code=True)) if where else ()
    dry = (bold("DRY RUN "),) if attempt.dry_run else ()
    name = Own(f"{incident.id}/{attempt.number} ", "plain")
    return (*dry, name, bold(attempt.name), *on, Own(" · "), *_state(attempt, brain), *_people(attempt))


def _state(attempt: Attempt, brain: Brain) -> Text:
    if attempt.state is ActionState.BLOCKED or attempt.forbidden:
        return (bold("cannot be done now"),)
    if attempt.state is ActionState.PROPOSED:
        return _waiting(attempt, brain)
    loud = attempt.state in (ActionState.IN_DOUBT, ActionState.FAILED, ActionState.REVERTED)
    return (Own(_SHOWN[attempt.state], "bold" if loud else "plain"),)


def _waiting(attempt: Attempt, brain: Brain) -> Text:
    if not attempt.digest:
        return (Own("looking at what it would change"),)
    if attempt.mode == "auto" and attempt.expires_at is None:
        return (Own("waits for its guards"),)
    said, wanted = len(attempt.approved_by), _needed(attempt, brain)
    who = f"waits for {wanted} people to approve" if wanted > 1 else "waits for approval"
    role = in_role(attempt)
    by = (Own(" by people" if wanted > 1 else " by somebody"), outside(role)) if role else ()
    have = f", {said} of {wanted} did" if said else ""
    until = (Own(", until "), Instant(attempt.expires_at)) if attempt.expires_at else ()
    return (bold(who), *by, Own(have), *until)


def _needed(attempt: Attempt, brain: Brain) -> int:
    try:
        return needed(brain, attempt)
    except ValueError:
        return 1


def _people(attempt: Attempt) -> Text:
    parts: list[Part] = []
    if attempt.proposed_by:
        parts += [Own(" · asked for by "), outside(attempt.proposed_by)]
    if attempt.approved_by:
        parts += [Own(" · approved by "), *listed(outside(name) for name in attempt.approved_by)]
    refused = [approval.by for approval in attempt.approvals if not approval.yes]
    if refused:
        parts += [Own(" · rejected by "), *listed(outside(name) for name in refused)]
    for approval in attempt.approvals:
        if approval.broke_glass:
            parts += [Own(" · "), bold("GLASS BROKEN"), Own(": "), outside(approval.why)]
    return tuple(parts)


# --- what a person may do about it ---


def buttons(incident: Incident, attempt: Attempt, brain: Brain) -> Iterator[Button]:
    """Offer what a person may say to an attempt as it stands."""

    def press(word: Word) -> Press:
        return Press(word, incident.number, attempt.number, attempt.digest)

    match attempt.state:
        case ActionState.PROPOSED if attempt.digest and brain.stop is None:
            if not attempt.forbidden:
                yield Button("Approve", press("approve"), "primary", _confirm(attempt))
            yield Button("Reject", press("reject"))
        case ActionState.IN_DOUBT:
            yield Button("It happened", press("happened"))
            yield Button("It did not happen", press("not-happened"))
        case ActionState.EXPIRED if incident.status is not Status.RESOLVED:
            yield Button("Ask again", press("approve"))
        case state if state in UNDOABLE and brain.stop is None and not why_not(brain, attempt):
            yield Button("Undo", press("undo"), "danger", _confirm_undo(attempt, brain))


def _confirm(attempt: Attempt) -> str:
    told = [step.preview.summary for step in attempt.steps if step.preview is not None and step.preview.summary]
    return clipped(outside("; then ".join(told)).text, 280)


def _confirm_undo(attempt: Attempt, brain: Brain) -> str:
    part = stays(brain, attempt)
    if not part:
        return "This undoes what the action changed."
    return clipped(outside(f"This undoes a part: {part}, and all before it stays.").text, 280)
