"""
A message for people, before anybody knows where it goes.

Text is a sequence of parts: *ours*, or a *value* that came from outside. Notifiers render it and escape the values;
nothing here is markup. Blocks stand in order of weight, so that a renderer that runs out of room drops from the end.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from responder.model.press import Press


@dataclass(frozen=True, slots=True)
class Own:
    """Words of ours."""

    text: str
    style: Literal["plain", "bold", "italic", "code"] = "plain"
    kind: Literal["own"] = "own"


@dataclass(frozen=True, slots=True)
class Value:
    """Text from outside: a label, a log line, a database's answer. Hostile until it is escaped."""

    text: str
    code: bool = False
    kind: Literal["value"] = "value"


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, shown in the reader's zone where the destination can, else in the zone of the settings."""

    at: datetime
    form: Literal["time", "datetime"] = "time"
    kind: Literal["instant"] = "instant"


@dataclass(frozen=True, slots=True)
class Link:
    """A link; a renderer shows a URL that is not http(s) as text."""

    label: str
    url: str
    kind: Literal["link"] = "link"


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody to be notified: the people of the channel, those present, or a user or group by the receiver's id."""

    who: Literal["channel", "here", "user", "group"]
    id: str = ""
    kind: Literal["mention"] = "mention"


Part: TypeAlias = Own | Value | Instant | Link | Mention
Text: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    text: Text
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Field:
    """A short name and its value."""

    name: str
    value: Text


@dataclass(frozen=True, slots=True)
class Fields:
    """Short names with values, side by side where there is room."""

    fields: tuple[Field, ...]
    kind: Literal["fields"] = "fields"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a listing; `done` is None where there is nothing to tick."""

    text: Text
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A titled list. `as_of` is how old all its items are that say nothing else; None where age does not matter."""

    title: str
    items: tuple[Item, ...]
    style: Literal["bullets", "numbers", "checks"] = "bullets"
    kind: Literal["listing"] = "listing"
    as_of: datetime | None = None

    @property
    def aside(self) -> Text:
        """What stands behind the title."""
        return (Own(", as of "), Instant(self.as_of)) if self.as_of else ()


@dataclass(frozen=True, slots=True)
class Code:
    """Lines in fixed width: a command to copy, or log lines. `value` says that the lines came from outside."""

    lines: tuple[str, ...]
    title: str = ""
    value: bool = True
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Note:
    """Small print."""

    text: Text
    kind: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Point:
    """One sample; `value` None is a gap."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One named series, oldest sample first."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure to be drawn. `marks` are moments to show as vertical lines, with their names."""

    title: str
    lines: tuple[Line, ...]
    unit: str = ""
    marks: tuple[tuple[str, datetime], ...] = ()
    kind: Literal["chart"] = "chart"


@dataclass(frozen=True, slots=True)
class Button:
    """
    One thing that a person can do. `press` is what it says, to which attempt.

    `confirm` is what they are asked first, "" to ask nothing. Where nothing can be pressed, the command stands instead.
    """

    label: str
    press: Press
    style: Literal["plain", "primary", "danger"] = "plain"
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Buttons:
    """Things that a person can do, side by side where they can be pressed."""

    buttons: tuple[Button, ...]
    kind: Literal["buttons"] = "buttons"


Block: TypeAlias = Paragraph | Fields | Listing | Code | Note | Chart | Buttons


class Purpose(StrEnum):
    """What a sending is for."""

    MESSAGE = "message"
    """The one living message of an incident: posted once, then edited."""
    REPLY = "reply"
    """A new note beside it, because somebody has to look: it notifies people."""
    EVIDENCE = "evidence"
    """Long material or a chart beside it: it notifies nobody."""


@dataclass(frozen=True, slots=True)
class Message:
    """
    What is to be told about an incident.

    `title` is one line without markup; `summary` is the plain text that a phone's notification shows. `rank` is the
    severity's place on its scale, 0 the most severe. `thread` is long evidence that stands beside the message.
    """

    incident: str
    title: Text
    summary: str
    status: Literal["open", "acknowledged", "monitoring", "resolved"]
    severity: str
    rank: int
    blocks: tuple[Block, ...]
    thread: tuple[Block, ...] = ()
    purpose: Purpose = Purpose.MESSAGE
    broadcast: bool = False


def plain(text: Text) -> str:
    """Flatten to plain text; instants as UTC, links as their label."""
    return "".join(_plain_part(part) for part in text)


def _plain_part(part: Part) -> str:
    match part:
        case Own(text=text) | Value(text=text):
            return text
        case Instant(at=at, form=form):
            return f"{at:%H:%M} UTC" if form == "time" else f"{at:%Y-%m-%d %H:%M} UTC"
        case Link(label=label):
            return label
        case Mention(who=who, id=id):
            return f"@{id or who}"
