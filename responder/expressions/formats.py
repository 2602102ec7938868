"""How values are written: the formats after the bar, and the plain way without one."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.errors import ExpressionError
from responder.expressions.schema import most_like
from responder.model.duration import format_duration

FORMATS: Mapping[str, tuple[str, ...]] = {
    "percent": ("int", "double"),
    "duration": ("duration", "int", "double"),
    "bytes": ("int", "double"),
    "ago": ("timestamp",),
    "list": ("list",),
    "number": ("int", "double"),
}
"""The formats with the types that they take; a number as a duration is in seconds."""
LONGEST_LISTING = 10
"""Items that the format `list` shows before it counts the rest."""

_HUGE = 1e15
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def check_format(form: str, type_of: str, *, offset: int, source_offset: int) -> None:
    """Raise ExpressionError for a format that does not exist or does not take the type."""
    if form not in FORMATS:
        like = most_like(form, tuple(FORMATS))
        known = ", ".join(FORMATS)
        hint = f"did you mean {like}? The formats are: {known}" if like else f"The formats are: {known}"
        raise ExpressionError(f"there is no format {form}", offset=offset, hint=hint)
    takes = FORMATS[form]
    if type_of != "dyn" and type_of.partition("(")[0] not in takes:
        raise ExpressionError(f"the format {form} takes {' or '.join(takes)}, this is {type_of}", offset=source_offset)


def in_format(value: Any, form: str) -> str | None:
    """Write a value in a format, a moment as ISO 8601; None where the format does not fit the value."""
    if form == "list":
        return listing(value) if isinstance(value, list) else None
    if form == "ago":
        return exact(value) if isinstance(value, datetime) else None
    if form == "duration" and isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _number_in_format(value, form)


def _number_in_format(value: float, form: str) -> str | None:
    if not math.isfinite(value):
        return str(value)
    match form:
        case "percent":
            return f"{significant(value * 100)} %"
        case "bytes":
            return _bytes(value)
        case "number":
            return f"{value:,}" if isinstance(value, int) else significant(value, separator=",")
        case "duration":
            try:
                return format_duration(timedelta(seconds=value))
            except OverflowError:
                return None
    return None


def shown(value: Any) -> str | None:
    """Write a value for people; None for one that has no text."""
    match value:
        case timedelta():
            return format_duration(value)
        case float():
            return significant(value)
        case list():
            return listing(value)
        case Mapping():
            return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    return exact(value)


def exact(value: Any) -> str | None:
    """Write a value for machines, losing nothing; None for one that has no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return repr(int(value)) if value.is_integer() and abs(value) < _HUGE else repr(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return _exact_duration(value)
        case list():
            items = [exact(item) for item in value]
            return None if None in items else ",".join(item or "" for item in items)
    return None


def significant(value: float, separator: str = "") -> str:
    """Write a number with three significant digits, all those before the point, and no exponent."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) >= _HUGE:
        return f"{value:.3g}"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    written = f"{value:{separator}.{min(digits, 12)}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def listing(values: Sequence[Any]) -> str:
    """Write the first items, and how many more there are."""
    items = [shown(value) or "" for value in values[:LONGEST_LISTING]]
    more = len(values) - len(items)
    return ", ".join(items) + (f" and {more} more" if more else "")


def _bytes(value: float) -> str:
    power = min(int(math.log(abs(value), 1024)), len(_UNITS) - 1) if abs(value) >= 1 else 0
    return f"{significant(value / 1024**power)} {_UNITS[power]}"


def _exact_duration(value: timedelta) -> str:
    milliseconds = value // timedelta(milliseconds=1)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{seconds}s"
