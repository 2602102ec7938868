"""kubernetes.isolate_pod: the labels go, the pod stays, and its place is taken by another."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from responder.actions.isolate_pod import IsolatePod
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.model.target import Target
from responder.plugins.objects.isolation import ISOLATED, incident_label
from tests.actions.packs import at_work, labels_of
from tests.actions.rollouts import ATTEMPT, Bench, Rolling, every, patch, without_marks
from tests.servers.kubernetes_cluster import Cluster, pod

ISOLATE = IsolatePod()
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "api"},
    "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}]},
}


def on(cluster: Cluster, writer: KubernetesWriter, name: str, **params: Any) -> Bench:
    return at_work(ISOLATE, cluster, writer, target=Target("default", "Pod", cluster.namespace, name, "api"), **params)


async def one_of(rolling: Rolling, kind: str = "Deployment", **params: Any) -> Bench:
    await rolling.workload(kind)
    await rolling.cluster.create(SERVICE)
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    return on(rolling.cluster, rolling.writer, name, **params)


async def test_the_pod_leaves_its_services_is_replaced_and_stays(rolling: Rolling) -> None:
    at = await one_of(rolling)
    before = await at.object()

    preview = await at.preview()
    done = await at.do()

    after, pods = await at.object(), await every(rolling.cluster, "Pod")
    assert "replicaset/api-" in preview.summary
    assert "service/api" in preview.summary
    assert (preview.pods, preview.ready, preview.replicas) == (1, 3, 3)
    assert labels_of(after) == {
        "pod-template-hash": labels_of(before)["pod-template-hash"],
        ISOLATED: "true",
        "alertmanager-responder/incident": "INC-17",
    }
    assert after["spec"] == before["spec"]
    assert len(pods) == 4
    assert sum("app" in labels_of(found) for found in pods) == 3
    assert (await at.progress(done)).reverted == ""
    assert "isolated already" in (await at.preview()).refusal


async def test_a_pod_that_does_not_serve_is_missed_by_nobody(rolling: Rolling) -> None:
    at = await one_of(rolling)
    broken = await at.object()
    broken["status"] |= {"conditions": [{"type": "Ready", "status": "False"}]}
    rolling.server.objects.seed(broken)

    preview = await at.preview()

    assert (preview.pods, preview.ready, preview.replicas) == (0, 2, 3)


async def test_labels_change_and_nothing_else(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(SERVICE)
    await cluster.create(pod("api-1", labels={"app": "api", "tier": "web"}))
    at = on(cluster, writer, "api-1", labels=["app"])
    before = await at.object()

    await at.do()

    after = await at.object()
    assert after["metadata"]["annotations"] == {ATTEMPT: at.tools.attempt}
    labels = labels_of(after)
    assert labels.pop(ISOLATED) == "true"
    assert labels.pop("alertmanager-responder/incident") == "INC-17"
    assert labels == {"tier": "web"}
    after["metadata"]["labels"] = before["metadata"]["labels"]
    assert without_marks(after) == without_marks(before)


async def test_a_second_try_after_the_effect_changes_nothing(rolling: Rolling) -> None:
    at = await one_of(rolling)
    preview = await at.preview()
    await at.act(preview)
    after = await at.object()

    assert (await at.act(preview, retry=True)).status == "done"
    assert await at.object() == after
    assert len(await every(rolling.cluster, "Pod")) == 4


async def test_undoing_puts_the_labels_back_unless_others_did(rolling: Rolling) -> None:
    at = await one_of(rolling)
    before = labels_of(await at.object())
    done = await at.do()

    undone = await at.undo(done.undo)
    assert undone.status == "done"
    assert labels_of(await at.object()) == before

    await patch(rolling.cluster, "Pod", at.target.name, {"metadata": {"labels": {"app": "other"}}})
    other = replace(at, tools=replace(at.tools, attempt="INC-18@abc/1/0"))
    assert "by others" in (await other.undo(done.undo)).say
    assert labels_of(await at.object())["app"] == "other"


async def test_a_label_that_others_changed_after_the_approval_is_left_alone(rolling: Rolling) -> None:
    at = await one_of(rolling)
    preview = await at.preview()
    await patch(rolling.cluster, "Pod", at.target.name, {"metadata": {"labels": {"app": "other"}}})

    assert (await at.act(preview)).status == "not_done"
    assert labels_of(await at.object())["app"] == "other"


async def test_what_would_still_hold_the_pod_is_told(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(SERVICE)
    other = SERVICE | {"metadata": {"name": "canary"}, "spec": {"selector": {"tier": "web"}, "ports": [{"port": 80}]}}
    await cluster.create(other)
    await cluster.create(pod("api-1", labels={"app": "api", "tier": "web"}))

    preview = await on(cluster, writer, "api-1").preview()

    assert preview.warnings == ("service/canary still holds it: take off its label too",)


async def test_a_policy_that_would_let_go_of_the_pod_is_told(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(SERVICE)
    await cluster.create(pod("api-1", labels={"app": "api", "tier": "web"}))
    for name, labels in {"deny-api": {"app": "api"}, "deny-web": {"tier": "web"}, "deny-all": {}}.items():
        spec = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"]}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
        await cluster.create({**kind, "metadata": {"name": name}, "spec": spec})

    preview = await on(cluster, writer, "api-1").preview()

    told = "networkpolicy/deny-api lets go of it too: what that cuts off is open to the pod again"
    assert (preview.refusal, preview.warnings) == ("", (told,))


@pytest.mark.parametrize(
    ("labels", "said"), [(["nothing"], "has none of the labels"), (["tier"], "Nothing lets go of")]
)
async def test_taking_off_what_nothing_selects_by_is_refused(
    cluster: Cluster, writer: KubernetesWriter, labels: list[str], said: str
) -> None:
    await cluster.create(SERVICE)
    await cluster.create(pod("api-1", labels={"app": "api", "tier": "web"}))

    assert said in (await on(cluster, writer, "api-1", labels=labels).preview()).refusal


async def test_a_pod_of_a_stateful_set_could_not_be_replaced(rolling: Rolling) -> None:
    at = await one_of(rolling, "StatefulSet")

    assert "StatefulSet" in (await at.preview()).refusal


async def test_of_two_tries_at_once_one_takes_the_labels_off_and_both_know(rolling: Rolling) -> None:
    at = await one_of(rolling)
    preview = await at.preview()
    rolling.server.requests.clear()

    told = await asyncio.gather(at.act(preview), at.act(preview))

    assert [done.status for done in told] == ["done", "done"]
    assert sum("found by the mark" in done.say for done in told) == 1
    assert len(await every(rolling.cluster, "Pod")) == 4


async def test_of_two_attempts_at_once_one_is_told_that_it_came_late(rolling: Rolling) -> None:
    at = await one_of(rolling)
    other = replace(at, tools=replace(at.tools, attempt="INC-18@abc/1/0"))
    preview = await at.preview()

    told = await asyncio.gather(at.act(preview), other.act(preview))

    assert sorted(done.status for done in told) == ["done", "not_done"]
    assert len(await every(rolling.cluster, "Pod")) == 4


@pytest.mark.parametrize("label", ["", "a b", "app\n", "../x", "{{a}}", "$(id)", "a~b", "é"])
def test_a_hostile_label_is_no_label(label: str) -> None:
    with pytest.raises(ValueError, match="labels"):
        ISOLATE.Params.model_validate({"labels": [label]})


def test_an_incident_whose_name_no_label_can_hold_is_no_label() -> None:
    assert incident_label("INC-17") == {"alertmanager-responder/incident": "INC-17"}
    assert incident_label("INC 17/é") == {}
