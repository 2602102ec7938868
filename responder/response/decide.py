"""Decides what is next for one incident: pure, so that it can be replayed and tested by feeding it recorded events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from responder.model.alert import Alert
from responder.model.incident import Incident
from responder.model.rule import Rule
from responder.model.timeline import Event
from responder.response.brain import Brain, Decision


@dataclass(frozen=True, slots=True)
class Sighting:
    """
    The alert that opens an incident, and what the engine found for it.

    `key` is the correlation key, `team` the name of the owning team, `at` when we took it in, `playbook` the digest
    under which the playbook is kept.
    """

    number: int
    alert: Alert
    rule: Rule
    key: str
    cluster: str
    team: str
    at: datetime
    playbook: str = ""
    alertmanager: str = ""


def opening(sighting: Sighting, brain: Brain) -> Incident:
    """
    Make the incident that an alert opens; its first `AlertFired` is then taken in by `decide` like any other.

    It has no episodes yet, and nobody has been told.
    """
    raise NotImplementedError


def decide(incident: Incident, events: Sequence[Event], due: Sequence[str], now: datetime, brain: Brain) -> Decision:
    """
    Take in new events and due timers, and say what changes.

    `events` are the unseen ones in the order in which they were written; `due` the names of the timers that fired.
    """
    raise NotImplementedError
