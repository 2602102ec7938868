"""kubernetes.rollout_history: what was rolled out, and whether it was just before."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.diagnostics.kubernetes_rollout_history import KubernetesRolloutHistory
from responder.model.finding import Weight
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, cluster_at, owned_by, stamp, template, workload

ROLLOUTS = KubernetesRolloutHistory()
REVISION = "deployment.kubernetes.io/revision"


def api(image: str = "registry.example/api:1", **container: Any) -> dict[str, Any]:
    return {"name": "api", "image": image, **container}


async def deployment(
    cluster: Cluster, *templates: dict[str, Any], ended: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """Create a Deployment whose revisions are the templates, oldest first; its last rollout ended then."""
    labels, count = {"app": "api"}, len(templates)
    reason = "NewReplicaSetAvailable" if ended else "ReplicaSetUpdated"
    progressing = {"type": "Progressing", "status": "True", "reason": reason, "message": ""}
    times = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), stamp(ended))
    made = await cluster.create(
        workload(
            "Deployment",
            "api",
            metadata={"annotations": {REVISION: str(count)}},
            spec={"template": templates[-1]},
            status={"conditions": [progressing | times], **more.get("status", {})},
        )
    )
    for number, found in enumerate(templates, 1):
        hashed = copy.deepcopy(found)
        hashed["metadata"]["labels"] = labels | {"pod-template-hash": f"hash{number}"}
        annotations = {REVISION: str(number), **(more.get("annotations", {}) if number == count else {})}
        metadata = {"ownerReferences": owned_by(made), "annotations": annotations}
        spec = {"template": hashed, "replicas": 1 if number == count else 0}
        await cluster.create(
            workload(
                "ReplicaSet", f"api-hash{number}", labels=hashed["metadata"]["labels"], metadata=metadata, spec=spec
            )
        )
    return made


def began(cluster: Cluster, started_at: datetime) -> KubernetesTools:
    return KubernetesTools(cluster.client, started_at=started_at)


async def test_the_revisions_and_the_last_change_are_told(cluster: Cluster) -> None:
    env = [{"name": "POOL", "value": "5"}, {"name": "TOKEN", "value": "hunter2"}]
    first = template({"app": "api"}, [api(env=env, resources={"limits": {"memory": "1Gi"}})])
    changed = [{"name": "POOL", "value": "50"}, {"name": "NEW", "value": "hunter3"}]
    second = template(
        {"app": "api"}, [api("registry.example/api:2", env=changed, resources={"limits": {"memory": "2Gi"}})]
    )
    now = datetime.now(UTC)
    cause = {"annotations": {"kubernetes.io/change-cause": "bump"}}
    await deployment(cluster, first, second, ended=now, **cause)

    found = await diagnose(ROLLOUTS, cluster, tools=began(cluster, now + timedelta(minutes=5)))

    assert (found.current, found.previous, found.shortly_before) == (2, 1, True)
    assert (
        found.changed
        == "image of api 1 -> 2; env NEW added; env TOKEN removed; env POOL changed; memory limit 1Gi -> 2Gi"
    )
    assert [(r.revision, r.images, r.change_cause) for r in found.revisions] == [
        (2, ("registry.example/api:2",), "bump"),
        (1, ("registry.example/api:1",), ""),
    ]
    assert "hunter" not in found.model_dump_json()
    assert found.weight() is Weight.TROUBLE


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(minutes=29), True),
        (timedelta(minutes=31), False),
        (timedelta(days=2), False),
    ],
)
async def test_a_rollout_counts_when_it_ended_within_the_window_before(
    cluster: Cluster, after: timedelta, expected: bool
) -> None:
    ended = datetime.now(UTC)
    await deployment(cluster, template({"app": "api"}), template({"app": "api"}, [api("i:2")]), ended=ended)

    found = await diagnose(ROLLOUTS, cluster, tools=began(cluster, ended + after))

    assert found.shortly_before is expected
    assert found.latest_at == ended.replace(microsecond=0)


async def test_the_window_can_be_widened(cluster: Cluster) -> None:
    ended = datetime.now(UTC)
    await deployment(cluster, template({"app": "api"}), template({"app": "api"}, [api("i:2")]), ended=ended)
    tools = began(cluster, ended + timedelta(minutes=50))

    assert (await diagnose(ROLLOUTS, cluster, tools=tools, window="1h")).shortly_before is True


async def test_a_rollout_after_the_beginning_is_not_its_cause(cluster: Cluster) -> None:
    now = datetime.now(UTC)
    await deployment(cluster, template({"app": "api"}), template({"app": "api"}, [api("i:2")]), ended=now)

    found = await diagnose(ROLLOUTS, cluster, tools=began(cluster, now - timedelta(minutes=5)))

    assert found.shortly_before is False


async def test_a_rollout_under_way_when_it_began_is_a_suspect(cluster: Cluster) -> None:
    now = datetime.now(UTC)
    await deployment(cluster, template({"app": "api"}), template({"app": "api"}, [api("i:2")]))

    found = await diagnose(ROLLOUTS, cluster, tools=began(cluster, now + timedelta(minutes=3)))

    assert (found.shortly_before, found.finished) == (True, False)


@pytest.mark.parametrize(("annotations", "suspect"), [({}, True), ({"revision-history": "1"}, False)])
async def test_a_roll_back_against_the_incident_is_not_taken_for_its_cause(
    cluster: Cluster, annotations: dict[str, str], suspect: bool
) -> None:
    """The ReplicaSet of a roll-back is older than the incident too: that an earlier rollout made it tells."""
    now = datetime.now(UTC)
    reused = {f"deployment.kubernetes.io/{key}": value for key, value in annotations.items()}
    templates = template({"app": "api"}, [api("i:2")]), template({"app": "api"})
    await deployment(cluster, *templates, ended=now + timedelta(minutes=10), annotations=reused)

    during = await diagnose(ROLLOUTS, cluster, tools=began(cluster, now + timedelta(minutes=5)))
    afterwards = await diagnose(ROLLOUTS, cluster, tools=began(cluster, now + timedelta(minutes=20)))

    assert during.shortly_before is suspect
    assert afterwards.shortly_before is True


async def test_the_first_revision_has_none_before_it(cluster: Cluster) -> None:
    await deployment(cluster, template({"app": "api"}), ended=datetime.now(UTC))

    found = await diagnose(ROLLOUTS, cluster)

    assert (found.current, found.previous, found.changed) == (1, None, "the first revision")


async def test_a_restart_by_hand_is_told(cluster: Cluster) -> None:
    again = template({"app": "api"})
    again["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    await deployment(cluster, template({"app": "api"}), again, ended=datetime.now(UTC))

    assert (await diagnose(ROLLOUTS, cluster)).changed == "restarted"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_the_revisions_of_other_kinds_are_read(cluster: Cluster, kind: str) -> None:
    made = await cluster.create(workload(kind, "api"))
    for number in (1, 2):
        data = {"spec": {"template": {"$patch": "replace", **template({"app": "api"}, [api(f"r/api:{number}")])}}}
        metadata = {"name": f"api-{number}", "ownerReferences": owned_by(made)}
        revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "revision": number}
        await cluster.create(revision | {"data": data})

    tools = began(cluster, datetime.now(UTC) + timedelta(minutes=3))
    found = await diagnose(ROLLOUTS, cluster, of(cluster, "api", kind), tools=tools)

    assert (found.current, found.previous, found.changed) == (2, 1, "image of api 1 -> 2")
    assert found.shortly_before is True


async def test_a_kind_without_revisions_has_no_data(cluster: Cluster) -> None:
    spec = {"template": template({}, restartPolicy="Never")}
    await cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load"}, "spec": spec})

    found = await diagnose(ROLLOUTS, cluster, of(cluster, "load", "Job"))

    assert not found.has_data()
    assert found.headline() == f"job/load in {cluster.namespace} has no rollouts"


async def test_a_real_change_of_image_is_followed_through_the_controllers(tmp_path: Any) -> None:
    async with (
        KubernetesServer(controllers=True).running() as server,
        cluster_at(server.kubeconfig(tmp_path), server) as cluster,
    ):
        made = await cluster.create(workload("Deployment", "api", spec={"replicas": 2}))
        image = {"spec": {"template": {"spec": {"containers": [api("registry.example/api:2")]}}}}
        await cluster.change(made, image)
        second = await diagnose(ROLLOUTS, cluster)
        await cluster.change(made, {"spec": {"template": {"spec": {"containers": [api()]}}}})
        third = await diagnose(ROLLOUTS, cluster, of(cluster), tools=await _fresh(cluster))

        assert (second.current, second.previous, second.changed) == (2, 1, "image of api 1 -> 2")
        assert (third.current, third.previous, third.changed) == (3, 2, "image of api 2 -> 1")
        assert [found.revision for found in third.revisions] == [3, 2]


async def _fresh(cluster: Cluster) -> KubernetesTools:
    """Look again without what was shared."""
    await cluster.client.close()
    return KubernetesTools(cluster.client)
