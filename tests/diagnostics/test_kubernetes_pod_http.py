"""kubernetes.pod_http: what the pods answer for themselves."""

from typing import Any

import pytest
from pydantic import ValidationError

from responder.diagnostics.kubernetes_pod_http import KubernetesPodHttp
from responder.errors import PermanentError
from responder.model.finding import Weight
from tests.diagnostics.kubernetes_tools import diagnose, of
from tests.servers.kubernetes import TOKEN, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, container_status, deployment_with_pods, pod, ready, unique

POD_HTTP = KubernetesPodHttp()
METRICS = """# HELP db_pool_used Connections in use.
# TYPE db_pool_used gauge
db_pool_used{{pool="main"}} {0}
db_pool_used{{pool="other"}} {1}
# TYPE db_pool_max gauge
db_pool_max 50
# TYPE broken gauge
broken NaN
"""


async def serve(
    cluster: Cluster, fake: KubernetesServer, path: str, *answers: tuple[int, str], port: int = 8080
) -> None:
    """Create a pod for each answer, which it gives on the path."""
    names = [f"api-{number}" for number in range(len(answers))]
    await deployment_with_pods(cluster, "api", *(pod(name, spec={"nodeName": "n1"}) for name in names))
    for name, answer in zip(names, answers, strict=True):
        fake.kubelet.http[cluster.namespace, name, port] = {path: answer}


async def test_metrics_of_all_pods_and_series_are_put_together(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/metrics", (200, METRICS.format(40, 5)), (200, METRICS.format(10, 1)))

    found = await diagnose(
        POD_HTTP, cluster, port=8080, path="/metrics", metrics=["db_pool_used", "db_pool_max", "broken", "absent"]
    )

    assert (found.up, found.asked) == (2, 2)
    assert found.max == {"db_pool_used": 40.0, "db_pool_max": 50.0}
    assert found.min == {"db_pool_used": 1.0, "db_pool_max": 50.0}
    assert found.sum == {"db_pool_used": 56.0, "db_pool_max": 100.0}


async def test_pods_that_do_not_answer_well_are_named(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/health", (200, '{"status":"UP"}'), (503, "down"), (200, '{"status":"DOWN"}'))
    await cluster.create(pod("loner"))
    del fake.kubelet.http[cluster.namespace, "api-1", 8080]

    found = await diagnose(POD_HTTP, cluster, port=8080, path="/health", expect='"status":"UP"')

    assert (found.up, found.asked) == (1, 3)
    assert found.failures[0].startswith("api-1: 503 ")
    assert "connection refused" in found.failures[0]
    assert found.failures[1].startswith("api-2: 200, but the body does not hold")
    assert found.weight() is Weight.TROUBLE


async def test_a_body_that_is_no_metrics_is_a_failure_of_that_pod(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/metrics", (200, "<html>{not metrics"), (200, "a 1\n"))

    found = await diagnose(POD_HTTP, cluster, port=8080, path="/metrics", metrics=["a"])

    assert (found.up, found.sum) == (1, {"a": 1.0})
    assert found.failures[0].startswith("api-0: 200, but no metrics")


async def test_a_redirect_is_not_followed(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/", (302, f"{fake.url}/api/v1/secrets"))
    fake.requests.clear()

    found = await diagnose(POD_HTTP, cluster, port=8080)

    assert found.up == 0
    assert fake.asked("GET", "secrets") == []


async def test_a_workload_without_running_pods_has_no_data(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1", status={"phase": "Pending"}))

    assert not (await diagnose(POD_HTTP, cluster, port=8080)).has_data()


@pytest.mark.parametrize("path", ["/../../../secrets/db", "/%2e%2e/x", "health"])
async def test_a_path_that_leaves_the_pod_is_refused(cluster: Cluster, fake: KubernetesServer, path: str) -> None:
    await serve(cluster, fake, "/", (200, "ok"))

    with pytest.raises(PermanentError):
        await diagnose(POD_HTTP, cluster, port=8080, path=path)
    assert fake.asked("GET", "/proxy") == []


@pytest.mark.parametrize("params", [{"port": 0}, {"port": 70000}, {"port": 80, "expect": "("}, {}])
def test_parameters_that_cannot_work_are_refused_at_load(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KubernetesPodHttp.Params.model_validate(params)


async def service(cluster: Cluster, name: str, **more: Any) -> None:
    """Create a Service in front of the pods; `spec` is merged in."""
    spec = {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}], **more}
    await cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})


async def test_a_service_is_asked_in_place_of_the_pods(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/metrics", (200, METRICS.format(40, 5)), (200, METRICS.format(40, 5)))
    await service(cluster, "front")

    found = await diagnose(POD_HTTP, cluster, service="front", port=80, path="/metrics", metrics=["db_pool_used"])

    assert (found.up, found.asked, found.service) == (1, 1, "front")
    assert (found.max, found.min, found.sum) == ({"db_pool_used": 40}, {"db_pool_used": 5}, {"db_pool_used": 45})
    assert found.headline() == "Service front answers; db_pool_used at most 40"
    assert found.weight() is Weight.NORMAL
    base = f"/api/v1/namespaces/{cluster.namespace}/services"
    assert [request.path for request in fake.asked("GET", "/proxy")] == [f"{base}/front:80/proxy/metrics"]


async def test_a_service_that_speaks_https_is_asked_so(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/health", (200, "UP"))
    await service(cluster, "front")

    found = await diagnose(POD_HTTP, cluster, service="front", port=80, scheme="https", path="/health")

    assert found.up == 1
    assert "/services/https:front:80/proxy/health" in fake.asked("GET", "/proxy")[0].path


async def test_a_service_without_endpoints_does_not_answer_and_says_so(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    unready = ready(container_status(ready=False))
    await deployment_with_pods(cluster, "api", pod("api-1", spec={"nodeName": "n1"}, status=unready))
    await service(cluster, "front")

    found = await diagnose(POD_HTTP, cluster, service="front", port=80, path="/health")

    assert (found.up, found.asked) == (0, 1)
    assert found.failures == ('front: 503 no endpoints available for service "front"',)
    assert found.headline() == "Service front does not answer"
    assert found.weight() is Weight.TROUBLE
    assert found.has_data()


async def test_a_service_of_a_workload_that_has_no_pods_at_all_is_still_its_own(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api")
    await service(cluster, "front")

    found = await diagnose(POD_HTTP, cluster, service="front", port=80)

    assert "no endpoints available" in found.failures[0]


async def test_a_port_that_the_service_does_not_have_is_said(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    await service(cluster, "front")

    found = await diagnose(POD_HTTP, cluster, service="front", port=8080)

    assert found.failures == ('front: 503 no service port 8080 found for service "front"',)


async def test_the_service_that_is_the_target_is_asked(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    await service(cluster, "front")
    await service(cluster, "other")

    found = await diagnose(POD_HTTP, cluster, of(cluster, "front", "Service"), service="front", port=80)

    assert found.up == 1
    with pytest.raises(PermanentError, match="'other' does not lead to service/front"):
        await diagnose(POD_HTTP, cluster, of(cluster, "front", "Service"), service="other", port=80)


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("foreign", {}, "'foreign' does not lead to deployment/api"),
        ("outside", {}, "'outside' does not lead to deployment/api"),
        ("manual", {}, "'manual' does not lead to deployment/api"),
        ("absent", {}, "There is no Service 'absent'"),
        ("front", {"kind": "Node", "name": "n1", "namespace": ""}, "There is no Service 'front' in no namespace"),
    ],
)
async def test_a_service_that_is_not_the_targets_is_never_asked(
    cluster: Cluster, fake: KubernetesServer, name: str, target: dict[str, str], said: str
) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    await cluster.create(pod("db-1", labels={"app": "db"}, spec={"nodeName": "n1"}))
    await service(cluster, "front")
    await service(cluster, "foreign", selector={"app": "db"})
    await service(cluster, "outside", type="ExternalName", externalName="169.254.169.254.example.com")
    await service(cluster, "manual", selector={})

    with pytest.raises(PermanentError, match=said):
        await diagnose(POD_HTTP, cluster, of(cluster, **target), service=name, port=80)
    assert fake.asked("GET", "/proxy") == []


async def test_a_service_of_the_same_name_in_another_namespace_is_not_asked(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unique("other")}}
    where = (await cluster.create(other))["metadata"]["name"]
    spec = {"selector": {"app": "api"}, "ports": [{"port": 80}]}
    metadata = {"name": "front", "namespace": where}
    await cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    with pytest.raises(PermanentError, match="There is no Service 'front'"):
        await diagnose(POD_HTTP, cluster, service="front", port=80)


@pytest.mark.parametrize("path", ["/../../secrets/db", "/%2e%2e/x", "/..%2f..%2fsecrets", "/a\\..\\b"])
async def test_a_path_that_leaves_the_service_is_refused(cluster: Cluster, fake: KubernetesServer, path: str) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    await service(cluster, "front")

    with pytest.raises(PermanentError, match=r"must not contain \. or \.\."):
        await diagnose(POD_HTTP, cluster, service="front", port=80, path=path)
    assert fake.asked("GET", "/proxy") == []


@pytest.mark.parametrize("name", ["front:80/proxy", "../pods", "https:front", "front/../x", "Front", "a b"])
def test_a_service_that_no_service_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        KubernetesPodHttp.Params.model_validate({"service": name, "port": 80})


async def test_a_services_answer_needs_its_own_right_and_only_then(cluster: Cluster, fake: KubernetesServer) -> None:
    await serve(cluster, fake, "/", (200, "ok"))
    await service(cluster, "front")
    fake.access.tokens[TOKEN] = "reader"
    fake.access.grants["reader"] = granted = {(verb.group, verb.resource, verb.verb) for verb in POD_HTTP.needs}

    assert (await diagnose(POD_HTTP, cluster, port=8080)).up == 1
    with pytest.raises(PermanentError, match=r"no `get` on `services/proxy`"):
        await diagnose(POD_HTTP, cluster, service="front", port=80)
    granted |= {(verb.group, verb.resource, verb.verb) for verb in POD_HTTP.needs_with["service"]}
    granted.remove(("", "pods/proxy", "get"))
    assert (await diagnose(POD_HTTP, cluster, service="front", port=80)).up == 1
