"""kubernetes.apply: one manifest of the pack, of a kind that is allowed, made once and removed as we left it."""

from typing import Any

import pytest

from responder.actions.apply import Apply
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import PermanentError, Unanswered
from tests.actions.packs import at_work, config_map
from tests.actions.rollouts import ATTEMPT, Bench, patch, read
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster

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


def on(cluster: Cluster, writer: KubernetesWriter, text: str = SHED) -> Bench:
    return at_work(APPLY, cluster, writer, manifest="emergency/shed.yaml", files={"emergency/shed.yaml": text})


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
