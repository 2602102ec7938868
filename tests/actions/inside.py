"""A workload whose container runs: on the API server of the tests as it scripts it, elsewhere by a real kubelet."""

from datetime import UTC, datetime

import pytest

from tests.servers.kubernetes_behind import needs_kubelets, settled
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, template, workload
from tests.servers.kubernetes_exec import Ran

IMAGE = "busybox:1.36"


@pytest.fixture
async def inside(cluster: Cluster) -> Cluster:
    """Run deployment/api: one pod, which has said OK and has the program `echo`."""
    if cluster.server is None:
        await needs_kubelets(cluster)
        container = {"name": "api", "image": IMAGE, "command": ["sh", "-c", "echo OK; sleep 3600"]}
        spec = {"replicas": 1, "template": template({"app": "api"}, [container])}
        await cluster.create(workload("Deployment", "api", spec=spec))
        await settled(cluster)
        return cluster
    await deployment_with_pods(cluster, "api", pod("api-1", spec={"nodeName": "node-1"}))
    kubelet = cluster.server.kubelet
    kubelet.programs.scripted["echo", "OK"] = Ran(b"OK\n")
    kubelet.logs[cluster.namespace, "api-1", "api"] = [(datetime.now(UTC), "OK")]
    return cluster
