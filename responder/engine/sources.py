"""Where alerts come from: Alertmanager's deliveries, and what we conclude ourselves and put into the same inbox."""

import json
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from responder.model.alert import Alert, AlertStatus
from responder.model.labels import Labels

HEARTBEAT_LABEL = "responder_heartbeat"
"""Names the heartbeat rule on the alert that stands for its absence."""


class Source(StrEnum):
    """How an alert came to us."""

    DELIVERY = "delivery"
    """Posted by Alertmanager."""
    LOOK = "look"
    """Seen firing in an Alertmanager, though it was never delivered."""
    MISSING = "missing"
    """No Alertmanager of the cluster knows it any more, though nobody said that it ended."""
    HEARTBEAT = "heartbeat"
    """A heartbeat that stopped coming, or came again."""


def delivery_of(alerts: Iterable[Alert], *, receiver: str, external_url: str = "") -> bytes:
    """Write alerts as Alertmanager would deliver them, for the inbox."""
    written = [
        {
            "status": alert.status.value,
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at.isoformat(),
            "endsAt": alert.ends_at.isoformat() if alert.ends_at else "0001-01-01T00:00:00Z",
            "generatorURL": alert.generator_url,
            "fingerprint": alert.fingerprint,
        }
        for alert in alerts
    ]
    return json.dumps({"receiver": receiver, "externalURL": external_url, "alerts": written}).encode()


def ended(fingerprint: str, labels: Labels, *, started_at: datetime, ended_at: datetime) -> Alert:
    """Make the end of an alert."""
    return Alert(
        fingerprint=fingerprint,
        status=AlertStatus.RESOLVED,
        labels=labels,
        annotations={},
        starts_at=started_at,
        ends_at=ended_at,
    )
