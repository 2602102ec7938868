"""Notes about attempts that somebody has to see at once: an edit of the living message notifies nobody."""

from collections.abc import Sequence
from dataclasses import replace

from responder.model.action import Approval, Attempt
from responder.model.duration import format_duration
from responder.model.message import Buttons, Instant, Mention, Message, Own, Part, Text
from responder.response import entrusting, message_actions, replies
from responder.response.approvals import in_role
from responder.response.draft import Draft
from responder.response.wording import bold, outside

_HERE = Mention("here")
_ASLEEP = (
    "Before you say that it did not: a replica that only stands still may yet do it when it goes on,"
    " so see that the one that was at it runs or is gone."
)
_AGAIN = "Whoever still wants it asks again: it is looked at anew, and then decided."


def asks(draft: Draft, attempt: Attempt, *, people: int, held: str, why: str) -> Message:
    """Ask people to say yes or no; `held` says why it does not go on by itself though it might, `why` is asked anew."""
    who = "somebody" if people == 1 else f"{people} people"
    body: list[Part] = [outside(_summary(attempt)), Own(f". It takes the yes of {who}"), outside(in_role(attempt))]
    if people > 1 and attempt.proposed_by:
        body += [Own(" other than "), outside(attempt.proposed_by), Own(", who asks for it,")]
    if attempt.expires_at is not None:
        body += [Own(" until "), Instant(attempt.expires_at)]
    body.append(Own("."))
    if lacking := entrusting.lacking(draft, attempt, attempt.inputs):
        body += [Own(" It takes a secret, which does not go through a chat: "), outside(lacking), Own(".")]
    if held:
        body += [Own(" It does not go on by itself: "), outside(held), Own(".")]
    if why:
        body += [Own(" You are asked anew: "), outside(why), Own(".")]
    return _note(draft, attempt, "to be decided", tuple(body), loud=True)


def expired(draft: Draft, attempt: Attempt) -> Message:
    """Say that nobody said yes in time, and how to ask again."""
    body = (outside(_summary(attempt)), Own(f". Nobody said yes in time; it is not done. {_AGAIN}"))
    return _note(draft, attempt, "nobody decided in time", body, loud=True)


def doubt(draft: Draft, attempt: Attempt) -> Message:
    """Ask people to find out whether something happened."""
    body = (outside(attempt.why), Own(f" Look, and say whether it happened; nothing is tried again before. {_ASLEEP}"))
    return _note(draft, attempt, "in doubt", body, loud=True)


def ended(draft: Draft, attempt: Attempt) -> Message:
    """Say what an attempt came to."""
    return _note(draft, attempt, attempt.state.value, (outside(attempt.why),), loud=False)


def escalated(draft: Draft, attempt: Attempt, why: str) -> Message:
    """Call people: it did not help, and nothing more is done by itself."""
    return _note(draft, attempt, f"{attempt.state.value}: a person is needed", (outside(why),), loud=True)


def glass_broken(draft: Draft, attempt: Attempt, approval: Approval, past: Sequence[str]) -> Message:
    """Say who overrode what, with the reason that was given."""
    body: list[Part] = [outside(approval.by), Own(" broke the glass: "), outside(approval.why), Own(". ")]
    body += [outside(_summary(attempt)), Own(".")]
    if past:
        body += [Own(" It goes past this: "), outside("; ".join(past)), Own(".")]
    return _note(draft, attempt, "glass broken", tuple(body), loud=True)


def reminder(draft: Draft, attempt: Attempt) -> Message:
    """Say that what was meant for a while still stands."""
    for_ = f" It was meant for {format_duration(attempt.temporary)}." if attempt.temporary else ""
    return _note(draft, attempt, "still stands", (outside(_summary(attempt)), Own(f".{for_} Undo it?")), loud=True)


def _summary(attempt: Attempt) -> str:
    told = [step.preview.summary for step in attempt.steps if step.preview is not None and step.preview.summary]
    wants = f"{attempt.name} needs inputs: {'; '.join(attempt.wants)}" if attempt.wants else attempt.name
    return "; ".join(told) or wants


def _note(draft: Draft, attempt: Attempt, what: str, body: Text, *, loud: bool) -> Message:
    dry = "DRY RUN: " if attempt.dry_run else ""
    name = f"{draft.incident.id}/{attempt.number} {attempt.name}"
    title = (Own(dry), outside(name), Own(": "), bold(what))
    whole = (_HERE, Own(" "), *body) if loud else body
    note = replies.note(draft.incident, title, whole, summary=f"{dry}{name}: {what}", rank=draft.rank, broadcast=loud)
    buttons = tuple(message_actions.buttons(draft.incident, attempt, draft.brain)) if loud else ()
    return replace(note, blocks=(*note.blocks, Buttons(buttons))) if buttons else note
