"""What Alertmanager delivers: deliveries, alerts, and the episodes that they form."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from responder.model.labels import Labels


class AlertStatus(StrEnum):
    """The two states that a delivered alert can be in."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One label set as one delivery showed it. `ends_at` is None while it fires."""

    fingerprint: str
    status: AlertStatus
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook POST, parsed. `truncated` counts the alerts that `max_alerts` kept out of the body."""

    receiver: str
    external_url: str
    truncated: int
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """
    One firing span of an alert.

    `started_at` is the first startsAt seen and may move backwards while the span is open; `ended_at` is None while the
    alert fires. `silenced_by` holds the ids of the silences that cover it now.
    """

    fingerprint: str
    started_at: datetime
    ended_at: datetime | None
    labels: Labels
    annotations: Labels
    generator_url: str = ""
    silenced_by: tuple[str, ...] = ()

    @property
    def firing(self) -> bool:
        """Whether the span is still open."""
        return self.ended_at is None
