"""Writes to an API server that speaks HTTP, or to a real one: exactly once, conditioned, and signed by us."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Conflict, Exists, Missing, PermanentError, Unanswered
from responder.model.resource import CONFIG_MAPS, DEPLOYMENTS
from responder.plugins import acting
from responder.settings.sections import KubernetesAccess
from tests.servers.kubernetes import Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, workload

HOSTILE = ["", "..", "../x", "a/b", "a?b=1", "a%2fb", "A", "a\n", "-rf", "a" * 300, "$(id)", "a#", "ünï", "a\x00b"]


@pytest.fixture
async def writer(cluster: Cluster) -> AsyncIterator[KubernetesWriter]:
    client = KubernetesWriter(KubernetesAccess(kubeconfig=cluster.kubeconfig), deadline=timedelta(seconds=5))
    yield client
    await client.close()


def test_the_writer_satisfies_the_contract_of_the_actions(writer: KubernetesWriter) -> None:
    contract: acting.Cluster = writer
    assert contract is writer


async def test_a_json_patch_is_signed_by_us_and_touches_nothing_else(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    test = {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}

    done = await writer.patch(
        DEPLOYMENTS, cluster.namespace, "api", [test, {"op": "replace", "path": "/spec/replicas", "value": 4}]
    )

    assert done["spec"] == {**made["spec"], "replicas": 4}
    assert "responder" in {entry["manager"] for entry in done["metadata"]["managedFields"]}


async def test_a_json_patch_whose_test_fails_is_a_conflict(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api"))
    test = {"op": "test", "path": "/metadata/uid", "value": "another"}

    with pytest.raises(Conflict):
        await writer.patch(DEPLOYMENTS, cluster.namespace, "api", [test])


async def test_a_patch_that_validation_refuses_is_no_conflict(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api"))

    with pytest.raises(PermanentError, match="greater than or equal to 0") as caught:
        await writer.patch(
            DEPLOYMENTS, cluster.namespace, "api", [{"op": "replace", "path": "/spec/replicas", "value": -1}]
        )

    assert not isinstance(caught.value, Conflict)


async def test_a_dry_run_is_judged_and_changes_nothing(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    uid = made["metadata"]["uid"]

    shown = await writer.patch(
        DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 4}}, form="merge", dry_run=True
    )
    await writer.delete(DEPLOYMENTS, cluster.namespace, "api", uid=uid, dry_run=True)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}}
    await writer.create(CONFIG_MAPS, cluster.namespace, body, dry_run=True)

    assert shown["spec"]["replicas"] == 4
    assert await writer.get(DEPLOYMENTS, cluster.namespace, "api") == made
    assert await writer.get(CONFIG_MAPS, cluster.namespace, "flags") is None


async def test_what_is_there_is_not_created_again(cluster: Cluster, writer: KubernetesWriter) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}, "data": {"a": "1"}}
    await writer.create(CONFIG_MAPS, cluster.namespace, body)

    with pytest.raises(Exists):
        await writer.create(CONFIG_MAPS, cluster.namespace, body)


async def test_another_object_of_the_same_name_is_not_deleted(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}})

    with pytest.raises(Conflict):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid="another")
    with pytest.raises(PermanentError, match="uid"):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid="")
    await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid=made["metadata"]["uid"])
    with pytest.raises(Missing):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid=made["metadata"]["uid"])


async def test_a_write_that_gets_no_answer_may_have_happened(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(workload("Deployment", "api"))
    access = KubernetesAccess(kubeconfig=cluster.kubeconfig)
    quick = KubernetesWriter(access, deadline=timedelta(milliseconds=300))
    for fault in (Fault("deployments/api", hang=True), Fault("deployments/api", drop=True)):
        fake.faults[:] = [fault]
        with pytest.raises(Unanswered):
            await quick.patch(DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 4}}, form="merge")
    fake.faults.clear()
    await quick.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_no_object_can_have_is_never_written(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, name: str
) -> None:
    fake.requests.clear()
    space = cluster.namespace

    assert await writer.get(DEPLOYMENTS, space, name) is None
    with pytest.raises(PermanentError):
        await writer.patch(DEPLOYMENTS, space, name, [])
    with pytest.raises(PermanentError):
        await writer.delete(DEPLOYMENTS, space, name, uid="x")
    with pytest.raises(PermanentError):
        await writer.create(CONFIG_MAPS, space, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}})
    with pytest.raises(PermanentError):
        await writer.evict(space, name, uid="x")
    with pytest.raises(PermanentError):
        await writer.execute(space, name, ["true"])
    with pytest.raises(PermanentError):
        await writer.patch(DEPLOYMENTS, name, "api", [])

    assert fake.requests == []
