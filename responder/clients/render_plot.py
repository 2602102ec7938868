"""A chart in rows of text."""

import math
from dataclasses import dataclass
from datetime import datetime, tzinfo

from responder.clients.render_values import cut, one_line
from responder.clients.render_words import figure
from responder.model.message import Chart, Point

ROWS = 4
_EIGHTHS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a plot: what stands at its left, and the plot itself."""

    label: str
    line: str


def plot(chart: Chart, *, columns: int, zone: tzinfo) -> list[Row]:
    """Draw the first line as an area over its time, with the marks below it; empty when there are under two values."""
    points = chart.lines[0].points if chart.lines else ()
    values = [p.value for p in points if p.value is not None and math.isfinite(p.value) and abs(p.value) < 1e300]
    if len(values) < 2:
        return []
    start, end = points[0].at, points[-1].at
    low, high = min(0.0, *values), max(values)
    heights = [_height(value, low, high) for value in _columns(points, start, end, columns)]
    rows = [
        Row("", "".join(_EIGHTHS[max(0, min(8, height - 8 * level))] for height in heights))
        for level in reversed(range(ROWS))
    ]
    rows[0] = Row(figure(high, chart.unit), rows[0].line)
    rows[-1] = Row(figure(low, chart.unit), rows[-1].line)
    first, last = f"{start.astimezone(zone):%H:%M}", f"{end.astimezone(zone):%H:%M}"
    return [*rows, *_marks(chart, start, end, columns), Row("", f"{first}{last:>{columns - len(first)}}")]


def _columns(points: tuple[Point, ...], start: datetime, end: datetime, count: int) -> list[float | None]:
    """Spread the samples over the columns by their time; a column between two samples takes the earlier."""
    found: list[float | None] = [None] * count
    places = [_place(point.at, start, end, count) for point in points]
    for index, point in enumerate(points):
        following = places[index + 1] if index + 1 < len(points) else places[index] + 1
        for column in range(places[index], max(following, places[index] + 1)):
            found[column] = point.value
    return found


def _place(at: datetime, start: datetime, end: datetime, count: int) -> int:
    share = (at - start) / (end - start) if end > start else 0.0
    return max(0, min(count - 1, int(share * (count - 1))))


def _height(value: float | None, low: float, high: float) -> int:
    if value is None or not math.isfinite(value) or high <= low:
        return 0
    return max(1, min(ROWS * 8, round((value - low) / (high - low) * ROWS * 8)))


def _marks(chart: Chart, start: datetime, end: datetime, columns: int) -> list[Row]:
    rows = []
    for name, at in chart.marks[:3]:
        if start <= at <= end:
            place = _place(at, start, end, columns)
            text = cut(one_line(name), columns // 2)
            line = f"▲ {text}" if place + len(text) + 2 <= columns else f"{text} ▲"
            rows.append(Row("", " " * (place if line[0] == "▲" else max(0, place - len(text) - 1)) + line))
    return rows
