"""What the client makes of an API server that refuses, is slow, or is not there."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.clients.kubernetes import Kubernetes
from responder.errors import CallError, PermanentError, TransientError
from responder.model.resource import NODES, PODS, SECRETS
from responder.settings.sections import KubernetesAccess
from tests.servers.certificates import Authority
from tests.servers.kubernetes import TOKEN, Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, pod

GRANTED = {("", "pods", "list")}


async def test_a_missing_right_is_named_with_verb_and_resource(cluster: Cluster, fake: KubernetesServer) -> None:
    fake.access.tokens[TOKEN] = "reader"
    fake.access.grants["reader"] = GRANTED

    assert await cluster.client.list(PODS, cluster.namespace) == []
    with pytest.raises(PermanentError, match=r"no `get` on `secrets` in responder-test-.*: grant it by RBAC"):
        await cluster.client.metadata(SECRETS, cluster.namespace, "db")
    with pytest.raises(PermanentError, match="no `list` on `nodes` in the cluster"):
        await cluster.client.list(NODES, "")
    with pytest.raises(PermanentError, match=r"no `get` on `pods/log`"):
        await cluster.client.logs(cluster.namespace, "a")
    with pytest.raises(PermanentError, match=r"no `get` on `pods/proxy`"):
        await cluster.client.pod_http(cluster.namespace, "a", port=80, path="/")


async def test_a_credential_that_was_replaced_is_read_again_once(cluster: Cluster, fake: KubernetesServer) -> None:
    moment = 100.0
    client = Kubernetes(KubernetesAccess(kubeconfig=cluster.kubeconfig), clock=lambda: moment)
    try:
        await client.list(PODS, cluster.namespace)
        fake.access.tokens = {"rotated": "admin"}
        document = yaml.safe_load(cluster.kubeconfig.read_text())
        document["users"][0]["user"]["token"] = "rotated"
        cluster.kubeconfig.write_text(yaml.safe_dump(document))
        moment += 60

        assert await client.list(PODS, cluster.namespace) == []
    finally:
        await client.close()
        cluster.api.configuration.api_key["BearerToken"] = "Bearer rotated"


async def test_a_credential_that_stays_wrong_is_told_without_being_shown(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    moment = 100.0
    client = Kubernetes(KubernetesAccess(kubeconfig=cluster.kubeconfig), clock=lambda: moment)
    fake.access.tokens = {}
    fake.requests.clear()
    try:
        for _ in range(3):
            with pytest.raises(PermanentError, match="does not accept our credentials") as caught:
                await client.list(PODS, cluster.namespace)
            assert TOKEN not in str(caught.value)
    finally:
        await client.close()
        fake.access.tokens = {TOKEN: "admin"}
    # The credentials were just read: reading them again at once would change nothing.
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    ("fault", "error", "delay"),
    [
        (Fault("pods", status=429, retry_after=7), TransientError, timedelta(seconds=7)),
        (Fault("pods", status=503, retry_after=2), TransientError, timedelta(seconds=2)),
        (Fault("pods", status=500), TransientError, None),
        (Fault("pods", status=504), TransientError, None),
        (Fault("pods", status=409), TransientError, None),
        (Fault("pods", status=422), PermanentError, None),
        (Fault("pods", status=400), PermanentError, None),
        (Fault("pods", drop=True), TransientError, None),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, Fault) else "",
)
async def test_each_refusal_says_whether_another_try_may_help(
    cluster: Cluster, fake: KubernetesServer, fault: Fault, error: type[CallError], delay: timedelta | None
) -> None:
    fake.faults.append(fault)

    with pytest.raises(error) as caught:
        await cluster.client.list(PODS, cluster.namespace)

    if isinstance(caught.value, TransientError):
        assert caught.value.delay == delay
    assert "list pods" in str(caught.value)


async def test_a_failure_is_not_kept(cluster: Cluster, fake: KubernetesServer) -> None:
    fake.faults.append(Fault("pods", status=503, times=1))

    with pytest.raises(TransientError):
        await cluster.client.list(PODS, cluster.namespace)
    assert await cluster.client.list(PODS, cluster.namespace) == []


async def test_a_server_that_stays_silent_costs_the_deadline_and_no_more(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    client = Kubernetes(KubernetesAccess(kubeconfig=cluster.kubeconfig), deadline=timedelta(milliseconds=200))
    fake.faults.append(Fault("pods", hang=True))
    try:
        with pytest.raises(TransientError, match=r"did not list pods in .* within 0\.2 s"):
            await client.list(PODS, cluster.namespace)
    finally:
        await client.close()


async def test_who_gives_up_waiting_takes_nobody_along(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a"))
    first = asyncio.create_task(cluster.client.list(PODS, cluster.namespace))
    second = asyncio.create_task(cluster.client.list(PODS, cluster.namespace))
    await asyncio.sleep(0)
    first.cancel()

    assert [found["metadata"]["name"] for found in await second] == ["a"]
    assert first.cancelled() or first.cancelling()


async def test_a_server_that_is_not_there_is_worth_another_try(tmp_path: Path) -> None:
    async with KubernetesServer().running() as server:
        kubeconfig = server.kubeconfig(tmp_path)
    client = Kubernetes(KubernetesAccess(kubeconfig=kubeconfig))
    try:
        with pytest.raises(TransientError, match="The API server cannot be reached to list pods"):
            await client.list(PODS, "default")
    finally:
        await client.close()


async def test_something_else_at_that_address_is_recognised(cluster: Cluster, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Kubernetes(KubernetesAccess(kubeconfig=_kubeconfig(tmp_path, server=f"http://127.0.0.1:{port}")))
    try:
        with pytest.raises(PermanentError, match="is not JSON: is that address a Kubernetes API"):
            await client.list(PODS, "default")
    finally:
        await client.close()
        server.close()


def _kubeconfig(folder: Path, *, server: str, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    path = folder / "made-up"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user or {"token": TOKEN}}],
        "contexts": [{"name": n, "context": {"cluster": "c", "user": "u"}} for n in ("a", "b")],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    "content",
    ["", "[]", "apiVersion: v1", ": :", "clusters: 3\ncurrent-context: x", "current-context: x\ncontexts: []"],
)
async def test_a_kubeconfig_that_cannot_work_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken"
    path.write_text(content)
    client = Kubernetes(KubernetesAccess(kubeconfig=path))
    try:
        with pytest.raises(PermanentError, match=r"No access to the cluster from .*broken"):
            await client.list(PODS, "default")
    finally:
        await client.close()


async def test_a_kubeconfig_that_is_not_there_says_so(tmp_path: Path) -> None:
    client = Kubernetes(KubernetesAccess(kubeconfig=tmp_path / "absent"))
    with pytest.raises(PermanentError, match=r"No access to the cluster from .*absent: .*No such file"):
        await client.list(PODS, "default")
    await client.close()


async def test_a_context_that_is_not_there_says_so(cluster: Cluster) -> None:
    client = Kubernetes(KubernetesAccess(kubeconfig=cluster.kubeconfig, context="nowhere"))
    with pytest.raises(PermanentError, match="nowhere"):
        await client.list(PODS, "default")
    await client.close()


async def test_outside_of_a_cluster_the_service_account_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    client = Kubernetes(KubernetesAccess(in_cluster=True))
    with pytest.raises(PermanentError, match="No access to the cluster from the pod's service account"):
        await client.list(PODS, "default")
    await client.close()


async def test_a_server_is_believed_by_its_certificate_authority_only(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    context = authority.server_context(authority.issue("api-server"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"items":[]}')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def ask(trusted: Path) -> object:
        options = {"certificate-authority": str(trusted)}
        client = Kubernetes(KubernetesAccess(kubeconfig=_kubeconfig(tmp_path, server=address, **options)))
        try:
            return await client.list(PODS, "default")
        finally:
            await client.close()

    try:
        assert await ask(authority.file) == []
        with pytest.raises(PermanentError, match="certificate is not trusted: check certificate-authority"):
            await ask(stranger.file)
    finally:
        server.close()
