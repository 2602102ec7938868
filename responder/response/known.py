"""What is known of an incident: what expressions may read, and what is still to come."""

from collections.abc import Sequence

from responder.model.facts import Facts, IncidentFacts
from responder.model.finding import Diagnosis, DiagnosticStatus
from responder.model.incident import Incident

MOST_ALERTS = 1_000
"""Alerts that expressions see, the earliest: an evaluation takes the longer the more there are."""


def facts_of(incident: Incident) -> Facts:
    """Gather everything known: of a diagnostic that runs again, what it read before."""
    readings = [d for d in incident.diagnoses.values() if d.reading is not None]
    found = [d for d in readings if _status(d) is DiagnosticStatus.FOUND]
    return Facts(
        labels=incident.labels,
        alerts=incident.firing[:MOST_ALERTS],
        incident=_incident(incident),
        target=incident.target,
        results={d.name: d.reading.result for d in found if d.reading and d.reading.has_data},
        failed={d.name: d.reading.error for d in readings if d.reading and _status(d) is DiagnosticStatus.FAILED},
        empty=frozenset(d.name for d in found if d.reading and not d.reading.has_data),
        skipped=frozenset(d.name for d in incident.diagnoses.values() if d.status is DiagnosticStatus.SKIPPED),
    )


def is_waiting(incident: Incident, reads: Sequence[str]) -> bool:
    """Whether a step among those read that will run, or runs, has not yielded anything yet."""
    known = [incident.diagnoses.get(name) for name in reads]
    return any(d is None or (d.reading is None and d.status is not DiagnosticStatus.SKIPPED) for d in known)


def _status(diagnosis: Diagnosis) -> DiagnosticStatus | None:
    return diagnosis.reading.status if diagnosis.reading else None


def _incident(incident: Incident) -> IncidentFacts:
    return IncidentFacts(
        id=incident.id,
        severity=incident.severity,
        status=incident.status.value,
        title=incident.title,
        rule=incident.rule,
        cluster=incident.cluster,
        team=incident.team,
        started_at=incident.started_at,
        opened_at=incident.opened_at,
    )
