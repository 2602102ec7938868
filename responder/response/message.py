"""
The one living message of an incident, and the long material beside it.

It says what is known now and no word about the present moment, so that it changes only when what is known does. From
labels and annotations alone it is complete at once. Blocks stand in order of weight.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from responder.model.finding import DiagnosticStatus, Reading
from responder.model.incident import Incident, Status
from responder.model.message import Block, Code, Message, Own, Purpose, plain
from responder.response import (
    message_actions,
    message_alerts,
    message_findings,
    message_help,
    message_overview,
    message_readings,
)
from responder.response.brain import Brain
from responder.response.wording import LONGEST, clipped, count, one_line, outside

_MOST_LINES = 20
"""Of evidence for each diagnostic."""
_LONGEST_LINE = 500


def living(incident: Incident, brain: Brain, now: datetime) -> Message:
    """Build the message that the incident's receivers should see; `now` decides nothing that is shown."""
    return Message(
        incident=incident.id,
        title=(outside(incident.title),),
        summary=_summary(incident),
        status=incident.status.value,
        severity=incident.severity,
        rank=brain.scale.rank(incident.severity),
        blocks=tuple(_blocks(incident, brain)),
    )


def evidence(incident: Incident, brain: Brain) -> Message | None:
    """Build the note with what is behind the readings: lines and charts; None when there is nothing."""
    blocks = tuple(_evidence(incident))
    if not blocks:
        return None
    return Message(
        incident=incident.id,
        title=(Own("Evidence for "), outside(incident.title)),
        summary=one_line(f"Evidence: {incident.title}"),
        status=incident.status.value,
        severity=incident.severity,
        rank=brain.scale.rank(incident.severity),
        blocks=blocks,
        purpose=Purpose.EVIDENCE,
    )


def gist(incident: Incident) -> str:
    """Digest what the evidence is about, not its lines: new figures alone are no news. "" when there is none."""
    shown = [reading.name for reading in _readings(incident) if reading.evidence or reading.chart]
    if not shown:
        return ""
    about = "\n".join((*shown, "", *(finding.name for finding in incident.findings)))
    return sha256(about.encode()).hexdigest()[:16]


def _blocks(incident: Incident, brain: Brain) -> Iterator[Block]:
    """Put first what somebody needs who was just woken: the alert's own words until there is more to say."""
    found = incident.findings or incident.earlier
    yield from message_actions.banner(brain)
    yield message_overview.overview(incident, brain)
    yield from () if found else message_alerts.alerts(incident)
    yield from message_findings.findings(incident)
    yield from message_actions.actions(incident, brain)
    yield from message_help.proposals(incident)
    yield from message_alerts.alerts(incident) if found else ()
    yield from message_readings.lines(incident)
    yield from message_readings.readings(incident)
    yield from message_help.steps(incident, brain)
    yield from message_help.checks(incident, brain)
    yield from message_help.links(incident, brain)
    yield from message_help.troubles(incident, brain)
    yield from message_help.doubts(incident)
    yield from message_readings.progress(incident, brain)
    yield message_help.identity(incident)


def _summary(incident: Incident) -> str:
    lead = message_findings.lead(incident) or next(iter(incident.findings), None)
    match incident.status:
        case Status.RESOLVED:
            state = "resolved"
        case Status.MONITORING:
            state = "quiet, watching"
        case _:
            state = f"{count(len(incident.firing), 'alert')} firing"
    told = f": {plain(lead.say)}" if lead else ""
    return one_line(f"{incident.severity} · {incident.title}{told} ({state}, {incident.id})", 300)


def _readings(incident: Incident) -> Iterator[Reading]:
    for diagnosis in incident.diagnoses.values():
        if diagnosis.reading and diagnosis.reading.status is DiagnosticStatus.FOUND:
            yield diagnosis.reading


def _evidence(incident: Incident) -> Iterator[Block]:
    for reading in _readings(incident):
        if reading.chart:
            yield reading.chart
        if reading.evidence:
            lines = tuple(outside(line, limit=_LONGEST_LINE).text for line in reading.evidence[:_MOST_LINES])
            yield Code(lines, title=clipped(reading.name, LONGEST))
