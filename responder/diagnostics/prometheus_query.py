"""What does Prometheus say now?"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from responder.errors import CallError
from responder.model.message import Chart, Line
from responder.model.outside import Sample
from responder.model.place import Place
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools

MOST_SERIES = 100
MOST_LINES = 10
POINTS = 240
"""Points of a chart's line: more than that nobody can see."""
FINEST = timedelta(seconds=15)


class Query(Params):
    """The parameters of `prometheus.query`."""

    query: Annotated[str, Place.PROMQL] = Field(
        min_length=1, description="PromQL that yields a number or one for each series."
    )
    chart: Duration | None = Field(None, description="Draw the same query over this span, up to now.")
    unit: str = Field(
        "", max_length=30, description="Of the value: ratio (0..1), bytes, seconds, or any text. Only for showing it."
    )
    title: str = Field("", description="Of the chart; the query when absent.")


class Series(BaseModel):
    """One series of the answer."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str] = Field(description="Its labels.")
    value: float | None = Field(description="Its value; unknown if it is not a finite number.")


class Top(BaseModel):
    """The series with the highest value."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str] = Field(description="Its labels.")
    value: float = Field(description="Its value.")
    share: float | None = Field(description="Its part of the sum, 0..1; unknown if a value is negative or the sum 0.")


class Queried(Result):
    """What `prometheus.query` established."""

    value: float | None = Field(
        description="The value, if there is exactly one series; unknown for none, for several and for NaN."
    )
    series: tuple[Series, ...] = Field(description=f"The highest first; at most {MOST_SERIES}.")
    top: Top | None = Field(description="The series with the highest finite value; unknown if there is none.")
    sum: float | None = Field(description="Sum of the finite values; unknown if there is none.")
    count: int = Field(description="Number of series.")

    _unit: str = PrivateAttr("")
    _notes: tuple[str, ...] = PrivateAttr(())
    _chart: Chart | None = PrivateAttr(None)

    def headline(self) -> str:
        """Show the value, or the highest of several."""
        if self.top is None:
            return "no data" if not self.count else "not a number"
        shown = in_unit(self.top.value, self._unit)
        if self.count == 1:
            return shown
        of = f" ({_named(self.top.labels)})" if self.top.labels else ""
        return f"{self.count} series, the highest {shown}{of}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the series, where there are several, and what Prometheus warned of."""
        lines = [f"{_shown(each.value, self._unit)}  {_named(each.labels)}" for each in self.series[:15]]
        return (*self._notes, *(lines if self.count > 1 else ()))

    def has_data(self) -> bool:
        """Say whether any series has a finite value."""
        return self.top is not None

    def chart(self) -> Chart | None:
        """Return the chart, if one was asked for."""
        return self._chart


class PrometheusQuery(Diagnostic[Query]):
    """
    Ask the Prometheus of the incident's cluster one question, and draw it if `chart` says over which span.

    `value` is known when the answer is one number: aggregate (`sum`, `max`) to be sure of it. With several series take
    `top`, `sum`, `count` or `series`. A value that is put into the query between quotes is escaped there.

    Source: `POST /api/v1/query`, `POST /api/v1/query_range`.

    Example:

        diagnose:
          rate: {prometheus.query: {query: 'sum(rate(errors_total{namespace="${labels.namespace}"}[5m]))', chart: 1h}}
    """

    name = "prometheus.query"
    Params = Query
    Result = Queried

    async def diagnose(self, params: Query, target: Target, tools: Tools) -> Queried:
        """Ask both questions at once; a chart that cannot be had leaves the value as it is."""
        samples, drawn = await asyncio.gather(tools.prometheus.query(params.query), _drawn(params, tools))
        result = _established(samples)
        result._unit = params.unit
        result._chart = drawn if isinstance(drawn, Chart) else None
        failed = (f"no chart: {drawn}",) if isinstance(drawn, CallError) else ()
        result._notes = (*samples.warnings, *failed)
        return result


def _established(samples: Sequence[Sample]) -> Queried:
    finite = sorted((each for each in samples if math.isfinite(each.value)), key=lambda each: -each.value)
    total = sum(each.value for each in finite)
    shares = bool(finite) and total > 0 and finite[-1].value >= 0
    others = [each for each in samples if not math.isfinite(each.value)]
    return Queried(
        value=finite[0].value if len(samples) == 1 and finite else None,
        series=tuple(
            Series(labels=dict(each.labels), value=each.value if math.isfinite(each.value) else None)
            for each in [*finite, *others][:MOST_SERIES]
        ),
        top=Top(labels=dict(finite[0].labels), value=finite[0].value, share=finite[0].value / total if shares else None)
        if finite
        else None,
        sum=total if finite else None,
        count=len(samples),
    )


async def _drawn(params: Query, tools: Tools) -> Chart | CallError | None:
    if params.chart is None:
        return None
    end = tools.now()
    start = end - params.chart
    try:
        lines = await tools.prometheus.query_range(
            params.query, start=start, end=end, step=max(params.chart / POINTS, FINEST)
        )
    except CallError as error:
        return error
    began = tools.incident.started_at
    return Chart(
        title=params.title or params.query,
        lines=tuple(sorted(lines, key=_last, reverse=True)[:MOST_LINES]),
        unit=params.unit,
        marks=(("alert", began),) if start <= began <= end else (),
    )


def _last(line: Line) -> float:
    return next((point.value for point in reversed(line.points) if point.value is not None), -math.inf)


def _named(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "no labels"


def _shown(value: float | None, unit: str) -> str:
    return "not a number" if value is None else in_unit(value, unit)
