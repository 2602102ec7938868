"""Measured values with their unit, for headlines and the axes of charts."""

import math
from dataclasses import dataclass

RATIO = "ratio"
BYTES = "bytes"
SECONDS = "seconds"

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_TIMES = ((86400.0 * 2, 86400.0, "d"), (7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (1.0, 1.0, "s"), (1e-3, 1e-3, "ms"))
_MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """How to write values of one size: divide by `divisor` and put `suffix` behind."""

    divisor: float
    suffix: str


def scale(unit: str, largest: float) -> Scale:
    """
    Choose how to write values up to `largest`.

    `unit` is `ratio` (0..1, shown as percent), `bytes`, `seconds`, or any text, which is put behind the number.
    """
    size = abs(largest) if math.isfinite(largest) else 0.0
    if unit == RATIO:
        return Scale(0.01, "%")
    if unit == BYTES:
        power = min(int(math.log(size, 1024)), len(_BINARY) - 1) if size >= 1 else 0
        return Scale(1024.0**power, _BINARY[power])
    if unit == SECONDS:
        for least, divisor, suffix in _TIMES:
            if size >= least:
                return Scale(divisor, suffix)
        return Scale(_MICROSECOND, "µs") if size else Scale(1.0, "s")
    return Scale(1.0, unit)


def in_unit(value: float, unit: str = "") -> str:
    """Write a value with three significant digits and its unit: `12.3 %`, `1.5 GiB`, `250 ms`, `42 requests/s`."""
    chosen = scale(unit, value)
    return f"{significant(value / chosen.divisor)} {chosen.suffix}".rstrip()


def significant(value: float) -> str:
    """Write a number with three significant digits, all those before the point, and no exponent."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("infinite" if value > 0 else "minus infinite")
    if value == 0:
        return "0"
    digits = min(max(2 - math.floor(math.log10(abs(value))), 0), 12)
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
