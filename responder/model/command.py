"""Commands: pieces of outside work that a turn asked for. Each has a key that makes it unique within its incident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from responder.model.action import Step
from responder.model.message import Message, Purpose
from responder.model.target import Target
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class Diagnose:
    """
    Run one reading step; its parameters are evaluated and escaped already.

    `since` is the end of the action that it verifies: logs from before it say nothing of that. `attempt` is the number
    of that one, 0 for a run of the ordinary rounds; `round` then counts the looks of its verification.
    """

    name: str
    round: int
    plugin: str
    params: Mapping[str, Json]
    target: Target
    deadline: timedelta | None = None
    since: datetime | None = None
    attempt: int = 0
    kind: Literal["diagnose"] = "diagnose"

    @property
    def key(self) -> str:
        """Identify the run."""
        return f"{f'verify/{self.attempt}' if self.attempt else 'diagnose'}/{self.name}/{self.round}"


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
    """
    Wake somebody, or tell the pager that it is over. Paging never queues behind chat.

    `about` is what people are woken for beside the incident itself, "" for that one; `say` then tells it in a line.
    """

    receiver: str
    event: Literal["trigger", "acknowledge", "resolve"]
    sequence: int
    about: str = ""
    say: str = ""
    kind: Literal["page"] = "page"

    @property
    def key(self) -> str:
        """Identify the paging."""
        about = f"/{self.about}" if self.about else ""
        return f"page/{self.receiver}{about}/{self.event}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class Look:
    """
    Read what each step of an attempt would do now, and try it as a dry run.

    That is done before people are asked, and again just before the attempt starts. Then `held_by` is the process that
    holds the secrets which were given for it, `tickets` are theirs by the names of the inputs; both are empty for none.
    Between two steps of it the next one is looked at; `first` is the place of the first of `steps`.
    """

    attempt: int
    look: int
    steps: tuple[Step, ...]
    held_by: str = ""
    tickets: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    kind: Literal["look"] = "look"

    @property
    def key(self) -> str:
        """Identify the look."""
        return f"look/{self.attempt}/{self.look}"


@dataclass(frozen=True, slots=True)
class Act:
    """
    Carry out one step of an attempt, or with `undo` take it back. It is done at most once.

    `reason` is what the world is told: "INC-17, approved by ann". With `dry_run` nothing is changed. `held_by` and
    `tickets` are as of a look. `again` counts the starts before this one, none of which did anything. `last` says that
    no step comes after it.
    """

    attempt: int
    step: int
    what: Step
    reason: str
    undo: bool = False
    dry_run: bool = False
    held_by: str = ""
    tickets: Mapping[str, str] = field(default_factory=dict)
    again: int = 0
    last: bool = True
    kind: Literal["act"] = "act"

    @property
    def key(self) -> str:
        """Identify the effect."""
        again = f"/{self.again}" if self.again else ""
        return f"{'undo' if self.undo else 'act'}/{self.attempt}/{self.step}{again}"


@dataclass(frozen=True, slots=True)
class Follow:
    """See how far the world has followed a step."""

    attempt: int
    step: int
    look: int
    what: Step
    kind: Literal["follow"] = "follow"

    @property
    def key(self) -> str:
        """Identify the look."""
        return f"follow/{self.attempt}/{self.step}/{self.look}"


Command: TypeAlias = Diagnose | Notify | Page | Look | Act | Follow


@dataclass(frozen=True, slots=True)
class Planned:
    """A command with the time from which it may run and its place in the queue: 0 is the most urgent."""

    command: Command
    due_at: datetime
    priority: int = field(default=9)
