"""The words and signs that all renderers share: how a severity, a status and a figure look."""

from datetime import datetime
from itertools import pairwise

from responder.model.message import Chart, Instant, Message, Point
from responder.model.quantity import format_bytes

ICONS = ("🔴", "🟠", "🟡", "🔵")
"""By rank on the scale, the most severe first; the last stands for all below."""
STATUS_WORDS = {"open": "Open", "acknowledged": "Acknowledged", "monitoring": "Quiet, watching", "resolved": "Resolved"}
_BARS = "▁▂▃▄▅▆▇█"


def icon(message: Message) -> str:
    """Return the sign of a message: green when resolved, else by severity."""
    return "✅" if message.status == "resolved" else ICONS[max(0, min(message.rank, len(ICONS) - 1))]


def moment(instant: Instant, local: datetime) -> str:
    """Write a moment in a zone that the reader has to be told."""
    zone = local.tzname() or "UTC"
    return f"{local:%H:%M} {zone}" if instant.form == "time" else f"{local:%Y-%m-%d %H:%M} {zone}"


def sparkline(chart: Chart, width: int = 24) -> str:
    """Draw the first line of a chart in one row of text; "" when it has no values. A gap is a space."""
    points = chart.lines[0].points if chart.lines else ()
    buckets = [_mean(bucket) for bucket in _buckets(points, width)]
    known = [value for value in buckets if value is not None]
    if not known:
        return ""
    low, spread = min(known), (max(known) - min(known)) or 1.0
    return "".join(" " if v is None else _BARS[int((v - low) / spread * (len(_BARS) - 1))] for v in buckets)


def latest(chart: Chart) -> str:
    """Write the newest value of the first line with its unit; "" when there is none."""
    points = chart.lines[0].points if chart.lines else ()
    value = next((point.value for point in reversed(points) if point.value is not None), None)
    return "" if value is None else figure(value, chart.unit)


def figure(value: float, unit: str) -> str:
    """Write a number for people."""
    match unit.lower():
        case "ratio" | "percent":
            return f"{value * 100:.3g} %"
        case "bytes":
            return format_bytes(value)
        case "seconds" | "s":
            return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
        case other:
            return f"{value:,.4g} {other}".strip()


def _buckets(points: tuple[Point, ...], width: int) -> list[tuple[Point, ...]]:
    count = min(width, len(points))
    edges = [round(index * len(points) / count) for index in range(count + 1)] if count else []
    return [points[start:end] for start, end in pairwise(edges)]


def _mean(points: tuple[Point, ...]) -> float | None:
    values = [p.value for p in points if p.value is not None and abs(p.value) < 1e300]
    return sum(values) / len(values) if values else None
