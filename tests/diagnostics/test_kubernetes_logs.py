"""kubernetes.logs: one reading of all pods answers every question."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from responder.diagnostics.kubernetes_logs import KubernetesLogs
from responder.errors import NoTarget, PermanentError
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import diagnose, of
from tests.servers.kubernetes import Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, container_status, deployment_with_pods, pod, ready

LOGS = KubernetesLogs()


def write(
    fake: KubernetesServer, cluster: Cluster, name: str, *lines: str, container: str = "api", **more: Any
) -> None:
    """Let a container have written lines, a second apart, `shift` milliseconds off, the last one a minute ago."""
    end = fake.now() - timedelta(minutes=1) + timedelta(milliseconds=more.get("shift", 0))
    written = [(end - timedelta(seconds=len(lines) - number), line) for number, line in enumerate(lines)]
    store = fake.kubelet.previous if more.get("previous") else fake.kubelet.logs
    store[cluster.namespace, name, container] = written


async def two_pods(cluster: Cluster, **spec: Any) -> None:
    on_node = {"nodeName": "n1", **spec}
    await deployment_with_pods(cluster, "api", pod("api-1", spec=on_node), pod("api-2", spec=on_node))


async def test_the_lines_of_all_pods_stand_in_the_order_of_time(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    write(fake, cluster, "api-1", "a0", "a1", "a2")
    write(fake, cluster, "api-2", "b0", "b1", "b2", shift=500)

    found = await diagnose(LOGS, cluster)

    assert found.lines == ("a0", "b0", "a1", "b1", "a2", "b2")
    assert (found.count, found.read, found.pods) == (6, 6, 2)


async def test_one_reading_answers_every_question(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    write(
        fake,
        cluster,
        "api-1",
        "10.0.0.1 POST /api/auth 401",
        "10.0.0.2 POST /api/auth 401",
        "10.0.0.1 GET /health 200",
        "10.0.0.1 POST /api/auth 403",
        "authentication_failed",
    )
    fake.requests.clear()

    found = await diagnose(
        LOGS,
        cluster,
        grep=" (401|403)$",
        count={"failed": "authentication_failed", "denied": "permission_denied"},
        extract={"ip": r"^(\S+) "},
    )

    assert (found.count, found.read) == (3, 5)
    assert found.counts == {"failed": 1, "denied": 0}
    assert [(item.value, item.count) for item in found.found["ip"]] == [("10.0.0.1", 2), ("10.0.0.2", 1)]
    assert len(fake.asked("GET", "/log")) == 2


async def test_lines_that_differ_only_in_numbers_are_one_pattern(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    lines = [f"2026-01-01T00:00:{n:02}Z ERROR order {n}f0e1d2c3b4a5 failed after {n} ms" for n in range(10, 40)]
    write(fake, cluster, "api-1", *lines, "WARN something else")

    found = await diagnose(LOGS, cluster)

    assert found.top[0].pattern == "<time> ERROR order <id> failed after <n> ms"
    assert found.top[0].count == 30
    assert found.top[0].example == lines[-1]
    assert found.top[1].pattern == "WARN something else"
    assert "30 x <time> ERROR" in found.headline()


async def test_secrets_never_leave(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    secrets = ["hunter2hunter2", "xoxb-123456789012-abcdef", "tok3n-value-0123456789", "MIIEowIBAAKCAQEA"]
    write(
        fake,
        cluster,
        "api-1",
        f"connecting postgres://app:{secrets[0]}@db/app",
        f"slack {secrets[1]}",
        f"Authorization: Bearer {secrets[2]}",
        f"password={secrets[0]}",
        "-----BEGIN RSA PRIVATE KEY-----",
        secrets[3],
        "-----END RSA PRIVATE KEY-----",
    )

    found = await diagnose(LOGS, cluster, extract={"all": "(.*)", "password": "password=(.*)"})

    shown = found.model_dump_json() + found.headline() + "".join(found.evidence())
    assert "[redacted]" in shown
    for secret in secrets:
        assert secret not in shown


async def test_the_log_before_the_restart_is_read(cluster: Cluster, fake: KubernetesServer) -> None:
    restarted = container_status(restartCount=1)
    await deployment_with_pods(
        cluster,
        "api",
        pod("api-1", spec={"nodeName": "n1"}, status=ready(restarted)),
        pod("api-2", spec={"nodeName": "n1"}),
    )
    write(fake, cluster, "api-1", "now")
    write(fake, cluster, "api-1", "heap out of memory", previous=True)

    found = await diagnose(LOGS, cluster, previous=True)

    assert found.lines == ("heap out of memory",)
    assert found.previous
    assert found.unread == ()


async def test_nothing_written_is_a_result_and_no_error(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)

    found = await diagnose(LOGS, cluster, previous=True, count={"x": "x"}, extract={"y": "(y)"})

    assert (found.count, found.read, found.counts, found.found) == (0, 0, {"x": 0}, {"y": ()})
    assert found.headline() == "No previous log lines in 2 pods"


async def test_only_lines_of_the_time_asked_for_are_read(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    now = fake.now()
    old, new = (now - timedelta(hours=2), "old"), (now - timedelta(minutes=2), "new")
    fake.kubelet.logs[cluster.namespace, "api-1", "api"] = [old, new]

    assert (await diagnose(LOGS, cluster, since="15m")).lines == ("new",)
    assert (await diagnose(LOGS, cluster, tail=1)).lines == ("new",)


async def test_what_is_shown_is_bounded_and_all_is_counted(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    write(fake, cluster, "api-1", *(f"line {n} {'x' * 5000}" for n in range(300)))

    found = await diagnose(LOGS, cluster, show=7)

    assert found.count == 300
    assert len(found.lines) == 7
    assert max(map(len, found.lines)) <= 500
    assert found.lines[-1].startswith("line 299 ")
    assert len(found.model_dump_json()) < 20_000


async def test_sidecars_are_left_out_and_a_container_can_be_named(cluster: Cluster, fake: KubernetesServer) -> None:
    names = ["api", "istio-proxy", "worker"]
    await two_pods(cluster, containers=[{"name": name, "image": "i"} for name in names])
    for name in names:
        write(fake, cluster, "api-1", f"from {name}", container=name)

    assert set((await diagnose(LOGS, cluster)).lines) == {"from api", "from worker"}
    assert (await diagnose(LOGS, cluster, container="istio-proxy")).lines == ("from istio-proxy",)
    assert (await diagnose(LOGS, cluster, of(cluster, container="worker"))).lines == ("from worker",)
    with pytest.raises(PermanentError, match="has no container 'nope': api, istio-proxy, worker"):
        await diagnose(LOGS, cluster, container="nope")


async def test_a_container_that_a_label_invents_is_not_asked_for(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    write(fake, cluster, "api-1", "mine")
    fake.requests.clear()

    found = await diagnose(LOGS, cluster, of(cluster, container="../../other&follow=true"))

    assert found.lines == ("mine",)
    assert {request.query["container"] for request in fake.asked("GET", "/log")} == {"api"}


async def test_the_default_container_of_the_annotation_is_read(cluster: Cluster, fake: KubernetesServer) -> None:
    containers = [{"name": name, "image": "i"} for name in ("api", "worker")]
    annotated = {"annotations": {"kubectl.kubernetes.io/default-container": "worker"}}
    spec = {"nodeName": "n1", "containers": containers}
    await deployment_with_pods(cluster, "api", pod("api-1", spec=spec, metadata=annotated))
    write(fake, cluster, "api-1", "from worker", container="worker")

    assert (await diagnose(LOGS, cluster)).lines == ("from worker",)


async def test_pods_are_chosen_by_a_selector(cluster: Cluster, fake: KubernetesServer) -> None:
    await cluster.create(pod("ingress-1", labels={"app": "ingress"}, spec={"nodeName": "n1"}))
    write(fake, cluster, "ingress-1", "GET /")

    found = await diagnose(LOGS, cluster, selector="app=ingress")

    assert (found.pods, found.lines) == (1, ("GET /",))
    with pytest.raises(NoTarget):
        await diagnose(LOGS, cluster, Target("default"), selector="app=ingress")


async def test_the_log_of_one_pod_is_its_own_while_it_is_there(cluster: Cluster, fake: KubernetesServer) -> None:
    await deployment_with_pods(
        cluster,
        "api",
        pod("api-6d4cf56db6-bbbbb", spec={"nodeName": "n1"}),
        pod("api-6d4cf56db6-ccccc", spec={"nodeName": "n1"}),
    )
    write(fake, cluster, "api-6d4cf56db6-bbbbb", "b")
    write(fake, cluster, "api-6d4cf56db6-ccccc", "c", shift=500)

    assert (await diagnose(LOGS, cluster, of(cluster, "api-6d4cf56db6-bbbbb", "Pod"))).lines == ("b",)
    assert (await diagnose(LOGS, cluster, of(cluster, "api-6d4cf56db6-zzzzz", "Pod"))).lines == ("b", "c")


async def test_one_log_that_cannot_be_read_does_not_hide_the_others(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    write(fake, cluster, "api-1", "fine")
    fake.faults.append(Fault("api-2/log", status=500))

    found = await diagnose(LOGS, cluster)

    assert found.lines == ("fine",)
    assert len(found.unread) == 1
    assert found.unread[0].startswith("api-2/api: The API server cannot get pods/log")


async def test_logs_that_may_not_be_read_at_all_are_an_error(cluster: Cluster, fake: KubernetesServer) -> None:
    await two_pods(cluster)
    fake.access.tokens["the-administrator"] = "reader"
    reads = {("apps", "deployments", "get"), ("apps", "replicasets", "list"), ("", "pods", "list")}
    fake.access.grants["reader"] = reads

    with pytest.raises(PermanentError, match=r"No log could be read: .* no `get` on `pods/log`"):
        await diagnose(LOGS, cluster)


@pytest.mark.parametrize(
    "params",
    [{"grep": "("}, {"count": {"a": "["}}, {"extract": {"a": "no group"}}, {"extract": {"a": "(a)(b)"}}, {"tail": 0}],
)
def test_an_expression_that_cannot_work_is_refused_at_load(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KubernetesLogs.Params.model_validate(params)
