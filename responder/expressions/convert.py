"""
Plain values for an evaluation, by shape; what is unknown is left out, so that reading it is an error.

Unknown are None, NaN, and what does not fit its shape. CEL has no memory budget: long strings and lists are cut.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, TypeAdapter, ValidationError

from responder.expressions.shapes import ANY, Kind, Shape
from responder.model.duration import parse_duration
from responder.model.labels import clean

LONGEST_TEXT = 16 * 1024
"""Characters of a string that an expression sees."""
LONGEST_LIST = 1_000
"""Items of a list, and entries of a map, that an expression sees."""
DEEPEST = 16
"""Levels of nesting that an expression sees."""

_INT64 = 2**63
_MOMENT = TypeAdapter(datetime)
_SPAN = TypeAdapter(timedelta)


class _Unknown:
    """The type of UNKNOWN."""


UNKNOWN = _Unknown()


def convert(raw: Any, shape: Shape, depth: int = 0) -> Any:
    """Return the value as an evaluation takes it, or UNKNOWN."""
    if raw is None or depth > DEEPEST:
        return UNKNOWN
    if isinstance(raw, Enum):
        raw = raw.value
    match shape.kind:
        case Kind.LIST:
            return _list(raw, shape.element or ANY, depth)
        case Kind.MAP:
            return _map(raw, shape.element or ANY, depth)
        case Kind.MESSAGE:
            return _message(raw, shape, depth)
        case Kind.ANY:
            return _any(raw, depth)
    return _scalar(raw, shape.kind)


def _scalar(raw: Any, kind: Kind) -> Any:
    match kind:
        case Kind.STRING:
            return clean(raw[:LONGEST_TEXT]) if isinstance(raw, str) else UNKNOWN
        case Kind.BOOL:
            return raw if isinstance(raw, bool) else UNKNOWN
        case Kind.INT:
            return _int(raw)
        case Kind.DOUBLE:
            return _double(raw)
        case Kind.TIMESTAMP:
            return _timestamp(raw)
    return _duration(raw)


def _int(raw: Any) -> Any:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and -_INT64 <= raw < _INT64 else UNKNOWN


def _double(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        return UNKNOWN
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return UNKNOWN
    return UNKNOWN if math.isnan(number) else number


def _timestamp(raw: Any) -> Any:
    try:
        moment = _MOMENT.validate_python(raw) if isinstance(raw, (datetime, str)) else None
        if moment is None:
            return UNKNOWN
        stamp = Timestamp()
        stamp.FromDatetime((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValidationError, ValueError, OverflowError):
        return UNKNOWN
    return stamp


def _duration(raw: Any) -> Any:
    try:
        result = Duration()
        result.FromTimedelta(_span(raw))
    except (ValidationError, ValueError, OverflowError):
        return UNKNOWN
    return result


def _span(raw: Any) -> timedelta:
    if isinstance(raw, str):
        sign, digits = (-1, raw[1:]) if raw.startswith("-") else (1, raw)
        if digits[:1].isdigit():
            return sign * parse_duration(digits)
    return _SPAN.validate_python(raw)


def _list(raw: Any, element: Shape, depth: int) -> Any:
    if isinstance(raw, (str, bytes, Mapping)) or not isinstance(raw, Iterable):
        return UNKNOWN
    items = (convert(item, element, depth + 1) for item, _ in zip(raw, range(LONGEST_LIST), strict=False))
    return [item for item in items if item is not UNKNOWN]


def _map(raw: Any, element: Shape, depth: int) -> Any:
    if not isinstance(raw, Mapping):
        return UNKNOWN
    entries = {}
    for (key, item), _ in zip(raw.items(), range(LONGEST_LIST), strict=False):
        value = convert(item, element, depth + 1)
        if value is not UNKNOWN:
            entries[clean(str(key)[:LONGEST_TEXT])] = value
    return entries


def _message(raw: Any, shape: Shape, depth: int) -> Any:
    if not isinstance(raw, (Mapping, BaseModel)) and not is_dataclass(raw):
        return UNKNOWN
    entries = {}
    for name, inner in shape.fields.items():
        found = raw.get(name) if isinstance(raw, Mapping) else getattr(raw, name, None)
        value = convert(found, inner, depth + 1)
        if value is not UNKNOWN:
            entries[name] = value
    return entries


def _any(raw: Any, depth: int) -> Any:
    match raw:
        case bool():
            return raw
        case int():
            return _int(raw)
        case float():
            return _double(raw)
        case str():
            return _scalar(raw, Kind.STRING)
        case datetime():
            return _timestamp(raw)
        case timedelta():
            return _duration(raw)
        case Mapping():
            return _map(raw, ANY, depth)
        case list() | tuple():
            return _list(raw, ANY, depth)
    return UNKNOWN
