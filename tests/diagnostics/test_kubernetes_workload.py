"""kubernetes.workload: replicas, what holds them up, and who else changes them."""

from datetime import timedelta
from typing import Any

import pytest

from responder.diagnostics.kubernetes_workload import KubernetesWorkload
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import (
    Cluster,
    container_status,
    deployment_with_pods,
    pod,
    ready,
    stamp,
    template,
    unique,
    workload,
)

WORKLOAD = KubernetesWorkload()


async def autoscaler(cluster: Cluster, *, most: int, wanted: int, conditions: list[Any] | None = None) -> None:
    """Create an autoscaler for the Deployment `api`."""
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"scaleTargetRef": scaled, "minReplicas": 2, "maxReplicas": most}
    status = {"currentReplicas": wanted, "desiredReplicas": wanted, "conditions": conditions or []}
    described = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "scale-api"}}
    await cluster.create({**described, "spec": spec, "status": status})


async def test_replicas_limits_and_images_are_read(cluster: Cluster) -> None:
    resources = {"limits": {"memory": "512Mi", "cpu": "500m"}, "requests": {"memory": "256Mi"}}
    containers = [{"name": "api", "image": "r/api:1", "resources": resources}, {"name": "proxy", "image": "r/proxy:1"}]
    status = {"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    spec = {"replicas": 3, "template": template({"app": "api"}, containers)}
    await cluster.create(workload("Deployment", "api", spec=spec, status=status))

    found = await diagnose(WORKLOAD, cluster)

    assert (found.wanted, found.ready, found.updated, found.available) == (3, 3, 3, 3)
    assert (found.stalled, found.stalled_reason, found.managed_by) == (False, "", "")
    assert (found.memory_limit, found.cpu_limit, found.memory_request) == (512 * 2**20, 0.5, 256 * 2**20)
    assert found.images == ("r/api:1", "r/proxy:1")
    assert (found.hpa_min, found.hpa_max, found.at_hpa_max) == (None, None, False)
    assert found.weight() is Weight.NORMAL


async def test_several_containers_without_one_named_like_the_workload_have_no_limit_to_name(cluster: Cluster) -> None:
    containers = [{"name": name, "image": "i", "resources": {"limits": {"memory": "1Gi"}}} for name in ("a", "b")]
    await cluster.create(workload("Deployment", "api", spec={"template": template({"app": "api"}, containers)}))

    assert (await diagnose(WORKLOAD, cluster)).memory_limit is None


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"},
            "ProgressDeadlineExceeded: timed out",
        ),
        (
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"},
            "FailedCreate: exceeded quota: q",
        ),
    ],
)
async def test_a_stalled_rollout_says_why(cluster: Cluster, condition: dict[str, str], reason: str) -> None:
    times = {"lastUpdateTime": stamp(), "lastTransitionTime": stamp()}
    status = {"readyReplicas": 1, "replicas": 2, "conditions": [condition | times]}
    await cluster.create(workload("Deployment", "api", spec={"replicas": 3}, status=status))

    found = await diagnose(WORKLOAD, cluster)

    assert (found.stalled, found.stalled_reason) == (True, reason)
    assert found.headline() == f"deployment/api: 1 of 3 ready, stalled: {reason}"
    assert found.weight() is Weight.TROUBLE


@pytest.mark.parametrize(("later", "stalled"), [(timedelta(minutes=5), False), (timedelta(minutes=15), True)])
async def test_a_stateful_set_is_stalled_by_a_pod_that_stays_unready(
    cluster: Cluster, later: timedelta, stalled: bool
) -> None:
    made = await cluster.create(
        workload("StatefulSet", "db", spec={"replicas": 2}, status={"replicas": 2, "readyReplicas": 1})
    )
    waiting = container_status(ready=False, state={"waiting": {"reason": "ImagePullBackOff", "message": "no"}})
    await cluster.create(pod("db-1", labels={"app": "db"}, owner=made, status=ready(waiting)))

    tools = KubernetesTools(cluster.client, later=later)
    found = await diagnose(WORKLOAD, cluster, of(cluster, "db", "StatefulSet"), tools=tools)

    assert found.stalled is stalled
    assert found.stalled_reason == ("db-1 is not ready: ImagePullBackOff no" if stalled else "")


async def test_a_failed_job_is_stalled(cluster: Cluster) -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit reached"}
    target = {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit reached"}
    times = {"lastProbeTime": stamp(), "lastTransitionTime": stamp()}
    await cluster.create(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "load"},
            "spec": {"completions": 3, "template": template({}, restartPolicy="Never")},
            "status": {
                "startTime": stamp(),
                "succeeded": 1,
                "failed": 4,
                "conditions": [target | times, failed | times],
            },
        }
    )

    found = await diagnose(WORKLOAD, cluster, of(cluster, "load", "Job"))

    assert (found.wanted, found.ready, found.stalled) == (3, 1, True)
    assert found.stalled_reason == "BackoffLimitExceeded: limit reached"


async def test_an_autoscaler_at_its_maximum_is_told(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 5}))
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "more"}
    await autoscaler(cluster, most=5, wanted=5, conditions=[limited | {"lastTransitionTime": stamp()}])

    found = await diagnose(WORKLOAD, cluster)
    by_autoscaler = await diagnose(WORKLOAD, cluster, of(cluster, "scale-api", "HorizontalPodAutoscaler"))

    assert (found.hpa_min, found.hpa_max, found.hpa_wanted, found.at_hpa_max) == (2, 5, 5, True)
    assert by_autoscaler.name == "api"
    assert by_autoscaler.at_hpa_max


async def test_an_autoscaler_below_its_maximum_is_not_at_it(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 3}))
    await autoscaler(cluster, most=5, wanted=3)

    assert not (await diagnose(WORKLOAD, cluster)).at_hpa_max


async def test_without_the_right_to_read_autoscalers_the_rest_is_told(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(workload("Deployment", "api"))
    fake.access.tokens["the-administrator"] = "reader"
    reads = {("apps", "deployments", "get"), ("apps", "replicasets", "list"), ("", "pods", "list")}
    fake.access.grants["reader"] = reads

    found = await diagnose(WORKLOAD, cluster)

    assert (found.wanted, found.hpa_max) == (1, None)
    assert "no `list` on `horizontalpodautoscalers.autoscaling`" in found.unread


MANAGED = [
    (
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "shop"}},
        "Helm (shop)",
    ),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/api"}}, "Argo CD (shop)"),
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD (shop)"),
    (
        {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}},
        "Flux (Kustomization flux/apps)",
    ),
    (
        {"labels": {"helm.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm"}},
        "Flux (HelmRelease /shop)",
    ),
    (
        {
            "ownerReferences": [
                {"apiVersion": "x.io/v1", "kind": "Prometheus", "name": "k8s", "uid": "u", "controller": True}
            ]
        },
        "Prometheus k8s",
    ),
    ({"labels": {"app.kubernetes.io/managed-by": "shop-operator"}}, "shop-operator"),
    ({}, ""),
]


@pytest.mark.parametrize(("metadata", "expected"), MANAGED, ids=[name or "nobody" for _, name in MANAGED])
async def test_the_program_that_would_undo_a_change_is_named(
    cluster: Cluster, metadata: dict[str, Any], expected: str
) -> None:
    made = workload("Deployment", "api")
    made["metadata"] |= metadata
    await cluster.create(made)

    assert (await diagnose(WORKLOAD, cluster)).managed_by == expected


async def test_a_pod_leads_to_its_deployment(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb"))

    found = await diagnose(WORKLOAD, cluster, of(cluster, "api-6d4cf56db6-bbbbb", "Pod"))

    assert (found.kind, found.name) == ("Deployment", "api")


async def test_an_owner_that_was_replaced_by_another_of_its_name_is_not_taken(cluster: Cluster) -> None:
    await cluster.create(workload("Deployment", "api"))
    stale = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "uid": unique("gone")}}
    await cluster.create(pod("solo", owner=stale))

    found = await diagnose(WORKLOAD, cluster, of(cluster, "solo", "Pod"))

    assert (found.kind, found.name) == ("Pod", "solo")


async def test_what_does_not_exist_has_no_data(cluster: Cluster) -> None:
    absent = await diagnose(WORKLOAD, cluster, of(cluster, "absent"))
    node = await diagnose(WORKLOAD, cluster, Target("default", "Node", "", unique("node")))

    assert not absent.has_data()
    assert absent.headline() == f"deployment/absent in {cluster.namespace} has no workload"
    assert not node.has_data()
