"""What plugins say of their parameters: every field described with its unit, its place where text is interpolated."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from responder.model.duration import format_duration, parse_duration


class Params(BaseModel):
    """The parameters of a plugin; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


Duration = Annotated[
    timedelta,
    BeforeValidator(lambda value: parse_duration(value) if isinstance(value, str) else value),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
"""A span of time, written `90s`, `10m`, `1h30m`, `7d`."""
