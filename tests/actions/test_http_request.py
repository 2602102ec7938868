"""`http.request` against real HTTP servers: sent once, never again, and in doubt where nobody answered."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from responder.actions.http_request import HttpRequest
from responder.errors import NotConfigured, PermanentError, TransientError, Unanswered
from tests.actions.steps import ATTEMPT, HOSTILE, Build, Step, step
from tests.servers.kubernetes import Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, pod
from tests.servers.kubernetes_kinds import BY_PLURAL
from tests.servers.processes import free_port
from tests.servers.web import WebServers


class Agents:
    """A server that remembers what it was asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200

    async def __call__(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.path_qs, headers, await request.read()))
        return web.Response(status=self.status, text="token=hush-hush restarted")


@pytest.fixture
def agents() -> Agents:
    return Agents()


@pytest.fixture
async def url(web_servers: WebServers, agents: Agents) -> str:
    return await web_servers.serve(agents)


@pytest.fixture
def requesting(steps: Build, url: str) -> Callable[..., Step]:
    def build(settings: dict[str, Any] | None = None, **params: Any) -> Step:
        credentials = {"api": {"url": url, "bearer_token": "hush"}}
        tools = steps(**({"credentials": credentials} | (settings or {})))
        return step(HttpRequest(), tools, **({"url": f"{url}/restart?all=1"} | params))

    return build


async def test_it_is_sent_with_its_key_and_login(requesting: Callable[..., Step], agents: Agents) -> None:
    found = requesting(body={"agents": ["a"]}, headers={"X-Team": "shop"}, credentials="api")
    preview = await found.preview()
    assert agents.asked == []
    assert preview.summary == f"POST {found.params.url}"
    assert preview.pods is None
    assert [(one.what, one.after) for one in preview.changes] == [
        ("body", '{"agents": ["a"]}'),
        ("credentials", "api"),
        ("header X-Team", "shop"),
    ]
    done = await found.act(preview)
    assert done.status == "done"
    assert done.say.startswith("answered 200 after ")
    ((method, path, headers, body),) = agents.asked
    assert (method, path, json.loads(body)) == ("POST", "/restart?all=1", {"agents": ["a"]})
    assert headers["idempotency-key"] == ATTEMPT
    assert (headers["authorization"], headers["x-team"]) == ("Bearer hush", "shop")
    assert "hush-hush" not in str(done)


@pytest.mark.parametrize(
    ("status", "becomes"), [(204, "done"), (404, "failed"), (500, "failed"), (502, "in_doubt"), (504, "in_doubt")]
)
async def test_another_status_than_expected_is_no_success(
    requesting: Callable[..., Step], agents: Agents, status: int, becomes: str
) -> None:
    agents.status = status
    found = requesting()
    done = await found.act(await found.preview())
    assert (done.status, str(status) in done.say) == (becomes, True)
    assert len(agents.asked) == 1


async def test_a_second_try_is_never_sent(requesting: Callable[..., Step], agents: Agents) -> None:
    found = requesting()
    again = await found.act(await found.preview(), retry=True)
    assert (again.status, ATTEMPT in again.say) == ("in_doubt", True)
    assert agents.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_one_that_was_sent_and_not_answered_may_have_happened_and_is_sent_once(
    steps: Build, web_servers: WebServers, method: str
) -> None:
    asked: list[str] = []

    async def hang_up(request: web.Request) -> web.Response:
        asked.append(request.method)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    found = step(HttpRequest(), steps(), url=await web_servers.serve(hang_up), method=method)
    with pytest.raises(Unanswered, match="it may have been done"):
        await found.act(await found.preview())
    assert asked == [method]


async def test_one_that_takes_too_long_may_have_happened(steps: Build, web_servers: WebServers) -> None:
    async def sleep(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    found = step(HttpRequest(), steps(), url=await web_servers.serve(sleep), timeout="200ms")
    with pytest.raises(Unanswered, match="no answer within 200ms"):
        await found.act(await found.preview())


async def test_one_that_never_left_has_not_happened(steps: Build) -> None:
    found = step(HttpRequest(), steps(), url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(TransientError, match="cannot connect") as caught:
        await found.act(await found.preview())
    assert not isinstance(caught.value, Unanswered)


async def test_methods_are_those_that_the_settings_allow(requesting: Callable[..., Step], agents: Agents) -> None:
    found = requesting({"actions": {"methods": ["POST"]}}, method="DELETE")
    preview = await found.preview()
    assert preview.refusal == "actions.methods does not allow DELETE: add it there"
    assert (await found.act(preview)).status == "not_done"
    assert agents.asked == []


async def test_a_redirect_to_another_host_is_not_followed(
    steps: Build, web_servers: WebServers, url: str, agents: Agents
) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": url})

    found = step(HttpRequest(), steps(), url=await web_servers.serve(away))
    assert (await found.act(await found.preview())).status == "failed"
    assert agents.asked == []


async def test_credentials_go_to_their_own_host_only(requesting: Callable[..., Step], web_servers: WebServers) -> None:
    other = Agents()
    elsewhere = requesting(url=await web_servers.serve(other), credentials="api")
    with pytest.raises(PermanentError, match="are for"):
        await elsewhere.act(await elsewhere.preview())
    unknown = requesting(credentials="other")
    preview = await unknown.preview()
    with pytest.raises(NotConfigured):
        await unknown.act(preview)
    assert other.asked == []


async def test_the_metadata_of_the_machine_is_never_reached(requesting: Callable[..., Step]) -> None:
    found = requesting(url="http://169.254.169.254/latest/meta-data")
    with pytest.raises(PermanentError, match=r"http\.refuse"):
        await found.act(await found.preview())


def test_the_key_is_ours() -> None:
    with pytest.raises(ValidationError, match="names the attempt"):
        HttpRequest.Params.model_validate({"url": "http://a/", "headers": {"idempotency-key": "x"}})


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_stays_in_the_body(requesting: Callable[..., Step], agents: Agents, value: str) -> None:
    await requesting(body={"name": value, value: [value]}).do()
    ((_, path, _, body),) = agents.asked
    assert path == "/restart?all=1"
    assert json.loads(body) == {"name": value, value: [value]}


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb"])
def test_a_header_is_one_line(value: str) -> None:
    with pytest.raises(ValidationError):
        HttpRequest.Params.model_validate({"url": "http://a/", "headers": {"X-A": value}})


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "api"},
    "spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}


async def test_through_the_api_server_the_service_must_be_there(
    steps: Build, cluster: Cluster, fake: KubernetesServer
) -> None:
    address = f"http://api.{cluster.namespace}.svc:80/restart"
    found = step(HttpRequest(), steps(kubernetes={"kubeconfig": str(cluster.kubeconfig)}), url=address, via="service")
    assert (await found.preview()).refusal == f"there is no Service api in {cluster.namespace}"
    made = await cluster.create(SERVICE)
    preview = await found.preview()
    assert preview.refusal == ""
    assert preview.basis == {"service uid": made["metadata"]["uid"], "port": "80"}
    assert preview.namespace == cluster.namespace
    made = await cluster.create(pod("api-1", labels={"app": "api"}))
    fake.kubelet.http[cluster.namespace, made["metadata"]["name"], 8080] = {"/restart": (200, "restarted")}
    done = await found.act(preview)
    assert (done.status, done.details) == ("done", ("restarted",))
    (sent,) = fake.kubelet.sent
    assert (sent.method, sent.path, sent.headers["Idempotency-Key"]) == ("POST", "/restart", ATTEMPT)
    (event,) = fake.objects.all(BY_PLURAL["", "v1", "events"], cluster.namespace)
    assert event["involvedObject"] | {"kind": "Service", "name": "api"} == event["involvedObject"]
    assert event["message"] == "Responder: POST /restart answered 200 for INC-17, approved by ann"


def through_service(steps: Build, cluster: Cluster, port: str = "", **params: Any) -> Step:
    tools = steps(kubernetes={"kubeconfig": str(cluster.kubeconfig)})
    address = f"http://api.{cluster.namespace}.svc{port}/restart"
    return step(HttpRequest(), tools, url=address, via="service", **params)


async def test_the_only_port_of_a_service_needs_not_be_written(
    steps: Build, cluster: Cluster, fake: KubernetesServer
) -> None:
    await cluster.create(SERVICE)
    await cluster.create(pod("api-1", labels={"app": "api"}))
    fake.kubelet.http[cluster.namespace, "api-1", 8080] = {"/restart": (200, "restarted")}
    found = through_service(steps, cluster)
    assert (await found.do()).details == ("restarted",)
    assert len(fake.kubelet.sent) == 1


@pytest.mark.parametrize(
    ("ports", "written", "said"),
    [
        ([80, 9090], "", "write the port of the Service api in .* into the url; there are: 80, 9090"),
        ([80], ":8080", "the Service api in .* has no port 8080; there are: 80"),
    ],
)
async def test_a_port_that_cannot_be_meant_is_said_before_anybody_is_asked(
    steps: Build, cluster: Cluster, ports: list[int], written: str, said: str
) -> None:
    spec = {"selector": {"app": "api"}, "ports": [{"name": f"p{port}", "port": port} for port in ports]}
    await cluster.create(SERVICE | {"spec": spec})
    assert re.fullmatch(said, (await through_service(steps, cluster, written).preview()).refusal)


async def test_a_service_made_anew_since_the_approval_is_not_asked(
    steps: Build, cluster: Cluster, fake: KubernetesServer
) -> None:
    made = await cluster.create(SERVICE)
    found = through_service(steps, cluster)
    preview = await found.preview()
    await cluster.delete(made)
    await cluster.create(SERVICE)
    told = await found.act(preview)
    assert (told.status, "is not the one that was approved" in told.say) == ("not_done", True)
    assert fake.kubelet.sent == []


async def test_a_service_is_waited_for_as_long_as_was_said(
    steps: Build, cluster: Cluster, fake: KubernetesServer
) -> None:
    await cluster.create(SERVICE)
    found = through_service(steps, cluster, timeout="300ms")
    preview = await found.preview()
    fake.faults.append(Fault("/proxy/", hang=True))
    with pytest.raises(Unanswered, match=r"within 0\.3 s"):
        await found.act(preview)


@pytest.mark.parametrize("path", ["/a/../secrets", "/%2e%2e/x", "/..%2fns", "/a%2f..%2fb", "/..%5cx", "/a\\..\\b"])
def test_a_path_out_of_the_service_is_no_address(path: str) -> None:
    with pytest.raises(ValidationError, match="must not lead out"):
        HttpRequest.Params.model_validate({"url": f"http://api.shop.svc{path}", "via": "service"})


def test_it_is_never_sent_again_by_itself() -> None:
    assert HttpRequest.once == "doubtful"


async def test_through_the_api_server_a_missing_right_is_known_beforehand(
    steps: Build, cluster: Cluster, fake: KubernetesServer, tmp_path: Path
) -> None:
    await cluster.create(SERVICE)
    fake.access.tokens["reader"] = "reader"
    fake.access.grants["reader"] = {("", "services", "get")}
    (tmp_path / "reader").mkdir()
    reader = fake.kubeconfig(tmp_path / "reader", token="reader")
    found = step(
        HttpRequest(),
        steps(kubernetes={"kubeconfig": str(reader)}),
        url=f"http://api.{cluster.namespace}.svc/restart",
        via="service",
    )
    assert "services/proxy" in (await found.preview()).refusal


async def test_who_stood_still_until_others_took_it_over_sends_nothing(
    requesting: Callable[..., Step], agents: Agents
) -> None:
    found = requesting()
    await found.held_up(await found.preview())
    assert agents.asked == []
