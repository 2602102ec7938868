"""Making attempts: from what the playbook proposes, again when a person asks, and taking back what nobody needs."""

from collections.abc import Iterator
from dataclasses import replace

from responder.model.action import ActionState, Attempt, Step
from responder.model.finding import Proposal
from responder.model.guard import verify_of
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from responder.model.verdict import Undecided
from responder.response import attempts, binding, proposals, retaking
from responder.response.answerable import ASKED, RENEWABLE
from responder.response.draft import Draft
from responder.response.earlier import failed_before

_TURNED_DOWN = frozenset({ActionState.REJECTED, ActionState.EXPIRED})
_AFTER_A_ROUND = frozenset({*_TURNED_DOWN, ActionState.REFUSED, ActionState.FAILED})
_MOST = 200
"""Attempts of one incident; more are a loop that somebody has to look at."""


def withdraw(draft: Draft) -> None:
    """Take back what was asked and is called for no more; what was approved goes on, and is checked when it starts."""
    called_for = {proposal.name: proposal for proposal in draft.incident.proposals}
    for attempt in draft.incident.attempts:
        if attempt.state in ASKED:
            why = _why_not(draft, attempt, called_for.get(attempt.name))
            if why:
                attempts.move(draft, attempt, ActionState.WITHDRAWN, why)
        elif not attempt.state.live and not attempt.lapsed and attempt.name not in called_for:
            attempts.put(draft, replace(attempt, lapsed=True))


def make(draft: Draft) -> None:
    """Make an attempt of every proposal that may be more than shown, unless one lives or the last one forbids it."""
    if draft.incident.status in (Status.MONITORING, Status.RESOLVED):
        return
    for proposal in draft.incident.proposals:
        if proposal.mode not in ("approve", "auto") or not _may_follow(draft, proposal.name):
            continue
        made = _made(draft, proposal.name, proposal.because)
        if made is not None and _is_due(draft, made):
            attempts.propose(draft, made, f"{made.because} calls for it" if made.because else "it is always offered")


def again(draft: Draft, attempt: Attempt, by: str) -> Attempt | str:
    """Make a new attempt of one that was turned down or expired, with a fresh look; a string says why not."""
    if attempt.state not in RENEWABLE:
        return f"it is {attempt.state} already"
    made: Attempt | None
    if attempt.proposed_by:
        made = _renewed(draft, attempt)
    elif any(proposal.name == attempt.name for proposal in draft.incident.proposals):
        made = _made(draft, attempt.name, attempt.because)
    else:
        return "nothing calls for it any more"
    if made is None:
        return "it cannot be done as things are"
    why = f"asked for again by {by}"
    return _begun(draft, replace(made, reason=made.reason or why), why, by=by)


def by_hand(draft: Draft, made: Attempt) -> Attempt | str:
    """Begin an attempt that a person asked for; a string says why not."""
    return _begun(draft, made, made.reason, by=made.proposed_by)


def next_of(draft: Draft, attempt: Attempt) -> Attempt | None:
    """Offer the next alternative to an attempt that did not help; None when there is none left."""
    for name in alternatives(draft, attempt)[1]:
        live = next((each for each in draft.incident.attempts if each.name == name and each.state.live), None)
        if live is not None and live.state in ASKED:
            return live if live.pending else attempts.look(draft, live)
        made = _made(draft, name, attempt.because) if live is None else None
        tried = [each for each in draft.incident.attempts if each.name == name]
        fresh = all(each.state in RENEWABLE for each in tried)
        if made is not None and fresh and not failed_before(draft, made):
            return attempts.propose(draft, made, f"{attempt.name} did not help ({draft.incident.id}/{attempt.number})")
    return None


def alternatives(draft: Draft, attempt: Attempt) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the actions that the same conclusion prefers to it, and those that it prefers less; proposed ones only."""
    proposed = {p.name for p in draft.incident.proposals if p.mode in ("approve", "auto")}
    for conclusion in draft.brain.playbook.conclusions:
        if conclusion.name == attempt.because and attempt.name in conclusion.propose:
            place = conclusion.propose.index(attempt.name)
            before = tuple(name for name in conclusion.propose[:place] if name in proposed)
            return before, tuple(name for name in conclusion.propose[place + 1 :] if name in proposed)
    return (), ()


def _begun(draft: Draft, made: Attempt, why: str, *, by: str) -> Attempt | str:
    same = _living(draft, made)
    if same is not None:
        return f"{draft.incident.id}/{same.number} is the same, and it is {same.state}: answer that one"
    if len(draft.incident.attempts) >= _MOST:
        return f"{_MOST} attempts have been made in this incident: look at it yourself"
    return attempts.propose(draft, made, why, by=by)


def _why_not(draft: Draft, attempt: Attempt, proposal: Proposal | None) -> str:
    """Say why an attempt that waits for people is wanted no more; "" while it is."""
    status = draft.incident.status
    if status is Status.RESOLVED:
        return "the incident is resolved"
    if attempt.proposed_by:
        return ""
    if status is Status.MONITORING:
        return "no alert fires any more"
    if proposal is None:
        return "nothing calls for it any more"
    if proposal.mode not in ("approve", "auto"):
        return f"it may only be suggested now: its mode is `{proposal.mode}`"
    if attempt.approvals or attempt.inputs:
        return ""
    made = _made(draft, attempt.name, proposal.because)
    same = made is None or attempts.is_same(made.steps, attempt.steps)
    return "" if same else "what it would do is another thing now"


def _is_due(draft: Draft, made: Attempt) -> bool:
    """Whether it may be made by itself: never beside the same, never again what people or the world turned down."""
    if _living(draft, made) is not None or len(draft.incident.attempts) >= _MOST:
        return False
    if failed_before(draft, made) and not attempts.is_harmless(draft, made):
        return False
    last = _last(draft, made.name)
    if last is None or last.state not in _TURNED_DOWN:
        return True
    return not attempts.is_same(last.steps, made.steps) and not made.inputs and not made.wants


def _may_follow(draft: Draft, name: str) -> bool:
    """Whether another attempt may come after the last one of that name, whatever it would do."""
    last = _last(draft, name)
    if last is None or last.state is ActionState.WITHDRAWN:
        return True
    if last.state.live:
        return False
    if last.state in _AFTER_A_ROUND:
        return _after_a_round(draft, last)
    return last.lapsed or retaking.is_wanted_anew(draft, last)


def _last(draft: Draft, name: str) -> Attempt | None:
    return next((each for each in reversed(draft.incident.attempts) if each.name == name), None)


def _after_a_round(draft: Draft, last: Attempt) -> bool:
    began = draft.incident.round_at
    return bool(began and last.ended_at and began > last.ended_at)


def _living(draft: Draft, made: Attempt) -> Attempt | None:
    """Find what lives of the same; what a person asks for is called like its plugin, whatever it would do to what."""
    for attempt in draft.incident.attempts:
        named = attempt.name == made.name and not (attempt.proposed_by and made.proposed_by)
        if attempt.state.live and (named or attempts.is_same(attempt.steps, made.steps)):
            return attempt
    return None


def _renewed(draft: Draft, attempt: Attempt) -> Attempt:
    bare = (Step(s.name, s.plugin, s.params, s.target, s.commands, verifies=s.verifies) for s in attempt.steps)
    return Attempt(
        number=attempts.next_number(draft),
        name=attempt.name,
        steps=tuple(replace(step, guards=binding.by_hand(draft, step)) for step in bare),
        mode=attempt.mode,
        proposed_at=draft.now,
        proposed_by=attempt.proposed_by,
        reason=attempt.reason,
        inputs=attempt.inputs,
        guard=attempt.guard,
        verify=attempt.verify,
        temporary=attempt.temporary,
        dry_run=draft.brain.dry_run,
    )


def _made(draft: Draft, name: str, because: str) -> Attempt | None:
    prepared = proposals.prepare(draft, name)
    if isinstance(prepared, Undecided) or prepared.mode not in ("approve", "auto"):
        return None
    attempt = of_prepared(draft, name, prepared)
    return attempt and replace(attempt, because=because)


def of_prepared(draft: Draft, name: str, prepared: proposals.Prepared) -> Attempt | None:
    """Make an attempt of an action of the playbook as it was prepared; None where some of it is not to be had."""
    action = proposals.find(draft, name)
    if action is None:
        return None
    steps = (*prepared.steps, *_verifying(draft, action))
    if not steps or any(draft.brain.action(step.plugin) is None for step in steps):
        return None
    return Attempt(
        number=attempts.next_number(draft),
        name=name,
        steps=steps,
        mode=prepared.mode,
        proposed_at=draft.now,
        inputs=prepared.inputs,
        wants=prepared.wants,
        guard=action.guard,
        verify=action.verify,
        temporary=action.temporary,
        dry_run=draft.brain.dry_run,
    )


def _verifying(draft: Draft, action: ActionStep) -> Iterator[Step]:
    """Yield the step that the verification asks for, such as a smoke test, to run once the others are done."""
    try:
        run = verify_of(action.verify).run
    except ValueError:
        return
    prepared = proposals.prepare(draft, run) if run and run != action.name else Undecided("")
    if not isinstance(prepared, Undecided) and not prepared.wants:
        yield from (replace(step, verifies=True) for step in prepared.steps)
