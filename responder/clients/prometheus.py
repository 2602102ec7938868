"""Prometheus, and what speaks its API below a prefix: Thanos, Mimir, VictoriaMetrics."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from responder.clients.api import Api
from responder.errors import CallError, NotLetIn, PermanentError, TransientError, WrongSettings
from responder.model.answers import NOT_LET_IN, quote, worth_retrying
from responder.model.labels import common
from responder.model.message import Line, Point
from responder.model.outside import HttpAnswer, Sample, Samples
from responder.settings.sections import Endpoint

TIMEOUT = timedelta(seconds=8)
LARGEST = 16 * 1024 * 1024
"""Bytes of an answer: 1,000 series of 240 points have about 5 MB."""
MOST_POINTS = 11_000
"""Points of a line that Prometheus refuses to exceed."""
_FINAL = frozenset({"bad_data", "execution", "not_found"})


class Prometheus:
    """
    Asks one Prometheus.

    Source: `POST /api/v1/query` and `POST /api/v1/query_range`; GET where a proxy lets no POST through.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._api = Api(endpoint, name="Prometheus", timeout=TIMEOUT, limit_bytes=LARGEST)

    async def query(self, query: str, *, at: datetime | None = None) -> Samples:
        """
        Run an instant query; a scalar is one sample without labels, no data is empty.

        Raises: PermanentError with Prometheus's own words when the query is wrong, TransientError.
        """
        answer = await self._ask("query", {"query": query, **({"time": _seconds(at)} if at else {})})
        return Samples(_samples(answer), answer.warnings)

    async def query_range(self, query: str, *, start: datetime, end: datetime, step: timedelta) -> Sequence[Line]:
        """Run a range query; non-finite and missing values are gaps. Raises: as `query`."""
        step = max(step, (end - start) / MOST_POINTS, timedelta(milliseconds=1))
        form = {"query": query, "start": _seconds(start), "end": _seconds(end), "step": f"{step.total_seconds():.3f}"}
        answer = await self._ask("query_range", form)
        if answer.type != "matrix":
            raise PermanentError(f"Prometheus answered a {answer.type} to a range query")
        shared = common(series["metric"] for series in answer.result) if len(answer.result) > 1 else {}
        return [
            Line(_name(series["metric"], shared), _points(series.get("values", ()), step)) for series in answer.result
        ]

    async def close(self) -> None:
        """Close every connection."""
        await self._api.close()

    async def _ask(self, call: str, form: Mapping[str, str]) -> "_Answer":
        answer = await self._api.post_form(f"/api/v1/{call}", form)
        if answer.status in (403, 405):
            answer = await self._api.get(f"/api/v1/{call}", form)
        if answer.status >= 300:
            raise _refusal(answer) or _unexplained(self._api, answer)
        body = self._api.read(answer)
        try:
            data, warnings = body["data"], tuple(quote(str(each)) for each in body.get("warnings") or ())
            return _Answer(data["resultType"], data["result"], warnings)
        except (KeyError, TypeError, AttributeError) as error:
            raise WrongSettings("this is not the API of a Prometheus: check prometheus.url in the settings") from error


@dataclass(frozen=True, slots=True)
class _Answer:
    type: str
    result: Any
    warnings: tuple[str, ...]


def _refusal(answer: HttpAnswer) -> CallError | None:
    """Read Prometheus's own error; None where somebody else answered."""
    try:
        body = orjson.loads(answer.body)
        kind, words = str(body["errorType"]), quote(str(body["error"]))
    except (ValueError, KeyError, TypeError):
        return None
    message = f"Prometheus: {words}"
    final = kind in _FINAL or not worth_retrying(answer.status)
    if answer.status in NOT_LET_IN:
        return NotLetIn(message)
    return PermanentError(message) if final else TransientError(message)


def _unexplained(api: Api, answer: HttpAnswer) -> CallError:
    try:
        api.read(answer)
    except CallError as error:
        return error
    return PermanentError(f"Prometheus answered {answer.status}")


def _samples(answer: _Answer) -> tuple[Sample, ...]:
    match answer.type:
        case "scalar":
            return (Sample({}, float(answer.result[1])),)
        case "vector" if any("value" not in series for series in answer.result):
            raise PermanentError("the query answers native histograms: take histogram_quantile() or histogram_count()")
        case "vector":
            return tuple(Sample(dict(series["metric"]), float(series["value"][1])) for series in answer.result)
    raise PermanentError(
        f"the query answers a {answer.type}, not a number: a range such as [5m] needs rate() or the like"
    )


def _points(values: Iterable[Any], step: timedelta) -> tuple[Point, ...]:
    points: list[Point] = []
    for seconds, text in values:
        at, value = datetime.fromtimestamp(seconds, UTC), float(text)
        if points and at - points[-1].at > step * 1.5:
            points.append(Point(points[-1].at + step, None))
        points.append(Point(at, value if math.isfinite(value) else None))
    return tuple(points)


def _name(labels: Mapping[str, str], shared: Mapping[str, str]) -> str:
    name = "" if "__name__" in shared else labels.get("__name__", "")
    own = [f'{key}="{value}"' for key, value in sorted(labels.items()) if key not in shared and key != "__name__"]
    return f"{name}{{{', '.join(own)}}}" if own else name


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"
