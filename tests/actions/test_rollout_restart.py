"""kubernetes.rollout_restart: what kubectl's restart does, once, on the facts that were approved."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from responder.actions.rollout_restart import RolloutRestart
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError, TransientError, Unanswered
from responder.plugins.rollout.fingerprint import parts_of
from responder.settings.sections import KubernetesAccess
from tests.actions.rollouts import ATTEMPT, CAUSE, REASON, Rolling, bench, every, of, patch, read, without_marks
from tests.servers.kubernetes import Fault
from tests.servers.kubernetes_cluster import Cluster, workload
from tests.servers.kubernetes_objects import Denial

RESTART = RolloutRestart()
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def sized(kind: str, **status: object) -> dict[str, object]:
    """Write a workload of two pods, as its controller would report it."""
    spec = {} if kind == "DaemonSet" else {"replicas": 2}
    said = {"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2}
    return workload(kind, "api", spec=spec, status=(said if kind == "DaemonSet" else {"replicas": 2}) | status)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_fields_of_kubectl_rollout_restart_change_and_no_other(
    cluster: Cluster, writer: KubernetesWriter, kind: str
) -> None:
    # kubectl v1.32 sends, by PATCH application/strategic-merge-patch+json and fieldManager=kubectl-rollout:
    # {"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"<RFC 3339>"}}}}}
    before = await cluster.create(sized(kind))
    at = bench(RESTART, cluster, writer, target=of(cluster, kind=kind))

    done = await at.do()

    after = await at.object()
    stamped = after["spec"]["template"]["metadata"].pop("annotations")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamped.pop(RESTARTED_AT))
    assert stamped == {}
    assert without_marks(after) == without_marks(before)
    assert after["metadata"]["annotations"][ATTEMPT] == "INC-17@abc/3/0"
    assert after["metadata"]["annotations"][CAUSE] == f"Responder: restarted for {REASON}"
    assert done.say == f"{kind.lower()}/api restarted"
    assert done.undo is None


async def test_annotations_of_others_stay(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = workload(
        "Deployment", "api", metadata={"annotations": {"team": "shop", "a/b-c": "x"}}, spec={"replicas": 1}
    )
    found["spec"]["template"]["metadata"]["annotations"] = {"sidecar/inject": "true"}
    await cluster.create(found)
    at = bench(RESTART, cluster, writer)

    await at.do()

    after = await at.object()
    assert {"team": "shop", "a/b-c": "x"}.items() <= after["metadata"]["annotations"].items()
    assert after["spec"]["template"]["metadata"]["annotations"]["sidecar/inject"] == "true"


async def test_the_preview_changes_nothing_and_says_what_it_costs(rolling: Rolling) -> None:
    await rolling.workload(replicas=4)
    budget = {"minAvailable": 4, "selector": {"matchLabels": {"app": "api"}}}
    named = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api-budget"}}
    await rolling.cluster.create({**named, "spec": budget})
    await rolling.settle()
    at = rolling.bench(RESTART)
    before = await at.object()

    preview = await at.preview()

    after = await at.object()
    assert without_marks(after) == without_marks(before)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert (preview.refusal, preview.dry_run) == ("", True)
    assert (preview.pods, preview.ready, preview.replicas, len(preview.touches)) == (4, 4, 4, 4)
    assert preview.disruption == "one at a time (maxUnavailable 25% of 4 = 1, maxSurge 25% of 4 = 1)"
    assert preview.budgets == ("api-budget: minAvailable 4; 0 may go now",)
    assert any("api-budget lets no pod go now" in warning for warning in preview.warnings)
    assert preview.lock == f"default/deployment/{rolling.cluster.namespace}/api"
    assert preview.namespace == rolling.cluster.namespace
    assert preview.basis == {
        "workload": "deployment/api",
        "uid": before["metadata"]["uid"],
        "its spec": parts_of(before["spec"]),
    }
    assert preview.versions == {"generation": before["metadata"]["generation"]}


async def test_what_people_agree_to_does_not_move_with_the_clock(rolling: Rolling) -> None:
    """It is looked at again in every round: who has said yes is not asked anew because a minute has passed."""
    await rolling.workload()
    at = rolling.bench(RESTART)
    later = replace(at, tools=replace(at.tools, later=timedelta(minutes=10)))
    first, second = await at.preview(), await later.preview()
    assert (first.summary, first.changes, first.basis) == (second.summary, second.changes, second.basis)


async def test_all_pods_are_replaced_and_followed_to_the_end(rolling: Rolling) -> None:
    await rolling.workload()
    old = {pod["metadata"]["name"] for pod in await every(rolling.cluster, "Pod")}
    rolling.world.pace = 1
    at = rolling.bench(RESTART)

    done = await at.do()
    first = await at.progress(done)
    for _ in range(3):
        await rolling.settle()
    last = await at.progress(done)

    assert (first.complete, first.failed, first.reverted) == (False, "", "")
    assert re.match("[12] of 3 pods updated", first.say)
    assert (last.complete, last.ready, last.updated, last.wanted) == (True, True, 3, 3)
    assert not old & {pod["metadata"]["name"] for pod in await every(rolling.cluster, "Pod")}


async def test_a_pod_leads_to_its_workload_even_when_it_is_gone(rolling: Rolling) -> None:
    await rolling.workload()
    pod = (await every(rolling.cluster, "Pod"))[0]["metadata"]["name"]
    at = rolling.bench(RESTART, target=of(rolling.cluster, pod, "Pod", workload="api"))

    done = await at.do()
    await rolling.settle()

    assert (await at.progress(done)).complete
    assert (await at.act(await at.preview(), retry=True)).status == "done"


async def test_an_event_tells_the_cluster_what_was_done_and_by_whose_word(rolling: Rolling) -> None:
    await rolling.workload()

    await rolling.bench(RESTART).do()

    events = await every(rolling.cluster, "Event")
    told = [event for event in events if event["reason"] == "Restarted"]
    assert [event.get("message") for event in told] == [f"Responder: restarted for {REASON}"]
    assert told[0]["involvedObject"]["name"] == "api"


async def test_a_second_try_after_the_effect_finds_it_done_and_restarts_nothing(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)
    preview = await at.preview()
    await at.act(preview)
    after = await at.object()

    done = await at.act(preview, retry=True)

    assert done.status == "done"
    assert "by the mark of this attempt" in done.say
    assert await at.object() == after


async def test_a_second_try_before_the_effect_does_it(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)

    done = await at.act(await at.preview(), retry=True)

    assert done.status == "done"
    assert RESTARTED_AT in (await at.object())["spec"]["template"]["metadata"]["annotations"]


async def test_a_second_try_on_a_workload_that_moved_without_the_mark_is_in_doubt(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)
    preview = await at.preview()
    await patch(cluster, "Deployment", "api", {"spec": {"minReadySeconds": 5}})
    before = await at.object()

    done = await at.act(preview, retry=True)

    assert done.status == "in_doubt"
    assert "its spec was changed (minReadySeconds)" in done.details
    assert "generation was 1, is 2 now" in done.details
    assert await at.object() == before


async def test_what_changed_since_it_was_approved_is_not_restarted(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)
    preview = await at.preview()
    await patch(cluster, "Deployment", "api", {"spec": {"replicas": 5}})
    before = await at.object()

    done = await at.act(preview)

    assert done.status == "not_done"
    assert "its spec was changed by kubectl-edit at " in done.say
    assert done.say.endswith(" UTC (replicas 2 -> 5)")
    assert await at.object() == before


async def test_another_workload_of_the_same_name_is_not_restarted(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)
    preview = await at.preview()
    await cluster.delete(made)

    gone = await at.act(preview)
    await cluster.create(sized("Deployment"))
    other = await at.act(preview)

    assert (gone.status, other.status) == ("not_done", "not_done")
    assert "uid was" in other.say


async def test_an_annotation_that_comes_in_between_is_not_lost(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(sized("Deployment"))
    at = bench(RESTART, cluster, writer)
    preview = await at.preview()
    await patch(cluster, "Deployment", "api", {"metadata": {"annotations": {"team": "shop"}}})

    done = await at.act(preview)

    assert done.status == "done"
    assert (await at.object())["metadata"]["annotations"]["team"] == "shop"


async def test_a_paused_deployment_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = sized("Deployment")
    found["spec"]["paused"] = True  # type: ignore[index]
    await cluster.create(found)

    preview = await bench(RESTART, cluster, writer).preview()

    assert "paused" in preview.refusal
    assert "kubectl rollout resume deployment/api" in preview.refusal


async def test_a_set_that_waits_for_deletion_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = workload("StatefulSet", "api", spec={"replicas": 2, "updateStrategy": {"type": "OnDelete"}})
    await cluster.create(found)

    preview = await bench(RESTART, cluster, writer, target=of(cluster, kind="StatefulSet")).preview()

    assert "OnDelete" in preview.refusal


async def test_a_workload_scaled_to_nothing_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api", spec={"replicas": 0}))

    assert "replicas are 0" in (await bench(RESTART, cluster, writer).preview()).refusal


@pytest.mark.parametrize(
    ("metadata", "owner", "way", "warning"),
    [
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/api"}},
            "Argo CD (shop)",
            "argocd app actions run shop restart --kind Deployment --resource-name api --namespace {ns}",
            "it leaves a restart alone",
        ),
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "shop",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            "Flux (Kustomization flux-system/shop)",
            "flux suspend kustomization shop -n flux-system first",
            "it leaves a restart alone",
        ),
        (
            {"annotations": {"meta.helm.sh/release-name": "shop; rm -rf /"}},
            "Helm (shop; rm -rf /)",
            "Helm has no restart of its own: kubectl rollout restart deployment/api -n {ns}",
            "it leaves a restart alone",
        ),
    ],
)
async def test_the_preview_names_the_owner_what_it_would_put_back_and_its_own_way(
    cluster: Cluster, writer: KubernetesWriter, metadata: dict[str, object], owner: str, way: str, warning: str
) -> None:
    labels = {"app": "api"} | dict(metadata.get("labels", {}))  # type: ignore[call-overload]
    found = workload("Deployment", "api", metadata=metadata | {"labels": labels})
    await cluster.create(found)

    preview = await bench(RESTART, cluster, writer).preview()

    assert (preview.owner, preview.refusal) == (owner, "")
    assert way.format(ns=cluster.namespace) in preview.owner_way
    assert any(warning in said for said in preview.warnings)


async def test_what_an_operator_makes_is_refused_and_the_operator_named(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    owner = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "name": "main", "uid": "1-2-3", "controller": True}
    await cluster.create(workload("StatefulSet", "api", metadata={"ownerReferences": [owner]}, spec={"replicas": 1}))

    preview = await bench(RESTART, cluster, writer, target=of(cluster, kind="StatefulSet")).preview()

    assert "made by its controller, Kafka main" in preview.refusal
    assert preview.owner == "Kafka main"


async def test_a_missing_right_is_known_before_anybody_is_asked(rolling: Rolling) -> None:
    await rolling.workload()
    rights = [("apps", each, verb) for each in ("deployments", "replicasets") for verb in ("get", "list")]
    rolling.server.access.tokens["reader"] = "reader"
    rolling.server.access.grants["reader"] = {*rights, ("", "pods", "list"), ("", "pods", "get")}
    (rolling.cluster.kubeconfig.parent / "reader").mkdir()
    kubeconfig = rolling.server.kubeconfig(rolling.cluster.kubeconfig.parent / "reader", token="reader")
    client = KubernetesWriter(KubernetesAccess(kubeconfig=kubeconfig))
    try:
        preview = await bench(RESTART, rolling.cluster, client).preview()
    finally:
        await client.close()

    assert "patch" in preview.refusal
    assert "deployments.apps" in preview.refusal
    assert not preview.dry_run
    assert any("PodDisruptionBudgets could not be read" in warning for warning in preview.warnings)


async def test_what_admission_denies_is_known_before_anybody_is_asked(rolling: Rolling) -> None:
    await rolling.workload()
    rolling.server.objects.denials.append(Denial("Deployment", "change freeze", hook="freeze.example.com"))

    preview = await rolling.bench(RESTART).preview()

    assert 'admission webhook "freeze.example.com" denied the request: change freeze' in preview.refusal
    assert preview.dry_run, "the server judged the very request"


async def test_a_workload_that_is_not_there_cannot_be_looked_at(cluster: Cluster, writer: KubernetesWriter) -> None:
    with pytest.raises(Missing, match="deployment/api"):
        await bench(RESTART, cluster, writer).preview()


@pytest.mark.parametrize("name", ["../api", "api/scale", "api?x=1", "{{api}}", "${api}", "api\n", "'; DROP", "-A", "*"])
async def test_a_hostile_name_reaches_no_object(cluster: Cluster, writer: KubernetesWriter, name: str) -> None:
    await cluster.create(sized("Deployment"))
    before = await read(cluster, "Deployment", "api")

    for kind in (*KINDS, "Pod"):
        with pytest.raises(PermanentError):
            await bench(RESTART, cluster, writer, target=of(cluster, name, kind)).preview()

    assert await read(cluster, "Deployment", "api") == before


async def test_an_api_server_that_is_away_is_asked_again_and_the_effect_is_one(rolling: Rolling) -> None:
    await rolling.workload()
    at = rolling.bench(RESTART)
    preview = await at.preview()
    done = await at.act(preview)
    rolling.server.faults.append(Fault("/deployments/api", status=503, times=1))

    with pytest.raises(TransientError, match="503"):
        await at.act(preview, retry=True)
    again = await at.act(preview, retry=True)

    assert (done.status, again.status) == ("done", "done")
    assert (await at.object())["metadata"]["generation"] == preview.versions["generation"] + 1


async def test_a_restart_that_is_changed_back_names_who_did(rolling: Rolling) -> None:
    await rolling.workload()
    at = rolling.bench(RESTART)
    done = await at.do()
    await patch(rolling.cluster, "Deployment", "api", [{"op": "remove", "path": "/spec/template/metadata/annotations"}])

    said = await at.progress(done)

    assert not said.complete
    assert re.search(r"changed back or over by \S+ at \d\d:\d\d UTC", said.reverted)


async def test_a_workload_deleted_meanwhile_is_a_failure(rolling: Rolling) -> None:
    made = await rolling.workload()
    at = rolling.bench(RESTART)
    done = await at.do()
    await rolling.cluster.delete(made)

    said = await at.progress(done, later=timedelta(seconds=1))

    assert "not there any more" in said.failed


async def test_of_many_that_race_one_restarts_and_the_others_say_what_changed(rolling: Rolling) -> None:
    await rolling.workload()
    benches = [rolling.bench(RESTART) for _ in range(10)]
    for number, each in enumerate(benches):
        each.tools = replace(each.tools, attempt=f"INC-17@abc/{number}/0")
    previews = await asyncio.gather(*(each.preview() for each in benches))

    done = await asyncio.gather(*(each.act(p) for each, p in zip(benches, previews, strict=True)))

    assert sorted(outcome.status for outcome in done) == ["done", *["not_done"] * 9]
    said = "its spec was changed by responder at "
    assert all(said in outcome.say for outcome in done if outcome.status == "not_done")
    assert (await benches[0].object())["metadata"]["generation"] == 2


async def test_an_answer_that_is_lost_says_that_it_may_have_happened(rolling: Rolling) -> None:
    await rolling.workload()
    at = rolling.bench(RESTART)
    preview = await at.preview()
    rolling.server.faults.append(Fault("fieldManager=responder", drop=True, times=1))

    with pytest.raises(Unanswered):
        await at.act(preview)
    done = await at.act(preview, retry=True)

    assert done.status == "done"
    assert (await at.object())["metadata"]["generation"] == 2
