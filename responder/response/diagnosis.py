"""
Diagnosis as a dataflow: a step starts when everything it reads is there.

Rounds repeat it: on new alerts, on a raised severity, and every `refresh` while the incident is open. Within a round a
step runs at most once; while it runs again its earlier reading stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from responder.model.command import Diagnose
from responder.model.facts import Facts
from responder.model.finding import Diagnosis, DiagnosticStatus
from responder.model.incident import Incident, Status
from responder.model.playbook import DiagnosticStep, Playbook
from responder.model.target import Target
from responder.model.timeline import Diagnosed, Event
from responder.model.verdict import Json, Undecided
from responder.response.draft import Draft
from responder.response.targets import named

SPACING = timedelta(seconds=30)
"""Between the starts of two rounds, however many alerts join: diagnostics cost the systems they look at."""
UNDECIDED = "could not decide: "
"""How the reason of a step begins that was left out because its condition had no answer."""


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in the results of this and the previous turns' steps; a result that is not waited for is old."""
    for event in events:
        if isinstance(event.what, Diagnosed) and not event.what.attempt:
            _ended(draft, event, event.what)


def ask_for_round(draft: Draft) -> None:
    """Let the diagnostics run again, soon."""
    incident = draft.incident
    soon = max(draft.now, incident.round_at + SPACING) if incident.round_at else draft.now
    draft.change(next_round_at=min(soon, incident.next_round_at or soon))


def advance(draft: Draft) -> None:
    """Begin a round that is due, and start every step whose inputs are there."""
    if _is_due(draft):
        _begin(draft)
    if not draft.brain.cluster_known(draft.incident.cluster):
        return
    steps = steps_of(draft.brain.playbook)
    for _ in steps:
        changed = [_try(draft, step) for step in steps]
        if not any(changed):
            break


def steps_of(playbook: Playbook) -> tuple[DiagnosticStep, ...]:
    """Return the steps that run without an action having been taken."""
    return tuple(step for step in playbook.diagnostics if step.only != "verify")


def is_settled(incident: Incident, playbook: Playbook) -> bool:
    """Whether every step of the round has ended."""
    return all(_has_ended(incident, step.name) for step in steps_of(playbook))


def is_blocked(incident: Incident, playbook: Playbook) -> bool:
    """Whether the next round waits for the end of this one: the last look, when nothing fires any more."""
    return incident.status is Status.MONITORING and not is_settled(incident, playbook)


# --- rounds ---


def _is_due(draft: Draft) -> bool:
    incident, playbook = draft.incident, draft.brain.playbook
    at = incident.next_round_at
    if at is None or at > draft.now or incident.status is Status.RESOLVED:
        return False
    return draft.brain.cluster_known(incident.cluster) and not is_blocked(incident, playbook)


def _begin(draft: Draft) -> None:
    refresh = draft.brain.playbook.refresh
    again = draft.now + refresh if refresh and draft.incident.status is not Status.MONITORING else None
    draft.change(round=draft.incident.round + 1, round_at=draft.now, next_round_at=again)


# --- steps ---


def _try(draft: Draft, step: DiagnosticStep) -> bool:
    """Start or skip a step if its turn has come; whether anything changed."""
    incident = draft.incident
    diagnosis = incident.diagnoses.get(step.name, Diagnosis(step.name))
    if diagnosis.running or diagnosis.round >= incident.round or incident.status is Status.RESOLVED:
        return False
    if not all(_is_there(draft, name) for name in step.reads):
        return False
    decided = decided_on(draft, step, draft.facts())
    if isinstance(decided, str):
        _put(draft, Diagnosis(step.name, DiagnosticStatus.SKIPPED, incident.round, why=decided, as_of=draft.now))
        return True
    target, params = decided
    _put(draft, replace(diagnosis, status=DiagnosticStatus.RUNNING, round=incident.round, running=True, why=""))
    run = Diagnose(step.name, incident.round, step.plugin, params, target, step.deadline)
    draft.plan(run, priority=draft.priority())
    return True


def decided_on(draft: Draft, step: DiagnosticStep, facts: Facts) -> tuple[Target, Mapping[str, Json]] | str:
    """Evaluate condition, target and parameters of a step; a string says why it is left out."""
    evaluator = draft.brain.evaluator
    if step.when:
        verdict = evaluator.holds(step.when, facts)
        if verdict.undecided:
            return UNDECIDED + verdict.undecided.why
        if not verdict.holds:
            return f"not needed: {step.when} does not hold"
    target: Target | Undecided = draft.incident.target
    if step.target:
        target = named(step.target, draft.incident.target, evaluator, facts)
    if isinstance(target, Undecided):
        return UNDECIDED + target.why
    model = draft.brain.plugin_params(step.plugin)
    if model is None:
        return f"{UNDECIDED}nothing is called {step.plugin}"
    params = evaluator.params(step.params, model, facts)
    return UNDECIDED + params.why if isinstance(params, Undecided) else (target, params)


def _is_there(draft: Draft, name: str) -> bool:
    """Whether a result has come; a name that no step has never comes, and is not waited for."""
    if all(step.name != name for step in steps_of(draft.brain.playbook)):
        return True
    return _has_ended(draft.incident, name)


def _has_ended(incident: Incident, name: str) -> bool:
    diagnosis = incident.diagnoses.get(name)
    return diagnosis is not None and not diagnosis.running and diagnosis.round >= incident.round


def _ended(draft: Draft, event: Event, ended: Diagnosed) -> None:
    diagnosis = draft.incident.diagnoses.get(ended.name)
    if diagnosis is None or not diagnosis.running or diagnosis.round != ended.round:
        return
    _put(
        draft,
        replace(diagnosis, status=ended.reading.status, reading=ended.reading, as_of=event.at, running=False),
    )


def _put(draft: Draft, diagnosis: Diagnosis) -> None:
    draft.change(diagnoses={**draft.incident.diagnoses, diagnosis.name: diagnosis})
