"""prometheus.query and prometheus.range, against a real Prometheus."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from pydantic import ValidationError

from responder.clients.prometheus import Prometheus
from responder.diagnostics.prometheus_query import PrometheusQuery
from responder.diagnostics.prometheus_range import PrometheusRange
from responder.errors import PermanentError
from responder.model.place import Place
from responder.settings.sections import Endpoint
from tests.diagnostics.toolbox import diagnose
from tests.servers.processes import Server
from tests.servers.web import WebServers

Given = dict[str, Prometheus]


@pytest.fixture
async def given(prometheus_server: Server) -> AsyncIterator[Given]:
    client = Prometheus(Endpoint(url=prometheus_server.url))
    yield {"prometheus": client}
    await client.close()


def labelled(**values: float) -> str:
    return " or ".join(f'label_replace(vector({value}), "pod", "{pod}", "", "")' for pod, value in values.items())


class TestQuery:
    async def test_one_number_is_the_value(self, given: Given) -> None:
        result = await diagnose(PrometheusQuery(), given, query="vector(0.25)", unit="ratio")
        assert (result.value, result.sum, result.count, result.has_data()) == (0.25, 0.25, 1, True)
        assert (result.top.value, result.top.share) == (0.25, 1.0)
        assert result.headline() == "25 %"
        assert result.chart() is None

    async def test_a_scalar_is_a_number_too(self, given: Given) -> None:
        assert (await diagnose(PrometheusQuery(), given, query="1 + 1")).value == 2.0

    async def test_of_several_series_none_is_the_value(self, given: Given) -> None:
        result = await diagnose(PrometheusQuery(), given, query=labelled(a=1, b=3, c=0))
        assert result.value is None
        assert (result.count, result.sum) == (3, 4.0)
        assert [(each.labels["pod"], each.value) for each in result.series] == [("b", 3.0), ("a", 1.0), ("c", 0.0)]
        assert (result.top.labels, result.top.value, result.top.share) == ({"pod": "b"}, 3.0, 0.75)
        assert result.headline() == "3 series, the highest 3 (pod=b)"
        assert result.evidence() == ("3  pod=b", "1  pod=a", "0  pod=c")

    async def test_no_series_is_no_data_and_not_zero(self, given: Given) -> None:
        result = await diagnose(PrometheusQuery(), given, query='up{job="none"}')
        assert (result.value, result.top, result.sum, result.count) == (None, None, None, 0)
        assert (result.has_data(), result.headline()) == (False, "no data")

    @pytest.mark.parametrize("query", ["vector(0) / 0", "vector(1) / 0", "vector(-1) / 0"])
    async def test_what_is_no_finite_number_is_no_value(self, given: Given, query: str) -> None:
        result = await diagnose(PrometheusQuery(), given, query=query)
        assert (result.value, result.sum, result.count, result.has_data()) == (None, None, 1, False)
        assert result.series[0].value is None

    async def test_shares_need_values_that_can_be_shared(self, given: Given) -> None:
        assert (await diagnose(PrometheusQuery(), given, query=labelled(a=2, b=-1))).top.share is None
        assert (await diagnose(PrometheusQuery(), given, query=labelled(a=0, b=0))).top.share is None

    async def test_a_chart_spans_what_was_asked_and_marks_the_alert(self, given: Given) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        result = await diagnose(
            PrometheusQuery(), given, at, query="vector(1)", chart="1h", unit="bytes", title="Memory"
        )
        chart = result.chart()
        assert (chart.title, chart.unit) == ("Memory", "bytes")
        (line,) = chart.lines
        assert (line.points[0].at, line.points[-1].at) == (at - timedelta(hours=1), at)
        assert chart.marks == ()

    async def test_the_alert_is_marked_where_it_began_within_the_chart(self, given: Given) -> None:
        result = await diagnose(PrometheusQuery(), given, query="vector(1)", chart="1h")
        assert [name for name, _ in result.chart().marks] == ["alert"]

    async def test_a_chart_has_the_lines_with_the_highest_ends(self, given: Given) -> None:
        query = labelled(**{f"p{n}": n for n in range(15)})
        chart = (await diagnose(PrometheusQuery(), given, query=query, chart="10m")).chart()
        assert [line.name for line in chart.lines] == [f'{{pod="p{n}"}}' for n in range(14, 4, -1)]

    async def test_a_chart_that_cannot_be_had_leaves_the_value(self, web_servers: WebServers) -> None:
        async def no_ranges(request: web.Request) -> web.Response:
            if request.path.endswith("query_range"):
                error = {"status": "error", "errorType": "execution", "error": "too many samples"}
                return web.json_response(error, status=422)
            data = {"resultType": "scalar", "result": [0, "5"]}
            return web.json_response({"status": "success", "data": data, "warnings": ["partial"]})

        client = Prometheus(Endpoint(url=await web_servers.serve(no_ranges)))
        result = await diagnose(PrometheusQuery(), {"prometheus": client}, query="up", chart="1h")
        await client.close()
        assert (result.value, result.chart()) == (5.0, None)
        assert result.evidence() == ("partial", "no chart: Prometheus: too many samples")

    async def test_a_wrong_query_is_a_failure_to_look(self, given: Given) -> None:
        with pytest.raises(PermanentError, match="parse error"):
            await diagnose(PrometheusQuery(), given, query="sum(", chart="1h")

    def test_the_query_is_a_place_for_promql(self) -> None:
        assert Place.PROMQL in PrometheusQuery.Params.model_fields["query"].metadata
        assert Place.PROMQL in PrometheusRange.Params.model_fields["query"].metadata

    def test_an_empty_query_is_refused_at_load(self) -> None:
        with pytest.raises(ValidationError):
            PrometheusQuery.Params(query="")


class TestRange:
    AT = datetime(2026, 1, 1, tzinfo=UTC)

    async def test_one_series_tells_where_it_came_from_and_where_it_is(self, given: Given) -> None:
        query = f"vector(time() - {(self.AT - timedelta(minutes=10)).timestamp()})"
        result = await diagnose(PrometheusRange(), given, self.AT, query=query, window="10m", step="1m", unit="seconds")
        assert (result.first, result.last, result.change) == (0.0, 600.0, 600.0)
        assert (result.min, result.max, result.mean, result.count) == (0.0, 600.0, 300.0, 1)
        assert result.headline() == "from 0 s to 10 min, between 0 s and 10 min"
        assert len(result.chart().lines[0].points) == 11

    async def test_several_series_share_only_the_extremes(self, given: Given) -> None:
        result = await diagnose(PrometheusRange(), given, self.AT, query=labelled(a=1, b=3), window="5m")
        assert (result.first, result.last, result.mean, result.change) == (None, None, None, None)
        assert (result.min, result.max, result.count) == (1.0, 3.0, 2)
        assert [(each.name, each.last) for each in result.series] == [('{pod="b"}', 3.0), ('{pod="a"}', 1.0)]
        assert len(result.evidence()) == 2

    async def test_no_points_are_no_data(self, given: Given) -> None:
        result = await diagnose(PrometheusRange(), given, self.AT, query="vector(1) / 0")
        assert (result.has_data(), result.headline(), result.max) == (False, "no data", None)

    def test_a_window_of_nothing_is_refused_at_load(self) -> None:
        with pytest.raises(ValidationError):
            PrometheusRange.Params(query="up", window="0s")
