"""kubernetes.nodes: whether the nodes below are well."""

from datetime import timedelta
from typing import Any

from responder.diagnostics.kubernetes_nodes import KubernetesNodes
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, stamp, unique

NODES = KubernetesNodes()


async def node(cluster: Cluster, *conditions: tuple[str, str, str], **spec: Any) -> str:
    """Create a node; answers its name."""
    name = unique("node")
    times = {"lastHeartbeatTime": stamp(), "lastTransitionTime": stamp()}
    listed = [{"type": t, "status": s, "reason": r, "message": "", **times} for t, s, r in conditions]
    described = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}
    await cluster.create(described | {"status": {"conditions": listed}})
    return name


HEALTHY = ("Ready", "True", "KubeletReady")


async def test_the_nodes_of_the_pods_are_looked_at_and_no_others(cluster: Cluster) -> None:
    good, full, other = await node(cluster, HEALTHY), "", await node(cluster, ("Ready", "False", "KubeletNotReady"))
    full = await node(cluster, HEALTHY, ("MemoryPressure", "True", "KubeletHasInsufficientMemory"))
    await deployment_with_pods(
        cluster,
        "api",
        pod("api-1", spec={"nodeName": good}),
        pod("api-2", spec={"nodeName": full}),
        pod("api-3", spec={"nodeName": full}),
    )

    found = await diagnose(NODES, cluster)

    assert (found.total, found.ready, found.under_pressure) == (2, 2, 1)
    assert [(item.name, item.pressure) for item in found.items] == [(full, ("MemoryPressure",)), (good, ())]
    assert other not in found.model_dump_json()
    assert found.weight() is Weight.TROUBLE


async def test_a_node_that_is_not_ready_says_why_and_since_when(cluster: Cluster) -> None:
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
    name = await node(cluster, ("Ready", "Unknown", "NodeStatusUnknown"), unschedulable=True, taints=[taint])

    tools = KubernetesTools(cluster.client, later=timedelta(minutes=10))
    found = await diagnose(NODES, cluster, Target("default", "Node", "", name), tools=tools)

    assert (found.total, found.ready, found.unschedulable) == (1, 0, 1)
    assert (found.items[0].reason, found.items[0].unschedulable) == ("NodeStatusUnknown", True)
    assert "node.kubernetes.io/unreachable:NoSchedule" in found.items[0].taints
    assert found.items[0].unready_for is not None
    assert found.items[0].unready_for >= timedelta(minutes=9)
    assert found.headline() == f"0 of 1 nodes ready; {name} not ready"


async def test_an_alert_without_an_object_looks_at_all_nodes(cluster: Cluster) -> None:
    names = {await node(cluster, HEALTHY), await node(cluster, HEALTHY)}

    for found in (
        await diagnose(NODES, cluster, Target("default", "", cluster.namespace)),
        await diagnose(NODES, cluster, of(cluster), all=True),
    ):
        assert names <= {item.name for item in found.items}


async def test_pods_that_wait_for_a_node_stand_on_none(cluster: Cluster) -> None:
    await node(cluster, HEALTHY)
    await deployment_with_pods(cluster, "api", pod("api-1"))

    assert not (await diagnose(NODES, cluster)).has_data()
