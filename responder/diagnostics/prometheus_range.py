"""How did a value move?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from responder.model.message import Chart, Line
from responder.model.place import Place
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools

MOST_LINES = 10
POINTS = 240
FINEST = timedelta(seconds=15)


class Range(Params):
    """The parameters of `prometheus.range`."""

    query: Annotated[str, Place.PROMQL] = Field(
        min_length=1, description="PromQL that yields a number or one for each series."
    )
    window: Duration = Field(timedelta(hours=1), gt=timedelta(0), description="How far to look back from now.")
    step: Duration | None = Field(
        None, gt=timedelta(0), description="Between two points; 1/240 of the window, at least 15s, when absent."
    )
    unit: str = Field(
        "", max_length=30, description="Of the value: ratio (0..1), bytes, seconds, or any text. Only for showing it."
    )
    title: str = Field("", description="Of the chart; the query when absent.")


class Moved(BaseModel):
    """How one series moved within the window."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description='Its labels as {a="b"}, without those that all series share.')
    first: float = Field(description="The oldest value.")
    last: float = Field(description="The newest value.")
    min: float = Field(description="The lowest value.")
    max: float = Field(description="The highest value.")
    mean: float = Field(description="The mean of the points.")


class Ranged(Result):
    """What `prometheus.range` established; a series without any finite point does not count."""

    first: float | None = Field(description="The oldest value, if there is exactly one series.")
    last: float | None = Field(description="The newest value, if there is exactly one series.")
    mean: float | None = Field(description="The mean, if there is exactly one series.")
    change: float | None = Field(description="The newest value less the oldest, if there is exactly one series.")
    min: float | None = Field(description="The lowest value of all series.")
    max: float | None = Field(description="The highest value of all series.")
    series: tuple[Moved, ...] = Field(description="The one with the highest newest value first; at most 100.")
    count: int = Field(description="Number of series.")

    _chart: Chart | None = PrivateAttr(None)

    def headline(self) -> str:
        """Say where it came from and where it is."""
        unit = self._chart.unit if self._chart else ""
        if not self.series or self.min is None or self.max is None:
            return "no data"
        between = f"between {in_unit(self.min, unit)} and {in_unit(self.max, unit)}"
        if self.first is None or self.last is None:
            return f"{self.count} series, {between}"
        return f"from {in_unit(self.first, unit)} to {in_unit(self.last, unit)}, {between}"

    def evidence(self) -> tuple[str, ...]:
        """Say of each series where it came from and where it is, where there are several."""
        unit = self._chart.unit if self._chart else ""
        if self.count < 2:
            return ()
        return tuple(f"{in_unit(m.first, unit)} -> {in_unit(m.last, unit)}  {m.name}" for m in self.series[:15])

    def has_data(self) -> bool:
        """Say whether there was any point."""
        return self.count > 0

    def chart(self) -> Chart | None:
        """Return the figure."""
        return self._chart


class PrometheusRange(Diagnostic[Range]):
    """
    Ask the Prometheus of the incident's cluster how a value moved within a window up to now, and draw it.

    Source: `POST /api/v1/query_range`.

    Example:

        diagnose:
          queue: {prometheus.range: {query: 'max(queue_length{namespace="${labels.namespace}"})', window: 6h}}
    """

    name = "prometheus.range"
    Params = Range
    Result = Ranged

    async def diagnose(self, params: Range, target: Target, tools: Tools) -> Ranged:
        """Ask for the points and sum them up."""
        end = tools.now()
        start = end - params.window
        step = params.step or max(params.window / POINTS, FINEST)
        lines = await tools.prometheus.query_range(params.query, start=start, end=end, step=step)
        result, shown = _established(lines)
        began = tools.incident.started_at
        result._chart = Chart(
            title=params.title or params.query,
            lines=shown[:MOST_LINES],
            unit=params.unit,
            marks=(("alert", began),) if start <= began <= end else (),
        )
        return result


def _established(lines: Sequence[Line]) -> tuple[Ranged, tuple[Line, ...]]:
    """Sum up; the lines come back in the order of the series."""
    pairs = [(moved, line) for line in lines if (moved := _moved(line)) is not None]
    pairs.sort(key=lambda pair: -pair[0].last)
    series = tuple(moved for moved, _ in pairs)
    only = series[0] if len(series) == 1 else None
    result = Ranged(
        first=only.first if only else None,
        last=only.last if only else None,
        mean=only.mean if only else None,
        change=only.last - only.first if only else None,
        min=min((each.min for each in series), default=None),
        max=max((each.max for each in series), default=None),
        series=series[:100],
        count=len(series),
    )
    return result, tuple(line for _, line in pairs)


def _moved(line: Line) -> Moved | None:
    values = [point.value for point in line.points if point.value is not None]
    if not values:
        return None
    return Moved(
        name=line.name,
        first=values[0],
        last=values[-1],
        min=min(values),
        max=max(values),
        mean=sum(values) / len(values),
    )
