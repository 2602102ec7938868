"""Conclusions drawn from what was read: all that hold are findings, in the file's order, each as soon as it can be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from responder.model.finding import DiagnosticStatus, Doubt, Finding
from responder.model.incident import Incident, Status
from responder.model.message import plain
from responder.model.playbook import Conclusion
from responder.model.timeline import Found, Retracted
from responder.model.verdict import HOLDS, Undecided
from responder.response import severity
from responder.response.diagnosis import UNDECIDED
from responder.response.draft import Draft
from responder.response.known import is_waiting
from responder.response.wording import safe

_MOST_EARLIER = 8
"""Kept of what no longer holds; a message has no room for more."""


def draw(draft: Draft) -> None:
    """
    Judge every conclusion and every line of the checklist.

    What was found stays once nothing fires any more: the last look is for the checklist only.
    """
    if draft.incident.status is Status.RESOLVED:
        return
    _check(draft)
    if _is_last_look(draft.incident):
        return
    held = {finding.name: finding for finding in draft.incident.findings}
    findings, doubts = _judge_all(draft, held)
    for name in held.keys() - {finding.name for finding in findings}:
        draft.record(Retracted(name))
    for finding in findings:
        if finding.name not in held:
            draft.record(Found(finding.name, finding.say, finding.cause))
    draft.change(findings=tuple(findings), doubts=tuple(doubts), earlier=_earlier(draft, held, findings))
    for finding in findings:
        if finding.severity:
            severity.raise_to(draft, finding.severity, by="conclusion", why=plain(finding.say) or finding.name)


def _earlier(draft: Draft, held: Mapping[str, Finding], findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Remember what named a cause or raised the severity, though it holds no more; the latest end first."""
    present = {finding.name for finding in findings}
    telling = [held[name] for name in held if name not in present and (held[name].cause or held[name].severity)]
    over = {finding.name: replace(finding, until=draft.now) for finding in telling}
    before = [finding for finding in draft.incident.earlier if finding.name not in present | over.keys()]
    return (*over.values(), *before)[:_MOST_EARLIER]


def _is_last_look(incident: Incident) -> bool:
    since, began = incident.monitoring_since, incident.round_at
    return incident.status is Status.MONITORING and since is not None and began is not None and began >= since


def _judge_all(draft: Draft, held: dict[str, Finding]) -> tuple[list[Finding], list[Doubt]]:
    findings: list[Finding] = []
    doubts: list[Doubt] = []
    for conclusion in draft.brain.playbook.conclusions:
        judged = _judge(draft, conclusion)
        if isinstance(judged, Finding):
            findings.append(judged)
        elif isinstance(judged, Doubt):
            doubts.append(judged)
        elif judged is None and conclusion.name in held:
            findings.append(held[conclusion.name])
    return findings, doubts


def _judge(draft: Draft, conclusion: Conclusion) -> Finding | Doubt | bool | None:
    """Answer a finding, a doubt, False where it does not hold, None where its inputs are not there yet."""
    facts, evaluator = draft.facts(), draft.brain.evaluator
    if is_waiting(draft.incident, conclusion.reads):
        return None
    verdict = evaluator.holds(conclusion.when, facts) if conclusion.when else HOLDS
    if verdict.undecided:
        return _doubt(draft.incident, conclusion, verdict.undecided)
    if not verdict.holds:
        return False
    return Finding(
        name=conclusion.name,
        say=safe(evaluator.text(conclusion.say, facts)),
        cause=conclusion.cause,
        severity=conclusion.severity,
        as_of=_as_of(draft.incident, conclusion.reads),
    )


def _doubt(incident: Incident, conclusion: Conclusion, undecided: Undecided) -> Doubt | bool | None:
    """Turn an open question into a doubt, unless a step that it reads was left out because it was not needed."""
    if undecided.pending:
        return None
    return False if _was_not_needed(incident, conclusion.reads) else Doubt(conclusion.name, undecided.why)


def _was_not_needed(incident: Incident, reads: Sequence[str]) -> bool:
    read = [incident.diagnoses[name] for name in reads if name in incident.diagnoses]
    return any(d.status is DiagnosticStatus.SKIPPED and not d.why.startswith(UNDECIDED) for d in read)


def _as_of(incident: Incident, reads: Sequence[str]) -> datetime | None:
    """Return how old the oldest input is."""
    moments = [incident.diagnoses[name].as_of for name in reads if name in incident.diagnoses]
    return min((moment for moment in moments if moment), default=None)


def _check(draft: Draft) -> None:
    checks: dict[str, bool | None] = {}
    for check in draft.brain.playbook.resolved_when:
        verdict = draft.brain.evaluator.holds(check.when, draft.facts())
        checks[check.name] = None if verdict.undecided else verdict.holds
    if checks != draft.incident.checks:
        draft.change(checks=checks)
