"""kubernetes.cordon and uncordon: the mark of the node and nothing else, and never over somebody else's."""

from dataclasses import replace
from typing import Any

import pytest

from responder.actions.cordon import Cordon
from responder.actions.uncordon import Uncordon
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError
from responder.model.target import Target
from tests.actions.packs import at_work
from tests.actions.rollouts import ATTEMPT, Bench
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes_cluster import Cluster, pod, unique


async def node(cluster: Cluster, *, ready: str = "True", **spec: Any) -> str:
    name = unique("node")
    status = {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    await cluster.create(
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec, "status": status}
    )
    return name


def on(action: Any, cluster: Cluster, writer: KubernetesWriter, name: str) -> Bench:
    return at_work(action, cluster, writer, target=Target("default", "Node", "", name, name))


async def seen(cluster: Cluster, name: str) -> dict[str, Any]:
    return await cluster.call("GET", f"/api/v1/nodes/{name}")


async def test_the_field_of_kubectl_cordon_changes_and_no_other(cluster: Cluster, writer: KubernetesWriter) -> None:
    # kubectl v1.32 sends, by PATCH application/strategic-merge-patch+json: {"spec":{"unschedulable":true}}
    name = await node(cluster, podCIDR="10.1.0.0/24")
    await cluster.create(pod("api-1", spec={"nodeName": name}))
    at = on(Cordon(), cluster, writer, name)
    before = await seen(cluster, name)

    preview = await at.preview()
    done = await at.do()

    after = await seen(cluster, name)
    assert preview.disruption == "none: the 1 pods on it stay"
    assert after["spec"] == {**before["spec"], "unschedulable": True}
    assert after["status"] == before["status"]
    assert after["metadata"]["annotations"] == {ATTEMPT: at.tools.attempt}
    assert (await at.progress(done)).reverted == ""
    assert "already" in (await at.preview()).refusal


async def test_a_second_try_after_the_effect_changes_nothing(cluster: Cluster, writer: KubernetesWriter) -> None:
    name = await node(cluster)
    at = on(Cordon(), cluster, writer, name)
    preview = await at.preview()
    await at.act(preview)
    after = await seen(cluster, name)

    assert (await at.act(preview, retry=True)).status == "done"
    assert await seen(cluster, name) == after


async def test_heartbeats_of_the_kubelet_do_not_stand_in_the_way(cluster: Cluster, writer: KubernetesWriter) -> None:
    name = await node(cluster)
    at = on(Cordon(), cluster, writer, name)
    preview = await at.preview()
    await cluster.change(await seen(cluster, name), {"metadata": {"annotations": {"heart": "beat"}}})

    assert (await at.act(preview)).status == "done"
    assert (await seen(cluster, name))["metadata"]["annotations"]["heart"] == "beat"


async def test_a_node_that_somebody_else_marked_meanwhile_is_left_to_them(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    name = await node(cluster)
    at = on(Cordon(), cluster, writer, name)
    preview = await at.preview()
    await cluster.change(await seen(cluster, name), {"spec": {"unschedulable": True}})

    assert (await at.act(preview)).status == "not_done"


async def test_undoing_takes_our_mark_off_and_not_another_persons(cluster: Cluster, writer: KubernetesWriter) -> None:
    name = await node(cluster)
    at = on(Cordon(), cluster, writer, name)
    done = await at.do()

    undone = await at.undo(done.undo)
    again = await at.undo(done.undo, retry=True)
    assert (undone.status, again.status) == ("done", "done")
    assert "unschedulable" not in (await seen(cluster, name))["spec"]
    other = replace(at, tools=replace(at.tools, attempt="INC-18@abc/1/0"))
    assert (await other.undo(done.undo)).status == "not_done"

    await cluster.change(await seen(cluster, name), {"spec": {"unschedulable": True}})
    theirs = await other.undo(done.undo)
    assert theirs.status == "not_done"
    assert "marked anew by" in theirs.say
    assert (await seen(cluster, name))["spec"]["unschedulable"] is True


async def test_the_field_of_kubectl_uncordon_changes_and_no_other(cluster: Cluster, writer: KubernetesWriter) -> None:
    # kubectl v1.32 sends {"spec":{"unschedulable":null}}: the field goes.
    name = await node(cluster, unschedulable=True, ready="False", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    at = on(Uncordon(), cluster, writer, name)

    preview = await at.preview()
    done = await at.do()

    after = await seen(cluster, name)
    assert "unschedulable" not in after["spec"]
    assert {"key": "gpu", "effect": "NoSchedule"} in after["spec"]["taints"]
    assert "node.kubernetes.io/unschedulable" not in {taint["key"] for taint in after["spec"]["taints"]}
    assert "The node is not ready" in preview.warnings
    assert any("gpu" in warning for warning in preview.warnings)
    assert (await at.undo(done.undo)).status == "done"
    assert (await seen(cluster, name))["spec"]["unschedulable"] is True


async def test_the_last_node_to_schedule_on_is_told(cluster: Cluster, writer: KubernetesWriter, fake: Any) -> None:
    name = await node(cluster)

    assert any("nowhere to go" in said for said in (await on(Cordon(), cluster, writer, name).preview()).warnings)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_no_node(cluster: Cluster, writer: KubernetesWriter, fake: Any, name: str) -> None:
    fake.requests.clear()
    with pytest.raises((Missing, PermanentError)):
        await on(Cordon(), cluster, writer, name).preview()
    assert fake.requests == []
