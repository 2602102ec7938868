"""The small types of the grammar: spans, rates, lists that may be written as one word."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from responder.model.duration import parse_duration
from responder.model.window import day_of, minute_of

_RATE = re.compile(r"([1-9][0-9]{0,5}) per (\S+)")
_BUSINESS_DAYS = re.compile(r"([1-9][0-9]{0,2}) business days?")
_BLAST = re.compile(r"[1-9][0-9]{0,5}|(?:100|[1-9]?[0-9])%")


class Shape(BaseModel):
    """What one mapping of a rule file may hold; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GuardingShape(Shape):
    """What holds actions back: a word with nothing behind it is an error, lest a deleted value leave no guard."""

    @field_validator("*", mode="before")
    @classmethod
    def _told(cls, value: Any) -> Any:
        return told(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Leave out that a word may be null."""
        made = handler.resolve_ref_schema(handler(schema))
        for each in made.get("properties", {}).values():
            choices = [choice for choice in each.pop("anyOf", ()) if choice != {"type": "null"}]
            each |= choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
            if each.get("default", "") is None:
                del each["default"]
        return made


def told(value: Any) -> Any:
    """Refuse a word that was written without a value. Raises: ValueError."""
    if value is None:
        raise ValueError("there is nothing behind this word: write a value, or take the word out")
    return value


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


def _edge(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write hours and minutes, such as 22:30, or a date, such as 2026-12-20")
    day_of(value) if "-" in value else minute_of(value)
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

Edge = Annotated[str, BeforeValidator(_edge, json_schema_input_type=str)]
"""A time of day, or a date."""


def business_days(text: str) -> int | None:
    """Read "2 business days"; None for anything else."""
    found = _BUSINESS_DAYS.fullmatch(text)
    return int(found.group(1)) if found else None
