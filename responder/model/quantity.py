"""Amounts of CPU and memory as Kubernetes writes them: `250m`, `1.5`, `512Mi`, `1e3`."""

import re
from typing import Any

_SCALE = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}
_SHAPE = re.compile(r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)([a-zA-Z]{0,2})", re.ASCII)


def parse_quantity(text: Any) -> float | None:
    """
    Read an amount: cores for CPU, bytes for memory; None for what is not one.

    Source: apimachinery, `resource.Quantity`.
    """
    shaped = _SHAPE.fullmatch(str(text)) if isinstance(text, str | int | float) else None
    if shaped is None or shaped[2] not in _SCALE:
        return None
    return float(shaped[1]) * _SCALE[shaped[2]]


def format_bytes(amount: float) -> str:
    """Write bytes with a binary unit and at most one decimal: `512Mi`, `1.5Gi`, `0`."""
    for unit in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        if abs(amount) >= _SCALE[unit]:
            return f"{amount / _SCALE[unit]:.1f}".removesuffix(".0") + unit
    return f"{amount:.0f}"
