"""Tells what diagnostics yielded again, out of a timeline: for the rounds of an incident, and to verify an action."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from responder.engine.recording_readings import Figure, Recorded, moments
from responder.model.duration import exact_duration
from responder.model.finding import DiagnosticStatus
from responder.model.message import Chart, Line
from responder.model.redaction import redact, redact_json
from responder.model.timeline import Diagnosed, Event
from responder.model.verdict import Json

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_MOST_VALUES = 2_000
_EARLIER = timedelta(seconds=30)
"""What came later counts from at most so long before it began: played again, it begins a little sooner."""
_TOLD = (DiagnosticStatus.FOUND, DiagnosticStatus.FAILED)


def readings_of(
    events: Iterable[Event], start: datetime, *, attempt: int = 0, ended: datetime | None = None
) -> dict[str, list[Recorded]]:
    """
    Tell the runs of diagnostics by their names: those that verify an attempt, with 0 those of the ordinary rounds.

    Each counts from `ended`, the end of what it verifies, else from the start; moments in results always from that.
    """
    found: dict[str, list[tuple[datetime, Diagnosed]]] = {}
    for event in events:
        done = event.what
        if isinstance(done, Diagnosed) and done.attempt == attempt and done.reading.status in _TOLD:
            found.setdefault(done.name, []).append((event.at - timedelta(seconds=done.took), done))
    return {name: list(_recorded(runs, start, ended or start)) for name, runs in found.items()}


def since_of(before: datetime, began: datetime, start: datetime) -> timedelta:
    """Say from when what began counts, where something like it came before: from shortly before its beginning."""
    earlier = began - min((began - before) / 2, _EARLIER) - start
    return max(timedelta(0), timedelta(milliseconds=earlier // timedelta(milliseconds=1)))


def _recorded(runs: Sequence[tuple[datetime, Diagnosed]], start: datetime, zero: datetime) -> Iterator[Recorded]:
    sinces = [timedelta(0), *(since_of(before, began, zero) for (before, _), (began, _) in pairwise(runs))]
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
