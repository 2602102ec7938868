"""Spans of time as Prometheus writes them: `90s`, `10m`, `1h30m`, `7d`, `500ms`."""

import re
from datetime import timedelta

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_WHOLE = re.compile(r"(?:\d{1,9}(?:ms|[wdhms]))+", re.ASCII)
_PART = re.compile(r"(\d+)(ms|[wdhms])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """
    Read a span such as `10m` or `1h30m`; `0` is zero.

    Raises: ValueError, naming the units, when the text is not one.
    """
    trimmed = text.strip()
    if trimmed == "0":
        return timedelta(0)
    if not _WHOLE.fullmatch(trimmed):
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 30s, 10m, 4h or 7d")
    return sum((int(count) * _UNITS[unit] for count, unit in _PART.findall(trimmed)), timedelta(0))


def format_duration(span: timedelta) -> str:
    """Write a span in at most two units, the largest first: `1h30m`, `45s`, `250ms`, `0s`."""
    if span < timedelta(0):
        return f"-{format_duration(-span)}"
    milliseconds = span // timedelta(milliseconds=1)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    parts: list[str] = []
    left = span
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return "".join(parts)


def exact_duration(span: timedelta) -> str:
    """Write a span to the millisecond below it, in as many units as that takes: `1h12m3s250ms`, `0s`."""
    parts: list[str] = []
    left = span
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
