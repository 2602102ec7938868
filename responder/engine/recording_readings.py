"""What a recording holds of diagnostics: what each yielded, from when on; and moments as they stand in results."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from responder.model.duration import exact_duration, parse_duration
from responder.plugins.params import Duration

Span = Annotated[Duration, PlainSerializer(exact_duration, return_type=str, when_used="json")]
"""A duration that is written to the millisecond: what was measured is kept."""

_MOMENT = re.compile(r"start(?:([+-])(\w+))?", re.ASCII)


class Figure(BaseModel):
    """The chart of a diagnostic: values at even distances over the time before it ran, oldest first."""

    model_config = ConfigDict(extra="forbid")

    over: Span
    unit: str = Field("", description="As of `prometheus.query`: ratio, bytes, seconds, or any text.")
    values: list[float | None] = Field([], description="Of the only line; null is a gap.")
    lines: dict[str, list[float | None]] = Field({}, description="Of several lines, by their names.")

    @model_validator(mode="after")
    def _drawable(self) -> "Figure":
        if bool(self.values) == bool(self.lines):
            raise ValueError("give either `values` or `lines`")
        if any(len(values) < 2 for values in self.named.values()):
            raise ValueError("a line needs two values or more")
        return self

    @property
    def named(self) -> dict[str, list[float | None]]:
        """Every line by its name; the only one has none."""
        return self.lines or {"": self.values}


class Recorded(BaseModel):
    """
    What one run of a diagnostic yielded: the fields of its Result, or why it could not look.

    A text `start`, `start-12m` or `start+1h` in the result is the moment so long before or after the recording's start.
    """

    model_config = ConfigDict(extra="forbid")

    result: dict[str, Any] | None = Field(None, description="Fields of the diagnostic's Result; unnamed ones default.")
    failed: str = Field("", description="Why it could not look.")
    headline: str = Field("", description="What it said in one line, where the result alone does not tell.")
    chart: Figure | None = None
    took: Span = Field(timedelta(0), description="How long it ran.")
    since: Span = Field(
        timedelta(0),
        description="From when it yields this, counted from the start; to verify an action, from its end.",
    )

    @model_validator(mode="after")
    def _either(self) -> "Recorded":
        if (self.result is None) == (not self.failed):
            raise ValueError("give either `result` or `failed`")
        return self


def at_that_time(runs: Sequence[Recorded], elapsed: timedelta) -> Recorded | None:
    """Find what it yielded then, of runs in the order of their `since`: before the first of them, what that did."""
    return next((run for run in reversed(runs) if run.since <= elapsed), runs[0] if runs else None)


def moments(value: Any, start: datetime) -> Any:
    """Replace the texts that mean a moment, in a result, by ISO 8601."""
    match value:
        case str() if found := _MOMENT.fullmatch(value):
            sign, span = found.groups()
            away = parse_duration(span) if span else timedelta(0)
            return iso(start - away if sign == "-" else start + away)
        case dict():
            return {key: moments(item, start) for key, item in value.items()}
        case list():
            return [moments(item, start) for item in value]
        case _:
            return value


def iso(moment: datetime) -> str:
    """Write a moment as results do: UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
