"""kubernetes.network_lockdown: one policy over the target's pods, made once, removed only as we left it."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from responder.actions.isolate_pod import IsolatePod
from responder.actions.network_lockdown import NetworkLockdown
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError, Unanswered
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.rollout.disruption import selects
from tests.actions.packs import at_work, events_of, labels_of
from tests.actions.rollouts import ATTEMPT, REASON, Bench, Meddled, Rolling, every, of, patch
from tests.actions.steps import HOSTILE
from tests.actions.test_isolate_pod import SERVICE
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, workload
from tests.servers.kubernetes_objects import Denial

LOCK = NetworkLockdown()
POLICIES = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"


async def policies(cluster: Cluster) -> list[dict[str, Any]]:
    return list((await cluster.call("GET", POLICIES.format(cluster.namespace)))["items"])


@pytest.fixture
async def at(cluster: Cluster, writer: KubernetesWriter) -> Bench:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    return at_work(LOCK, cluster, writer, direction="egress", allow_dns=True)


async def test_the_targets_pods_are_cut_off(at: Bench) -> None:
    preview = await at.preview()
    done = await at.do()

    (made,) = await policies(at.cluster)
    assert preview.touches == ("api-1", "api-2")
    assert (preview.pods, preview.ready) == (2, 2)
    assert made["metadata"]["name"] == "responder-lockdown-api"
    assert made["metadata"]["labels"] == {"alertmanager-responder/incident": "INC-17"}
    assert made["metadata"]["annotations"] == {ATTEMPT: at.tools.attempt}
    assert {entry["manager"] for entry in made["metadata"]["managedFields"]} == {"responder"}
    assert made["spec"]["podSelector"] == {"matchLabels": {"app": "api"}}
    assert made["spec"]["policyTypes"] == ["Egress"]
    assert [port["port"] for port in made["spec"]["egress"][0]["ports"]] == [53, 53]
    assert (await at.progress(done)).reverted == ""


async def test_a_dry_run_makes_nothing(at: Bench) -> None:
    await at.preview()

    assert await policies(at.cluster) == []


async def test_a_second_try_makes_no_second_one(at: Bench) -> None:
    preview = await at.preview()
    await at.act(preview)

    again = await at.act(preview, retry=True)

    assert again.status == "done"
    assert len(await policies(at.cluster)) == 1


async def test_a_lost_answer_is_read_back(at: Bench, fake: KubernetesServer) -> None:
    preview = await at.preview()
    fake.lost = ["networkpolicies"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    fake.lost.clear()

    again = await at.act(preview, retry=True)

    assert again.status == "done"
    assert (await at.undo(again.undo)).status == "done"


async def test_a_policy_of_that_name_is_not_written_over(at: Bench) -> None:
    preview = await at.preview()
    other = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}
    await at.cluster.create(other | {"metadata": {"name": "responder-lockdown-api"}})

    told = await at.act(preview)

    assert told.status == "not_done"
    assert "there already" in (await at.preview()).refusal
    (kept,) = await policies(at.cluster)
    assert kept["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


async def test_undoing_removes_it_once(at: Bench) -> None:
    done = await at.do()

    assert (await at.undo(done.undo)).status == "done"
    assert (await at.undo(done.undo, retry=True)).status == "done"
    assert await policies(at.cluster) == []
    assert ("Removed", f"Responder: removed for {REASON}") in events_of(await every(at.cluster, "Event"))
    assert "removed" in (await at.progress(done)).reverted


async def test_a_policy_that_others_changed_is_not_removed(at: Bench) -> None:
    done = await at.do()
    (made,) = await policies(at.cluster)
    made |= {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1"}
    await at.cluster.change(made, {"spec": {"ingress": [{}], "policyTypes": ["Ingress", "Egress"]}})

    assert "was changed since" in (await at.undo(done.undo)).say
    assert "was changed by" in (await at.progress(done)).reverted
    assert len(await policies(at.cluster)) == 1


def one(cluster: Cluster, writer: KubernetesWriter, name: str = "api-1", action: Action[Any] = LOCK) -> Bench:
    return at_work(action, cluster, writer, target=Target("default", "Pod", cluster.namespace, name, "api"))


async def covered(cluster: Cluster) -> list[str]:
    """Name the pods that the one policy covers."""
    (made,) = await policies(cluster)
    pods = await every(cluster, "Pod")
    return [found["metadata"]["name"] for found in pods if selects(made["spec"]["podSelector"], labels_of(found))]


async def test_one_pod_is_cut_off_and_not_those_like_it(cluster: Cluster, writer: KubernetesWriter) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    at = one(cluster, writer)
    before = labels_of(await at.object())

    preview = await at.preview()
    done = await at.do()

    assert (preview.touches, preview.pods, preview.ready, preview.replicas) == (("api-1",), 1, 2, 2)
    assert any(lock.endswith("/api") for lock in preview.locks)
    assert await covered(cluster) == ["api-1"]
    events = await every(cluster, "Event")
    assert events_of(events) == [("LockedDown", f"Responder: pod/api-1 is cut off from the network for {REASON}")]
    assert (events[0]["involvedObject"]["kind"], events[0]["involvedObject"]["name"]) == ("Pod", "api-1")
    assert (await at.progress(done)).reverted == ""
    assert (await at.undo(done.undo)).status == "done"
    assert (await at.undo(done.undo, retry=True)).status == "done"
    assert (await policies(cluster), labels_of(await at.object())) == ([], before)


@pytest.mark.parametrize("first", ["isolate", "lock"])
async def test_containment_covers_the_very_pod_in_either_order(rolling: Rolling, first: str) -> None:
    await rolling.workload("Deployment")
    await rolling.cluster.create(SERVICE)
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    benches = [one(rolling.cluster, rolling.writer, name, action) for action in (IsolatePod(), LOCK)]
    steps = benches if first == "isolate" else benches[::-1]
    previews = [await step.preview() for step in steps]
    done = []
    for place, (step, preview) in enumerate(zip(steps, previews, strict=True)):
        step.tools = replace(step.tools, attempt=f"INC-17@abc/3/{place}")
        done.append(await step.act(preview))
        assert done[-1].status == "done", done[-1].say
        await rolling.settle()

    assert [preview.refusal for preview in previews] == ["", ""]
    assert await covered(rolling.cluster) == [name]
    assert len(await every(rolling.cluster, "Pod")) == 4
    for step, outcome in reversed(list(zip(steps, done, strict=True))):
        assert (await step.undo(outcome.undo)).status == "done"
    assert await policies(rolling.cluster) == []
    assert all(set(labels_of(found)) == {"app", "pod-template-hash"} for found in await every(rolling.cluster, "Pod"))


async def test_an_isolated_pod_serves_nobody_any_more(rolling: Rolling) -> None:
    await rolling.workload("Deployment")
    await rolling.cluster.create(SERVICE)
    name = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    await one(rolling.cluster, rolling.writer, name, IsolatePod()).do()
    await rolling.settle()

    at = one(rolling.cluster, rolling.writer, name)
    at.tools = replace(at.tools, attempt="INC-17@abc/4/0")
    preview = await at.preview()
    await at.do()

    assert (preview.refusal, preview.touches, preview.pods) == ("", (name,), 0)
    assert await covered(rolling.cluster) == [name]


@pytest.mark.parametrize("lost", ["networkpolicies", "pods/api-1"])
async def test_of_one_pod_a_lost_answer_is_read_back(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, lost: str
) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    at = one(cluster, writer)
    preview = await at.preview()
    fake.lost = [lost]
    with pytest.raises(Unanswered):
        await at.act(preview)
    fake.lost.clear()

    again = await at.act(preview, retry=True)

    assert again.status == "done"
    assert await covered(cluster) == ["api-1"]
    assert (await at.undo(again.undo)).status == "done"


async def test_without_the_label_the_policy_is_not_left_behind(cluster: Cluster, meddled: Meddled) -> None:
    made = await cluster.create(pod("api-1"))
    at = one(cluster, meddled)
    preview = await at.preview()

    async def replaced() -> None:
        meddled.meddle = again

    async def again() -> None:
        await cluster.delete(made)
        await cluster.create(pod("api-1"))

    meddled.meddle = replaced
    told = await at.act(preview)

    assert (told.status, "uid was" in told.say) == ("not_done", True)
    assert await policies(cluster) == []
    assert "alertmanager-responder/locked-down" not in labels_of(await at.object())


async def test_whoever_takes_the_label_off_is_noticed(cluster: Cluster, writer: KubernetesWriter) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    at = one(cluster, writer)
    done = await at.do()
    await patch(cluster, "Pod", "api-1", {"metadata": {"labels": {"alertmanager-responder/locked-down": None}}})

    assert "was taken off pod/api-1" in (await at.progress(done)).reverted


async def test_a_pod_without_labels_is_cut_off_alone(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = pod("bare")
    found["metadata"].pop("labels")
    await cluster.create(found)
    await cluster.create(pod("api-1"))

    await one(cluster, writer, "bare").do()

    assert await covered(cluster) == ["bare"]


async def test_a_workload_without_a_selector_would_stand_for_all(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = workload("Deployment", "api")
    found["spec"]["selector"] = {"matchLabels": {}}
    fake = cluster.server
    assert fake is not None
    fake.seed({**found, "metadata": {**found["metadata"], "namespace": cluster.namespace, "uid": "u"}})

    with pytest.raises(PermanentError, match="every pod would be cut off"):
        await at_work(LOCK, cluster, writer).preview()


async def test_a_selector_by_expressions_is_taken_whole(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = workload("Deployment", "api")
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]}
    found["spec"]["selector"] = selector
    await cluster.create(found)

    await at_work(LOCK, cluster, writer).do()

    (made,) = await policies(cluster)
    assert made["spec"]["podSelector"] == selector


async def test_what_stands_in_the_way_is_said_before_anybody_is_asked(at: Bench, fake: KubernetesServer) -> None:
    fake.objects.denials.append(Denial("NetworkPolicy", "ask the network team"))

    assert "ask the network team" in (await at.preview()).refusal


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_no_workload(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, name: str
) -> None:
    fake.requests.clear()
    with pytest.raises((Missing, PermanentError)):
        await at_work(LOCK, cluster, writer, target=of(cluster, name)).preview()
    assert fake.requests == []


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
async def test_the_shown_command_makes_the_same_policy(
    cluster: Cluster, writer: KubernetesWriter, tmp_path: Path, kind: str
) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    at = one(cluster, writer) if kind == "Pod" else at_work(LOCK, cluster, writer, direction="egress", allow_dns=True)
    read = (await at.object())["metadata"]["uid"] if kind == "Pod" else '{"app":"api"}'
    said = f"case $1 in get) printf '{read}';; create) cat;; label) echo \"$6\" > {tmp_path}/label;; esac"
    fake_kubectl = tmp_path / "kubectl"
    fake_kubectl.write_text(f"#!/bin/sh\n{said}\n")
    fake_kubectl.chmod(0o755)
    lines = "\n".join(at.action.command(at.params, at.target))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    shown = subprocess.run(["sh", "-c", lines], capture_output=True, text=True, check=True, env=path).stdout
    await at.do()

    (made,) = await policies(cluster)

    assert json.loads(shown)["spec"] == made["spec"]
    if kind == "Pod":
        name, value = (tmp_path / "label").read_text().strip().split("=")
        assert labels_of(await at.object())[name] == value
