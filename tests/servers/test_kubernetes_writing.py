"""What the API server of the tests does to those who write, and what its controllers make of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, cluster_at, template, workload
from tests.servers.kubernetes_controllers import Controllers
from tests.servers.kubernetes_world import World

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Start a cluster with controllers."""
    async with (
        KubernetesServer(controllers=True).running() as server,
        cluster_at(server.kubeconfig(tmp_path), server) as found,
    ):
        yield found


def controllers(cluster: Cluster) -> Controllers:
    assert cluster.server is not None
    assert cluster.server.controllers is not None
    return cluster.server.controllers


def world(cluster: Cluster) -> World:
    return controllers(cluster).world


def path(cluster: Cluster, plural: str, name: str = "", api: str = "/api/v1") -> str:
    return f"{api}/namespaces/{cluster.namespace}/{plural}" + (f"/{name}" if name else "")


async def listed(cluster: Cluster, plural: str, api: str = "/api/v1") -> list[Object]:
    return list((await cluster.call("GET", path(cluster, plural, api=api)))["items"])


async def state(cluster: Cluster, plural: str = "deployments") -> Object:
    return dict((await cluster.call("GET", path(cluster, plural, "api", "/apis/apps/v1")))["status"])


def condition(status: Object, kind: str) -> Object:
    return next((dict(found) for found in status["conditions"] if found["type"] == kind), {})


async def image(cluster: Cluster, made: Object, name: str) -> None:
    changed = {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": name}]}}}}
    await cluster.change(made, changed)


async def apply(cluster: Cluster, body: Object, **query: str) -> Object:
    where = path(cluster, "configmaps", body["metadata"]["name"])
    return dict(
        await cluster.api.call_api(
            where,
            "PATCH",
            query_params=[("fieldManager", "us"), *query.items()],
            header_params={"Accept": "application/json", "Content-Type": APPLY},
            body=body,
            auth_settings=["BearerToken"],
            response_types_map=dict.fromkeys((200, 201), "object"),
            _return_http_data_only=True,
        )
    )


async def test_a_delete_with_a_body_hears_no_dry_run_of_the_query(cluster: Cluster) -> None:
    await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}})
    where = path(cluster, "configmaps", "flags")

    await cluster.call("DELETE", where, {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]})
    assert (await cluster.call("GET", where))["metadata"]["name"] == "flags"
    await cluster.call("DELETE", where, {"kind": "DeleteOptions", "apiVersion": "v1"}, query={"dryRun": "All"})
    with pytest.raises(ApiException, match="not found"):
        await cluster.call("GET", where)


async def test_applying_drops_what_is_applied_no_more_and_leaves_what_is_others(cluster: Cluster) -> None:
    def flags(**data: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}, "data": data}

    made = await apply(cluster, flags(a="1", b="1"))
    await cluster.change(made, {"data": {"c": "3"}})
    assert (await apply(cluster, flags(a="1")))["data"] == {"a": "1", "c": "3"}
    await cluster.change(made, {"data": {"a": "2"}})
    with pytest.raises(ApiException, match="conflict"):
        await apply(cluster, flags(a="1"))
    assert (await apply(cluster, flags(a="1"), force="true"))["data"] == {"a": "1", "c": "3"}


@pytest.mark.parametrize("field", ["labels", "annotations"])
async def test_a_key_that_no_label_can_have_is_refused(cluster: Cluster, field: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags", field: {"a b": "c"}}}

    with pytest.raises(ApiException, match="Invalid"):
        await cluster.create(body)


async def test_an_immutable_configmap_stays(cluster: Cluster) -> None:
    made = await cluster.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}, "data": {"a": "1"}, "immutable": True}
    )
    with pytest.raises(ApiException, match="immutable"):
        await cluster.change(made, {"data": {"a": "2"}})


async def test_what_a_revision_holds_stays(cluster: Cluster) -> None:
    named = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "db-1"}}
    made = await cluster.create({**named, "revision": 1, "data": {"spec": {"replicas": 1}}})
    with pytest.raises(ApiException, match="immutable"):
        await cluster.change(made, {"data": {"spec": {"replicas": 2}}})


async def test_a_budget_counts_its_pods_and_an_eviction_spends_it(live: Cluster) -> None:
    await live.create(workload("Deployment", "api", spec={"replicas": 2}))
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}
    await live.create(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api"}, "spec": spec}
    )
    name = (await listed(live, "pods"))[0]["metadata"]["name"]
    body = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": name}}

    with pytest.raises(ApiException, match="needs 2 healthy pods and has 2 currently") as caught:
        await live.call("POST", path(live, "pods", f"{name}/eviction"), body)

    assert caught.value.status == 429


async def test_a_rollout_goes_at_its_pace(live: Cluster) -> None:
    made = await live.create(workload("Deployment", "api", spec={"replicas": 3}))
    world(live).pace = 1
    seen = []

    await image(live, made, "v:2")
    for _ in range(3):
        seen.append((await state(live))["updatedReplicas"])
        controllers(live).run()

    assert seen == [1, 2, 3]
    assert condition(await state(live), "Progressing")["reason"] == "NewReplicaSetAvailable"


async def test_a_rollout_that_stands_still_passes_its_deadline(live: Cluster) -> None:
    assert live.server is not None
    made = await live.create(workload("Deployment", "api", spec={"replicas": 3, "progressDeadlineSeconds": 60}))
    world(live).broken_images.add("bad:1")
    await image(live, made, "bad:1")
    assert condition(await state(live), "Progressing")["reason"] == "ReplicaSetUpdated"

    live.server.clock = lambda: datetime.now(UTC) + timedelta(minutes=2)
    live.server.settle()

    late = condition(await state(live), "Progressing")
    assert (late["status"], late["reason"]) == ("False", "ProgressDeadlineExceeded")


async def test_a_quota_stops_a_rollout_with_its_words(live: Cluster) -> None:
    await live.create(workload("Deployment", "api", spec={"replicas": 2}))
    world(live).quota = 2

    await live.create(workload("Deployment", "more", labels={"app": "more"}))

    status = (await live.call("GET", path(live, "deployments", "more", "/apis/apps/v1")))["status"]
    assert "exceeded quota" in condition(status, "ReplicaFailure")["message"]


async def test_what_nobody_looks_at_is_not_observed(live: Cluster) -> None:
    made = await live.create(workload("Deployment", "api"))
    world(live).frozen = True

    await image(live, made, "v:2")

    found = await live.call("GET", path(live, "deployments", "api", "/apis/apps/v1"))
    assert (found["metadata"]["generation"], found["status"]["observedGeneration"]) == (2, 1)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_each_template_of_a_set_is_a_revision_and_an_old_one_becomes_the_newest(live: Cluster, kind: str) -> None:
    spec = {"template": template({"app": "api"}, [{"name": "api", "image": "v:1"}])}
    made = await live.create(workload(kind, "api", spec=spec | ({"replicas": 2} if kind == "StatefulSet" else {})))
    await image(live, made, "v:2")
    await image(live, made, "v:1")

    revisions = {
        found["data"]["spec"]["template"]["spec"]["containers"][0]["image"]: found["revision"]
        for found in await listed(live, "controllerrevisions", "/apis/apps/v1")
    }
    assert revisions == {"v:1": 3, "v:2": 2}
    images = {pod["spec"]["containers"][0]["image"] for pod in await listed(live, "pods")}
    assert images == {"v:1"}


async def test_a_pod_without_the_selectors_label_is_let_go_and_replaced(live: Cluster) -> None:
    await live.create(workload("Deployment", "api", spec={"replicas": 2}))
    pod = (await listed(live, "pods"))[0] | {"kind": "Pod", "apiVersion": "v1"}

    await live.change(pod, {"metadata": {"labels": {"app": None}}})

    pods = {found["metadata"]["name"]: found for found in await listed(live, "pods")}
    assert len(pods) == 3
    assert not pods[pod["metadata"]["name"]]["metadata"]["ownerReferences"]


async def test_what_another_program_keeps_comes_back(live: Cluster) -> None:
    made = await live.create(workload("Deployment", "api", spec={"replicas": 2}))
    kept = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2}}
    world(live).kept.append(kept | {"metadata": {"name": "api", "namespace": live.namespace}})

    await live.change(made, {"spec": {"replicas": 5}})

    found = await live.call("GET", path(live, "deployments", "api", "/apis/apps/v1"))
    assert found["spec"]["replicas"] == 2
    assert "argocd-controller" in {entry["manager"] for entry in found["metadata"]["managedFields"]}
