"""The world is told of every change on the object itself: one Kubernetes Event, who and for which incident."""

from typing import Any

import pytest

from responder.actions.scale import Scale
from responder.clients.kubernetes_writing import KubernetesWriter
from tests.actions.plain import Object, plain
from tests.actions.rollouts import REASON, Bench, bench
from tests.servers.kubernetes_cluster import Cluster, workload

REASONS = {
    "configmap": "ConfigurationChanged",
    "secret": "SecretChanged",
    "isolate": "Isolated",
    "cordon": "Cordoned",
    "uncordon": "Uncordoned",
}


async def told_of(cluster: Cluster, uid: str) -> list[Object]:
    """List the Events on one object; those on a node lie in `default`."""
    found = []
    for namespace in {cluster.namespace, "default"}:
        found += (await cluster.call("GET", f"/api/v1/namespaces/{namespace}/events"))["items"]
    return [event for event in found if event["involvedObject"].get("uid") == uid]


def about(event: Object) -> tuple[Any, Any, bool]:
    """Say of what kind and name it is, and whether it tells who and for which incident."""
    on = event["involvedObject"]
    return on["kind"], on["name"], event["message"].startswith("Responder: ") and REASON in event["message"]


@pytest.mark.parametrize("name", REASONS)
async def test_a_change_and_its_undoing_are_told_once_each_on_the_object(
    cluster: Cluster, writer: KubernetesWriter, name: str
) -> None:
    at, found = await plain()[name].at(cluster, writer)
    uid = found["metadata"]["uid"]
    preview = await at.preview()
    assert await told_of(cluster, uid) == []

    done = await at.act(preview)
    assert (await at.act(preview, retry=True)).status == "done"

    (event,) = await told_of(cluster, uid)
    assert event["reason"] == REASONS[name]
    assert about(event) == (found["kind"], found["metadata"]["name"], True)
    if at.action.undoable:
        await _undone(at, done.undo, uid)


async def _undone(at: Bench, before: Any, uid: str) -> None:
    assert (await at.undo(before)).status == "done"
    events = await told_of(at.cluster, uid)
    assert len(events) == 2
    assert [about(event)[2] for event in events] == [True, True]


async def test_bounds_of_an_autoscaler_are_told_on_it(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    found = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "wide"}}
    spec = {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 3}
    made = await cluster.create({**found, "spec": spec})

    done = await bench(Scale(), cluster, writer, replicas=5).do()

    assert done.status == "done"
    (event,) = await told_of(cluster, made["metadata"]["uid"])
    assert about(event) == ("HorizontalPodAutoscaler", "wide", True)
