"""The client against an API server that speaks HTTP, or a real one."""

from datetime import timedelta

import pytest

from responder.clients.kubernetes import Kubernetes
from responder.errors import PermanentError
from responder.model.resource import CONFIG_MAPS, DEPLOYMENTS, NODES, PODS, SECRETS, Resource
from responder.plugins import tools
from responder.settings.sections import KubernetesAccess
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, container_status, pod, ready, unique, workload


def test_the_client_satisfies_the_contract_of_the_plugins(cluster: Cluster) -> None:
    contract: tools.Kubernetes = cluster.client
    assert contract is cluster.client


async def test_an_object_is_read_as_the_server_wrote_it(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api", spec={"replicas": 3}))

    found = await cluster.client.get(DEPLOYMENTS, cluster.namespace, "api")

    assert found == made
    assert found["spec"]["replicas"] == 3
    assert found["kind"] == "Deployment"


async def test_an_object_that_is_not_there_is_none(cluster: Cluster) -> None:
    assert await cluster.client.get(DEPLOYMENTS, cluster.namespace, "absent") is None
    assert await cluster.client.get(DEPLOYMENTS, "no-such-namespace", "absent") is None
    assert await cluster.client.get(NODES, "", unique("absent")) is None


HOSTILE = [
    "",
    ".",
    "..",
    "../secrets/x",
    "api/log",
    "api?watch=true",
    "api%2f..",
    "Api",
    "api\n",
    "-rf",
    "--all",
    "a" * 300,
    "api;drop",
    "ünï",
    "a\x00b",
    "api#",
    "a..b",
    "$(id)",
    "${labels.x}",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_no_object_can_have_is_never_sent(
    cluster: Cluster, fake: KubernetesServer, name: str
) -> None:
    fake.requests.clear()

    assert await cluster.client.get(PODS, cluster.namespace, name) is None
    assert await cluster.client.get(PODS, name, "api") is None
    assert await cluster.client.metadata(SECRETS, name, "api") is None
    assert await cluster.client.logs(name, "api") == ""
    assert await cluster.client.logs(cluster.namespace, name) == ""
    with pytest.raises(PermanentError):
        await cluster.client.pod_http(cluster.namespace, name, port=80, path="/")
    with pytest.raises(PermanentError):
        await cluster.client.service_http(cluster.namespace, name, port=80, path="/")
    if name:
        assert await cluster.client.list(PODS, name) == []

    assert fake.requests == []


async def test_a_list_is_filtered_by_labels_and_by_fields(cluster: Cluster) -> None:
    await cluster.create(pod("a", labels={"app": "api", "tier": "web"}, spec={"nodeName": "n1"}))
    await cluster.create(pod("b", labels={"app": "api", "tier": "db"}, spec={"nodeName": "n2"}))
    await cluster.create(pod("c", labels={"app": "other"}, spec={"nodeName": "n2"}))

    async def names(**query: str) -> list[str]:
        return [p["metadata"]["name"] for p in await cluster.client.list(PODS, cluster.namespace, **query)]

    assert await names(labels="app=api") == ["a", "b"]
    assert await names(labels="app in (api,other),tier!=web") == ["b", "c"]
    assert await names(labels="!tier") == ["c"]
    assert await names(labels="app=api", fields="spec.nodeName=n2") == ["b"]
    assert await names(fields="metadata.name=c") == ["c"]


async def test_a_selector_that_is_none_is_refused_by_name(cluster: Cluster) -> None:
    with pytest.raises(PermanentError, match="refuses to list pods"):
        await cluster.client.list(PODS, cluster.namespace, labels="a in (")
    with pytest.raises(PermanentError, match="field label not supported"):
        await cluster.client.list(PODS, cluster.namespace, fields="spec.image=x")


async def test_a_long_list_is_read_in_pages_to_its_end(
    cluster: Cluster, fake: KubernetesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("responder.clients.kubernetes_paging.PAGE", 3)
    for number in range(8):
        data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}, "data": {}}
        await cluster.create(data)

    every = await cluster.client.list(CONFIG_MAPS, cluster.namespace)
    some = await cluster.client.list(CONFIG_MAPS, cluster.namespace, limit=5)

    assert [found["metadata"]["name"] for found in every] == [f"c{number}" for number in range(8)]
    assert [found["metadata"]["name"] for found in some] == [f"c{number}" for number in range(5)]
    assert [request.query["limit"] for request in fake.asked("GET", "configmaps")] == ["3", "3", "3", "3", "2"]


async def test_an_api_that_is_absent_names_what_to_install(cluster: Cluster) -> None:
    metrics = Resource("metrics.k8s.io", "v1beta1", "pods")
    if cluster.server is not None:
        cluster.server.metrics = False

    for ask in (cluster.client.list(metrics, cluster.namespace), cluster.client.get(metrics, cluster.namespace, "a")):
        with pytest.raises(
            PermanentError, match=r"metrics\.k8s\.io is not served by this cluster: install metrics-server"
        ):
            await ask


async def test_an_unknown_api_is_not_mistaken_for_a_missing_object(cluster: Cluster) -> None:
    with pytest.raises(PermanentError, match=r"example\.com is not served by this cluster"):
        await cluster.client.get(Resource("example.com", "v1", "widgets"), cluster.namespace, "a")
    with pytest.raises(PermanentError, match="apps is not served by this cluster"):
        await cluster.client.get(Resource("apps", "v1beta1", "deployments"), cluster.namespace, "a")


async def test_the_metadata_of_a_secret_comes_without_its_values(cluster: Cluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMg=="}}
    await cluster.create(secret)

    found = await cluster.client.metadata(SECRETS, cluster.namespace, "db")

    assert found is not None
    assert found["metadata"]["name"] == "db"
    assert "aHVudGVyMg" not in str(found)


async def test_identical_reads_within_a_moment_are_one_request(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a"))
    fake.requests.clear()

    first = await cluster.client.list(PODS, cluster.namespace, labels="app=api")
    again = await cluster.client.list(PODS, cluster.namespace, labels="app=api")
    other = await cluster.client.list(PODS, cluster.namespace, labels="app=other")

    assert (len(first), len(again), len(other)) == (1, 1, 0)
    assert len(fake.asked("GET", "/pods")) == 2


async def test_a_shared_answer_grows_old(cluster: Cluster) -> None:
    moment = 0.0
    client = Kubernetes(KubernetesAccess(kubeconfig=cluster.kubeconfig), clock=lambda: moment)
    try:
        assert await client.list(PODS, cluster.namespace) == []
        await cluster.create(pod("a"))
        assert await client.list(PODS, cluster.namespace) == []
        moment += 2.0
        assert len(await client.list(PODS, cluster.namespace)) == 1
    finally:
        await client.close()


async def test_the_content_of_a_secret_is_not_kept(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {}})
    fake.requests.clear()

    await cluster.client.get(SECRETS, cluster.namespace, "db")
    await cluster.client.get(SECRETS, cluster.namespace, "db")

    assert len(fake.asked("GET", "secrets")) == 2


async def test_only_reads_are_ever_sent(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    fake.requests.clear()

    await cluster.client.list(PODS, cluster.namespace)
    await cluster.client.logs(cluster.namespace, "a")
    await cluster.client.pod_http(cluster.namespace, "a", port=80, path="/")

    assert {request.method for request in fake.requests} == {"GET"}


async def test_a_log_is_cut_to_its_newest_lines(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    now = fake.now()
    lines = [(now - timedelta(seconds=100 - number), f"line {number}") for number in range(100)]
    fake.kubelet.logs[cluster.namespace, "a", "api"] = lines

    tail = await cluster.client.logs(cluster.namespace, "a", tail=2)
    since = await cluster.client.logs(cluster.namespace, "a", since=timedelta(seconds=4))
    bounded = await cluster.client.logs(cluster.namespace, "a", tail=10, limit_bytes=20)
    stamped = await cluster.client.logs(cluster.namespace, "a", tail=1, timestamps=True)

    assert tail.splitlines() == ["line 98", "line 99"]
    assert since.splitlines()[-1] == "line 99"
    assert len(since.splitlines()) <= 4
    assert bounded.splitlines() == ["line 98", "line 99"]
    assert stamped.startswith(lines[-1][0].strftime("%Y-%m-%dT%H:%M:%S."))
    assert stamped.endswith(" line 99\n")


async def test_bytes_that_are_no_text_stay_readable(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    fake.kubelet.raw[cluster.namespace, "a", "api"] = b"ok \xff\xfe end\n"

    assert await cluster.client.logs(cluster.namespace, "a") == "ok \ufffd\ufffd end\n"


async def test_a_container_without_a_log_yet_has_an_empty_one(cluster: Cluster, fake: KubernetesServer) -> None:
    waiting = container_status(ready=False, state={"waiting": {"reason": "ContainerCreating"}})
    await cluster.create(pod("new", spec={"nodeName": "n1"}, status=ready(waiting, phase="Pending")))
    await cluster.create(pod("old", spec={"nodeName": "n1"}))

    assert await cluster.client.logs(cluster.namespace, "new", container="api") == ""
    assert await cluster.client.logs(cluster.namespace, "old", previous=True) == ""
    assert await cluster.client.logs(cluster.namespace, "gone") == ""


async def test_several_containers_need_a_name_and_the_error_lists_them(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    containers = [{"name": "api", "image": "i"}, {"name": "proxy", "image": "i"}]
    await cluster.create(pod("a", spec={"nodeName": "n1", "containers": containers}))

    with pytest.raises(PermanentError, match=r"choose one of: \[api proxy\]"):
        await cluster.client.logs(cluster.namespace, "a")


async def test_a_pod_is_asked_through_the_proxy(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    fake.kubelet.http[cluster.namespace, "a", 8080] = {
        "/health": (200, "fine"),
        "/agents/a b": (500, "broken"),
        "/away": (302, "http://127.0.0.1:1/elsewhere"),
    }

    async def ask(path: str, port: int = 8080) -> tuple[int, str]:
        return await cluster.client.pod_http(cluster.namespace, "a", port=port, path=path)

    assert await ask("/health") == (200, "fine")
    assert await ask("/agents/a%20b?x=1") == (500, "broken")
    assert (await ask("/away"))[0] == 302
    status, why = await ask("/health", 9)
    assert status == 503
    assert "connection refused" in why


async def test_a_service_is_asked_through_the_proxy(cluster: Cluster, fake: KubernetesServer) -> None:
    spec = {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 8080}]}
    await cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"}, "spec": spec})

    async def ask(path: str, port: int = 80) -> tuple[int, str]:
        return await cluster.client.service_http(cluster.namespace, "front", port=port, path=path)

    assert await ask("/empty") == (503, 'no endpoints available for service "front"')
    await cluster.create(pod("a", spec={"nodeName": "n1"}))
    fake.kubelet.http[cluster.namespace, "a", 8080] = {"/health": (200, "fine"), "/a b": (500, "broken")}
    assert await ask("/health") == (200, "fine")
    assert await ask("/a%20b?x=1&y=%26") == (500, "broken")
    assert fake.asked("GET", "/proxy/a")[0].query == {"x": "1", "y": "&"}
    assert await ask("/health", 81) == (503, 'no service port 81 found for service "front"')


@pytest.mark.parametrize("path", ["/../secrets", "/a/%2e%2e/b", "..", "/./x", "/..%2fsecrets", "/a%2F..%2Fb", "/..\\x"])
async def test_a_proxied_path_cannot_climb_out_of_the_pod(cluster: Cluster, path: str) -> None:
    with pytest.raises(PermanentError, match=r"must not contain \. or \.\."):
        await cluster.client.pod_http(cluster.namespace, "a", port=80, path=path)
    with pytest.raises(PermanentError, match=r"must not contain \. or \.\."):
        await cluster.client.service_http(cluster.namespace, "a", port=80, path=path)
