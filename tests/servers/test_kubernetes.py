"""The API server of the tests is no more forgiving than kube-apiserver; the same laws hold on a real one."""

from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, cluster_at, pod, template, workload

STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"


async def refused(cluster: Cluster, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
    """Do what must be refused; answers the status and the server's reason."""
    with pytest.raises(ApiException) as caught:
        await cluster.call(method, path, body, query=query)
    text = str(caught.value.body)
    return caught.value.status, text.partition('"reason"')[2].split('"')[1] if '"reason"' in text else text


def path(cluster: Cluster, plural: str, name: str = "", group: str = "apps/v1") -> str:
    api = f"/apis/{group}" if group else "/api/v1"
    return f"{api}/namespaces/{cluster.namespace}/{plural}" + (f"/{name}" if name else "")


async def patch(cluster: Cluster, where: str, body: Any, content: str, **query: str) -> dict[str, Any]:
    return dict(
        await cluster.api.call_api(
            where,
            "PATCH",
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
            response_types_map={200: "object"},
            _return_http_data_only=True,
        )
    )


async def test_what_is_created_gets_what_only_the_server_sets(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api"))

    metadata = made["metadata"]
    assert metadata["uid"]
    assert metadata["resourceVersion"]
    assert metadata["generation"] == 1
    assert metadata["managedFields"][0]["operation"] == "Update"
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["progressDeadlineSeconds"] == 600


async def test_the_generation_counts_changes_of_the_spec_only(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    labelled = await cluster.change(made, {"metadata": {"labels": {"a": "b"}}})
    reported = await cluster.change(made, {"status": {"replicas": 1}}, subresource="status")
    scaled = await cluster.change(made, {"spec": {"replicas": 3}})

    assert [found["metadata"]["generation"] for found in (labelled, reported, scaled)] == [1, 1, 2]
    versions = {found["metadata"]["resourceVersion"] for found in (made, labelled, reported, scaled)}
    assert len(versions) == 4


@pytest.mark.parametrize(("kind", "generation"), [("Deployment", 2), ("StatefulSet", 1), ("DaemonSet", 1)])
async def test_an_annotation_counts_in_the_generation_of_a_deployment_unless_it_comes_with_the_status(
    cluster: Cluster, kind: str, generation: int
) -> None:
    """The Deployment controller writes its annotation of the revision with the status."""
    made = await cluster.create(workload(kind, "api", spec={}))
    revision = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}}

    told = await cluster.change(made, revision, subresource="status")
    noted = await cluster.change(made, {"metadata": {"annotations": {"team": "shop"}}})

    assert told["metadata"]["annotations"].items() >= revision["metadata"]["annotations"].items()
    assert (told["metadata"]["generation"], noted["metadata"]["generation"]) == (1, generation)


async def test_a_change_of_nothing_makes_no_new_version(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    same = await cluster.change(made, {"spec": {"replicas": 2}})

    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_the_status_is_written_by_its_subresource_only(cluster: Cluster) -> None:
    body = workload("Deployment", "api")
    made = await cluster.call("POST", path(cluster, "deployments"), body | {"status": {"replicas": 5}})
    assert made["status"].get("replicas") is None

    wrong = await cluster.change(made, {"status": {"replicas": 5}})
    right = await cluster.change(made, {"status": {"replicas": 5}, "spec": {"replicas": 9}}, subresource="status")

    assert wrong["status"].get("replicas") is None
    assert (right["status"]["replicas"], right["spec"]["replicas"]) == (5, 1)


async def test_a_write_over_a_newer_version_is_a_conflict(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    where = path(cluster, "deployments", "api")
    await cluster.change(made, {"spec": {"replicas": 3}})

    assert await refused(cluster, "PUT", where, made) == (409, "Conflict")
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"replicas": 4}}
    assert await refused(cluster, "PATCH", where, stale) == (409, "Conflict")


async def test_a_json_patch_stops_at_a_test_that_fails(cluster: Cluster) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    where = path(cluster, "deployments", "api")

    def operations(uid: str) -> list[dict[str, Any]]:
        test = {"op": "test", "path": "/metadata/uid", "value": uid}
        return [test, {"op": "replace", "path": "/spec/replicas", "value": 4}]

    status, reason = await refused(cluster, "PATCH", where, operations("another"))
    done = await patch(cluster, where, operations(made["metadata"]["uid"]), JSON)

    assert (status, reason) == (422, "Invalid")
    assert done["spec"]["replicas"] == 4


async def test_a_strategic_patch_merges_containers_and_variables_by_name(cluster: Cluster) -> None:
    containers = [{"name": "api", "image": "i:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]
    spec = {"template": template({"app": "api"}, [*containers, {"name": "side", "image": "s:1"}])}
    await cluster.create(workload("Deployment", "api", spec=spec))
    env = [{"name": "A", "value": "9"}, {"name": "B", "$patch": "delete"}]
    change = {"spec": {"template": {"spec": {"containers": [{"name": "api", "env": env}]}}}}

    done = await patch(cluster, path(cluster, "deployments", "api"), change, STRATEGIC)

    found = done["spec"]["template"]["spec"]["containers"]
    assert [(c["name"], c["image"]) for c in found] == [("api", "i:1"), ("side", "s:1")]
    assert found[0]["env"] == [{"name": "A", "value": "9"}]


async def test_a_merge_patch_replaces_lists_and_removes_by_null(cluster: Cluster) -> None:
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}
    made = await cluster.create(data)

    done = await cluster.change(made, {"data": {"a": None, "c": "3"}})

    assert done["data"] == {"b": "2", "c": "3"}


async def test_a_dry_run_checks_everything_and_keeps_nothing(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api"))
    where = path(cluster, "deployments", "api")

    tried = await cluster.call("PATCH", where, {"spec": {"replicas": 7}}, query={"dryRun": "All"})
    bad = await refused(cluster, "PATCH", where, {"spec": {"replicas": -1}}, dryRun="All")
    await cluster.call("POST", path(cluster, "deployments"), workload("Deployment", "b"), query={"dryRun": "All"})
    await cluster.call("DELETE", where, {}, query={"dryRun": "All"})

    assert tried["spec"]["replicas"] == 7
    assert bad == (422, "Invalid")
    assert (await cluster.call("GET", where))["spec"]["replicas"] == 1
    assert await refused(cluster, "GET", path(cluster, "deployments", "b")) == (404, "NotFound")


async def test_what_the_real_server_refuses_is_refused(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api"))
    where = path(cluster, "deployments")
    unlike = workload("Deployment", "b", spec={"template": template({"app": "other"})})
    elsewhere = workload("Deployment", "b")
    elsewhere["metadata"]["namespace"] = "another"

    assert await refused(cluster, "POST", where, workload("Deployment", "api")) == (409, "AlreadyExists")
    assert await refused(cluster, "POST", where, unlike) == (422, "Invalid")
    assert await refused(cluster, "POST", where, workload("Deployment", "Upper")) == (422, "Invalid")
    assert await refused(cluster, "POST", where, pod("a")) == (400, "BadRequest")
    assert await refused(cluster, "POST", where, elsewhere) == (400, "BadRequest")
    selector = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
    assert await refused(cluster, "PATCH", f"{where}/api", selector) == (422, "Invalid")
    assert (await refused(cluster, "GET", "/apis/nope.example/v1/things"))[0] == 404
    assert await refused(cluster, "GET", path(cluster, "deployments", "absent")) == (404, "NotFound")
    accounts = {"serviceAccountName": "absent"}
    assert await refused(cluster, "POST", path(cluster, "pods", group=""), pod("a", spec=accounts)) == (
        403,
        "Forbidden",
    )


async def test_a_pod_keeps_what_may_not_change(cluster: Cluster) -> None:
    made = await cluster.create(pod("a"))

    assert await refused(cluster, "PATCH", path(cluster, "pods", "a", ""), {"spec": {"nodeName": "x"}}) == (
        422,
        "Invalid",
    )
    labelled = await cluster.change(made, {"metadata": {"labels": {"x": "y"}}})
    assert labelled["metadata"]["labels"]["x"] == "y"


async def test_a_delete_is_bound_to_its_preconditions(cluster: Cluster) -> None:
    made = await cluster.create(pod("a"))
    where = path(cluster, "pods", "a", "")
    other = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    mine = {"preconditions": {"uid": made["metadata"]["uid"]}, "gracePeriodSeconds": 0}

    assert await refused(cluster, "DELETE", where, other) == (409, "Conflict")
    await cluster.call("DELETE", where, mine)
    assert await refused(cluster, "GET", where) == (404, "NotFound")


async def test_items_of_a_list_do_not_name_their_kind(cluster: Cluster) -> None:
    await cluster.create(pod("a"))

    found = await cluster.call("GET", path(cluster, "pods", group=""))

    assert found["kind"] == "PodList"
    assert "kind" not in found["items"][0]
    assert "apiVersion" not in found["items"][0]


async def test_a_continued_list_can_grow_too_old(cluster: Cluster, fake: KubernetesServer) -> None:
    for name in ("a", "b", "c"):
        await cluster.create(pod(name))
    where = path(cluster, "pods", group="")

    first = await cluster.call("GET", where, query={"limit": "2"})
    going_on = first["metadata"]["continue"]
    second = await cluster.call("GET", where, query={"limit": "2", "continue": going_on})
    fake.oldest_list = fake.objects.version + 1

    assert [len(found["items"]) for found in (first, second)] == [2, 1]
    assert first["metadata"]["remainingItemCount"] == 1
    assert await refused(cluster, "GET", where, limit="2", **{"continue": going_on}) == (410, "Expired")


async def test_a_world_is_put_in_as_yaml_with_its_status(cluster: Cluster, fake: KubernetesServer) -> None:
    fake.seed(
        f"""
apiVersion: v1
kind: Pod
metadata: {{name: a, namespace: {cluster.namespace}}}
spec: {{containers: [{{name: api, image: i}}]}}
status: {{phase: Failed}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: elsewhere, generation: 7}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template: {{metadata: {{labels: {{app: api}}}}, spec: {{containers: [{{name: api, image: i}}]}}}}
"""
    )

    assert (await cluster.call("GET", path(cluster, "pods", "a", "")))["status"]["phase"] == "Failed"
    seeded = await cluster.call("GET", "/apis/apps/v1/namespaces/elsewhere/deployments/api")
    assert seeded["metadata"]["generation"] == 7


async def test_what_is_served_can_be_discovered(cluster: Cluster) -> None:
    groups = {group["name"] for group in (await cluster.call("GET", "/apis"))["groups"]}
    resources = (await cluster.call("GET", "/apis/apps/v1"))["resources"]

    assert {"apps", "batch", "autoscaling"} <= groups
    assert "deployments" in {resource["name"] for resource in resources}
    assert (await cluster.call("GET", "/version"))["major"] == "1"


async def test_the_controllers_follow_a_deployment(tmp_path: Any) -> None:
    async with (
        KubernetesServer(controllers=True).running() as server,
        cluster_at(server.kubeconfig(tmp_path), server) as cluster,
    ):
        made = await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
        assert server.controllers is not None
        server.controllers.broken_images.add("bad:1")

        async def state() -> dict[str, Any]:
            return (await cluster.call("GET", path(cluster, "deployments", "api")))["status"]

        async def pods() -> list[str]:
            listed = await cluster.call("GET", path(cluster, "pods", group=""))
            return sorted(item["spec"]["containers"][0]["image"] for item in listed["items"])

        first = await state()
        await cluster.change(
            made, {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "bad:1"}]}}}}
        )
        broken, images = await state(), await pods()
        await cluster.change(
            made, {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "good:1"}]}}}}
        )
        await cluster.delete(made)

        assert (first["readyReplicas"], first["updatedReplicas"]) == (2, 2)
        assert (broken["readyReplicas"], broken["updatedReplicas"]) == (2, 1)
        assert images == ["bad:1", "registry.example/api:1", "registry.example/api:1"]
        assert await pods() == []
