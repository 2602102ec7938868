"""Prometheus's API, against a real Prometheus and against what stands before one."""

import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from responder.clients.prometheus import Prometheus
from responder.errors import PermanentError, TransientError
from responder.settings.sections import Endpoint
from tests.servers.processes import Server
from tests.servers.web import WebServers

Connect = Callable[..., Prometheus]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[Prometheus] = []

    def build(url: str, **login: object) -> Prometheus:
        made.append(Prometheus(Endpoint(url=url, **login)))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for client in made:
        await client.close()


@pytest.fixture
def real(prometheus_server: Server, connect: Connect) -> Prometheus:
    return connect(prometheus_server.url)


async def test_a_scalar_is_one_sample_without_labels(real: Prometheus) -> None:
    (sample,) = await real.query("scalar(vector(42))")
    assert (sample.labels, sample.value) == ({}, 42.0)


async def test_a_vector_keeps_labels_and_order(real: Prometheus) -> None:
    query = 'sort_desc(label_replace(vector(1), "a", "x", "", "") or label_replace(vector(2), "a", "y\\"", "", ""))'
    samples = await real.query(query)
    assert [(sample.labels, sample.value) for sample in samples] == [({"a": 'y"'}, 2.0), ({"a": "x"}, 1.0)]
    assert samples.warnings == ()


async def test_not_a_number_and_infinities_stay_as_they_are(real: Prometheus) -> None:
    (nan,) = await real.query("vector(0) / 0")
    (infinite,) = await real.query("vector(1) / 0")
    (negative,) = await real.query("vector(-1) / 0")
    assert math.isnan(nan.value)
    assert (infinite.value, negative.value) == (math.inf, -math.inf)


async def test_no_data_is_empty(real: Prometheus) -> None:
    assert list(await real.query('up{job="no such job"}')) == []


async def test_a_moment_can_be_asked_for(real: Prometheus) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    (sample,) = await real.query("time()", at=at)
    assert sample.value == pytest.approx(at.timestamp())


async def test_a_wrong_query_is_answered_in_prometheus_own_words(real: Prometheus) -> None:
    with pytest.raises(PermanentError, match=r"Prometheus: .*unclosed left parenthesis"):
        await real.query("sum(")
    with pytest.raises(PermanentError, match="many-to-many matching not allowed"):
        await real.query('vector(1) + on() (vector(1) or label_replace(vector(1), "a", "y", "", ""))')


@pytest.mark.parametrize("query", ["up[5m]", '"text"'])
async def test_an_answer_that_is_no_number_is_an_error_that_says_so(real: Prometheus, query: str) -> None:
    with pytest.raises(PermanentError, match="not a number"):
        await real.query(query)


async def test_a_range_has_points_at_every_step(real: Prometheus) -> None:
    end = datetime(2026, 1, 1, 1, tzinfo=UTC)
    (line,) = await real.query_range("vector(1)", start=end - timedelta(minutes=10), end=end, step=timedelta(minutes=1))
    assert line.name == ""
    assert [point.value for point in line.points] == [1.0] * 11
    assert (line.points[0].at, line.points[-1].at) == (end - timedelta(minutes=10), end)


async def test_missing_and_non_finite_points_are_gaps(real: Prometheus) -> None:
    end = datetime(2026, 1, 1, 1, tzinfo=UTC)
    span = {"start": end - timedelta(minutes=9), "end": end, "step": timedelta(minutes=1)}
    (sparse,) = await real.query_range("vector(time() % 600) < 120 or vector(time() % 600) > 420", **span)
    values = [point.value for point in sparse.points]
    assert values.count(None) == 1
    (infinite,) = await real.query_range("vector(1) / 0", **span)
    assert {point.value for point in infinite.points} == {None}


async def test_lines_are_named_by_the_labels_in_which_they_differ(real: Prometheus) -> None:
    end = datetime(2026, 1, 1, 1, tzinfo=UTC)
    span = {"start": end - timedelta(minutes=1), "end": end, "step": timedelta(minutes=1)}
    one = 'label_replace(label_replace(vector(1), "pod", "a", "", ""), "ns", "n", "", "")'
    two = one.replace('"a"', '"b"')
    assert [line.name for line in await real.query_range(one, **span)] == ['{ns="n", pod="a"}']
    assert sorted(line.name for line in await real.query_range(f"{one} or {two}", **span)) == ['{pod="a"}', '{pod="b"}']


async def test_a_long_range_gets_a_wider_step_instead_of_an_error(real: Prometheus) -> None:
    end = datetime(2026, 1, 1, tzinfo=UTC)
    (line,) = await real.query_range("vector(1)", start=end - timedelta(days=7), end=end, step=timedelta(seconds=1))
    assert 10_000 < len(line.points) <= 11_001


async def test_a_prefix_login_and_tenant_go_with_every_call(web_servers: WebServers, connect: Connect) -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    async def mimir(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("X-Scope-OrgID"), request.headers.get("Authorization")))
        return vector()

    url = await web_servers.serve(mimir)
    client = connect(f"{url}/prometheus/", headers={"X-Scope-OrgID": SecretStr("team")}, bearer_token=SecretStr("t"))
    await client.query("up")
    assert seen == [("/prometheus/api/v1/query", "team", "Bearer t")]


async def test_the_servers_warnings_come_along(web_servers: WebServers, connect: Connect) -> None:
    async def thanos(request: web.Request) -> web.Response:
        return vector(warnings=["partial response: store unavailable"])

    samples = await connect(await web_servers.serve(thanos)).query("up")
    assert samples.warnings == ("partial response: store unavailable",)


async def test_a_proxy_that_lets_no_post_through_is_asked_by_get(web_servers: WebServers, connect: Connect) -> None:
    async def reader(request: web.Request) -> web.Response:
        return (
            vector("7") if request.method == "GET" and request.query["query"] == "a + b" else web.Response(status=405)
        )

    samples = await connect(await web_servers.serve(reader)).query("a + b")
    assert samples[0].value == 7.0


async def test_a_timeout_of_prometheus_is_transient_and_a_refusal_is_not(
    web_servers: WebServers, connect: Connect
) -> None:
    async def busy(request: web.Request) -> web.Response:
        error = {"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"}
        return web.json_response(error, status=503)

    async def closed(request: web.Request) -> web.Response:
        return web.Response(status=401, text="who are you?")

    with pytest.raises(TransientError, match="query timed out"):
        await connect(await web_servers.serve(busy)).query("up")
    with pytest.raises(PermanentError, match="401 Unauthorized: who are you"):
        await connect(await web_servers.serve(closed)).query("up")


@pytest.mark.parametrize("body", ["<html>login</html>", "[]", "{}", '{"data": 3}', "null"])
async def test_an_answer_of_something_else_is_an_error_of_ours(
    web_servers: WebServers, connect: Connect, body: str
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(text=body)

    with pytest.raises((PermanentError, TransientError)):
        await connect(await web_servers.serve(other)).query("up")


async def test_a_redirect_to_a_login_page_is_an_error_and_not_followed(
    web_servers: WebServers, connect: Connect
) -> None:
    async def proxy(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/login"}) if "login" not in request.path else vector()

    with pytest.raises(PermanentError, match="302 Found: a redirect"):
        await connect(await web_servers.serve(proxy)).query("up")


def vector(value: str = "1", **more: object) -> web.Response:
    result = [{"metric": {}, "value": [1.5, value]}]
    return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}, **more})
