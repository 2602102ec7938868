"""kubernetes.scale: the number on the workload itself, or the bounds of what would take the number back."""

from typing import Any

import pytest

from responder.actions.scale import Scale
from responder.clients.kubernetes_writing import KubernetesWriter
from tests.actions.rollouts import (
    ATTEMPT,
    REASON,
    Bench,
    Meddled,
    Rolling,
    bench,
    every,
    of,
    patch,
    read,
    without_marks,
)
from tests.servers.kubernetes_cluster import Cluster, workload
from tests.servers.kubernetes_objects import Denial

SCALE = Scale()


async def seeded(cluster: Cluster, replicas: int = 4, kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    """Create a workload `api`."""
    return await cluster.create(workload(kind, "api", spec={"replicas": replicas}, **more))


async def autoscaler(
    cluster: Cluster, least: int = 2, most: int = 6, *, name: str = "api", **metadata: Any
) -> dict[str, Any]:
    """Create an autoscaler of deployment/api."""
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"scaleTargetRef": scaled, "minReplicas": least, "maxReplicas": most}
    found = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name} | metadata}
    return await cluster.create({**found, "spec": spec})


async def bounds(at: Bench) -> tuple[int, int]:
    spec = (await read(at.cluster, "HorizontalPodAutoscaler", "api"))["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_the_number_is_set_on_the_workload_and_no_other_field(
    cluster: Cluster, writer: KubernetesWriter, kind: str
) -> None:
    # kubectl v1.32 `scale` sends {"spec":{"replicas":6}} to the subresource /scale. That drops annotations, so the
    # same field is written on the workload itself.
    before = await seeded(cluster, kind=kind, metadata={"annotations": {"kubernetes.io/change-cause": "release 41"}})
    at = bench(SCALE, cluster, writer, replicas=6, target=of(cluster, kind=kind))

    done = await at.do()

    after = await at.object()
    before["spec"]["replicas"] = 6
    assert without_marks(after) == without_marks(before)
    assert after["metadata"]["annotations"][ATTEMPT] == "INC-17@abc/3/0"
    assert after["metadata"]["annotations"]["kubernetes.io/change-cause"] == "release 41"
    assert done.say == f"{kind.lower()}/api scaled to 6"


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"replicas": 5}, 5),
        ({"by": 2}, 6),
        ({"by": 9, "max": 10}, 10),
        ({"by": -3, "allow_decrease": True}, 1),
        ({"by": -9, "allow_decrease": True}, 0),
        ({"replicas": 1, "allow_decrease": True}, 1),
    ],
)
async def test_absolute_by_and_max_lead_to_a_number(
    cluster: Cluster, writer: KubernetesWriter, params: dict[str, Any], wanted: int
) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, **params)

    preview = await at.preview()
    await at.act(preview)

    assert [(c.what, c.before, c.after) for c in preview.changes] == [("replicas", "4", str(wanted))]
    assert (await at.object())["spec"]["replicas"] == wanted
    assert preview.pods == max(0, 4 - wanted)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"replicas": 3}, "3 would be fewer than the 4 there are: allow_decrease: true lets it"),
        ({"by": -1}, "3 would be fewer than the 4"),
        ({"replicas": 4}, "there are 4 replicas already"),
        ({"by": 2, "max": 4}, "no more than 4 are allowed (`max`)"),
        ({"by": 2, "max": 3}, "no more than 3 are allowed (`max`)"),
        ({"by": 0}, "there are 4 replicas already"),
    ],
)
async def test_a_decrease_and_what_changes_nothing_are_refused(
    cluster: Cluster, writer: KubernetesWriter, params: dict[str, Any], refusal: str
) -> None:
    await seeded(cluster)

    assert refusal in (await bench(SCALE, cluster, writer, **params).preview()).refusal


async def test_a_paused_deployment_can_be_scaled(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2, "paused": True}))

    assert (await bench(SCALE, cluster, writer, replicas=3).preview()).refusal == ""


async def test_a_daemon_set_has_no_number(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("DaemonSet", "api"))

    preview = await bench(SCALE, cluster, writer, replicas=3, target=of(cluster, kind="DaemonSet")).preview()

    assert "one pod a node" in preview.refusal


async def test_it_is_followed_until_the_pods_are_there_and_ready(rolling: Rolling) -> None:
    await rolling.workload()
    rolling.world.frozen = True
    at = rolling.bench(SCALE, by=2)
    done = await at.do()
    early = await at.progress(done)
    rolling.world.frozen = False
    await rolling.settle()

    late = await at.progress(done)

    assert (early.complete, late.complete, late.ready, late.wanted) == (False, True, True, 5)
    assert [event["message"] for event in await every(rolling.cluster, "Event") if event["reason"] == "Scaled"] == [
        f"Responder: scaled to 5 for {REASON}"
    ]


async def test_pods_that_the_quota_forbids_are_the_reason_of_a_stall(rolling: Rolling) -> None:
    await rolling.workload()
    rolling.world.quota = 4
    at = rolling.bench(SCALE, by=3)
    done = await at.do()
    await rolling.settle()

    assert "the quota lets no more pods be made" in (await at.progress(done)).say


async def test_a_number_that_is_taken_back_is_told_as_reverted(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    done = await at.do()
    await patch(cluster, "Deployment", "api", {"spec": {"replicas": 4}})

    said = await at.progress(done)

    assert "changed back or over by" in said.reverted
    assert "UTC" in said.reverted


async def test_it_is_undone_unless_others_have_changed_the_number(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    done = await at.do()

    undone = await at.undo(done.undo)
    again = await at.undo(done.undo, retry=True)
    number = (await at.object())["spec"]["replicas"]
    assert (await at.progress(undone)).reverted == ""
    await patch(cluster, "Deployment", "api", {"spec": {"replicas": 7}})
    over = await at.undo(done.undo)

    assert (undone.status, again.status, number) == ("done", "done", 4)
    assert over.status == "not_done"
    assert "changed since by" in over.say
    assert (await at.object())["spec"]["replicas"] == 7


async def test_a_second_try_scales_no_further(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, by=2)
    preview = await at.preview()
    await at.act(preview)

    done = await at.act(preview, retry=True)

    assert done.status == "done"
    assert (await at.object())["spec"]["replicas"] == 6
    assert done.basis["replicas"] == 6


async def test_replicas_that_changed_since_the_approval_stop_it(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, by=2)
    preview = await at.preview()
    await patch(cluster, "Deployment", "api", {"spec": {"replicas": 5}})

    assert (await at.act(preview)).status == "not_done"
    assert (await at.object())["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("params", "after"),
    [
        ({"replicas": 5}, (5, 6)),
        ({"replicas": 8}, (8, 8)),
        ({"by": 9, "max": 6}, (6, 6)),
        ({"replicas": 3, "allow_decrease": True}, (2, 3)),
        ({"replicas": 1, "allow_decrease": True}, (1, 1)),
    ],
)
async def test_with_an_autoscaler_its_bounds_change_and_the_number_does_not(
    cluster: Cluster, writer: KubernetesWriter, params: dict[str, Any], after: tuple[int, int]
) -> None:
    workload_before = await seeded(cluster)
    before = await autoscaler(cluster)
    at = bench(SCALE, cluster, writer, **params)

    preview = await at.preview()
    done = await at.act(preview)

    assert (preview.refusal, preview.dry_run, done.status) == ("", True, "done")
    assert "by the bounds of its autoscaler api" in preview.summary
    assert await bounds(at) == after
    found = await read(cluster, "HorizontalPodAutoscaler", "api")
    before["spec"] |= {"minReplicas": after[0], "maxReplicas": after[1]}
    assert without_marks(found) == without_marks(before)
    assert await at.object() == workload_before


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"replicas": 0, "allow_decrease": True}, "does not go to 0 replicas"),
        ({"replicas": 3}, "allow_decrease"),
    ],
)
async def test_what_contradicts_an_autoscaler_is_refused(
    cluster: Cluster, writer: KubernetesWriter, params: dict[str, Any], refusal: str
) -> None:
    await seeded(cluster)
    await autoscaler(cluster)

    assert refusal in (await bench(SCALE, cluster, writer, **params).preview()).refusal


async def test_an_autoscaler_that_gets_there_by_itself_is_left_alone(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    await autoscaler(cluster, 6, 8)

    assert "gets to 6 by itself" in (await bench(SCALE, cluster, writer, replicas=6).preview()).refusal


async def test_several_autoscalers_and_one_that_is_made_by_another_are_refused(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "api", "uid": "1", "controller": True}
    await autoscaler(cluster, ownerReferences=[owner])
    at = bench(SCALE, cluster, writer, replicas=6)

    made = await at.preview()
    await autoscaler(cluster, name="another")
    several = await at.preview()

    assert "made by ScaledObject api" in made.refusal
    assert "several autoscalers scale deployment/api: another, api" in several.refusal


async def test_a_workload_at_zero_is_scaled_itself_though_it_has_an_autoscaler(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster, 0)
    await autoscaler(cluster)
    at = bench(SCALE, cluster, writer, replicas=3)

    await at.do()

    assert (await at.object())["spec"]["replicas"] == 3
    assert await bounds(at) == (2, 6)


async def test_an_autoscaler_that_came_after_the_approval_stops_it(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    preview = await at.preview()
    await autoscaler(cluster)

    done = await at.act(preview)

    assert done.status == "not_done"
    assert "scales deployment/api by now" in done.say


async def test_bounds_that_others_changed_since_the_approval_stop_it(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    await autoscaler(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    preview = await at.preview()
    await patch(cluster, "HorizontalPodAutoscaler", "api", {"spec": {"maxReplicas": 9}})

    done = await at.act(preview)
    again = await at.act(preview, retry=True)

    assert (done.status, again.status) == ("not_done", "in_doubt")
    assert "maxReplicas was 6, is 9 now" in done.say


async def test_bounds_are_followed_undone_and_not_undone_over_others(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    await autoscaler(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    preview = await at.preview()
    done = await at.act(preview)
    again = await at.act(preview, retry=True)
    waiting = await at.progress(done)
    undone = await at.undo(again.undo)
    twice = await at.undo(done.undo, retry=True)
    restored = await bounds(at)
    await patch(cluster, "HorizontalPodAutoscaler", "api", {"spec": {"maxReplicas": 9}})
    over = await at.undo(done.undo)

    assert (done.status, again.status, undone.status, twice.status) == ("done", "done", "done", "done")
    assert "has not got from 4 to 6 to 6 replicas yet" in waiting.say
    assert not waiting.complete
    assert restored == (2, 6)
    assert over.status == "not_done"
    assert "bounds of the autoscaler" in (await at.progress(done)).reverted


async def test_what_a_person_settled_as_done_is_undone_by_what_the_preview_recorded(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    at = bench(SCALE, cluster, writer, replicas=6)
    preview = await at.preview()
    await at.act(preview)
    undone = await at.undo(preview.undo)
    again = await at.undo(preview.undo)
    number = (await at.object())["spec"]["replicas"]
    await autoscaler(cluster)
    bound = await at.preview()
    await at.act(bound)
    released = await at.undo(bound.undo)

    assert (undone.status, number, released.status) == ("done", 4, "done")
    assert again.say == "deployment/api is as it was before already: nothing was written"
    assert await bounds(at) == (2, 6)


async def test_the_rights_on_the_autoscaler_are_tried_too(rolling: Rolling) -> None:
    await rolling.workload()
    await autoscaler(rolling.cluster)
    rolling.server.objects.denials.append(Denial("HorizontalPodAutoscaler", "bounds are fixed"))

    preview = await rolling.bench(SCALE, replicas=6).preview()

    assert "bounds are fixed" in preview.refusal


async def test_another_autoscaler_of_the_same_name_is_neither_bound_nor_put_back(
    cluster: Cluster, meddled: Meddled
) -> None:
    await seeded(cluster)
    made = await autoscaler(cluster)
    at = bench(SCALE, cluster, meddled, replicas=6)

    async def replace() -> None:
        nonlocal made
        await cluster.delete(made)
        made = await autoscaler(cluster)

    preview = await at.preview()
    meddled.meddle = replace
    meanwhile = await at.act(preview)
    since = await at.act(preview)
    fresh = await at.preview()
    done = await at.act(fresh)
    await replace()
    await patch(cluster, "HorizontalPodAutoscaler", "api", {"spec": {"minReplicas": 6}})
    undone = await at.undo(done.undo)

    assert [meanwhile.status, since.status, done.status, undone.status] == ["not_done", "not_done", "done", "not_done"]
    assert "autoscaler uid was" in since.say
    assert await bounds(at) == (6, 6)


async def test_an_autoscaler_of_another_kind_of_thing_does_not_count(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    found = await autoscaler(cluster)
    reference = {"apiVersion": "example.io/v1", "kind": "Deployment", "name": "api"}
    await patch(cluster, "HorizontalPodAutoscaler", found["metadata"]["name"], {"spec": {"scaleTargetRef": reference}})
    at = bench(SCALE, cluster, writer, replicas=6)

    await at.do()

    assert (await at.object())["spec"]["replicas"] == 6
