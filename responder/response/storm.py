"""The one message of a storm: incidents that began faster than a channel can take, as lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from responder.model.incident import Incident, Status
from responder.model.message import Field, Fields, Instant, Item, Listing, Message, Note, Own, Paragraph, Text
from responder.response.wording import bold, count, outside

MOST_LINES = 60
"""Shown; a channel shows no more of one message anyway."""

_MARKS = {Status.RESOLVED: "resolved", Status.MONITORING: "quiet", Status.ACKNOWLEDGED: "acknowledged", Status.OPEN: ""}


@dataclass(frozen=True, slots=True)
class StormLine:
    """One incident of a storm as it stands; `rank` is the severity's place on its scale."""

    number: int
    title: str
    severity: str
    rank: int
    status: Status
    opened_at: datetime


def line_of(incident: Incident, rank: int) -> StormLine:
    """Make the line of an incident."""
    return StormLine(
        number=incident.number,
        title=incident.title,
        severity=incident.severity,
        rank=rank,
        status=incident.status,
        opened_at=incident.opened_at,
    )


def storm_message(name: str, lines: Sequence[StormLine], *, limit: int) -> Message:
    """Build the message: what is open comes first, then the severest, then the oldest. `limit` is what set it off."""
    ordered = sorted(lines, key=lambda line: (line.status is Status.RESOLVED, line.rank, line.number))
    going_on = [line for line in ordered if line.status is not Status.RESOLVED]
    worst = min(going_on or ordered, key=lambda line: line.rank)
    began = min(line.opened_at for line in lines)
    shown = tuple(Item(_text(line)) for line in ordered[:MOST_LINES])
    more = len(ordered) - len(shown)
    status: Literal["open", "resolved"] = "open" if going_on else "resolved"
    return Message(
        incident=name,
        title=(Own(f"Alert storm: {count(len(lines), 'incident')}"),),
        summary=f"Alert storm: {count(len(lines), 'incident')}, {len(going_on)} open",
        status=status,
        severity=worst.severity,
        rank=worst.rank,
        blocks=(
            Fields((Field("Since", (Instant(began, "datetime"),)), Field("Open", (Own(str(len(going_on))),)))),
            Listing("Incidents", shown),
            *([Note((Own(f"and {more} more"),))] if more else []),
            Paragraph((Own(f"More than {limit} began within a minute, so that these are told together."),)),
        ),
    )


def _text(line: StormLine) -> Text:
    mark = _MARKS[line.status]
    return (
        bold(f"INC-{line.number}"),
        Own(f" {line.severity} "),
        outside(line.title, limit=120),
        *([Own(f" ({mark})", "italic")] if mark else []),
    )
