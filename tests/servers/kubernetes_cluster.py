"""
A cluster for tests: the API server in `kubernetes.py`, or a real one where RESPONDER_TEST_KUBECONFIG names it.

Tests put their world in through the API and in a namespace of their own, so the same ones run on both.
"""

import contextlib
import copy
import itertools
import os
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, Configuration
from kubernetes_asyncio.config import load_kube_config

from responder.clients.kubernetes import Kubernetes
from responder.settings.sections import KubernetesAccess
from tests.servers.kubernetes import APPLY_PATCH, KubernetesServer
from tests.servers.kubernetes_kinds import BY_NAME, Kind

Object = dict[str, Any]

REAL = os.environ.get("RESPONDER_TEST_KUBECONFIG", "")
NUMBERS = itertools.count(1)


@dataclass
class Cluster:
    """
    A namespace of the test's own in a cluster, and the client under test.

    `server` is the API server of these tests, None on a real cluster.
    """

    client: Kubernetes
    api: ApiClient
    namespace: str
    kubeconfig: Path
    server: KubernetesServer | None
    made: list[tuple[Kind, str, str]] = field(default_factory=list)

    async def create(self, found: Object) -> Object:
        """Create an object in the test's namespace; its status is written as controllers do, by the subresource."""
        kind = BY_NAME[found["apiVersion"], found["kind"]]
        body = copy.deepcopy(found)
        if kind.namespaced:
            body["metadata"].setdefault("namespace", self.namespace)
        made: Object = await self.call("POST", path_of(kind, body["metadata"].get("namespace", "")), body)
        name = made["metadata"]["name"]
        self.made.append((kind, made["metadata"].get("namespace", ""), name))
        if "status" in found and kind.status:
            path = f"{path_of(kind, made['metadata'].get('namespace', ''))}/{name}/status"
            made = await self.call("PATCH", path, {"status": found["status"]})
        return made

    async def change(self, found: Object, patch: Object, *, subresource: str = "") -> Object:
        """Merge a patch into an object."""
        kind = BY_NAME[found["apiVersion"], found["kind"]]
        path = f"{path_of(kind, found['metadata'].get('namespace', ''))}/{found['metadata']['name']}"
        return await self.call("PATCH", path + (f"/{subresource}" if subresource else ""), patch)

    async def delete(self, found: Object) -> None:
        """Remove an object at once."""
        kind = BY_NAME[found["apiVersion"], found["kind"]]
        path = f"{path_of(kind, found['metadata'].get('namespace', ''))}/{found['metadata']['name']}"
        await self.call("DELETE", path, {"gracePeriodSeconds": 0})

    async def apply(self, found: Object, *, manager: str) -> Object:
        """Apply an object by server-side apply, as another program would."""
        kind = BY_NAME[found["apiVersion"], found["kind"]]
        metadata = found["metadata"] | {"namespace": self.namespace}
        path = f"{path_of(kind, self.namespace)}/{metadata['name']}"
        self.made.append((kind, self.namespace, metadata["name"]))
        body = found | {"metadata": metadata}
        return await self.call("PATCH", path, body, query={"fieldManager": manager}, content=APPLY_PATCH)

    async def call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, str] | None = None, content: str = ""
    ) -> Object:
        """Speak to the API as another program would. Raises ApiException."""
        patch = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        content = content or (patch if method == "PATCH" else "application/json")
        answer = await self.api.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
            response_types_map=dict.fromkeys((200, 201, 202), "object"),
            _return_http_data_only=True,
        )
        return dict(answer)

    async def clean(self) -> None:
        """Remove what the test made, the newest first."""
        for kind, namespace, name in reversed(self.made):
            with contextlib.suppress(ApiException):
                await self.call("DELETE", f"{path_of(kind, namespace)}/{name}", {"gracePeriodSeconds": 0})


def path_of(kind: Kind, namespace: str) -> str:
    """Build the path of a kind's list."""
    api = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{api}/namespaces/{namespace}/{kind.plural}" if kind.namespaced else f"{api}/{kind.plural}"


@contextlib.asynccontextmanager
async def cluster_at(kubeconfig: Path, server: KubernetesServer | None) -> AsyncIterator[Cluster]:
    """Make a namespace with the service account that pods need, and remove everything afterwards."""
    configuration = Configuration()
    await load_kube_config(config_file=str(kubeconfig), client_configuration=configuration, persist_config=False)
    client = Kubernetes(KubernetesAccess(kubeconfig=kubeconfig))
    namespace = f"responder-test-{next(NUMBERS)}-{secrets.token_hex(3)}"
    async with ApiClient(configuration) as api:
        cluster = Cluster(client, api, namespace, kubeconfig, server)
        try:
            await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            # A bare API server has no controller that makes it; elsewhere it may be there already.
            with contextlib.suppress(ApiException):
                await cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
            yield cluster
        finally:
            await cluster.clean()
            await client.close()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Start a cluster with nothing behind its API server, or take the real one."""
    if REAL:
        async with cluster_at(Path(REAL), None) as found:
            yield found
        return
    async with (
        KubernetesServer(metrics=True).running() as server,
        cluster_at(server.kubeconfig(tmp_path), server) as found,
    ):
        yield found


@pytest.fixture
def fake(cluster: Cluster) -> KubernetesServer:
    """Take the test's own API server."""
    return own_server(cluster)


def own_server(cluster: Cluster) -> KubernetesServer:
    """Return the API server of the tests; skip where the cluster is a real one, which does not fail on command."""
    if cluster.server is None:
        pytest.skip(
            "needs faults, other users or a kubelet's words on command, as only the API server of the tests has"
        )
    return cluster.server


def owned_by(owner: Object, *, controller: bool = True) -> list[Object]:
    """Write the reference to an owner."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": controller}
    return [reference | {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]


def template(labels: Object, containers: list[Object] | None = None, **spec: Any) -> Object:
    """Write a pod template."""
    containers = containers or [{"name": "api", "image": "registry.example/api:1"}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}


def workload(kind: str, name: str, *, labels: Object | None = None, **more: Any) -> Object:
    """Write a Deployment, StatefulSet, DaemonSet or ReplicaSet; `spec` and `status` are merged in."""
    labels = labels or {"app": name}
    spec: Object = {"selector": {"matchLabels": labels}, "template": template(labels)}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    metadata = {"name": name, "labels": labels, **more.get("metadata", {})}
    found = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec | more.get("spec", {})}
    return found | ({"status": more["status"]} if "status" in more else {})


def pod(name: str, *, labels: Object | None = None, owner: Object | None = None, **more: Any) -> Object:
    """Write a pod, ready unless `status` says otherwise; `spec` is merged in."""
    metadata = {"name": name, "labels": labels or {"app": "api"}, **more.get("metadata", {})}
    if owner is not None:
        metadata["ownerReferences"] = owned_by(owner)
    spec = {"containers": [{"name": "api", "image": "registry.example/api:1"}], **more.get("spec", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": more.get("status") or ready(),
    }


def ready(*statuses: Object, phase: str = "Running", conditions: list[Object] | None = None) -> Object:
    """Write the status of a pod; ready when all its containers are."""
    statuses = statuses or (container_status(),)
    good = all(status["ready"] for status in statuses)
    found = conditions or [{"type": "Ready", "status": str(good), "lastTransitionTime": stamp()}]
    return {"phase": phase, "conditions": found, "containerStatuses": list(statuses)}


def container_status(name: str = "api", **more: Any) -> Object:
    """Write the status of a container, running and ready unless told otherwise."""
    found = {"name": name, "image": "registry.example/api:1", "imageID": "", "restartCount": 0, "ready": True}
    return found | {"state": {"running": {"startedAt": stamp()}}} | more


def stamp(at: datetime | None = None) -> str:
    """Write a moment as Kubernetes does."""
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def deployment_with_pods(cluster: Cluster, name: str = "api", *pods: Object, **more: Any) -> Object:
    """Create a Deployment, its ReplicaSet and the pods given, owned by it; answers the Deployment."""
    labels = {"app": name}
    made = await cluster.create(workload("Deployment", name, labels=labels, **more))
    hashed = labels | {"pod-template-hash": "6d4cf56db6"}
    revision = {"deployment.kubernetes.io/revision": "1"}
    described = {"ownerReferences": owned_by(made), "annotations": revision}
    replica_set = await cluster.create(workload("ReplicaSet", f"{name}-6d4cf56db6", labels=hashed, metadata=described))
    for found in pods:
        found["metadata"] |= {"labels": hashed, "ownerReferences": owned_by(replica_set)}
        await cluster.create(found)
    return made


def unique(prefix: str) -> str:
    """Name an object that belongs to no namespace."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"
