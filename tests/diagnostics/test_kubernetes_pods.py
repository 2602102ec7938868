"""kubernetes.pods: what is wrong with the pods, counted."""

from datetime import UTC, datetime, timedelta

import pytest

from responder.diagnostics.kubernetes_pods import KubernetesPods
from responder.errors import NoTarget, PermanentError
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import (
    Cluster,
    container_status,
    deployment_with_pods,
    owned_by,
    pod,
    ready,
    stamp,
    template,
    unique,
    workload,
)

PODS = KubernetesPods()
Object = dict[str, object]


def waiting(reason: str, message: str = "", **more: object) -> Object:
    return container_status(ready=False, state={"waiting": {"reason": reason, "message": message}}, **more)


def ended(reason: str, at: datetime, code: int = 1) -> Object:
    return {"terminated": {"reason": reason, "exitCode": code, "startedAt": stamp(at), "finishedAt": stamp(at)}}


async def test_healthy_pods_are_counted_and_raise_no_concern(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1", spec={"nodeName": "n1"}), pod("api-2"))

    found = await diagnose(PODS, cluster)

    assert (found.total, found.ready, found.pending, found.restarts) == (2, 2, 0, 0)
    assert found.headline() == "2 of 2 pods ready"
    assert found.weight() is Weight.NORMAL
    first = next(item for item in found.items if item.name == "api-1")
    assert (first.phase, first.ready, first.reason, first.node) == ("Running", True, "", "n1")
    assert timedelta(0) <= first.age < timedelta(minutes=5)


async def test_a_container_killed_for_memory_is_counted_while_it_is_recent(cluster: Cluster) -> None:
    killed = container_status(restartCount=2, lastState=ended("OOMKilled", datetime.now(UTC), 137))
    await deployment_with_pods(cluster, "api", pod("api-1", status=ready(killed)), pod("api-2"))

    now = await diagnose(PODS, cluster)
    tomorrow = await diagnose(PODS, cluster, tools=KubernetesTools(cluster.client, later=timedelta(days=1)))

    assert (now.oom_killed, now.restarts, now.restarted) == (1, 2, 1)
    assert now.items[0].last_reason == "OOMKilled"
    assert "1 OOM-killed in 1h" in now.headline()
    assert now.weight() is Weight.TROUBLE
    assert (tomorrow.oom_killed, tomorrow.restarts, tomorrow.restarted) == (0, 2, 0)


async def test_a_crash_loop_is_seen_while_it_waits_and_while_it_runs(cluster: Cluster) -> None:
    just_now = ended("Error", datetime.now(UTC))
    backing_off = waiting("CrashLoopBackOff", "back-off 5m0s", restartCount=9, lastState=just_now)
    between = container_status(ready=False, restartCount=7, lastState=just_now)
    await deployment_with_pods(
        cluster,
        "api",
        pod("api-1", status=ready(backing_off)),
        pod("api-2", status=ready(between)),
        pod("api-3"),
    )

    found = await diagnose(PODS, cluster)

    assert (found.total, found.ready, found.crash_looping) == (3, 1, 2)
    assert {item.reason for item in found.items} == {"CrashLoopBackOff", ""}
    assert found.items[0].name == "api-1"


async def test_a_crash_loop_of_an_init_container_counts(cluster: Cluster) -> None:
    looping = waiting("CrashLoopBackOff", restartCount=4)
    status = ready(container_status(ready=False, state={"waiting": {"reason": "PodInitializing"}}), phase="Pending")
    status["initContainerStatuses"] = [looping | {"name": "migrate"}]
    containers = {"initContainers": [{"name": "migrate", "image": "i"}]}
    await deployment_with_pods(cluster, "api", pod("api-1", spec=containers, status=status))

    found = await diagnose(PODS, cluster)

    assert (found.crash_looping, found.pending, found.items[0].reason) == (1, 1, "CrashLoopBackOff")


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
async def test_an_image_that_cannot_be_pulled_is_told_in_the_kubelets_words(cluster: Cluster, reason: str) -> None:
    failing = waiting(reason, 'Back-off pulling image "registry.example/api:2"')
    await deployment_with_pods(cluster, "api", pod("api-1", status=ready(failing, phase="Pending")), pod("api-2"))

    found = await diagnose(PODS, cluster)

    assert (found.image_pull_failing, found.pending) == (1, 1)
    assert found.image_pull_message == f'{reason}: Back-off pulling image "registry.example/api:2"'


async def test_a_missing_secret_and_a_missing_node_are_named(cluster: Cluster) -> None:
    secret = waiting("CreateContainerConfigError", 'secret "db" not found')
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    status = {"phase": "Pending", "conditions": [unscheduled]}
    await deployment_with_pods(
        cluster, "api", pod("api-1", status=ready(secret, phase="Pending")), pod("api-2", status=status)
    )

    found = await diagnose(PODS, cluster)

    assert (found.config_errors, found.unschedulable, found.pending) == (1, 1, 2)
    assert found.config_message == 'CreateContainerConfigError: secret "db" not found'
    assert found.unschedulable_message == "0/3 nodes"
    assert {item.reason for item in found.items} == {"CreateContainerConfigError", "Unschedulable"}


async def test_pods_that_ended_do_not_keep_the_rest_from_being_complete(cluster: Cluster) -> None:
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    await deployment_with_pods(
        cluster, "api", pod("api-1"), pod("api-2", status=evicted), pod("api-3", status={"phase": "Succeeded"})
    )

    found = await diagnose(PODS, cluster)

    assert (found.total, found.ready, found.failed) == (1, 1, 1)
    assert found.weight() is Weight.NOTABLE
    assert {item.name: item.reason for item in found.items}["api-2"] == "Evicted"


async def test_a_pod_of_another_owner_with_the_same_labels_is_not_counted(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))
    stranger = pod("stranger", labels={"app": "api", "pod-template-hash": "6d4cf56db6"})
    await cluster.create(stranger)

    assert [item.name for item in (await diagnose(PODS, cluster)).items] == ["api-1"]


async def test_a_pod_leads_to_all_pods_of_its_workload(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"), pod("api-6d4cf56db6-ccccc"))

    there = await diagnose(PODS, cluster, of(cluster, "api-6d4cf56db6-bbbbb", "Pod"))
    gone = await diagnose(PODS, cluster, of(cluster, "api-6d4cf56db6-zzzzz", "Pod"))

    assert there.total == 2
    assert there.of == f"deployment/api in {cluster.namespace}"
    assert gone.total == 2


async def test_a_pod_that_nothing_controls_stands_alone(cluster: Cluster) -> None:
    await cluster.create(pod("solo"))
    await cluster.create(pod("other"))

    assert [item.name for item in (await diagnose(PODS, cluster, of(cluster, "solo", "Pod"))).items] == ["solo"]


async def test_what_does_not_exist_has_no_data_and_says_so(cluster: Cluster) -> None:
    found = await diagnose(PODS, cluster, of(cluster, "absent"))

    assert not found.has_data()
    assert found.headline() == f"deployment/absent in {cluster.namespace} does not exist"


async def test_a_workload_scaled_to_nothing_exists(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 0}))

    found = await diagnose(PODS, cluster)

    assert found.has_data()
    assert (found.total, found.ready) == (0, 0)


async def test_the_pods_of_each_kind_of_target_are_found(cluster: Cluster) -> None:
    stateful = await cluster.create(workload("StatefulSet", "db"))
    await cluster.create(pod("db-0", labels={"app": "db"}, owner=stateful))
    daemon = await cluster.create(workload("DaemonSet", "agent"))
    await cluster.create(pod("agent-bbbbb", labels={"app": "agent"}, owner=daemon))
    spec = template({}, restartPolicy="Never")
    job = await cluster.create(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load"}, "spec": {"template": spec}}
    )
    labels = job["spec"]["template"]["metadata"]["labels"]
    await cluster.create(pod("load-bbbbb", labels=labels, owner=job, spec={"restartPolicy": "Never"}))

    for kind, name, expected in (
        ("StatefulSet", "db", "db-0"),
        ("DaemonSet", "agent", "agent-bbbbb"),
        ("Job", "load", "load-bbbbb"),
        ("Pod", "load-bbbbb", "load-bbbbb"),
    ):
        found = await diagnose(PODS, cluster, of(cluster, name, kind))
        assert [item.name for item in found.items] == [expected]


async def test_the_pods_behind_a_service_a_claim_and_an_autoscaler_are_found(cluster: Cluster) -> None:
    volume = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    await deployment_with_pods(cluster, "api", pod("api-1", spec=volume), pod("api-2"))
    port = {"port": 80, "protocol": "TCP"}
    await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "api"}, "ports": [port]},
        }
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await cluster.create(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
    )
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    await cluster.create(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "api"},
            "spec": {"scaleTargetRef": scaled, "maxReplicas": 5},
        }
    )

    async def names(kind: str, name: str) -> list[str]:
        return [item.name for item in (await diagnose(PODS, cluster, of(cluster, name, kind))).items]

    assert await names("Service", "web") == ["api-1", "api-2"]
    assert await names("PersistentVolumeClaim", "data") == ["api-1"]
    assert await names("HorizontalPodAutoscaler", "api") == ["api-1", "api-2"]


async def test_a_volume_leads_to_the_pods_that_mount_its_claim(cluster: Cluster) -> None:
    volume = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    await deployment_with_pods(cluster, "api", pod("api-1", spec=volume), pod("api-2"))
    capacity = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": capacity}
    await cluster.create(claim)
    bound, free = unique("pv"), unique("pv")
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/x"}}
    reference = {"claimRef": {"kind": "PersistentVolumeClaim", "namespace": cluster.namespace, "name": "data"}}
    for name, more in ((bound, reference), (free, {})):
        described = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}}
        await cluster.create({**described, "spec": spec | more})

    found = await diagnose(PODS, cluster, Target("default", "PersistentVolume", "", bound))
    unbound = await diagnose(PODS, cluster, Target("default", "PersistentVolume", "", free))
    absent = await diagnose(PODS, cluster, Target("default", "PersistentVolume", "", unique("pv")))

    assert [item.name for item in found.items] == ["api-1"]
    assert (unbound.exists, unbound.total) == (True, 0)
    assert not absent.exists


async def test_the_pods_of_a_namespace_are_all_in_it(cluster: Cluster) -> None:
    await cluster.create(pod("a"))

    found = await diagnose(PODS, cluster, Target("default", "Namespace", "", cluster.namespace))

    assert [item.name for item in found.items] == ["a"]


async def test_the_pods_of_a_cron_job_are_those_of_its_jobs(cluster: Cluster) -> None:
    spec = template({}, restartPolicy="Never")
    cron = await cluster.create(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly"},
            "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": spec}}},
        }
    )
    for name, owner in (("nightly-1", owned_by(cron)), ("stranger", [])):
        described = {"name": name, "ownerReferences": owner}
        job = await cluster.create(
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": described, "spec": {"template": spec}}
        )
        labels = job["spec"]["template"]["metadata"]["labels"]
        await cluster.create(pod(f"{name}-bbbbb", labels=labels, owner=job, spec={"restartPolicy": "Never"}))

    found = await diagnose(PODS, cluster, of(cluster, "nightly", "CronJob"))

    assert [item.name for item in found.items] == ["nightly-1-bbbbb"]


async def test_the_pods_of_a_node_are_those_on_it(cluster: Cluster) -> None:
    name = unique("node")
    await cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    await cluster.create(pod("here", spec={"nodeName": name}))
    await cluster.create(pod("elsewhere", spec={"nodeName": unique("node")}))

    found = await diagnose(PODS, cluster, Target("default", "Node", "", name))

    assert [item.name for item in found.items] == ["here"]
    assert not (await diagnose(PODS, cluster, Target("default", "Node", "", unique("absent")))).has_data()


async def test_an_alert_without_a_workload_is_told_what_it_lacks(cluster: Cluster) -> None:
    with pytest.raises(NoTarget, match="The alert names no workload"):
        await diagnose(PODS, cluster, Target("default", "", cluster.namespace))
    with pytest.raises(PermanentError, match="of kind 'Rollout' cannot be read"):
        await diagnose(PODS, cluster, of(cluster, "api", "Rollout"))


HOSTILE = ["../../secrets/db", "api?x=1", "-o=yaml", "api,app!=x", "${target.name}", "a b", "x" * 300, "*", "api\n"]


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_label_reaches_no_other_object(cluster: Cluster, fake: KubernetesServer, value: str) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))
    fake.requests.clear()

    for target in (of(cluster, value), of(cluster, value, "Pod"), of(cluster, "api", namespace=value)):
        assert not (await diagnose(PODS, cluster, target)).has_data()
    for kind in ("Node", "Service", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "CronJob"):
        assert not (await diagnose(PODS, cluster, of(cluster, value, kind))).has_data()

    assert fake.requests == []


async def test_many_pods_are_all_counted_and_few_are_listed(cluster: Cluster) -> None:
    broken = [pod(f"api-z{n}", status=ready(waiting("CrashLoopBackOff", "x" * 1000))) for n in range(3)]
    await deployment_with_pods(cluster, "api", *(pod(f"api-{n:02}") for n in range(12)), *broken)

    found = await diagnose(PODS, cluster, show=5)

    assert (found.total, found.ready, len(found.items)) == (15, 12, 5)
    assert [item.name for item in found.items][:3] == ["api-z0", "api-z1", "api-z2"]


async def test_a_right_that_is_missing_is_named(cluster: Cluster, fake: KubernetesServer) -> None:
    fake.access.tokens["the-administrator"] = "nobody"

    with pytest.raises(PermanentError, match=r"allows us no `get` on `deployments\.apps` in"):
        await diagnose(PODS, cluster)
