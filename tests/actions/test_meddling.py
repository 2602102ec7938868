"""Somebody else writes between our reading and our writing: nothing of theirs is lost, nothing is done twice."""

from typing import Any

import pytest

from responder.actions.rollout_restart import RolloutRestart
from responder.actions.scale import Scale
from responder.actions.set_image import SetImage
from tests.actions.plain import Object, plain, stands
from tests.actions.rollouts import ATTEMPT, Meddled, bench, of, patch
from tests.servers.kubernetes_cluster import Cluster, workload

ACTIONS: list[tuple[Any, dict[str, Any]]] = [
    (RolloutRestart(), {}),
    (SetImage(), {"image": "r/api:40"}),
    (Scale(), {"replicas": 5}),
]


@pytest.mark.parametrize(("action", "params"), ACTIONS)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_an_annotation_of_others_is_not_lost_and_the_change_is_made(
    cluster: Cluster, meddled: Meddled, action: Any, params: dict[str, Any], kind: str
) -> None:
    await cluster.create(workload(kind, "api", spec={"replicas": 2}))
    at = bench(action, cluster, meddled, **params, target=of(cluster, kind=kind))
    preview = await at.preview()
    body = {"metadata": {"annotations": {"team": "shop"}}}
    meddled.meddle = lambda: patch(cluster, kind, "api", body)

    done = await at.act(preview)

    after = await at.object()
    assert done.status == "done"
    assert after["metadata"]["annotations"]["team"] == "shop"
    assert after["metadata"]["annotations"][ATTEMPT] == at.tools.attempt
    # The generation of a Deployment counts its annotations too.
    assert after["metadata"]["generation"] == (3 if kind == "Deployment" else 2)


@pytest.mark.parametrize("retry", [False, True])
async def test_a_write_of_the_same_attempt_that_lands_in_between_is_ours(
    cluster: Cluster, meddled: Meddled, retry: bool
) -> None:
    action, params = ACTIONS[0]
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    at = bench(action, cluster, meddled, **params, target=of(cluster, kind="Deployment"))
    preview = await at.preview()
    late = {"metadata": {"annotations": {ATTEMPT: at.tools.attempt}}, "spec": {"minReadySeconds": 1}}
    meddled.meddle = lambda: patch(cluster, "Deployment", "api", late)

    done = await at.act(preview, retry=retry)

    assert done.status == "done", done.say
    assert (await at.object())["metadata"]["generation"] == 2


@pytest.mark.parametrize(("action", "params"), ACTIONS)
async def test_a_change_of_what_is_wanted_stops_it(
    cluster: Cluster, meddled: Meddled, action: Any, params: dict[str, Any]
) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    at = bench(action, cluster, meddled, **params)
    preview = await at.preview()
    meddled.meddle = lambda: patch(cluster, "Deployment", "api", {"spec": {"minReadySeconds": 7}})

    done = await at.act(preview)

    after = await at.object()
    assert done.status == "not_done"
    assert "its spec was changed by kubectl-edit at " in done.say
    assert done.say.endswith(" UTC (minReadySeconds)")
    assert ATTEMPT not in after["metadata"].get("annotations", {})
    assert after["metadata"]["generation"] == 2


@pytest.mark.parametrize(("action", "params"), ACTIONS)
async def test_an_object_replaced_by_another_of_its_name_is_left_alone(
    cluster: Cluster, meddled: Meddled, action: Any, params: dict[str, Any]
) -> None:
    made = await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    at = bench(action, cluster, meddled, **params)
    preview = await at.preview()

    async def replace() -> None:
        await cluster.delete(made)
        await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))

    meddled.meddle = replace

    done = await at.act(preview)

    assert done.status == "not_done"
    assert "uid was" in done.say
    assert ATTEMPT not in (await at.object())["metadata"].get("annotations", {})


async def test_bounds_that_others_change_at_the_last_moment_stay_theirs(cluster: Cluster, meddled: Meddled) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 3}
    found = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api"}}
    await cluster.create({**found, "spec": spec})
    at = bench(Scale(), cluster, meddled, replicas=5)
    preview = await at.preview()
    meddled.meddle = lambda: patch(cluster, "HorizontalPodAutoscaler", "api", {"spec": {"maxReplicas": 9}})

    done = await at.act(preview)

    assert done.status == "not_done"
    assert (await at.object("HorizontalPodAutoscaler"))["spec"] | {"scaleTargetRef": scaled} == spec | {
        "maxReplicas": 9,
    }


async def test_what_changes_during_the_dry_run_is_looked_at_again(cluster: Cluster, meddled: Meddled) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
    meddled.meddle = lambda: patch(cluster, "Deployment", "api", {"spec": {"minReadySeconds": 7}})

    preview = await bench(Scale(), cluster, meddled, replicas=5).preview()

    assert "was changed while it was looked at" in preview.refusal


@pytest.mark.parametrize("name", plain())
async def test_what_others_write_into_it_at_the_last_moment_stops_it(
    cluster: Cluster, meddled: Meddled, name: str
) -> None:
    case = plain()[name]
    at, found = await case.at(cluster, meddled)
    preview = await at.preview()
    assert preview.refusal == ""
    written: list[Object] = []

    async def meddle() -> None:
        await cluster.change(found, case.theirs)
        written.append(await stands(cluster, found))

    meddled.meddle = meddle
    done = await at.act(preview)

    assert done.status == "not_done", done.say
    assert await stands(cluster, found) == written[0]


@pytest.mark.parametrize("name", plain())
async def test_another_one_of_its_name_at_the_last_moment_is_left_alone(
    cluster: Cluster, meddled: Meddled, name: str
) -> None:
    case = plain()[name]
    at, found = await case.at(cluster, meddled)
    preview = await at.preview()
    bare = {"name": found["metadata"]["name"], "labels": found["metadata"].get("labels") or {}}

    async def meddle() -> None:
        await cluster.delete(found)
        await cluster.create({**case.found, "metadata": bare})

    meddled.meddle = meddle
    done = await at.act(preview)

    assert (done.status, "uid was" in done.say) == ("not_done", True)
    assert ATTEMPT not in ((await stands(cluster, found))["metadata"].get("annotations") or {})
