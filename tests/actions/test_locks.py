"""What an action touches beside its target is named, so that nothing else is at work on it meanwhile."""

from typing import Any

import pytest

from responder.actions.delete_pod import DeletePod
from responder.actions.exec_command import Exec
from responder.actions.isolate_pod import IsolatePod
from responder.actions.network_lockdown import NetworkLockdown
from responder.actions.rollout_undo import RolloutUndo
from responder.actions.scale import Scale
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.model.target import Target
from responder.plugins.action import Action
from responder.settings.sections import KubernetesAccess
from tests.actions.packs import at_work
from tests.actions.rollouts import Rolling, every
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, owned_by, pod, template

AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "by-load"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        "minReplicas": 2,
        "maxReplicas": 6,
    },
}


def lock(rolling: Rolling, kind: str, name: str) -> str:
    return f"default/{kind}/{rolling.cluster.namespace}/{name}"


def on_pod(rolling: Rolling, name: str) -> Target:
    return Target("default", "Pod", rolling.cluster.namespace, name, "api")


async def locks(rolling: Rolling, action: Action[Any], target: Target | None = None, **params: Any) -> tuple[str, ...]:
    """Preview an action, and return what it locks."""
    preview = await at_work(action, rolling.cluster, rolling.writer, target=target, programs=["ls"], **params).preview()
    assert preview.refusal == ""
    return preview.locks


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize(("action", "params"), [(DeletePod(), {}), (Exec(), {"argv": ["ls"]})])
async def test_a_pod_is_locked_with_its_workload(rolling: Rolling, action: Any, params: Any, kind: str) -> None:
    await rolling.workload(kind)
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]

    found = await locks(rolling, action, on_pod(rolling, name), **params)

    assert set(found) == {lock(rolling, "pod", name), lock(rolling, kind.lower(), "api")}


async def test_an_isolated_pod_is_held_although_it_belongs_to_nothing_any_more(rolling: Rolling) -> None:
    await rolling.workload()
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    isolating = at_work(IsolatePod(), rolling.cluster, rolling.writer, target=on_pod(rolling, name))

    held = (await isolating.preview()).locks
    await isolating.do()
    await rolling.settle()

    assert held == (lock(rolling, "deployment", "api"), lock(rolling, "pod", name))
    assert await locks(rolling, Exec(), on_pod(rolling, name), argv=["ls"]) == (lock(rolling, "pod", name),)


@pytest.mark.parametrize("of_pod", [True, False])
async def test_all_workloads_that_are_cut_off_are_locked_with_the_policy(rolling: Rolling, of_pod: bool) -> None:
    await rolling.workload()
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    target = on_pod(rolling, name) if of_pod else None

    found = await locks(rolling, NetworkLockdown(), target)

    policy = lock(rolling, "networkpolicy", f"responder-lockdown-{name if of_pod else 'api'}")
    own = (lock(rolling, "pod", name),) if of_pod else ()
    assert set(found) == {*own, policy, lock(rolling, "deployment", "api")}


async def test_a_pod_of_a_job_is_locked_by_itself(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = pod("dump-1")
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "dump", "uid": "u-1", "controller": True}
    ]
    await cluster.create(made)
    target = Target("default", "Pod", cluster.namespace, "dump-1", "dump")

    found = (await at_work(NetworkLockdown(), cluster, writer, target=target).preview()).locks

    place = f"default/{{}}/{cluster.namespace}/{{}}".format
    assert found == (place("pod", "dump-1"), place("networkpolicy", "responder-lockdown-dump-1"))


async def test_an_autoscaler_whose_bounds_change_is_locked_with_what_it_scales(rolling: Rolling) -> None:
    await rolling.workload()
    await rolling.cluster.create(AUTOSCALER)

    assert await locks(rolling, Scale(), replicas=5) == (
        lock(rolling, "deployment", "api"),
        lock(rolling, "horizontalpodautoscaler", "by-load"),
    )


async def test_an_autoscaler_that_is_not_touched_is_not_locked(rolling: Rolling) -> None:
    await rolling.workload()
    await rolling.release("r/api:42")
    await rolling.cluster.create(AUTOSCALER)

    assert await locks(rolling, RolloutUndo()) == (lock(rolling, "deployment", "api"),)


@pytest.mark.parametrize("action", [DeletePod(), IsolatePod(), Exec(), NetworkLockdown()])
async def test_its_own_rights_are_enough_to_climb_from_a_pod_to_a_cron_job(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, action: Any
) -> None:
    made = template({"app": "dump"}, [{"name": "dump", "image": "r/dump:1"}], restartPolicy="Never")
    jobs = {"apiVersion": "batch/v1", "metadata": {"name": "dump"}}
    schedule = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": made}}}
    top = await cluster.create({**jobs, "kind": "CronJob", "spec": schedule})
    owned = {"name": "dump", "ownerReferences": owned_by(top)}
    job = await cluster.create({**jobs, "kind": "Job", "metadata": owned, "spec": {"template": made}})
    await cluster.create(pod("dump-1", owner=job))
    fake.access.tokens["reader"] = "reader"
    fake.access.grants["reader"] = {(verb.group, verb.resource, verb.verb) for verb in action.needs}
    reader = KubernetesWriter(KubernetesAccess(kubeconfig=fake.kubeconfig(cluster.kubeconfig.parent, token="reader")))
    params: dict[str, Any] = {"argv": ["ls"], "container": "api"} if isinstance(action, Exec) else {}
    target = Target("default", "Pod", cluster.namespace, "dump-1", "dump")

    found = await at_work(action, cluster, reader, target=target, programs=["ls"], **params).preview()

    assert "may not" not in found.refusal
    assert f"default/pod/{cluster.namespace}/dump-1" in found.locks
    await reader.close()
