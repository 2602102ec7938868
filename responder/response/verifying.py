"""
Whether an action helped: its condition must hold, on readings begun after its end, with the target's pods ready.

Its looks run beside the ordinary rounds of diagnosis, and nothing that they read is mixed with those.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from responder.model.action import ActionState, Attempt, Step, Verification
from responder.model.command import Diagnose, Follow
from responder.model.duration import exact_duration, parse_duration
from responder.model.facts import Facts
from responder.model.finding import Diagnosis, DiagnosticStatus, Reading
from responder.model.guard import verify_of
from responder.model.playbook import DiagnosticStep
from responder.model.timeline import Diagnosed, Followed
from responder.model.verdict import Json
from responder.response import attempts, figures
from responder.response.consequences import succeeded, unsuccessful
from responder.response.diagnosis import decided_on
from responder.response.draft import Draft
from responder.response.known import facts_of
from responder.response.proposals import with_inputs

BETWEEN_LOOKS = timedelta(seconds=15)
_SHORTEST = timedelta(seconds=1)
OVERDUE = timedelta(minutes=5)
"""After the deadline, or the begin of a later look, when nobody has answered it."""


def begin(draft: Draft, attempt: Attempt, at: datetime) -> None:
    """Begin to verify an attempt whose action ended at that moment."""
    verify = verify_of(attempt.verify)
    known = attempt.verification or Verification(verify.until, at, at)
    verification = replace(known, began_at=at, deadline=at + verify.within, hold=verify.hold)
    attempt = replace(attempt, verification=verification)
    _look(draft, attempts.move(draft, attempt, ActionState.VERIFYING, f"until {verify.until}"))


def advance(draft: Draft, attempt: Attempt) -> None:
    """Take the next look when its time has come; give up a look that nobody answers."""
    verification = attempt.verification
    if verification is None:
        unsuccessful(draft, attempt, ActionState.INEFFECTIVE, "it is not known how to see whether it helped")
    elif verification.next_look_at is not None:
        if verification.next_look_at <= draft.now:
            _look(draft, attempt)
    elif _overdue_at(verification) <= draft.now:
        unsuccessful(draft, attempt, ActionState.INEFFECTIVE, "whether it helped could not be read in time")


def due_at(attempt: Attempt) -> datetime | None:
    """Return when an attempt that is verified wants to be looked at again."""
    verification = attempt.verification
    if verification is None:
        return attempt.started_at
    return verification.next_look_at or _overdue_at(verification)


def _overdue_at(verification: Verification) -> datetime:
    return max(verification.deadline, verification.looked_at or verification.deadline) + OVERDUE


def diagnosed(draft: Draft, at: datetime, told: Diagnosed) -> None:
    """Take in a reading of the look at hand; any other is old."""
    attempt = attempts.find(draft, told.attempt)
    if attempt is None or attempt.state is not ActionState.VERIFYING or attempt.verification is None:
        return
    verification = attempt.verification
    waiting = verification.readings.get(told.name)
    if waiting is None or not waiting.running or told.round != verification.rounds:
        return
    read = replace(waiting, status=told.reading.status, reading=_bare(told.reading), as_of=at, running=False)
    attempt = _read(draft, attempt, {told.name: read})
    _judge(draft, _start(draft, attempt))


def followed(draft: Draft, attempt: Attempt, told: Followed) -> None:
    """Take in whether the target is ready, and whether the change still stands."""
    step = replace(attempt.steps[told.step], progress=told.progress)
    steps = (*attempt.steps[: told.step], step, *attempt.steps[told.step + 1 :])
    attempt = attempts.put(draft, replace(attempt, steps=steps, pending=""))
    if told.progress.reverted:
        unsuccessful(draft, attempt, ActionState.REVERTED, f"{told.progress.reverted} changed it back")
        return
    _judge(draft, _follow(draft, attempt, told.step + 1))


# --- one look ---


def _look(draft: Draft, attempt: Attempt) -> None:
    verification = attempt.verification
    if verification is not None:
        rounds = verification.rounds + 1
        verification = replace(verification, rounds=rounds, next_look_at=None, readings={}, looked_at=draft.now)
    attempt = attempts.put(draft, replace(attempt, verification=verification))
    _judge(draft, _start(draft, _follow(draft, attempt, 0)))


def _follow(draft: Draft, attempt: Attempt, place: int) -> Attempt:
    """Ask after the steps that were done, one by one."""
    for number, step in list(enumerate(attempt.steps))[place:]:
        if step.outcome is not None and not step.verifies:
            command = Follow(attempt.number, number, attempt.looks + 1, step)
            draft.plan(command, priority=draft.priority(1))
            return attempts.put(draft, replace(attempt, looks=command.look, pending=command.key))
    return attempt


def _start(draft: Draft, attempt: Attempt) -> Attempt:
    """Start every step of the look whose inputs are there."""
    wanted = _wanted(draft, attempt)
    for _ in wanted:
        known = attempt.verification.readings if attempt.verification else {}
        ready = [s for s in wanted if s.name not in known and not _waits(s, wanted, known)]
        if not ready:
            break
        attempt = _read(draft, attempt, {step.name: _begun(draft, attempt, step) for step in ready})
    return attempt


def _begun(draft: Draft, attempt: Attempt, step: DiagnosticStep) -> Diagnosis:
    verification = attempt.verification
    if verification is None or not draft.brain.cluster_known(draft.incident.cluster):
        lost = Reading(step.name, DiagnosticStatus.FAILED, error="the cluster is not known any more")
        return Diagnosis(step.name, DiagnosticStatus.FAILED, reading=lost, as_of=draft.now)
    decided = decided_on(draft, step, _facts(draft, attempt))
    if isinstance(decided, str):
        return Diagnosis(step.name, DiagnosticStatus.SKIPPED, verification.rounds, why=decided, as_of=draft.now)
    target, params = decided
    command = Diagnose(
        step.name,
        verification.rounds,
        step.plugin,
        _afterwards(draft, step, params, draft.now - verification.began_at),
        target,
        step.deadline,
        since=verification.began_at,
        attempt=attempt.number,
    )
    draft.plan(command, priority=draft.priority(1))
    return Diagnosis(step.name, DiagnosticStatus.RUNNING, verification.rounds, running=True)


def _afterwards(draft: Draft, step: DiagnosticStep, params: Mapping[str, Json], span: timedelta) -> Mapping[str, Json]:
    """Let what reads a span of time read only that since the action's end: earlier lines say nothing of it."""
    model = draft.brain.plugin_params(step.plugin)
    if model is None or "since" not in model.model_fields or params.get("previous"):
        return params
    most = max(span, _SHORTEST)
    try:
        written = parse_duration(str(params.get("since") or exact_duration(most)))
    except ValueError:
        written = most
    return {**params, "since": exact_duration(min(written, most))}


def _wanted(draft: Draft, attempt: Attempt) -> list[DiagnosticStep]:
    """Return what the condition reads, what that reads in turn, and what runs only to verify."""
    steps = {step.name: step for step in draft.brain.playbook.diagnostics}
    until = attempt.verification.until if attempt.verification else ""
    wanted = {*figures.reads_of(draft, until), *(step.name for step in steps.values() if step.only == "verify")}
    for _ in steps:
        wanted |= {name for step in steps.values() if step.name in wanted for name in step.reads}
    return [step for step in steps.values() if step.name in wanted]


def _waits(step: DiagnosticStep, wanted: list[DiagnosticStep], known: Mapping[str, Diagnosis]) -> bool:
    among = {other.name for other in wanted}
    return any(name in among and (name not in known or known[name].running) for name in step.reads)


def _read(draft: Draft, attempt: Attempt, readings: Mapping[str, Diagnosis]) -> Attempt:
    if attempt.verification is None:
        return attempt
    verification = replace(attempt.verification, readings={**attempt.verification.readings, **readings})
    return attempts.put(draft, replace(attempt, verification=verification))


def _bare(reading: Reading) -> Reading:
    """Leave out what only a message needs: an incident is stored whole at every turn."""
    return replace(reading, evidence=(), chart=None)


# --- the verdict ---


def _judge(draft: Draft, attempt: Attempt) -> None:
    """Judge a look that is complete."""
    verification = attempt.verification
    if verification is None or attempt.pending or any(read.running for read in verification.readings.values()):
        return
    missing = _missing(draft, attempt)
    held_since = None if missing else verification.held_since or draft.now
    told = figures.after(verification.figures, verification.readings)
    verification = replace(verification, held_since=held_since, figures=told, why=missing)
    attempt = attempts.put(draft, replace(attempt, verification=verification))
    if held_since is not None and draft.now - held_since >= verification.hold:
        succeeded(draft, attempt, ActionState.VERIFIED, f"{verification.until} holds{_compared(verification)}")
    elif draft.now >= verification.deadline:
        why = missing or f"{verification.until} holds, but not for long enough yet"
        unsuccessful(draft, attempt, ActionState.INEFFECTIVE, f"{why}{_compared(verification)}")
    else:
        again = min(draft.now + BETWEEN_LOOKS, verification.deadline)
        attempts.put(draft, replace(attempt, verification=replace(verification, next_look_at=again)))


def _missing(draft: Draft, attempt: Attempt) -> str:
    """Say what is missing yet; "" when it has helped, as far as this look tells."""
    for step in attempt.steps:
        counts = step.outcome is not None and not step.verifies
        if counts and not _is_ready(step):
            said = (step.progress.failed or step.progress.say) if step.progress else "nobody has looked yet"
            return f"{attempts.title(step)} is not ready: {said}"
    until = attempt.verification.until if attempt.verification else ""
    if not until:
        return ""
    verdict = draft.brain.evaluator.holds(until, _facts(draft, attempt))
    if verdict.undecided:
        return f"could not decide whether {until}: {verdict.undecided.why}"
    return "" if verdict.holds else f"{until} does not hold"


def _is_ready(step: Step) -> bool:
    progress = step.progress
    return progress is not None and progress.ready and progress.complete and not progress.failed


def _facts(draft: Draft, attempt: Attempt) -> Facts:
    """Return what is known, of all that is looked at here only what this look has read."""
    fresh = attempt.verification.readings if attempt.verification else {}
    names = {step.name for step in _wanted(draft, attempt)}
    kept = {name: read for name, read in draft.incident.diagnoses.items() if name not in names}
    return with_inputs(facts_of(replace(draft.incident, diagnoses={**kept, **fresh})), attempt.inputs)


def _compared(verification: Verification) -> str:
    told = [f"{f.before} → {f.after}" for f in verification.figures if f.before and f.after and f.before != f.after]
    return f" ({'; '.join(told)})" if told else ""
