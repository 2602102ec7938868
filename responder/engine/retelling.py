"""
Tells an incident again as a recording, out of its timeline.

Deliveries are dropped once they are correlated, so they are put together anew: what came at one moment was one
delivery. They hold only what changed the incident: no repeats, no alerts of other incidents.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from responder.engine.recording import NO_ACTS, Figure, Recorded, moments
from responder.engine.recording_actions import Acts
from responder.engine.retelling_actions import acts_of, since_of
from responder.engine.sources import HEARTBEAT_LABEL, delivery_of
from responder.model.alert import Alert, AlertStatus
from responder.model.duration import exact_duration
from responder.model.finding import DiagnosticStatus
from responder.model.incident import Incident
from responder.model.message import Chart, Line
from responder.model.redaction import redact, redact_json
from responder.model.timeline import AlertEnded, AlertFired, Diagnosed, Event
from responder.model.verdict import Json

RECEIVER = "responder"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_MOST_VALUES = 2_000


@dataclass(frozen=True, slots=True)
class Retold:
    """One incident as a recording, secrets redacted; `deliveries` are (time from the start, body), in order."""

    about: str
    start: datetime
    deliveries: tuple[tuple[timedelta, bytes], ...]
    runs: Mapping[str, tuple[Recorded, ...]]
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
        runs=_runs(events, start),
        acts=acts_of(incident, events, start),
    )


# --- deliveries ---


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


# --- diagnostics ---


def _runs(events: Sequence[Event], start: datetime) -> dict[str, tuple[Recorded, ...]]:
    found: dict[str, list[tuple[datetime, Diagnosed]]] = {}
    for event in events:
        match event.what:
            case Diagnosed(attempt=0) as done if done.reading.status in (
                DiagnosticStatus.FOUND,
                DiagnosticStatus.FAILED,
            ):
                began = event.at - timedelta(seconds=done.took)
                found.setdefault(done.name, []).append((began, done))
    return {name: tuple(_recorded(runs, start)) for name, runs in found.items()}


def _recorded(runs: Sequence[tuple[datetime, Diagnosed]], start: datetime) -> Iterator[Recorded]:
    sinces = [timedelta(0), *(since_of(before, began, start) for (before, _), (began, _) in pairwise(runs))]
    for since, (_, done) in zip(sinces, runs, strict=True):
        reading = done.reading
        looked = reading.status is DiagnosticStatus.FOUND
        yield Recorded(
            result=_counted(redact_json(dict(reading.result)), start) if looked else None,
            failed="" if looked else redact(reading.error) or "no reason was given",
            headline=redact(reading.headline) if looked else "",
            chart=_figure(reading.chart) if looked and reading.chart else None,
            took=timedelta(milliseconds=round(done.took * 1000)),
            since=since,
        )


def _counted(value: Json, start: datetime) -> Json:
    """Count the moments in a result from the start, so that they move with it."""
    match value:
        case str() if _MOMENT.fullmatch(value):
            counted = _from_start(value, start)
            return counted if moments(counted, start) == value else value
        case dict():
            return {key: _counted(item, start) for key, item in value.items()}
        case list():
            return [_counted(item, start) for item in value]
        case _:
            return value


def _from_start(text: str, start: datetime) -> str:
    try:
        away = datetime.fromisoformat(text) - start
    except (ValueError, OverflowError):
        return text
    sign = "-" if away < timedelta(0) else "+"
    return f"start{sign}{exact_duration(abs(away))}" if away else "start"


def _figure(chart: Chart) -> Figure | None:
    """Write a chart as values at even distances; None where there is no distance."""
    moments_ = sorted({point.at for line in chart.lines for point in line.points})
    if len(moments_) < 2:
        return None
    first, last = moments_[0], moments_[-1]
    step = max(min(after - before for before, after in pairwise(moments_)), (last - first) / _MOST_VALUES)
    count = round((last - first) / step) + 1
    lines = {line.name: _values(line, first, step, count) for line in chart.lines}
    only = next(iter(lines.values())) if list(lines) == [""] else []
    return Figure(over=last - first, unit=chart.unit, values=only, lines={} if only else lines)


def _values(line: Line, first: datetime, step: timedelta, count: int) -> list[float | None]:
    values: list[float | None] = [None] * count
    for point in line.points:
        values[min(round((point.at - first) / step), count - 1)] = point.value
    return values
