"""kubernetes.pod_http: what the pods answer for themselves."""

import pytest
from pydantic import ValidationError

from responder.diagnostics.kubernetes_pod_http import KubernetesPodHttp
from responder.errors import PermanentError
from responder.model.finding import Weight
from tests.diagnostics.kubernetes_tools import diagnose
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod

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
