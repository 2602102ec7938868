"""The small types of the grammar: spans, rates, lists that may be written as one word."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from responder.model.duration import parse_duration

_RATE = re.compile(r"([1-9][0-9]{0,5}) per (\S+)")
_BUSINESS_DAYS = re.compile(r"([1-9][0-9]{0,2}) business days?")
_BLAST = re.compile(r"[1-9][0-9]{0,5}|(?:100|[1-9]?[0-9])%")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


class Shape(BaseModel):
    """What one mapping of a rule file may hold; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _span(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("a duration has a unit: write 30s, 10m, 4h or 7d")
    return parse_duration(value)


def _refresh(value: Any) -> Any:
    return None if value in ("off", "never", None) else _span(value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _rate(value: Any) -> Any:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a count and a span: 2 per 1h")
    parse_duration(found.group(2))
    return value


def rates(value: Any) -> Any:
    """Let a plain rate stand for one of the target."""
    return {"target": value} if isinstance(value, str) else value


def _response(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write immediately, a span such as 15m, or 1 business day")
    if value != "immediately" and not _BUSINESS_DAYS.fullmatch(value):
        parse_duration(value)
    return value


def _blast(value: Any) -> Any:
    if isinstance(value, bool) or not _BLAST.fullmatch(str(value)):
        raise ValueError("write a number of pods, or a share of the replicas: 3 or 50%")
    return str(value)


def _clock(value: Any) -> Any:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError("write hours and minutes: 22:30")
    return value


Span = Annotated[timedelta, BeforeValidator(_span, json_schema_input_type=timedelta)]
"""A duration with its unit: 30s, 10m, 4h, 7d."""

Refresh = Annotated[timedelta | None, BeforeValidator(_refresh, json_schema_input_type=timedelta | str)]
"""A span, or `off`."""

Words = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One word, or a list of them."""

Rate = Annotated[str, BeforeValidator(_rate, json_schema_input_type=str)]
"""A count in a span: 2 per 1h."""

Response = Annotated[str, BeforeValidator(_response, json_schema_input_type=str)]
"""immediately, a span, or business days."""

Blast = Annotated[str, BeforeValidator(_blast, json_schema_input_type=int | str)]
"""A number of pods or a share."""

Clock = Annotated[str, BeforeValidator(_clock, json_schema_input_type=str)]
"""A time of day."""


def business_days(text: str) -> int | None:
    """Read "2 business days"; None for anything else."""
    found = _BUSINESS_DAYS.fullmatch(text)
    return int(found.group(1)) if found else None
