"""kubernetes.network_lockdown: one policy over the target's pods, made once, removed only as we left it."""

import json
import subprocess
from typing import Any

import pytest

from responder.actions.network_lockdown import NetworkLockdown
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError, Unanswered
from responder.model.target import Target
from tests.actions.packs import at_work, events_of
from tests.actions.rollouts import ATTEMPT, REASON, Bench, every, of
from tests.actions.steps import HOSTILE
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


async def test_pods_with_the_same_labels_are_named(cluster: Cluster, writer: KubernetesWriter) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    target = Target("default", "Pod", cluster.namespace, "api-1", "api")

    preview = await at_work(LOCK, cluster, writer, target=target).preview()

    assert preview.touches == ("api-1", "api-2")
    assert any("all of them are cut off" in warning for warning in preview.warnings)


async def test_a_pod_without_labels_would_stand_for_all(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = pod("bare")
    found["metadata"].pop("labels")
    await cluster.create(found)
    target = Target("default", "Pod", cluster.namespace, "bare", "bare")

    with pytest.raises(PermanentError, match="every pod would be cut off"):
        await at_work(LOCK, cluster, writer, target=target).preview()


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


async def test_the_shown_command_makes_the_same_policy(at: Bench, tmp_path: Any) -> None:
    fake_kubectl = tmp_path / "kubectl"
    fake_kubectl.write_text('#!/bin/sh\nif [ "$1" = get ]; then printf \'{"app":"api"}\'; else cat; fi\n')
    fake_kubectl.chmod(0o755)
    lines = "\n".join(at.action.command(at.params, at.target))
    shown = subprocess.run(
        ["sh", "-c", lines], capture_output=True, text=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ).stdout
    await at.do()

    (made,) = await policies(at.cluster)

    assert json.loads(shown)["spec"] == made["spec"]
