"""The documents of the API as types; the OpenAPI document is generated from them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from responder.engine.recording_actions import RecordedAction, RecordedAnswer, RecordedRequest
from responder.engine.recording_readings import Recorded, Span
from responder.engine.retelling import Retold
from responder.engine.views import SeenAlert
from responder.model.finding import DiagnosticStatus, Finding, Proposal
from responder.model.incident import Incident, Status
from responder.model.message import plain
from responder.model.redaction import redact
from responder.model.timeline import Event, Happening
from responder.web.action_documents import AttemptView, attempted
from responder.web.document import Document
from responder.web.shown import safe, shown

MOST_ALERTS = 100
"""Alerts of one incident in a list: one incident of a storm can have thousands."""


class Problem(Document):
    """Why there is no other answer."""

    error: str = Field(description="One line that says what to change.")


class AlertView(Document):
    """One episode of an alert."""

    fingerprint: str = Field(description="Alertmanager's identity of the label set.")
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null while it fires.")


class IncidentSummary(Document):
    """An incident in a list."""

    id: str = Field(examples=["INC-1"])
    rule: str = Field(description="The rule that opened it, as pack/rule.")
    severity: str
    status: Status
    title: str
    opened_at: datetime
    resolved_at: datetime | None
    alerts: list[AlertView] = Field(description="Earliest first; in lists at most 100, the firing ones before others.")
    alerts_total: int = Field(description="How many there are.")


class IncidentList(Document):
    """One page of incidents, newest first."""

    incidents: list[IncidentSummary]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last.")


class SeenAlertView(AlertView):
    """One episode of an alert as it was stored, whatever became of it."""

    annotations: dict[str, str]
    cluster: str
    rule: str = Field(description="The rule that took it, as pack/rule.")
    incident: str | None = Field(description="Null where it was only recorded.", examples=["INC-1"])


class SeenAlertList(Document):
    """One page of alerts, the last stored first."""

    alerts: list[SeenAlertView]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last.")


class FindingView(Document):
    """A conclusion that holds."""

    name: str
    say: str
    cause: str = Field(description="The cause that it names; empty for none.")
    severity: str = Field(description="The severity that it asks for; empty for none.")
    as_of: datetime | None
    until: datetime | None = Field(description="When it stopped holding; null while it does.")


class DiagnosticView(Document):
    """What one diagnostic yielded last."""

    name: str
    status: DiagnosticStatus
    headline: str
    evidence: list[str]
    error: str = Field(description="Why it could not look; empty when it could.")
    as_of: datetime | None


class ProposalView(Document):
    """An action named to people."""

    name: str
    action: str = Field(description="The plugin that would act; empty for a sequence.")
    target: str
    commands: list[str] = Field(description="What a person would type, one command each.")
    mode: str
    because: str = Field(description="The finding that proposed it; empty when it is always offered.")
    proposed_at: datetime
    forbidden: str = Field(description="Why it must not happen, by hand neither; empty when it may.")


class TimelineEntry(Document):
    """Something that happened, in the order in which it was written."""

    id: int
    at: datetime
    what: Happening = Field(discriminator="kind")


class IncidentDetail(IncidentSummary):
    """An incident whole."""

    cluster: str
    team: str
    target: str
    severity_why: str
    acknowledged_by: str
    findings: list[FindingView]
    earlier: list[FindingView] = Field(description="Findings with a cause that held before, latest first.")
    diagnostics: list[DiagnosticView]
    proposals: list[ProposalView]
    actions: list[AttemptView] = Field(description="Everything that was offered to people or begun, oldest first.")
    timeline: list[TimelineEntry] = Field(description="In the order in which it was written; at most `limit`.")
    timeline_next: int | None = Field(description="Give it as `timeline_after` for what follows; null at the end.")


class RecordedDelivery(Document):
    """One delivery, put together anew from what came at one moment."""

    at: Span = Field(description="When, counted from the start.", examples=["12m3s"])
    body: dict[str, Any] = Field(description="Alertmanager's webhook JSON, version 4.")


class IncidentRecording(Document):
    """An incident as a recording that `responder replay` plays; secrets are redacted."""

    incident: str = Field(examples=["INC-1"])
    about: str
    start: datetime = Field(description="What all spans of time are counted from.")
    deliveries: list[RecordedDelivery]
    diagnostics: dict[str, list[Recorded]] = Field(
        description="By the name of the step, each in the order of its runs."
    )
    actions: dict[str, RecordedAction] = Field({}, description="Previews and outcomes, by the name of the action.")
    answers: list[RecordedAnswer] = Field([], description="What people said of actions.")
    requests: list[RecordedRequest] = Field([], description="Actions that people asked for by hand.")


class RejectedView(Document):
    """A delivery that could never be accepted."""

    id: int
    received_at: datetime
    status: int = Field(description="The HTTP status that it was answered with.")
    reason: str
    sender: str
    size: int = Field(description="Bytes of the body as it arrived.")
    times: int = Field(description="How often the same one came.")
    body: str = Field(description="Its beginning, as text; what is not UTF-8 is replaced.")


class RejectedList(Document):
    """The rejected deliveries that are kept, newest first."""

    rejected: list[RejectedView]
    total: int = Field(description="How many are kept.")


class Dependency(Document):
    """Something that we need or use."""

    ok: bool
    detail: str = ""


class Readiness(Document):
    """Whether deliveries can be taken. `dependencies` do not count: without them we go on, and say so."""

    ready: bool
    store: Dependency
    rules: Dependency
    dependencies: dict[str, Dependency]


def summary(incident: Incident) -> IncidentSummary:
    """Show an incident in a list."""
    return IncidentSummary(**_summary(incident, MOST_ALERTS))


def seen(alert: SeenAlert) -> SeenAlertView:
    """Show a stored alert."""
    return SeenAlertView(
        fingerprint=alert.fingerprint,
        status="firing" if alert.ended_at is None else "resolved",
        labels=safe(alert.labels),
        annotations=safe(alert.annotations),
        starts_at=alert.started_at,
        ends_at=alert.ended_at,
        cluster=alert.cluster,
        rule=alert.rule,
        incident=f"INC-{alert.incident}" if alert.incident else None,
    )


def detail(incident: Incident, events: Sequence[Event], *, more: bool) -> IncidentDetail:
    """Show an incident whole; `more` says that the timeline goes on after the events."""
    return IncidentDetail(
        **_summary(incident, len(incident.episodes)),
        cluster=incident.cluster,
        team=incident.team,
        target=str(incident.target),
        severity_why=incident.severity_why,
        acknowledged_by=incident.acknowledged_by,
        findings=[_finding(finding) for finding in incident.findings],
        earlier=[_finding(finding) for finding in incident.earlier],
        diagnostics=_diagnostics(incident),
        proposals=[_proposal(proposal) for proposal in incident.proposals],
        actions=[attempted(attempt, incident.id) for attempt in incident.attempts],
        timeline=[TimelineEntry(id=event.id, at=event.at, what=shown(event.what)) for event in events],
        timeline_next=events[-1].id if more and events else None,
    )


def recording(incident: Incident, retold: Retold) -> IncidentRecording:
    """Show an incident as a recording."""
    return IncidentRecording(
        incident=incident.id,
        about=retold.about,
        start=retold.start,
        deliveries=[RecordedDelivery(at=at, body=json.loads(body)) for at, body in retold.deliveries],
        diagnostics={name: list(runs) for name, runs in retold.runs.items()},
        actions=dict(retold.acts.actions),
        answers=list(retold.acts.answers),
        requests=list(retold.acts.requests),
    )


def _summary(incident: Incident, most: int) -> dict[str, object]:
    shown = sorted(incident.episodes, key=lambda e: (not e.firing, e.started_at, e.fingerprint))[:most]
    episodes = sorted(shown, key=lambda e: (e.started_at, e.fingerprint))
    return {
        "id": incident.id,
        "rule": incident.rule,
        "severity": incident.severity,
        "status": incident.status,
        "title": redact(incident.title),
        "opened_at": incident.opened_at,
        "resolved_at": incident.resolved_at,
        "alerts": [
            {
                "fingerprint": episode.fingerprint,
                "status": "firing" if episode.firing else "resolved",
                "labels": safe(episode.labels),
                "starts_at": episode.started_at,
                "ends_at": episode.ended_at,
            }
            for episode in episodes
        ],
        "alerts_total": len(incident.episodes),
    }


def _finding(finding: Finding) -> FindingView:
    return FindingView(
        name=finding.name,
        say=redact(plain(finding.say)),
        cause=finding.cause,
        severity=finding.severity,
        as_of=finding.as_of,
        until=finding.until,
    )


def _diagnostics(incident: Incident) -> list[DiagnosticView]:
    return [
        DiagnosticView(
            name=diagnosis.name,
            status=diagnosis.status,
            headline=diagnosis.reading.headline if diagnosis.reading else "",
            evidence=list(diagnosis.reading.evidence) if diagnosis.reading else [],
            error=diagnosis.reading.error if diagnosis.reading else diagnosis.why,
            as_of=diagnosis.as_of,
        )
        for diagnosis in incident.diagnoses.values()
    ]


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(
        name=proposal.name,
        action=proposal.plugin,
        target=str(proposal.target),
        commands=[redact(command) for command in proposal.commands],
        mode=proposal.mode,
        because=proposal.because,
        proposed_at=proposal.proposed_at,
        forbidden=proposal.forbidden,
    )
