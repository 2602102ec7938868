"""What people answer: whether it counts, and what it does; what does not count is written down with its reason."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from responder.model.action import ActionState, Approval, Attempt
from responder.model.secrecy import plain, secrets_in
from responder.model.timeline import Answered, AnswerRefused
from responder.model.verdict import Json, Undecided
from responder.response import attempts, calling, entrusting, inputs, making, proposals, running, undoing
from responder.response.answerable import ASKED, RENEWABLE, UNDOABLE, WAITING
from responder.response.approvals import ADMIN, is_enough, lacks_role, lacks_role_after, needed
from responder.response.checking import approve
from responder.response.draft import Draft
from responder.response.guards import refusals


def answered(draft: Draft, at: datetime, told: Answered) -> None:
    """Take in a person's word on an attempt."""
    attempt = attempts.find(draft, told.attempt)
    why = "there is no such attempt" if attempt is None else "it has to be known who says so" if not told.by else ""
    if attempt is not None and not why:
        why = _take(draft, at, attempt, told)
    if why:
        draft.record(AnswerRefused(told.attempt, told.by, told.answer, why))


def _take(draft: Draft, at: datetime, attempt: Attempt, told: Answered) -> str:
    """Do what was answered; returns why it does not count, "" when it does."""
    match told.answer:
        case "yes":
            return _yes(draft, at, attempt, told)
        case "no":
            return _no(draft, attempt, told)
        case "break_glass":
            return _break_glass(draft, at, attempt, told)
        case "undo":
            return _undo(draft, attempt, told)
        case "happened" | "not_happened":
            if attempt.state is not ActionState.IN_DOUBT:
                return f"there is no doubt about it: it is {attempt.state}"
            if missing := lacks_role_after(attempt, told.roles):
                return missing
            running.settle(draft, at, attempt, happened=told.answer == "happened", by=told.by)
            return ""


def _yes(draft: Draft, at: datetime, attempt: Attempt, told: Answered) -> str:
    if attempt.state in RENEWABLE and attempt.ended_at is not None and at <= attempt.ended_at:
        return f"it is {attempt.state}{f': {attempt.why}' if attempt.why else ''}"  # the words crossed
    if attempt.state is ActionState.PROPOSED and attempt.expires_at is not None and at >= attempt.expires_at:
        attempt = expire(draft, attempt)
    if attempt.state in RENEWABLE:
        made = making.again(draft, attempt, told.by)
        return made if isinstance(made, str) else ""
    why = _not_counting(draft, attempt, told)
    if why:
        return why
    given = _inputs(draft, attempt, told.inputs)
    if isinstance(given, str):
        return given
    approval = Approval(told.by, at, yes=True, roles=told.roles, via=told.via, why=told.why)
    other = plain(given) != plain(attempt.inputs)
    agreed = replace(attempt, inputs=given, approvals=(approval,) if other else (*attempt.approvals, approval))
    lacking = entrusting.lacking(draft, agreed, given) if is_enough(draft, agreed) else ""
    if lacking:
        return lacking
    if other:
        return _freeze(draft, attempt, given, approval)
    attempt = attempts.put(draft, agreed)
    if is_enough(draft, attempt):
        approve(draft, attempt, by=told.by, why=f"approved by {', '.join(attempt.approved_by)}")
    return ""


def _not_counting(draft: Draft, attempt: Attempt, told: Answered) -> str:
    """Say why a yes does not count; "" when it does."""
    if attempt.state is not ActionState.PROPOSED:
        blocked = f": {'; '.join(attempt.blocks)}" if attempt.blocks else ""
        return f"it is {attempt.state}{blocked}"
    if not attempt.digest or told.digest != attempt.digest:
        return "what it would do has changed since that was shown: look again"
    try:
        missing = lacks_role(attempt, told.roles)
        several = needed(draft.brain, attempt) >= 2
    except ValueError as error:
        return f"its guard cannot be read: {error}"
    if missing:
        return missing
    if several and attempt.proposed_by == told.by:
        return "whoever asks for an action that takes two cannot be one of them"
    return f"{told.by} has said yes already" if told.by in attempt.approved_by else ""


def _no(draft: Draft, attempt: Attempt, told: Answered) -> str:
    if attempt.state not in WAITING:
        return f"it is {attempt.state}"
    try:
        missing = "" if told.by == attempt.proposed_by else lacks_role(attempt, told.roles)
    except ValueError:
        missing = ""
    if missing:
        return missing
    refusal = Approval(told.by, draft.now, yes=False, roles=told.roles, via=told.via, why=told.why)
    attempt = replace(attempt, approvals=(*attempt.approvals, refusal))
    said = f"{told.by} said no{f': {told.why}' if told.why else ''}"
    attempts.move(draft, attempt, ActionState.REJECTED, said, by=told.by)
    return ""


def _break_glass(draft: Draft, at: datetime, attempt: Attempt, told: Answered) -> str:
    if attempt.state not in ASKED:
        return f"it is {attempt.state}"
    if not attempt.digest or told.digest != attempt.digest:
        return "what it would do has changed since that was shown: look again"
    if attempt.wants:
        return f"it needs inputs, which an approval gives: {'; '.join(attempt.wants)}"
    if ADMIN not in told.roles:
        return f"breaking the glass takes the role {ADMIN}"
    if not told.why.strip():
        return "breaking the glass takes a written reason"
    standing = refusals(draft, attempt)
    firm = [refusal.why for refusal in standing if refusal.firm]
    if firm:
        return f"even broken glass does not lead past this: {'; '.join(firm)}"
    given = secrets_in(told.inputs)
    if not set(given) <= set(entrusting.asked_for(draft, attempt)):
        return "a secret was given for what is none"
    entrusted = entrusting.entrusted(attempt.inputs, given)
    lacking = entrusting.lacking(draft, attempt, entrusted)
    if lacking:
        return lacking
    approval = Approval(told.by, at, True, told.roles, told.via, told.why, broke_glass=True)
    attempt = replace(attempt, inputs=entrusted, approvals=(*attempt.approvals, approval))
    calling.glass_broken(draft, attempt, approval, [refusal.why for refusal in standing])
    approve(draft, attempt, by=told.by, why=f"{told.by} broke the glass: {told.why}")
    return ""


def _undo(draft: Draft, attempt: Attempt, told: Answered) -> str:
    if attempt.state not in UNDOABLE:
        return f"it is {attempt.state}"
    if missing := lacks_role_after(attempt, told.roles):
        return missing
    why = f"asked for by {told.by}{f': {told.why}' if told.why else ''}"
    begun = undoing.begin(draft, replace(attempt, then=(), why=""), why=why, by=told.by)
    return begun if isinstance(begun, str) else ""


# --- inputs ---


def _inputs(draft: Draft, attempt: Attempt, given: Mapping[str, Json]) -> dict[str, Json] | str:
    """Return the inputs as they are to be, the others as they were shown; a string says what is wrong."""
    declared = proposals.declared(draft, attempt.name) if not attempt.proposed_by else {}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        return f"it takes no input {unknown[0]}"
    secrets = secrets_in(given)
    if not set(secrets) <= set(entrusting.asked_for(draft, attempt)):
        return "a secret was given for what is none"
    return inputs.taken(draft, declared, entrusting.entrusted(attempt.inputs, secrets), plain(given))


def _freeze(draft: Draft, attempt: Attempt, given: Mapping[str, Json], approval: Approval) -> str:
    """Freeze the steps anew with a person's inputs; only that person has agreed to them, once they are looked at."""
    prepared = proposals.prepare(draft, attempt.name, given)
    if isinstance(prepared, Undecided):
        return f"with these inputs it cannot be done: {prepared.why}"
    checks = tuple(step for step in attempt.steps if step.verifies)
    steps = (*prepared.steps, *(replace(step, preview=None) for step in checks))
    frozen = replace(attempt, steps=steps, inputs=given, digest="", approvals=(approval,), expires_at=None, wants=())
    attempts.look(draft, attempts.put(draft, frozen))
    return ""


def expire(draft: Draft, attempt: Attempt) -> Attempt:
    """End what nobody answered in time; a person can ask for it again."""
    expired = attempts.move(draft, attempt, ActionState.EXPIRED, "nobody said yes in time")
    calling.ask_again(draft, expired)
    return expired
