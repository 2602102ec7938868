"""
What stands behind the API of a real cluster: found out by trying, waited for, and played where nobody is meant to.

Pods that name `NOBODY` as their scheduler are run by no kubelet: `settled` says of them what one would say, so that a
rollout ends although their images are nowhere.
"""

import asyncio
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from tests.servers.kubernetes_cluster import Cluster, container_status, ready, stamp, workload

Object = dict[str, Any]

NOBODY = "responder-tests"
PATIENCE = 300
"""How often the cluster is looked at before its controllers are given up; a tenth of a second lies between."""

_WORKLOADS = ("deployments", "statefulsets", "daemonsets")
_APIS = {"pods": "/api/v1", "jobs": "/apis/batch/v1", "poddisruptionbudgets": "/apis/policy/v1"}
_CONTROLLED: dict[str, bool] = {}


async def needs_controllers(cluster: Cluster) -> None:
    """Skip the test where nobody answers to a Deployment, asked once for a cluster."""
    host = cluster.api.configuration.host
    if host not in _CONTROLLED:
        made = await cluster.create(workload("Deployment", "probe", spec={"replicas": 0}))
        _CONTROLLED[host] = await _observed(cluster)
        await cluster.delete(made)
    if not _CONTROLLED[host]:
        pytest.skip("needs controllers (kube-controller-manager), which this cluster has not")


async def needs_kubelets(cluster: Cluster) -> None:
    """Skip the test where no kubelet says that its node is ready."""
    for node in (await cluster.call("GET", "/api/v1/nodes"))["items"]:
        status = node.get("status") or {}
        conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        if (status.get("nodeInfo") or {}).get("kubeletVersion") and conditions.get("Ready") == "True":
            return
    pytest.skip("needs a kubelet, which runs containers, and no node of this cluster has one that is ready")


async def add_node(cluster: Cluster, name: str, **spec: Any) -> Object:
    """Create a node that is ready, and wait until the controllers of a real cluster let pods on it; answers it."""
    condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": stamp()}
    metadata = {"name": f"{name}-{cluster.namespace}"}
    status = {"conditions": [condition | {"lastTransitionTime": stamp()}]}
    made = await cluster.create(
        {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}
    )
    for _ in range(PATIENCE):
        made = await cluster.call("GET", f"/api/v1/nodes/{metadata['name']}")
        taints = made["spec"].get("taints") or ()
        if not any(taint["key"] == "node.kubernetes.io/not-ready" for taint in taints):
            break
        await asyncio.sleep(0.1)
    return made


async def settled(cluster: Cluster) -> None:
    """Wait until every workload of the test's namespace runs what it says, and play the kubelet of its pods."""
    for _ in range(PATIENCE):
        late = await _late(cluster)
        if not late:
            return
        await _run_pods(cluster)
        await asyncio.sleep(0.1)
    pytest.fail(f"the cluster's controllers have not brought about what {', '.join(late)} say")


async def _observed(cluster: Cluster) -> bool:
    for _ in range(100):
        (probe,) = await _list(cluster, "deployments")
        if (probe.get("status") or {}).get("observedGeneration"):
            return True
        await asyncio.sleep(0.1)
    return False


async def _list(cluster: Cluster, plural: str) -> list[Object]:
    api = _APIS.get(plural, "/apis/apps/v1")
    try:
        found = await cluster.call("GET", f"{api}/namespaces/{cluster.namespace}/{plural}")
    except ApiException as error:
        if error.status == 404:  # An old cluster has none of these.
            return []
        raise
    return list(found["items"])


async def _late(cluster: Cluster) -> list[str]:
    owners = {each["metadata"]["uid"]: _owner(each) for each in await _list(cluster, "replicasets")}
    pods = await _list(cluster, "pods")
    late = []
    for plural in _WORKLOADS:
        for found in await _list(cluster, plural):
            uid = found["metadata"]["uid"]
            own = [pod for pod in pods if uid in (_owner(pod), owners.get(_owner(pod))) and _selects(found, pod)]
            if not _runs(plural, found, own):
                late.append(f"{plural}/{found['metadata']['name']}")
    budgets = await _list(cluster, "poddisruptionbudgets")
    late += [f"poddisruptionbudgets/{each['metadata']['name']}" for each in budgets if not _counted(each, pods)]
    jobs = await _list(cluster, "jobs")
    return late + [f"jobs/{job['metadata']['name']}" for job in jobs if not _ended(job)]


def _owner(found: Object) -> str:
    owners = found["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _selects(found: Object, pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return bool(found["spec"]["selector"]["matchLabels"].items() <= labels.items())


def _runs(plural: str, found: Object, pods: list[Object]) -> bool:
    spec, status = found["spec"], found.get("status") or {}
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    if spec.get("paused"):
        return True
    if plural == "daemonsets":
        wanted = status.get("desiredNumberScheduled", 0)
        counts = [status.get(name, 0) for name in ("updatedNumberScheduled", "numberAvailable")]
    else:
        wanted = spec["replicas"]
        counts = [status.get(name, 0) for name in ("replicas", "readyReplicas")]
        if plural == "deployments" or status.get("currentRevision") != status.get("updateRevision"):
            counts.append(status.get("updatedReplicas", 0))
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return all(count == wanted for count in (*counts, len(alive), sum(_is_ready(pod) for pod in pods)))


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _counted(budget: Object, pods: list[Object]) -> bool:
    status = budget.get("status") or {}
    healthy = sum(_is_ready(pod) for pod in pods if _selects(budget, pod))
    new = status.get("observedGeneration", 0) < budget["metadata"]["generation"]
    return not new and status.get("currentHealthy") == healthy


def _ended(job: Object) -> bool:
    return bool({each["type"] for each in (job.get("status") or {}).get("conditions") or ()} & {"Complete", "Failed"})


async def _run_pods(cluster: Cluster) -> None:
    for pod in await _list(cluster, "pods"):
        phase = (pod.get("status") or {}).get("phase")
        if pod["spec"].get("schedulerName") != NOBODY or phase != "Pending" or pod["metadata"].get("deletionTimestamp"):
            continue
        containers = [container_status(each["name"], image=each["image"]) for each in pod["spec"]["containers"]]
        status = ready(*containers)
        if pod["spec"]["restartPolicy"] != "Always":
            status["phase"] = "Succeeded"
        await cluster.change({"apiVersion": "v1", "kind": "Pod"} | pod, {"status": status}, subresource="status")
