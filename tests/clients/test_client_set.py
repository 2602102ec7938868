"""The clients that the settings ask for: what they share within the process, and with other replicas."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from aiohttp import web

from responder.clients import by_name
from responder.clients.client_set import ClientSet
from responder.errors import PermanentError
from responder.model.resource import CONFIG_MAPS, PODS, SECRETS
from responder.settings.process import Settings
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, pod
from tests.servers.processes import Server
from tests.servers.replicas import PATIENCE
from tests.servers.web import WebServers

Build = Callable[..., ClientSet]


class Counting:
    """A web server that is Prometheus and everything else, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        data = {"resultType": "scalar", "result": [1.0, "42"]}
        return web.json_response({"status": "success", "data": data})


def load(module: str, name: str) -> Any:
    """Load as `wiring` does; a busy machine makes no Redis hang."""
    found = by_name.load(module, name)
    return partial(found, deadline=PATIENCE) if module == "shared_redis" else found


@pytest.fixture
async def counting(web_servers: WebServers) -> Counting:
    server = Counting()
    server.url = await web_servers.serve(server)
    return server


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    made: list[ClientSet] = []

    def make(**settings: Any) -> ClientSet:
        made.append(ClientSet(Settings.model_validate(settings), lambda: datetime.now(UTC), load))
        return made[-1]

    yield make
    for clients in made:
        await clients.close()


async def test_incidents_that_ask_the_same_at_once_share_one_call(build: Build, counting: Counting) -> None:
    clients = build(prometheus={"url": counting.url})
    prometheus = clients.clusters["default"].prometheus
    answers = await asyncio.gather(*(prometheus.query("up") for _ in range(20)))
    assert {answer[0].value for answer in answers} == {42.0}
    answers = await asyncio.gather(*(clients.http.request("GET", f"{counting.url}/health") for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert counting.asked == ["POST /api/v1/query", "GET /health"]


@pytest.mark.parametrize(
    "other",
    [
        {"method": "HEAD"},
        {"url": "/other"},
        {"headers": {"Accept": "text/plain"}},
        {"timeout": timedelta(seconds=3)},
        {"limit_bytes": 10},
        {"redirects": False},
        {"credentials": "known"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_what_differs_in_anything_is_asked_for_itself(
    build: Build, counting: Counting, other: dict[str, Any]
) -> None:
    clients = build(credentials={"known": {"url": counting.url, "bearer_token": "x"}})
    one: dict[str, Any] = {"method": "GET", "url": "/health"}
    for asked in (one, {**one, **other}):
        await clients.http.request(asked["method"], counting.url + asked["url"], **_rest(asked))
    assert len(counting.asked) == 2


def _rest(asked: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if key not in ("method", "url")}


async def test_what_may_change_something_is_sent_each_time(build: Build, counting: Counting) -> None:
    clients = build()
    await asyncio.gather(*(clients.http.request("POST", counting.url, body=b"x") for _ in range(2)))
    await asyncio.gather(*(clients.sender_tools.http.request("GET", counting.url) for _ in range(2)))
    assert counting.asked == ["POST /", "POST /", "GET /", "GET /"]


async def test_what_the_settings_refuse_is_refused_to_rules_and_not_to_notifiers(
    build: Build, counting: Counting
) -> None:
    clients = build(http={"refuse": ["127.0.0.0/8", "10.0.0.0/8"]})
    for address in (counting.url, "http://10.0.0.1"):
        with pytest.raises(PermanentError, match=r"the settings refuse this address \(http.refuse\)"):
            await clients.http.request("GET", address)
    assert (await clients.sender_tools.http.request("POST", counting.url, body=b"x")).status == 200
    assert counting.asked == ["POST /"]


async def test_redirects_are_followed_as_the_settings_say(build: Build, web_servers: WebServers) -> None:
    async def moved(request: web.BaseRequest) -> web.Response:
        return web.Response() if request.path == "/new" else web.Response(status=302, headers={"Location": "/new"})

    url = await web_servers.serve(moved)
    assert (await build().http.request("GET", url)).status == 200
    assert (await build(http={"redirects": False}).http.request("GET", url)).status == 302


async def test_two_replicas_ask_once(build: Build, counting: Counting, redis_url: str) -> None:
    settings = {"redis_url": redis_url, "prometheus": {"url": counting.url}}
    replicas = [build(**settings) for _ in range(2)]
    answers = await asyncio.gather(*(one.clusters["default"].prometheus.query("up") for one in replicas))
    assert [answer[0].value for answer in answers] == [42.0, 42.0]
    pages = await asyncio.gather(*(one.http.request("GET", f"{counting.url}/health") for one in replicas))
    assert pages[0].body == pages[1].body != b""
    assert sorted(counting.asked) == ["GET /health", "POST /api/v1/query"]
    assert [[(c.name, *c.state) for c in one.circuits if c.name == "redis"] for one in replicas] == [
        [("redis", True, "answers")]
    ] * 2


async def test_a_replica_with_another_login_asks_itself(build: Build, counting: Counting, redis_url: str) -> None:
    for token in ("a", "b"):
        clients = build(redis_url=redis_url, prometheus={"url": counting.url, "bearer_token": token})
        await clients.clusters["default"].prometheus.query("up")
    assert len(counting.asked) == 2


async def test_with_redis_gone_answers_still_come_and_it_is_said(
    build: Build, counting: Counting, start_redis: Callable[..., Server]
) -> None:
    server = start_redis()
    clients = build(redis_url=server.url, prometheus={"url": counting.url})
    prometheus = clients.clusters["default"].prometheus
    await prometheus.query("up")
    server.kill()
    answers = [await prometheus.query(f"up + {number}") for number in range(5)]
    assert [answer[0].value for answer in answers] == [42.0] * 5
    states = {circuit.name: circuit.state[0] for circuit in clients.circuits}
    assert (states["redis"], states["prometheus/default"]) == (False, True)


async def test_replicas_ask_the_api_server_once_but_no_secret_reaches_redis(
    build: Build, cluster: Cluster, fake: KubernetesServer, start_redis: Callable[..., Server]
) -> None:
    server = start_redis()
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    hidden = {"token": "aHVudGVyMg=="}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", "data": hidden}
    secret["metadata"] = {"name": "s", "annotations": {"last-applied": str(hidden)}}
    await cluster.create(secret)
    settings = {"redis_url": server.url, "kubernetes": {"kubeconfig": str(cluster.kubeconfig)}}
    replicas = [build(**settings).clusters["default"].kubernetes for _ in range(2)]
    fake.requests.clear()
    lists = await asyncio.gather(*(one.list(PODS, cluster.namespace) for one in replicas))
    assert lists[0] == lists[1] != []
    assert len(fake.requests) == 1
    client = redis.asyncio.Redis.from_url(server.url, protocol=2)
    await client.flushall()
    for one in replicas:
        found = await one.get(SECRETS, cluster.namespace, "s")
        assert found["data"] == hidden
        assert await one.list(SECRETS, cluster.namespace)
        assert (await one.metadata(SECRETS, cluster.namespace, "s"))["metadata"]["name"] == "s"
    assert await client.keys("*") == []
    assert await replicas[0].get(CONFIG_MAPS, cluster.namespace, "none") is None
    assert len(await client.keys("*")) == 1
    await client.aclose()


async def test_a_cluster_whose_login_cannot_be_read_shares_nothing(
    build: Build, tmp_path: Path, redis_url: str
) -> None:
    clients = build(redis_url=redis_url, kubernetes={"kubeconfig": str(tmp_path / "none")})
    assert clients.clusters["default"].kubernetes is not None


async def other_system(_: web.BaseRequest) -> web.Response:
    return web.Response(status=404, text="404 page not found")


async def login_page(_: web.BaseRequest) -> web.Response:
    return web.Response(status=302, headers={"Location": "/login"})


async def test_what_the_settings_do_not_lead_to_is_not_said_to_answer(
    build: Build, web_servers: WebServers, tmp_path: Path
) -> None:
    other, login = await web_servers.serve(other_system), await web_servers.serve(login_page)
    clients = build(
        prometheus={"url": other},
        kubernetes={"kubeconfig": str(tmp_path / "absent")},
        datasources={"redis": {"a": {"url": "redis://127.0.0.1:99999"}}},
        clusters={
            "login": {"prometheus": {"url": login}},
            "ca": {"prometheus": {"url": "https://127.0.0.1:1", "tls": {"ca": str(tmp_path / "absent.pem")}}},
        },
        alertmanagers=[{"url": f"{other}/am"}],
    )
    clusters = clients.clusters
    (alertmanager,) = (client for _, client in clients.alertmanagers)
    for ask in (
        clusters["default"].prometheus.query("up"),
        clusters["default"].kubernetes.list(PODS, "a"),
        clusters["default"].redis["a"].info(),
        clusters["login"].prometheus.query("up"),
        clusters["ca"].prometheus.query("up"),
        alertmanager.alerts(),
    ):
        with pytest.raises(PermanentError):
            await ask
    assert [circuit.state[0] for circuit in clients.circuits] == [False] * 6
    said = " ".join(circuit.state[1] for circuit in clients.circuits)
    assert all(word in said for word in ("absent: ", "absent.pem", "404", "302 Found", "its url in the settings"))


async def test_without_the_setting_no_redis_is_spoken_to(build: Build) -> None:
    assert [circuit.name for circuit in build().circuits] == []
