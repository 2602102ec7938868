"""Commands: pieces of outside work that a turn asked for. Each has a key that makes it unique within its incident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from responder.model.message import Message, Purpose
from responder.model.target import Target
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Run one reading step; its parameters are evaluated and escaped already."""

    name: str
    round: int
    plugin: str
    params: Mapping[str, Json]
    target: Target
    deadline: timedelta | None = None
    kind: Literal["diagnose"] = "diagnose"

    @property
    def key(self) -> str:
        """Identify the run."""
        return f"diagnose/{self.name}/{self.round}"


@dataclass(frozen=True, slots=True)
class Notify:
    """
    Tell a receiver. The living message is built when it is sent, from what is known then; a reply is frozen here.

    `sequence` counts the sendings of that purpose to that receiver, from 1.
    """

    receiver: str
    purpose: Purpose
    sequence: int
    reply: Message | None = None
    kind: Literal["notify"] = "notify"

    @property
    def key(self) -> str:
        """Identify the sending."""
        return f"notify/{self.receiver}/{self.purpose}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class Page:
    """Wake somebody, or tell the pager that it is over. Paging never queues behind chat."""

    receiver: str
    event: Literal["trigger", "acknowledge", "resolve"]
    sequence: int
    kind: Literal["page"] = "page"

    @property
    def key(self) -> str:
        """Identify the paging."""
        return f"page/{self.receiver}/{self.event}/{self.sequence}"


Command: TypeAlias = Diagnose | Notify | Page


@dataclass(frozen=True, slots=True)
class Planned:
    """A command with the time from which it may run and its place in the queue: 0 is the most urgent."""

    command: Command
    due_at: datetime
    priority: int = field(default=9)
