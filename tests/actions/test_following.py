"""A change is followed as `kubectl rollout status` does, and a stall is told with its reason, not as a time-out."""

from datetime import timedelta
from typing import Any

import pytest

from responder.actions.set_image import SetImage
from responder.plugins.rollout.status import scaled, standing
from responder.plugins.rollout.workload import Workload
from tests.actions.rollouts import Bench, Rolling, of, patch
from tests.servers.kubernetes_cluster import stamp

IMAGE = SetImage()


async def stuck(rolling: Rolling, kind: str = "Deployment") -> tuple[Bench, Any]:
    """Set the image 42, which was put in trouble before."""
    await rolling.workload(kind)
    at = rolling.bench(IMAGE, image="r/api:42", target=of(rolling.cluster, kind=kind))
    done = await at.do()
    await rolling.settle()
    return at, done


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_an_image_that_cannot_be_pulled_is_the_reason(rolling: Rolling, kind: str) -> None:
    rolling.world.broken_images.add("r/api:42")
    at, done = await stuck(rolling, kind)

    early = await at.progress(done)
    late = await at.progress(done, later=timedelta(minutes=3))

    assert (early.complete, early.failed) == (False, "")
    assert "the image of api cannot be pulled: ImagePullBackOff" in early.say
    assert "the image of api cannot be pulled: ImagePullBackOff" in late.failed
    assert not late.complete


async def test_a_quota_is_the_reason(rolling: Rolling) -> None:
    await rolling.workload()
    rolling.world.quota = 3
    at = rolling.bench(IMAGE, image="r/api:42")
    done = await at.do()
    await rolling.settle()

    late = await at.progress(done, later=timedelta(minutes=3))

    assert "the quota lets no more pods be made" in late.failed
    assert "exceeded quota: pods" in late.failed


async def test_a_probe_is_the_reason_once_the_deadline_has_passed(rolling: Rolling) -> None:
    rolling.world.unready_images.add("r/api:42")
    at, done = await stuck(rolling)
    early = await at.progress(done, later=timedelta(minutes=11))
    rolling.server.clock = lambda now=rolling.server.clock: now() + timedelta(minutes=11)  # type: ignore[misc]
    await rolling.settle()

    late = await at.progress(done, later=timedelta(minutes=11))

    assert (early.failed, early.complete) == ("", False)
    assert "runs and is not ready (its readiness probe)" in late.failed


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_pods_of_before_are_not_the_reason(rolling: Rolling, kind: str) -> None:
    rolling.world.broken_images.add("r/api:41")
    rolling.world.unready_images.add("r/api:42")
    await rolling.workload(kind)
    at = rolling.bench(IMAGE, image="r/api:42", target=of(rolling.cluster, kind=kind))
    done = await at.do()
    await rolling.settle()

    said = await at.progress(done, later=timedelta(minutes=3))

    assert (said.complete, said.failed) == (False, "")
    assert "its readiness probe" in said.say


async def test_the_words_of_the_probe_are_told(rolling: Rolling) -> None:
    rolling.world.unready_images.add("r/api:42")
    at, done = await stuck(rolling, "StatefulSet")
    pods = await rolling.writer.pods(at.target)
    pod = next(p for p in pods if p["spec"]["containers"][0]["image"] == "r/api:42")
    about = {"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "probe"}, "type": "Warning"}
    event |= {"involvedObject": about | {"namespace": rolling.cluster.namespace}, "lastTimestamp": stamp()}
    said = "Readiness probe failed: HTTP probe failed with statuscode: 500"
    await rolling.cluster.create(event | {"reason": "Unhealthy", "message": said})

    late = await at.progress(done, later=timedelta(minutes=11))

    assert said in late.failed


async def test_a_set_that_may_not_make_pods_tells_it_by_its_events(rolling: Rolling) -> None:
    await rolling.workload("StatefulSet")
    rolling.world.frozen = True
    at = rolling.bench(IMAGE, image="r/api:42", target=of(rolling.cluster, kind="StatefulSet"))
    done = await at.do()
    found = await at.object()
    about = {"kind": "StatefulSet", "name": "api", "uid": found["metadata"]["uid"]}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "create"}, "type": "Warning"}
    event |= {"involvedObject": about | {"namespace": rolling.cluster.namespace}}
    event |= {"firstTimestamp": stamp(), "lastTimestamp": stamp(), "reason": "FailedCreate"}
    await rolling.cluster.create(event | {"message": "create Pod api-2 failed: exceeded quota: pods"})

    late = await at.progress(done, later=timedelta(minutes=3))

    assert "the quota lets no more pods be made" in late.failed


async def test_a_change_that_nobody_has_taken_up_is_not_complete(rolling: Rolling) -> None:
    await rolling.workload()
    rolling.world.frozen = True
    at = rolling.bench(IMAGE, image="r/api:42")

    done = await at.do()
    said = await at.progress(done)
    late = await at.progress(done, later=timedelta(minutes=11))

    assert (said.complete, said.updated, said.wanted, said.failed) == (False, 0, 3, "")
    assert "has not taken up the change yet" in said.say
    assert "no controller has taken up the change since" in late.failed


async def test_a_change_is_progress_only_while_it_holds(rolling: Rolling) -> None:
    await rolling.workload()
    at = rolling.bench(IMAGE, image="r/api:42")
    done = await at.do()
    await patch(
        rolling.cluster,
        "Deployment",
        "api",
        [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "r/api:41"}],
    )

    assert "changed back or over by" in (await at.progress(done)).reverted


async def test_a_workload_that_was_made_anew_is_told_as_reverted(rolling: Rolling) -> None:
    made = await rolling.workload()
    at = rolling.bench(IMAGE, image="r/api:42")
    done = await at.do()
    await rolling.cluster.delete(made)
    await rolling.workload(image="r/api:42")

    said = await at.progress(done)

    assert said.reverted.startswith("deployment/api was deleted and made anew by")
    assert not said.complete


def rolled(kind: str, status: dict[str, Any], **spec: Any) -> Workload:
    """Make a workload of generation 2."""
    metadata = {"name": "api", "generation": 2}
    wanted = {"replicas": 3, "template": {}, **spec}
    return Workload({"kind": kind, "metadata": metadata, "spec": wanted, "status": status}, "default")


@pytest.mark.parametrize(
    ("kind", "status", "spec", "complete", "say"),
    [
        ("Deployment", {"observedGeneration": 1}, {}, False, "has not taken up"),
        ("Deployment", {"updatedReplicas": 1, "replicas": 4}, {}, False, "1 of 3 pods updated"),
        ("Deployment", {"updatedReplicas": 3, "replicas": 4}, {}, False, "1 old pods are still going"),
        ("Deployment", {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}, {}, False, "2 of 3 updated"),
        ("Deployment", {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}, {}, True, "rolled out: 3"),
        ("StatefulSet", {"observedGeneration": 0}, {}, False, "has not taken up"),
        ("StatefulSet", {"readyReplicas": 2}, {}, False, "1 of 3 pods are not ready"),
        (
            "StatefulSet",
            {"readyReplicas": 3, "updatedReplicas": 1},
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
            False,
            "1 of 2 pods updated",
        ),
        (
            "StatefulSet",
            {"readyReplicas": 3, "updatedReplicas": 2},
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
            True,
            "rolled out: 2 pods",
        ),
        (
            "StatefulSet",
            {"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            {},
            False,
            "1 of 3 pods updated",
        ),
        ("StatefulSet", {"readyReplicas": 1}, {"updateStrategy": {"type": "OnDelete"}}, True, "OnDelete"),
        ("DaemonSet", {"desiredNumberScheduled": 3, "updatedNumberScheduled": 2}, {}, False, "2 of 3 pods updated"),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2},
            {},
            False,
            "2 of 3 updated pods are available",
        ),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3},
            {},
            True,
            "rolled out: 3",
        ),
        ("DaemonSet", {"desiredNumberScheduled": 3}, {"updateStrategy": {"type": "OnDelete"}}, True, "OnDelete"),
    ],
)
def test_a_rollout_stands_where_kubectl_says_it_does(
    kind: str, status: dict[str, Any], spec: dict[str, Any], complete: bool, say: str
) -> None:
    stands = standing(rolled(kind, {"observedGeneration": 2} | status, **spec))

    assert stands.complete is complete
    assert say in stands.say


@pytest.mark.parametrize(
    ("status", "complete", "say"),
    [
        ({"observedGeneration": 1}, False, "has not taken up"),
        ({"replicas": 2, "readyReplicas": 2}, False, "2 of 3 pods are there"),
        ({"replicas": 5, "readyReplicas": 5}, False, "2 pods are still going"),
        ({"replicas": 3, "readyReplicas": 1}, False, "1 of 3 pods are ready"),
        ({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 0}, True, "has 3 pods"),
    ],
)
def test_a_number_is_reached_when_so_many_pods_are_ready(status: dict[str, Any], complete: bool, say: str) -> None:
    for kind in ("Deployment", "StatefulSet"):
        stands = scaled(rolled(kind, {"observedGeneration": 2} | status, paused=True))

        assert stands.complete is complete
        assert say in stands.say


def test_a_deployment_past_its_deadline_is_overdue() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}

    assert standing(rolled("Deployment", {"observedGeneration": 2, "conditions": [late]})).overdue
