"""Writes to an API server that speaks HTTP, or to a real one: exactly once, conditioned, and signed by us."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import (
    BudgetRefused,
    Conflict,
    Exists,
    Missing,
    NotLetIn,
    PermanentError,
    TransientError,
    Unanswered,
)
from responder.model.outside import Executed
from responder.model.resource import CONFIG_MAPS, DEPLOYMENTS, EVENTS, PODS
from responder.plugins import acting
from responder.settings.sections import KubernetesAccess
from tests.servers.kubernetes import TOKEN, Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, container_status, pod, ready, workload
from tests.servers.kubernetes_exec import Ran
from tests.servers.kubernetes_objects import Denial

HOSTILE = ["", "..", "../x", "a/b", "a?b=1", "a%2fb", "A", "a\n", "-rf", "a" * 300, "$(id)", "a#", "ünï", "a\x00b"]


@pytest.fixture
async def writer(cluster: Cluster) -> AsyncIterator[KubernetesWriter]:
    client = KubernetesWriter(KubernetesAccess(kubeconfig=cluster.kubeconfig), deadline=timedelta(seconds=5))
    yield client
    await client.close()


def test_the_writer_satisfies_the_contract_of_the_actions(writer: KubernetesWriter) -> None:
    contract: acting.Cluster = writer
    assert contract is writer


async def test_a_json_patch_is_signed_by_us_and_touches_nothing_else(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    test = {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}

    done = await writer.patch(
        DEPLOYMENTS, cluster.namespace, "api", [test, {"op": "replace", "path": "/spec/replicas", "value": 4}]
    )

    assert done["spec"] == {**made["spec"], "replicas": 4}
    assert "responder" in {entry["manager"] for entry in done["metadata"]["managedFields"]}


async def test_a_json_patch_whose_test_fails_is_a_conflict(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api"))
    test = {"op": "test", "path": "/metadata/uid", "value": "another"}

    with pytest.raises(Conflict):
        await writer.patch(DEPLOYMENTS, cluster.namespace, "api", [test])


async def test_a_patch_that_validation_refuses_is_no_conflict(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(workload("Deployment", "api"))

    with pytest.raises(PermanentError, match="greater than or equal to 0") as caught:
        await writer.patch(
            DEPLOYMENTS, cluster.namespace, "api", [{"op": "replace", "path": "/spec/replicas", "value": -1}]
        )

    assert not isinstance(caught.value, Conflict)


async def test_a_dry_run_is_judged_and_changes_nothing(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    uid = made["metadata"]["uid"]

    shown = await writer.patch(
        DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 4}}, form="merge", dry_run=True
    )
    await writer.delete(DEPLOYMENTS, cluster.namespace, "api", uid=uid, dry_run=True)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}}
    await writer.create(CONFIG_MAPS, cluster.namespace, body, dry_run=True)

    assert shown["spec"]["replicas"] == 4
    assert await writer.get(DEPLOYMENTS, cluster.namespace, "api") == made
    assert await writer.get(CONFIG_MAPS, cluster.namespace, "flags") is None


async def test_what_is_there_is_not_created_again(cluster: Cluster, writer: KubernetesWriter) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}, "data": {"a": "1"}}
    await writer.create(CONFIG_MAPS, cluster.namespace, body)

    with pytest.raises(Exists):
        await writer.create(CONFIG_MAPS, cluster.namespace, body)


async def test_another_object_of_the_same_name_is_not_deleted(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}})

    with pytest.raises(Conflict):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid="another")
    with pytest.raises(PermanentError, match="uid"):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid="")
    await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid=made["metadata"]["uid"])
    with pytest.raises(Missing):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid=made["metadata"]["uid"])


async def test_a_write_that_gets_no_answer_may_have_happened(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(workload("Deployment", "api"))
    access = KubernetesAccess(kubeconfig=cluster.kubeconfig)
    quick = KubernetesWriter(access, deadline=timedelta(milliseconds=300))
    for fault in (Fault("deployments/api", hang=True), Fault("deployments/api", drop=True)):
        fake.faults[:] = [fault]
        with pytest.raises(Unanswered):
            await quick.patch(DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 4}}, form="merge")
    fake.faults.clear()
    await quick.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_no_object_can_have_is_never_written(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, name: str
) -> None:
    fake.requests.clear()
    space = cluster.namespace

    assert await writer.get(DEPLOYMENTS, space, name) is None
    with pytest.raises(PermanentError):
        await writer.patch(DEPLOYMENTS, space, name, [])
    with pytest.raises(PermanentError):
        await writer.delete(DEPLOYMENTS, space, name, uid="x")
    with pytest.raises(PermanentError):
        await writer.create(CONFIG_MAPS, space, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}})
    with pytest.raises(PermanentError):
        await writer.evict(space, name, uid="x")
    with pytest.raises(PermanentError):
        await writer.execute(space, name, ["true"])
    with pytest.raises(PermanentError):
        await writer.patch(DEPLOYMENTS, name, "api", [])

    assert fake.requests == []


def program_pod(name: str = "api-1") -> dict[str, object]:
    return pod(name, spec={"nodeName": "n1"}, status=ready(container_status()))


async def test_an_eviction_asks_the_budgets_and_says_what_they_need(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    made = await cluster.create(program_pod())
    uid, status = made["metadata"]["uid"], {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "api"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}},
        "status": status | {"disruptionsAllowed": 0, "observedGeneration": 1},
    }
    held = await cluster.create(budget)
    with pytest.raises(BudgetRefused, match="needs 1 healthy pods and has 1 currently"):
        await writer.evict(cluster.namespace, "api-1", uid=uid, dry_run=True)

    await cluster.change(held, {"status": {"disruptionsAllowed": 1}}, subresource="status")
    await writer.evict(cluster.namespace, "api-1", uid=uid, dry_run=True)
    found = await writer.get(PODS, cluster.namespace, "api-1")
    assert found
    assert "deletionTimestamp" not in found["metadata"]

    await writer.evict(cluster.namespace, "api-1", uid=uid)
    found = await writer.get(PODS, cluster.namespace, "api-1")
    assert found
    assert found["metadata"]["deletionTimestamp"]


async def test_another_pod_of_the_same_name_is_not_evicted(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(program_pod())
    with pytest.raises(Conflict):
        await writer.evict(cluster.namespace, "api-1", uid="another")


async def test_too_many_requests_are_no_budget(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    made = await cluster.create(program_pod())
    fake.faults.append(Fault("/eviction", status=429, retry_after=7))
    with pytest.raises(TransientError) as caught:
        await writer.evict(cluster.namespace, "api-1", uid=made["metadata"]["uid"])
    fake.faults.clear()

    assert not isinstance(caught.value, Unanswered)
    assert caught.value.delay == timedelta(seconds=7)


async def test_server_side_apply_owns_its_fields_and_takes_no_others(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}, "data": {"a": "1"}}
    made = await writer.patch(CONFIG_MAPS, cluster.namespace, "flags", body, form="apply")
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("responder", "Apply")
    assert entry["fieldsV1"]["f:data"] == {"f:a": {}}

    await cluster.change(made, {"data": {"a": "2", "b": "2"}})
    with pytest.raises(Conflict, match="conflict"):
        await writer.patch(CONFIG_MAPS, cluster.namespace, "flags", body, form="apply")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_that_breaks_may_have_written_and_in_a_dry_run_has_not(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, status: int
) -> None:
    fake.faults.append(Fault("deployments/api", status=status))
    with pytest.raises(Unanswered):
        await writer.patch(DEPLOYMENTS, cluster.namespace, "api", {}, form="merge")
    with pytest.raises(TransientError) as caught:
        await writer.patch(DEPLOYMENTS, cluster.namespace, "api", {}, form="merge", dry_run=True)
    fake.faults.clear()

    assert not isinstance(caught.value, Unanswered)


async def test_a_server_that_is_not_there_was_not_written_to(cluster: Cluster, tmp_path: Path) -> None:
    server = KubernetesServer()
    nowhere = KubernetesAccess(kubeconfig=server.kubeconfig(tmp_path, server="http://127.0.0.1:9"))
    client = KubernetesWriter(nowhere)
    with pytest.raises(TransientError) as caught:
        await client.patch(DEPLOYMENTS, "prod", "api", {}, form="merge")
    await client.close()

    assert not isinstance(caught.value, Unanswered)


async def test_a_lost_answer_to_a_delete_is_not_told_as_missing(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    # The HTTP library sends a DELETE again by itself when the connection breaks; the second answer is a 404.
    made = await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}})
    fake.lost = ["configmaps/flags"]
    with pytest.raises(Unanswered):
        await writer.delete(CONFIG_MAPS, cluster.namespace, "flags", uid=made["metadata"]["uid"])
    fake.lost.clear()

    assert await writer.get(CONFIG_MAPS, cluster.namespace, "flags") is None


async def test_what_admission_and_rbac_refuse_is_told_apart(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(workload("Deployment", "api"))
    fake.objects.denials.append(Denial("Deployment", "frozen"))
    with pytest.raises(PermanentError, match="denied the request: frozen") as denied:
        await writer.patch(DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 2}}, form="merge")
    fake.objects.denials.clear()
    fake.access.tokens["nobody"] = "nobody"
    other = KubernetesWriter(KubernetesAccess(kubeconfig=fake.kubeconfig(cluster.kubeconfig.parent, token="nobody")))
    with pytest.raises(NotLetIn, match="patch"):
        await other.patch(DEPLOYMENTS, cluster.namespace, "api", {}, form="merge")
    await other.close()

    assert not isinstance(denied.value, NotLetIn)


async def test_rights_are_asked_for(cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer) -> None:
    fake.access.tokens["actor"] = "actor"
    fake.access.local["actor", "prod"] = {("apps", "deployments", "patch"), ("", "pods/eviction", "create")}
    actor = KubernetesWriter(KubernetesAccess(kubeconfig=fake.kubeconfig(cluster.kubeconfig.parent, token="actor")))

    assert await actor.may("patch", DEPLOYMENTS, "prod") == ""
    assert await actor.may("create", PODS, "prod", subresource="eviction") == ""
    assert "no `patch` on `deployments` in other" in await actor.may("patch", DEPLOYMENTS, "other")
    assert "no `create` on `pods/exec`" in await actor.may("create", PODS, "prod", subresource="exec")
    await actor.close()


async def test_an_event_is_written_once_and_never_fails(cluster: Cluster, writer: KubernetesWriter) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    for _ in range(2):
        await writer.tell(made, reason="RolledBack", note="Responder: é" * 500, key="INC-17/1/0")
    await writer.tell(made, reason="RolledBack", note="again", key="INC-17/2/0")
    await writer.tell({"kind": "Deployment"}, reason="RolledBack", note="nowhere", key="INC-17/3/0")

    events = await writer.list(EVENTS, cluster.namespace, fields="involvedObject.name=api")
    assert len(events) == 2
    assert {event["reason"] for event in events} == {"RolledBack"}
    assert max(len(event["message"].encode()) for event in events) <= 1024


async def test_a_program_leaves_its_bytes_and_its_exit_code(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(program_pod())
    raw = bytes(range(256)) * 400
    fake.kubelet.programs.scripted |= {("dump",): Ran(raw, b"note"), ("fail",): Ran(b"", b"no", 7)}

    dumped = await writer.execute(cluster.namespace, "api-1", ["dump", "--all"])
    failed = await writer.execute(cluster.namespace, "api-1", ["fail"])
    cut = await writer.execute(cluster.namespace, "api-1", ["dump"], limit_bytes=1000)

    assert dumped == Executed(0, raw, b"note")
    assert (failed.code, failed.stderr) == (7, b"no")
    assert (cut.code, cut.stdout, cut.cut) == (0, raw[:1000], True)


async def test_a_program_that_does_not_end_has_no_exit_code(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(program_pod())
    fake.kubelet.programs.scripted |= {("hang",): Ran(b"some", hang=True), ("drop",): Ran(b"half", drop=True)}

    hung = await writer.execute(cluster.namespace, "api-1", ["hang"], timeout=timedelta(milliseconds=300))
    dropped = await writer.execute(cluster.namespace, "api-1", ["drop"])

    assert (hung.code, hung.stdout) == (None, b"some")
    assert (dropped.code, dropped.stdout) == (None, b"half")


async def test_a_program_that_was_not_started_is_an_error(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(program_pod())
    with pytest.raises(PermanentError, match="executable file not found"):
        await writer.execute(cluster.namespace, "api-1", ["absent"])
    with pytest.raises(Missing):
        await writer.execute(cluster.namespace, "api-9", ["dump"])
    with pytest.raises(PermanentError, match="container"):
        await writer.execute(cluster.namespace, "api-1", ["dump"], container="other")
    with pytest.raises(PermanentError):
        await writer.execute(cluster.namespace, "api-1", [])
    fake.access.tokens["nobody"] = "nobody"
    other = KubernetesWriter(KubernetesAccess(kubeconfig=fake.kubeconfig(cluster.kubeconfig.parent, token="nobody")))
    with pytest.raises(NotLetIn):
        await other.execute(cluster.namespace, "api-1", ["dump"])
    await other.close()


async def test_reads_are_never_older_than_the_call(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    assert await writer.get(DEPLOYMENTS, cluster.namespace, "api") == made

    changed = await cluster.change(made, {"spec": {"replicas": 9}})

    assert await writer.get(DEPLOYMENTS, cluster.namespace, "api") == changed
    assert len(fake.asked("GET", "/deployments/api")) == 2


async def test_a_token_that_ran_out_writes_once_with_the_new_one(
    cluster: Cluster, fake: KubernetesServer, tmp_path: Path
) -> None:
    made = await cluster.create(workload("Deployment", "api"))
    config = fake.kubeconfig(tmp_path, token="old")
    moment = iter(range(0, 1000, 100))
    client = KubernetesWriter(KubernetesAccess(kubeconfig=config), clock=lambda: float(next(moment)))
    fake.access.tokens["old"] = "admin"
    await client.get(DEPLOYMENTS, cluster.namespace, "api")
    del fake.access.tokens["old"]
    config.write_text(config.read_text().replace("token: old", f"token: {TOKEN}"))

    done = await client.patch(DEPLOYMENTS, cluster.namespace, "api", {"spec": {"replicas": 2}}, form="merge")
    await client.close()

    assert done["metadata"]["generation"] == made["metadata"]["generation"] + 1


async def test_what_a_program_writes_is_passed_on_as_it_comes(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(pod("api-1"))
    content = bytes(range(256)) * 2000
    fake.kubelet.programs.scripted["dump",] = Ran(content, b"warned" * 20_000)
    pieces: list[bytes] = []

    async def take(piece: bytes) -> None:
        pieces.append(piece)

    ran = await writer.execute(cluster.namespace, "api-1", ["dump"], limit_bytes=500_000, into=take)

    assert (b"".join(pieces), max(map(len, pieces))) == (content[:500_000], 32 * 1024)
    assert (ran.code, ran.stdout, ran.cut, len(ran.stderr)) == (0, b"", True, 64 * 1024)


async def test_what_cannot_be_passed_on_ends_it(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    await cluster.create(pod("api-1"))
    fake.kubelet.programs.scripted["dump",] = Ran(b"x" * 100_000, hang=True)

    async def full(piece: bytes) -> None:
        raise PermanentError("no space left")

    with pytest.raises(PermanentError, match="no space left"):
        await writer.execute(cluster.namespace, "api-1", ["dump"], into=full)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("api:80", "/../secrets"),
        ("api", "/"),
        ("../x:80", "/"),
        ("api:80/x", "/"),
        ("api:80", "/%2e%2e/x"),
        (":80", "/"),
    ],
)
async def test_an_address_out_of_the_service_is_never_asked(
    cluster: Cluster, writer: KubernetesWriter, fake: KubernetesServer, service: str, path: str
) -> None:
    fake.requests.clear()
    with pytest.raises(PermanentError):
        await writer.proxy("POST", cluster.namespace, service, path, body=b"", headers={})
    assert fake.requests == []
