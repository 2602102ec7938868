"""kubernetes.apply: one manifest of the pack, of a kind that is allowed, made once and removed as we left it."""

from typing import Any

import pytest

from responder.actions.apply import Apply
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import PermanentError, Unanswered
from responder.model.action import Change
from tests.actions.packs import at_work, config_map, events_of
from tests.actions.rollouts import ATTEMPT, Bench, Meddled, every, patch, read
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod

APPLY = Apply()
SHED = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: shedding
  labels: {app: api}
data:
  percent: "50"
"""


def on(cluster: Cluster, writer: KubernetesWriter, text: str = SHED, **more: Any) -> Bench:
    path = "emergency/shed.yaml"
    return at_work(APPLY, cluster, writer, manifest=path, files={path: text}, **more)


@pytest.fixture
def at(cluster: Cluster, writer: KubernetesWriter) -> Bench:
    return on(cluster, writer)


async def test_the_manifest_is_applied_and_is_ours(at: Bench) -> None:
    preview = await at.preview()
    done = await at.do()

    made = await at.object("ConfigMap", "shedding")
    assert preview.summary.startswith("apply emergency/shed.yaml: make configmap/shedding in ")
    assert made["data"] == {"percent": "50"}
    assert made["metadata"]["labels"] == {"app": "api", "alertmanager-responder/incident": "INC-17"}
    assert made["metadata"]["annotations"] == {ATTEMPT: at.tools.attempt}
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("responder", "Apply")
    assert (await at.progress(done)).reverted == ""
    assert events_of(await every(at.cluster, "Event")) == [
        ("Applied", "Responder: applied from emergency/shed.yaml for INC-17, approved by ann")
    ]


async def test_a_second_try_after_a_lost_answer_makes_nothing_more(at: Bench, fake: KubernetesServer) -> None:
    preview = await at.preview()
    fake.lost = ["configmaps/shedding"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    fake.lost.clear()
    made = await at.object("ConfigMap", "shedding")

    assert (await at.act(preview, retry=True)).status == "done"
    assert await at.object("ConfigMap", "shedding") == made


async def test_what_is_there_is_not_written_over(at: Bench) -> None:
    preview = await at.preview()
    await at.cluster.create(config_map("shedding", percent="10"))

    assert (await at.act(preview)).status == "not_done"
    assert "there already" in (await at.preview()).refusal
    assert (await at.object("ConfigMap", "shedding"))["data"] == {"percent": "10"}


async def theirs(cluster: Cluster, **data: str) -> None:
    """Apply the object as Argo CD does: by server-side apply, which merges into what is there."""
    body = config_map("shedding", **data)
    await cluster.apply(body, manager="argocd-controller")


async def test_what_others_apply_at_the_last_moment_stays_theirs(cluster: Cluster, meddled: Meddled) -> None:
    at = on(cluster, meddled)
    preview = await at.preview()
    meddled.meddle = lambda: theirs(cluster, theirs="x")

    told = await at.act(preview)
    again = await at.act(preview, retry=True)

    assert [told.status, again.status] == ["not_done", "not_done"]
    assert (await at.undo(preview.undo)).status == "not_done"
    assert (await at.object("ConfigMap", "shedding"))["data"] == {"theirs": "x"}


async def test_what_others_wrote_to_before_it_was_read_back_is_not_removed(at: Bench, fake: KubernetesServer) -> None:
    preview = await at.preview()
    fake.lost = ["configmaps/shedding"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    fake.lost.clear()
    await theirs(at.cluster, theirs="x")

    again = await at.act(preview, retry=True)

    assert again.status == "done"
    assert "argocd-controller has written to it, too" in again.say
    for before in (again.undo, preview.undo):
        undone = await at.undo(before)
        assert (undone.status, "argocd-controller" in undone.say) == ("not_done", True)
    assert (await at.object("ConfigMap", "shedding"))["data"] == {"percent": "50", "theirs": "x"}


async def test_what_is_to_be_made_is_shown_without_secrets(cluster: Cluster, writer: KubernetesWriter) -> None:
    text = SHED + '  DB_PASSWORD: "hunter2"\n  note: "' + "x" * 500 + '"\n'
    changes = (await on(cluster, writer, text).preview()).changes

    assert changes[:3] == (
        Change("ConfigMap", "(not there)", "shedding"),
        Change("data.percent", "", "50"),
        Change("data.DB_PASSWORD", "", "[redacted]"),
    )
    assert len(changes[3].after) == 200


async def test_a_long_manifest_is_shown_in_part_and_that_is_said(cluster: Cluster, writer: KubernetesWriter) -> None:
    text = SHED + "".join(f"  k{number}: v\n" for number in range(60))
    changes = (await on(cluster, writer, text).preview()).changes

    assert (len(changes), changes[-1].what) == (42, "and 21 more fields of the manifest")


POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shedding}
"""


@pytest.mark.parametrize(
    ("spec", "pods", "said"),
    [
        ("{podSelector: {}, policyTypes: [Ingress]}", 3, "3 pods run on, cut off from what comes in"),
        ("{podSelector: {matchLabels: {app: web}}}", 1, "1 pods run on, cut off from what comes in"),
        ("{podSelector: {}, egress: [{ports: [{port: 53}]}], ingress: [{}]}", 3, "cut off from what goes out"),
        ("{podSelector: {}, policyTypes: [Ingress, Egress]}", 3, "what comes in and what goes out"),
        ("{podSelector: {}, ingress: [{}]}", 0, "none: it lets everything through"),
    ],
)
async def test_the_pods_that_a_policy_selects_are_counted_and_named(
    cluster: Cluster, writer: KubernetesWriter, spec: str, pods: int, said: str
) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    await cluster.create(pod("web-1", labels={"app": "web"}))

    preview = await on(cluster, writer, f"{POLICY}spec: {spec}").preview()

    assert (preview.refusal, preview.pods, said in preview.disruption) == ("", pods, True)
    assert (preview.ready, len(preview.touches)) == ((pods, pods) if pods else (0, 1))
    assert any(lock.endswith(f"deployment/{cluster.namespace}/api") for lock in preview.locks) == (pods == 3)
    assert ("spec.podSelector", "{}") in [(one.what, one.after) for one in preview.changes] or pods == 1


async def test_whom_a_service_and_a_budget_select_is_said(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(pod("api-1", labels={"app": "api"}))
    budget = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {%s}}"
    one = await on(cluster, writer, budget % "minAvailable: 1, selector: {matchLabels: {app: api}}").preview()
    none = await on(cluster, writer, budget % "minAvailable: 1, selector: {matchLabels: {app: web}}").preview()
    service = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: api}, ports: [{port: 80}]}}"
    at = on(cluster, writer, service, kinds=["Service"])

    assert (one.pods, "one of the 1 pods" in one.disruption, one.warnings) == (0, True, ())
    assert none.warnings == ("It selects no pod as things are",)
    assert "the 1 pods that it selects" in (await at.preview()).disruption


SCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, minReplicas: 1, maxReplicas: 5}
"""


async def test_what_an_autoscaler_may_end_is_counted(cluster: Cluster, writer: KubernetesWriter) -> None:
    unknown = await on(cluster, writer, SCALER).preview()
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"), spec={"replicas": 2})
    preview = await on(cluster, writer, SCALER).preview()

    assert "is not known: there is no deployment/api" in unknown.warnings[0]
    assert unknown.pods is None
    assert (preview.pods, preview.ready, preview.replicas) == (1, 2, 2)
    assert "up to 1 of them end" in preview.disruption


async def test_a_manifest_other_than_what_was_approved_is_not_applied(at: Bench) -> None:
    preview = await at.preview()

    other = on(at.cluster, at.tools.kubernetes, SHED.replace("50", "90"))

    assert (await other.act(preview)).status == "not_done"


async def test_undoing_deletes_it_unless_others_changed_it(at: Bench) -> None:
    done = await at.do()
    await patch(at.cluster, "ConfigMap", "shedding", {"data": {"percent": "10"}})
    assert (await at.undo(done.undo)).status == "not_done"
    await patch(at.cluster, "ConfigMap", "shedding", {"data": {"percent": "50"}})

    assert (await at.undo(done.undo)).status == "done"
    assert (await at.undo(done.undo, retry=True)).status == "done"
    with pytest.raises(Exception, match="404"):
        await read(at.cluster, "ConfigMap", "shedding")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SHED.replace("ConfigMap", "Secret"), "may not be applied"),
        (SHED.replace("ConfigMap", "ClusterRoleBinding"), "may not be applied"),
        (SHED.replace("v1", "v2"), "cannot be applied"),
        (SHED.replace("name: shedding", "generateName: x"), "no name"),
        (SHED.replace("name: shedding", "name: shedding\n  namespace: kube-system"), "kube-system"),
        (SHED.replace("name: shedding", 'name: "../secrets/x"'), "cannot be the name"),
        (f"{SHED}---{SHED}", "exactly one"),
        ("- a", "exactly one"),
        ("", "exactly one"),
        ("a: [", "not YAML"),
        ("kind: ConfigMap", "apiVersion"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
async def test_a_manifest_that_is_not_what_it_should_be_is_refused(
    cluster: Cluster, writer: KubernetesWriter, text: str, said: str
) -> None:
    at = on(cluster, writer, text)
    try:
        refusal = (await at.preview()).refusal
    except PermanentError as error:
        refusal = str(error)

    assert said in refusal


async def test_a_file_that_the_pack_has_not_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    at = at_work(APPLY, cluster, writer, manifest="no.yaml")
    with pytest.raises(PermanentError, match="no file"):
        await at.preview()


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../b", "$(id)", "a b", "é", ""])
def test_a_path_out_of_the_pack_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="manifest"):
        APPLY.Params.model_validate({"manifest": path})


def test_the_kinds_of_the_rights_are_those_that_can_be_applied() -> None:
    granted: set[Any] = {(verb.group, verb.resource) for verb in APPLY.needs}
    assert ("", "secrets") not in granted
    assert ("networking.k8s.io", "networkpolicies") in granted
