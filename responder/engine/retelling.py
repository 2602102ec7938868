"""
Tells an incident again as a recording, out of its timeline.

Deliveries are dropped once they are correlated, so they are put together anew: what came at one moment was one
delivery. They hold only what changed the incident: no repeats, no alerts of other incidents.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from responder.engine.recording import NO_ACTS
from responder.engine.recording_actions import Acts
from responder.engine.recording_readings import Recorded
from responder.engine.retelling_actions import acts_of
from responder.engine.retelling_readings import readings_of
from responder.engine.sources import HEARTBEAT_LABEL, delivery_of
from responder.model.alert import Alert, AlertStatus
from responder.model.incident import Incident
from responder.model.redaction import redact, redact_json
from responder.model.timeline import AlertEnded, AlertFired, Event

RECEIVER = "responder"


@dataclass(frozen=True, slots=True)
class Retold:
    """One incident as a recording, secrets redacted; `deliveries` are (time from the start, body), in order."""

    about: str
    start: datetime
    deliveries: tuple[tuple[timedelta, bytes], ...]
    runs: Mapping[str, Sequence[Recorded]]
    acts: Acts = NO_ACTS


def retell(incident: Incident, events: Sequence[Event]) -> Retold | None:
    """
    Tell an incident again; None for one without deliveries.

    The start is the whole second before the first delivery. A run counts from the start, a later one from shortly
    before it began. Steps that were skipped are left out.
    """
    delivered = list(_deliveries(events))
    if not delivered or any(HEARTBEAT_LABEL in episode.labels for episode in incident.episodes):
        return None
    start = delivered[0][0].replace(microsecond=0)
    about = f"{incident.id}, {incident.severity}: {incident.title}; opened {incident.opened_at:%Y-%m-%d %H:%M} UTC."
    return Retold(
        about=redact(about),
        start=start,
        deliveries=tuple((at - start, body) for at, body in delivered),
        runs=readings_of(events, start),
        acts=acts_of(incident, events, start),
    )


def _deliveries(events: Sequence[Event]) -> Iterator[tuple[datetime, bytes]]:
    known: dict[str, AlertFired] = {}
    told = [event for event in events if isinstance(event.what, AlertFired | AlertEnded)]
    for at, together in groupby(told, key=lambda event: event.at):
        alerts: dict[str, Alert] = {}
        from_ = ""
        for event in together:
            match event.what:
                case AlertFired() as fired:
                    known[fired.fingerprint], from_ = fired, fired.alertmanager
                    alerts[fired.fingerprint] = _alert(fired, None)
                case AlertEnded() as ended if ended.fingerprint in known:
                    alerts[ended.fingerprint] = _alert(known[ended.fingerprint], ended.ended_at)
        if alerts:
            yield at, _body(list(alerts.values()), from_)


def _alert(fired: AlertFired, ended_at: datetime | None) -> Alert:
    return Alert(
        fingerprint=fired.fingerprint,
        status=AlertStatus.RESOLVED if ended_at else AlertStatus.FIRING,
        labels=fired.labels,
        annotations=fired.annotations,
        starts_at=fired.started_at,
        ends_at=ended_at,
        generator_url=fired.generator_url,
    )


def _body(alerts: Sequence[Alert], from_: str) -> bytes:
    firing = any(alert.status is AlertStatus.FIRING for alert in alerts)
    delivery = json.loads(delivery_of(alerts, receiver=RECEIVER, external_url=from_))
    delivery = {"version": "4", "status": "firing" if firing else "resolved", **delivery}
    return json.dumps(redact_json(delivery), ensure_ascii=False).encode()
