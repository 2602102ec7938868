"""kubernetes.usage: how near the containers are to their limits."""

from typing import Any

import pytest

from responder.diagnostics.kubernetes_usage import KubernetesUsage
from responder.errors import PermanentError
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import diagnose, of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, unique

USAGE = KubernetesUsage()


def limited(
    memory: str = "", cpu: str = "", requests: dict[str, str] | None = None, name: str = "api"
) -> dict[str, Any]:
    limits = {key: value for key, value in (("memory", memory), ("cpu", cpu)) if value}
    return {"name": name, "image": "i", "resources": {"limits": limits, "requests": requests or {}}}


async def test_the_worst_container_of_all_pods_is_named(cluster: Cluster, fake: KubernetesServer) -> None:
    containers = {
        "containers": [limited("1Gi", "1", {"cpu": "250m", "memory": "512Mi"}), limited("100Mi", name="side")]
    }
    await deployment_with_pods(cluster, "api", pod("api-1", spec=containers), pod("api-2", spec=containers))
    fake.kubelet.usage |= {
        (cluster.namespace, "api-1"): {"api": ("500m", "256Mi"), "side": ("1m", "95Mi")},
        (cluster.namespace, "api-2"): {"api": ("750000000n", "512Mi"), "side": ("1m", "10Mi")},
        (cluster.namespace, "stranger"): {"api": ("9", "9Gi")},
    }

    found = await diagnose(USAGE, cluster)

    assert (found.memory_ratio, found.top_memory_pod) == (pytest.approx(0.95), "api-1")
    assert (found.cpu_ratio, found.top_cpu_pod) == (pytest.approx(0.75), "api-2")
    assert (found.cpu_of_request, found.memory_of_request) == (pytest.approx(3.0), pytest.approx(1.0))
    assert (found.measured, found.cpu) == (2, pytest.approx(1.252))
    assert found.items[0].container == "side"
    assert found.weight() is Weight.TROUBLE
    assert "95% of the limit in api-1" in found.headline()


async def test_without_limits_no_ratio_is_known_and_the_largest_pod_is(
    cluster: Cluster, fake: KubernetesServer
) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    fake.kubelet.usage |= {
        (cluster.namespace, "api-1"): {"api": ("1", "10Mi")},
        (cluster.namespace, "api-2"): {"api": ("2", "5Mi")},
    }

    found = await diagnose(USAGE, cluster)

    assert (found.cpu_ratio, found.memory_ratio) == (None, None)
    assert (found.top_cpu_pod, found.top_memory_pod) == ("api-2", "api-1")


async def test_pods_that_were_not_measured_are_no_data(cluster: Cluster, fake: KubernetesServer) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))

    assert not (await diagnose(USAGE, cluster)).has_data()


async def test_a_node_is_measured_against_what_pods_may_use(cluster: Cluster, fake: KubernetesServer) -> None:
    name = unique("node")
    status = {"allocatable": {"cpu": "4", "memory": "16Gi"}, "capacity": {"cpu": "8", "memory": "32Gi"}}
    await cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status})
    fake.kubelet.node_usage[name] = ("3", "8Gi")

    found = await diagnose(USAGE, cluster, Target("default", "Node", "", name))

    assert (found.cpu_ratio, found.memory_ratio) == (pytest.approx(0.75), pytest.approx(0.5))


async def test_a_cluster_without_metrics_says_what_to_install(cluster: Cluster) -> None:
    if cluster.server is not None:
        cluster.server.metrics = False
    await deployment_with_pods(cluster, "api", pod("api-1"))

    with pytest.raises(PermanentError, match="install metrics-server"):
        await diagnose(USAGE, cluster, of(cluster))
