"""Notes that are put beside the living message because somebody has to look: an edit notifies nobody."""

from datetime import timedelta

from responder.model.duration import format_duration
from responder.model.incident import Incident
from responder.model.message import Mention, Message, Own, Paragraph, Purpose, Text
from responder.response.wording import bold, one_line, outside

_HERE = Mention("here")


def raised(incident: Incident, *, before: str, rank: int) -> Message:
    """Say that the severity rose, to the whole channel."""
    title = (Own("Severity raised: "), Own(before), Own(" → "), bold(incident.severity))
    body = (_HERE, Own(" "), outside(incident.title), Own(": "), outside(incident.severity_why))
    summary = f"{incident.severity} (was {before}): {incident.title}"
    return note(incident, title, body, summary=summary, rank=rank, broadcast=True)


def refired(incident: Incident, *, quiet_for: timedelta, alert: str, rank: int) -> Message:
    """Say that it fires again after all had been quiet."""
    title = (Own("Fires again after "), Own(format_duration(quiet_for)), Own(" of quiet"))
    body = (_HERE, Own(" "), outside(alert), Own(" fires: "), outside(incident.title))
    return note(incident, title, body, summary=f"Fires again: {incident.title}", rank=rank)


def note(incident: Incident, title: Text, body: Text, *, summary: str, rank: int, broadcast: bool = False) -> Message:
    """Make a note to be put beside the living message."""
    return Message(
        incident=incident.id,
        title=title,
        summary=one_line(summary),
        status=incident.status.value,
        severity=incident.severity,
        rank=rank,
        blocks=(Paragraph(body),),
        purpose=Purpose.REPLY,
        broadcast=broadcast,
    )
