"""kubernetes.delete_pod: evicted, so that budgets are heard; deleted at once only where it is stuck."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.actions.delete_pod import DeletePod
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError, Unanswered
from responder.model.target import Target
from tests.actions.packs import at_work, events_of
from tests.actions.rollouts import REASON, Bench, Rolling, every
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes_cluster import Cluster, pod, stamp
from tests.servers.kubernetes_objects import Denial

DELETE = DeletePod()


def on(cluster: Cluster, writer: KubernetesWriter, name: str, *, force: bool = False) -> Bench:
    target = Target("default", "Pod", cluster.namespace, name, "api")
    return at_work(DELETE, cluster, writer, target=target, force=force)


def budget(allowed: int) -> dict[str, Any]:
    spec = {"minAvailable": 3 - allowed, "selector": {"matchLabels": {"app": "api"}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api"}, "spec": spec}


async def one_of(rolling: Rolling, kind: str = "Deployment", *, force: bool = False) -> Bench:
    await rolling.workload(kind)
    return on(rolling.cluster, rolling.writer, (await names(rolling.cluster))[0], force=force)


def node(ready: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "status": {"conditions": [ready]}}


async def names(cluster: Cluster) -> list[str]:
    return [found["metadata"]["name"] for found in await every(cluster, "Pod")]


async def test_the_pod_is_evicted_and_another_takes_its_place(rolling: Rolling) -> None:
    at = await one_of(rolling)
    before = await names(rolling.cluster)

    preview = await at.preview()
    done = await at.do()

    await rolling.settle()
    after = await names(rolling.cluster)
    assert preview.summary == f"evict pod/{at.target.name} in {rolling.cluster.namespace}"
    assert (preview.pods, preview.ready, preview.replicas) == (1, 3, 3)
    assert preview.lock == f"default/deployment/{rolling.cluster.namespace}/api"
    assert set(before) - set(after) == {at.target.name}
    assert len(after) == 3
    assert done.follow
    progress = await at.progress(done)
    assert (progress.complete, progress.ready) == (True, True)
    told = events_of(await every(rolling.cluster, "Event"))
    assert told == [("PodRemoved", f"Responder: pod/{at.target.name} evicted for {REASON}")]


async def test_an_eviction_is_asked_for_once_beside_the_dry_runs_of_two_looks(rolling: Rolling) -> None:
    at = await one_of(rolling)
    await at.preview()
    await at.do()
    assert [asked.method for asked in rolling.server.requests if asked.path.endswith("/eviction")] == ["POST"] * 3


async def test_a_dry_run_disturbs_no_pod(rolling: Rolling) -> None:
    at = await one_of(rolling)
    before = await every(rolling.cluster, "Pod")

    await at.preview()

    assert await every(rolling.cluster, "Pod") == before


async def test_a_budget_is_heard_before_anybody_is_asked_and_again_at_the_end(rolling: Rolling) -> None:
    at = await one_of(rolling)
    await rolling.cluster.create(budget(1))
    await rolling.settle()
    preview = await at.preview()
    assert preview.refusal == ""
    assert preview.budgets == ("api: 1 may go now",)
    await rolling.cluster.delete(await found_budget(rolling))
    await rolling.cluster.create(budget(0))
    await rolling.settle()

    refused, told = await at.preview(), await at.act(preview)

    assert "needs 3 healthy pods and has 3 currently" in refused.refusal
    assert told.status == "not_done"
    assert at.target.name in await names(rolling.cluster)


async def found_budget(rolling: Rolling) -> dict[str, Any]:
    path = f"/apis/policy/v1/namespaces/{rolling.cluster.namespace}/poddisruptionbudgets/api"
    return await rolling.cluster.call("GET", path)


async def test_a_pod_that_is_gone_was_removed_by_the_try_before_or_by_others(rolling: Rolling) -> None:
    at = await one_of(rolling)
    preview = await at.preview()
    await at.act(preview)
    await rolling.settle()
    after = await names(rolling.cluster)

    again, fresh = await at.act(preview, retry=True), await at.act(preview)

    assert (again.status, fresh.status) == ("done", "not_done")
    assert await names(rolling.cluster) == after


async def test_a_lost_answer_evicts_no_second_pod(rolling: Rolling) -> None:
    at = await one_of(rolling)
    preview = await at.preview()
    rolling.server.lost = ["/eviction"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    rolling.server.lost.clear()
    after = await names(rolling.cluster)

    assert (await at.act(preview, retry=True)).status == "done"
    assert await names(rolling.cluster) == after


async def test_another_pod_of_the_same_name_is_left_alone(rolling: Rolling) -> None:
    at = await one_of(rolling, "StatefulSet")
    preview = await at.preview()
    await rolling.cluster.delete(await at.object())
    await rolling.settle()
    made_anew = await at.object()

    told = await at.act(preview)

    assert told.status == "not_done"
    assert (await at.object())["metadata"]["uid"] == made_anew["metadata"]["uid"]


async def test_a_pod_that_nothing_would_make_again_is_left_alone(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(pod("alone"))

    assert "no controller" in (await on(cluster, writer, "alone").preview()).refusal


async def test_a_pod_that_is_well_is_not_deleted_by_force(rolling: Rolling) -> None:
    at = await one_of(rolling, force=True)
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp()}
    rolling.server.seed(node(ready))

    assert "not stuck" in (await at.preview()).refusal


async def test_a_pod_that_is_late_to_end_is_deleted_by_force(rolling: Rolling) -> None:
    at = await one_of(rolling, force=True)
    rolling.world.stuck.add(at.target.name)
    late = await at.object()
    late["metadata"] |= {"deletionTimestamp": stamp(datetime.now(UTC) - timedelta(minutes=3))}
    late["metadata"]["deletionGracePeriodSeconds"] = 30
    rolling.server.objects.seed(late)

    assert "force: true" in (await on(rolling.cluster, rolling.writer, at.target.name).preview()).refusal
    preview = await at.preview()
    done = await at.do()

    assert "should have ended" in preview.summary
    assert (preview.pods, preview.ready) == (0, 2)
    assert preview.disruption.startswith("none: the pod does not serve; ")
    assert done.say.endswith("deleted at once")
    assert at.target.name not in await names(rolling.cluster)


async def test_a_pod_on_a_node_that_is_lost_is_deleted_by_force(rolling: Rolling) -> None:
    at = await one_of(rolling, "StatefulSet", force=True)
    ready = {"type": "Ready", "status": "Unknown", "lastTransitionTime": stamp(datetime.now(UTC) - timedelta(hours=1))}
    rolling.server.seed(node(ready))

    preview = await at.preview()

    assert preview.refusal == ""
    assert "node-1 is lost" in preview.summary
    assert any("same volume" in warning for warning in preview.warnings)


async def test_what_admission_says_is_told_before_anybody_is_asked(rolling: Rolling) -> None:
    at = await one_of(rolling)
    rolling.server.objects.denials.append(Denial("Pod", "not on a Friday"))

    assert "not on a Friday" in (await at.preview()).refusal


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_no_pod(cluster: Cluster, writer: KubernetesWriter, fake: Any, name: str) -> None:
    fake.requests.clear()
    with pytest.raises((Missing, PermanentError)):
        await on(cluster, writer, name).preview()
    assert fake.requests == []
