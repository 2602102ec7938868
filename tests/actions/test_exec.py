"""kubernetes.exec: a program that is allowed, in the pod that was approved; its exit code counts."""

from dataclasses import replace
from typing import Any

import pytest

from responder.actions.exec_command import Exec
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Barred, Missing, PermanentError
from responder.model.target import Target
from responder.settings.sections import KubernetesAccess
from tests.actions.packs import at_work, events_of
from tests.actions.rollouts import REASON, Bench, every, of
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, container_status, deployment_with_pods, pod, ready
from tests.servers.kubernetes_exec import Ran


@pytest.fixture
async def pods(cluster: Cluster, fake: KubernetesServer) -> Cluster:
    two = [{"name": "api", "image": "i:1"}, {"name": "side", "image": "i:1"}]
    status = ready(container_status("api"), container_status("side"))
    made = [pod(name, spec={"containers": two, "nodeName": "n1"}, status=status) for name in ("api-1", "api-2")]
    await deployment_with_pods(cluster, "api", *made)
    return cluster


def on(pods: Cluster, writer: KubernetesWriter, *argv: str, **more: Any) -> Bench:
    return at_work(Exec(), pods, writer, argv=list(argv), programs=["redis-cli", "ops-a", "ops-none"], **more)


async def run(at: Bench) -> Any:
    preview = await at.preview()
    assert preview.refusal == ""
    return await at.act(preview)


async def test_the_program_runs_once_in_the_first_ready_pod(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran(b"OK\npassword=hunter2\n", b"warn\n")
    at = on(pods, writer, "redis-cli", "CONFIG", "RESETSTAT")

    preview = await at.preview()
    assert fake.kubelet.programs.ran == []
    done = await at.act(preview)

    assert preview.summary.startswith("run redis-cli CONFIG RESETSTAT in api of pod/api-1 in ")
    (ran,) = fake.kubelet.programs.ran
    assert (ran.pod, ran.container, ran.argv) == ("api-1", "api", ("redis-cli", "CONFIG", "RESETSTAT"))
    assert (done.status, done.details) == ("done", ("OK", "password=[redacted]", "warn"))
    assert events_of(await every(pods, "Event")) == [("Executed", f"Responder: ran redis-cli for {REASON}")]


async def test_what_a_program_says_is_told(inside: Cluster, writer: KubernetesWriter) -> None:
    at = at_work(Exec(), inside, writer, argv=["echo", "OK"], programs=["echo"])

    done = await run(at)

    assert (done.status, done.details, done.undo) == ("done", ("OK",), None)
    assert events_of(await every(inside, "Event")) == [("Executed", f"Responder: ran echo for {REASON}")]


async def test_the_exit_code_counts(pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran(b"", b"connection refused\n", 3)

    done = await run(on(pods, writer, "redis-cli"))

    assert done.status == "failed"
    assert done.say.endswith("ended with 3")
    assert done.details == ("connection refused",)


async def test_a_connection_that_ends_without_an_exit_code_is_in_doubt(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran(b"half\n", drop=True)

    done = await run(on(pods, writer, "redis-cli"))

    assert (done.status, done.details) == ("in_doubt", ("half",))


async def test_a_program_is_never_run_again(pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran()
    at = on(pods, writer, "redis-cli")
    preview = await at.preview()

    assert (await at.act(preview, retry=True)).status == "in_doubt"
    assert fake.kubelet.programs.ran == []
    assert Exec.once == "doubtful"


@pytest.mark.parametrize(
    "argv", [["sh", "-c", "id"], ["redis-cli2"], ["/bin/redis-cli"], ["xops-a"], ["ops-a/"], ["redis-cli\n"]]
)
async def test_a_program_that_is_not_allowed_is_refused(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer, argv: list[str]
) -> None:
    at = on(pods, writer, *argv)
    preview = await at.preview()

    assert "may not be run" in preview.refusal
    assert (await at.act(preview)).status == "not_done"
    assert fake.kubelet.programs.ran == []


async def test_another_pod_of_that_name_is_left_alone(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran()
    at = on(pods, writer, "redis-cli")
    preview = await at.preview()
    await pods.delete(await at.object("Pod", "api-1"))

    assert (await at.act(preview)).status == "not_done"
    assert fake.kubelet.programs.ran == []


async def test_a_program_that_the_container_has_not_was_not_started(pods: Cluster, writer: KubernetesWriter) -> None:
    with pytest.raises(PermanentError, match="executable file not found"):
        await run(on(pods, writer, "ops-none"))


async def test_the_container_must_be_told_where_none_is_named_like_the_workload(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran()
    await run(on(pods, writer, "redis-cli", container="side"))
    assert fake.kubelet.programs.ran[0].container == "side"
    with pytest.raises(PermanentError, match="one of api, side"):
        await on(pods, writer, "redis-cli", container="nope").preview()


async def test_a_missing_right_is_said_before_anybody_is_asked(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.access.tokens["reader"] = "reader"
    right = {
        (g, r, v) for g, r in (("", "pods"), ("apps", "replicasets"), ("apps", "deployments")) for v in ("get", "list")
    }
    fake.access.grants["reader"] = right
    access = KubernetesAccess(kubeconfig=fake.kubeconfig(pods.kubeconfig.parent, token="reader"))
    reader = KubernetesWriter(access)

    assert "`get` on `pods/exec`" in (await on(pods, reader, "redis-cli").preview()).refusal
    fake.access.local["reader", pods.namespace] = {("", "pods/exec", "get")}
    assert (await on(pods, reader, "redis-cli").preview()).refusal == ""
    await reader.close()


async def test_an_output_without_end_is_bounded(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran(b"x\n" * 1_000_000)

    done = await run(on(pods, writer, "redis-cli"))

    assert done.status == "done"
    assert len(done.details) == 41
    assert done.details[-1] == "(the output was longer)"


@pytest.mark.parametrize("value", [*HOSTILE, "--", "-x", "", "a" * 2000])
async def test_a_hostile_argument_is_one_argument(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer, value: str
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran(value.encode())

    done = await run(on(pods, writer, "redis-cli", value))

    (ran,) = fake.kubelet.programs.ran
    assert ran.argv == ("redis-cli", value)
    assert all(line.isprintable() for line in done.details)


async def test_a_nul_byte_is_no_argument(pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer) -> None:
    assert "NUL" in (await on(pods, writer, "redis-cli", "a\x00b").preview()).refusal


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_no_target(pods: Cluster, writer: KubernetesWriter, name: str) -> None:
    for target in (of(pods, name), Target("default", "Pod", pods.namespace, name, name)):
        with pytest.raises((Missing, PermanentError)):
            await on(pods, writer, "redis-cli", target=target).preview()


async def test_who_stood_still_until_others_took_it_over_runs_nothing(
    pods: Cluster, writer: KubernetesWriter, fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["redis-cli",] = Ran()
    at = on(pods, writer, "redis-cli")
    preview = await at.preview()
    with pytest.raises(Barred):
        await at.action.act(at.params, at.target, preview, replace(at.tools, taken_over=True))
    assert fake.kubelet.programs.ran == []
