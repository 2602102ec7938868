"""kubernetes.events: what Kubernetes reported, counted once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from responder.diagnostics.kubernetes_events import KubernetesEvents
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, stamp, unique, workload

EVENTS = KubernetesEvents()


async def report(cluster: Cluster, kind: str, name: str, reason: str, message: str = "", **more: Any) -> None:
    """Write an event as a controller does; `ago` is when it came last."""
    at = datetime.now(UTC) - more.pop("ago", timedelta(minutes=1))
    namespace = more.pop("namespace", cluster.namespace)
    about = {"kind": kind, "name": name, "namespace": "" if kind == "Node" else namespace}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": unique("event"), "namespace": namespace},
        "involvedObject": about,
        "type": "Warning",
        "reason": reason,
        "message": message or f"about {reason}",
        "count": 1,
        "firstTimestamp": stamp(at),
        "lastTimestamp": stamp(at),
        "source": {"component": "kubelet"},
    }
    await cluster.create(event | more)


async def test_events_of_the_workload_its_sets_and_its_pods_are_collected_newest_first(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"))
    await report(cluster, "Deployment", "api", "ScalingReplicaSet", ago=timedelta(minutes=5), type="Normal")
    await report(cluster, "ReplicaSet", "api-6d4cf56db6", "FailedCreate", "exceeded quota", ago=timedelta(minutes=3))
    await report(cluster, "Pod", "api-6d4cf56db6-bbbbb", "BackOff", ago=timedelta(minutes=1))
    await report(cluster, "Pod", "other-1", "Unrelated")
    await report(cluster, "Deployment", "other", "Unrelated")

    found = await diagnose(EVENTS, cluster)

    assert [item.reason for item in found.items] == ["BackOff", "FailedCreate", "ScalingReplicaSet"]
    assert found.items[0].object == "pod/api-6d4cf56db6-bbbbb"
    assert (found.count, found.warnings) == (3, 2)
    assert found.weight() is Weight.NOTABLE


async def test_the_same_report_is_one_item_with_a_count(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"), pod("api-6d4cf56db6-ccccc"))
    for name, count, minutes in (("bbbbb", 4, 9), ("ccccc", 3, 2)):
        said = f"Back-off restarting failed container api in pod api_uid({minutes}12345678)"
        await report(
            cluster, "Pod", f"api-6d4cf56db6-{name}", "BackOff", said, count=count, ago=timedelta(minutes=minutes)
        )

    found = await diagnose(EVENTS, cluster)

    assert len(found.items) == 1
    assert (found.items[0].count, found.items[0].objects, found.count, found.warnings) == (7, 2, 7, 7)
    assert found.items[0].object == "pod/api-6d4cf56db6-ccccc"


async def test_a_pod_that_is_gone_is_known_by_its_controller(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"))
    await report(cluster, "Pod", "api-6d4cf56db6-zzzzz", "Evicted")
    await report(cluster, "Pod", "api-6d4cf56db6-worker-1", "NotMine")
    await report(cluster, "Pod", "api-worker-bbbbb", "NotMine")

    assert [item.reason for item in (await diagnose(EVENTS, cluster)).items] == ["Evicted"]


async def test_the_newer_form_of_events_counts_by_its_series(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"))
    moment = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    await report(
        cluster,
        "Pod",
        "api-6d4cf56db6-bbbbb",
        "FailedScheduling",
        "0/3 nodes are available",
        count=0,
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime=moment,
        series={"count": 12, "lastObservedTime": moment},
        action="Scheduling",
        reportingComponent="default-scheduler",
        reportingInstance="scheduler-0",
    )

    found = await diagnose(EVENTS, cluster)

    assert (found.items[0].count, found.count) == (12, 12)
    assert abs(datetime.now(UTC) - found.items[0].last_seen - timedelta(minutes=2)) < timedelta(minutes=1)


async def test_old_events_do_not_count(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"))
    await report(cluster, "Deployment", "api", "Old", ago=timedelta(minutes=40))
    await report(cluster, "Deployment", "api", "New", ago=timedelta(minutes=4))

    assert [item.reason for item in (await diagnose(EVENTS, cluster, within="30m")).items] == ["New"]
    later = KubernetesTools(cluster.client, later=timedelta(hours=3))
    assert (await diagnose(EVENTS, cluster, tools=later)).items == ()


async def test_events_of_a_node_and_of_a_claim_are_found(cluster: Cluster) -> None:
    name = unique("node")
    await cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    await report(cluster, "Node", name, "NodeNotReady", namespace="default")
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await cluster.create(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
    )
    await report(cluster, "PersistentVolumeClaim", "data", "ProvisioningFailed")

    node = await diagnose(EVENTS, cluster, Target("default", "Node", "", name))
    volume = await diagnose(EVENTS, cluster, of(cluster, "data", "PersistentVolumeClaim"))

    assert [item.reason for item in node.items] == ["NodeNotReady"]
    assert [item.reason for item in volume.items] == ["ProvisioningFailed"]


async def test_no_events_are_a_result(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api"))

    found = await diagnose(EVENTS, cluster)

    assert found.headline() == "0 events, no warning"
    assert found.weight() is Weight.NORMAL


async def test_a_secret_in_an_event_is_hidden(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api"))
    await report(cluster, "Deployment", "api", "Failed", "cannot connect: password=hunter2hunter2")

    assert "hunter2" not in (await diagnose(EVENTS, cluster)).model_dump_json()
