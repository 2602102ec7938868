"""What expressions may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from responder.model.alert import Episode
from responder.model.labels import Labels
from responder.model.target import Target
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """The fields of `incident` in an expression. `started_at` is the earliest startsAt."""

    id: str
    severity: str
    status: str
    title: str
    rule: str
    cluster: str
    team: str
    started_at: datetime
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything known at one moment.

    `results` are the fields of each diagnostic that found something to say; `failed` says for each that could not look
    why; `empty` names those that looked and had no data; `skipped` those whose condition did not hold. Any other
    diagnostic is still pending.
    """

    labels: Labels
    alerts: tuple[Episode, ...]
    incident: IncidentFacts
    target: Target
    results: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    inputs: Mapping[str, Json] = field(default_factory=dict)
