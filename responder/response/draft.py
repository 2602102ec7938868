"""One turn at work: the incident as it changes, and what has been decided so far."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from responder.model.action import Run
from responder.model.command import Command, Planned
from responder.model.facts import Facts
from responder.model.incident import Incident
from responder.model.message import Message
from responder.model.receiver import Receiver
from responder.model.timeline import Event, Record
from responder.response.brain import Brain
from responder.response.known import facts_of

_MOST_TROUBLES = 20
"""Kept per incident, newest last; a message has no room for more."""


@dataclass(frozen=True, slots=True)
class Call:
    """A note that somebody has to see at once; to these receivers, without any to all that are told."""

    note: Message
    to: tuple[Receiver, ...] = ()


@dataclass(slots=True)
class Draft:
    """
    The working copy of one turn; nothing of it is seen before the turn ends.

    `replies` are to be put beside the living messages that already exist, `calls` also where those cannot be edited.
    `wakings` are why people are to be woken once more, by what that is about. `starts` are steps that count in budgets
    from now on.
    """

    incident: Incident
    now: datetime
    brain: Brain
    records: list[Event] = field(default_factory=list)
    commands: list[Planned] = field(default_factory=list)
    replies: list[Message] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    wakings: dict[str, str] = field(default_factory=dict)
    starts: list[Run] = field(default_factory=list)
    _facts: Facts | None = None

    def change(self, **fields: Any) -> None:
        """Replace fields of the incident."""
        self.incident = replace(self.incident, **fields)
        self._facts = None

    def facts(self) -> Facts:
        """Return what is known now; the same object until something changes."""
        if self._facts is None:
            self._facts = facts_of(self.incident)
        return self._facts

    def record(self, what: Record) -> None:
        """Put a conclusion onto the timeline."""
        self.records.append(Event(self.now, what))

    def trouble(self, what: str) -> None:
        """Show something that nobody asked about; once."""
        if what and what not in self.incident.troubles:
            self.change(troubles=(*self.incident.troubles, what)[-_MOST_TROUBLES:])

    def plan(self, command: Command, *, priority: int, due_at: datetime | None = None) -> None:
        """Ask for a piece of outside work, at once if no time is given."""
        self.commands.append(Planned(command, due_at or self.now, priority))

    @property
    def rank(self) -> int:
        """The place of the incident's severity on the scale, 0 for the most severe."""
        return self.brain.scale.rank(self.incident.severity)

    def priority(self, place: int = 0) -> int:
        """Return the place in the queue: by severity, then 0 before 1; 0 is kept for paging."""
        return min(1 + 2 * self.rank + place, 9)
