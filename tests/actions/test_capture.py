"""`evidence.capture`: everything that was asked for is kept, without secrets, and what is missing is named."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from responder.actions.capture import Capture
from responder.errors import NotConfigured
from responder.model.action import Outcome
from responder.model.target import Target
from responder.plugins.commands import shell
from tests.actions.rollouts import Rolling, every
from tests.actions.steps import HOSTILE, Build, Step, step
from tests.servers.kubernetes import Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, owned_by, pod, workload
from tests.servers.kubernetes_exec import Ran
from tests.servers.kubernetes_kinds import BY_PLURAL

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENVIRONMENT = [
    {"name": "DB_PASSWORD", "value": "hush-1"},
    {"name": "DATABASE_URL", "value": "postgres://app:hush-2@db/shop"},
    {"name": "SMTP_PASS", "value": "hush-4"},
    {"name": "ENCRYPTION_KEY", "value": "hush-5"},
    {"name": "MODE", "value": "fast"},
]
ARGS = ["--db-password", "hush-6", "--keyspace", "shop"]


@pytest.fixture
async def shop(cluster: Cluster, fake: KubernetesServer) -> Cluster:
    """Put a Deployment with two pods in, one of which was restarted."""
    containers = [{"name": "api", "image": "registry.example/api:1", "env": ENVIRONMENT, "args": ARGS}]
    made = workload("Deployment", "api")
    made["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": '{"x": "hush-3"}'}
    made["spec"]["template"]["spec"]["containers"] = containers
    owner = await cluster.create(made)
    replicas = workload("ReplicaSet", "api-7d", metadata={"ownerReferences": owned_by(owner)}, labels={"app": "api"})
    owner = await cluster.create(replicas)
    for name in ("api-1", "api-2"):
        await cluster.create(pod(name, owner=owner, spec={"containers": containers, "nodeName": "node-1"}))
        fake.kubelet.logs[cluster.namespace, name, "api"] = [(AT, f"{name} says password=hush-but-true")]
    fake.kubelet.previous[cluster.namespace, "api-1", "api"] = [(AT, "out of memory")]
    return cluster


@pytest.fixture
def capturing(steps: Build, shop: Cluster, tmp_path: Path) -> Callable[..., Step]:
    def build(target: Target | None = None, settings: dict[str, Any] | None = None, **params: Any) -> Step:
        given = {
            "kubernetes": {"kubeconfig": str(shop.kubeconfig)},
            "evidence": {"directory": str(tmp_path / "evidence")},
            "actions": {"programs": ["jmap", "redis-cli", "dump-all"]},
        }
        found = target or Target("default", "Deployment", shop.namespace, "api", "api")
        return step(Capture(), steps(**(given | (settings or {}))), found, **params)

    return build


def capture(cluster: Cluster, steps: Build, place: Path, **params: Any) -> Step:
    """Capture from deployment/api of any cluster."""
    at = {"kubeconfig": str(cluster.kubeconfig)}
    tools = steps(kubernetes=at, evidence={"directory": str(place / "evidence")}, actions={"programs": ["echo"]})
    return step(Capture(), tools, Target("default", "Deployment", cluster.namespace, "api", "api"), **params)


def files(done: Outcome) -> dict[str, bytes]:
    return {kept.name: Path(kept.place).read_bytes() for kept in done.kept}


async def test_logs_of_now_and_before_are_kept_as_they_are(capturing: Callable[..., Step]) -> None:
    found = capturing(logs=True)
    preview = await found.preview()
    assert (preview.summary.partition(" of ")[0], preview.touches) == ("keep logs", ("api-1", "api-2"))
    done = await found.act(preview)
    kept = files(done)
    assert (done.status, sorted(kept)) == ("done", ["api-1.api.log", "api-1.api.previous.log", "api-2.api.log"])
    assert kept["api-1.api.log"].endswith(b"api-1 says password=hush-but-true\n")
    assert kept["api-1.api.previous.log"].endswith(b"out of memory\n")
    for one in done.kept:
        assert (one.sha256, one.size) == (hashlib.sha256(kept[one.name]).hexdigest(), len(kept[one.name]))


async def test_manifests_are_whole_yaml_without_secrets(capturing: Callable[..., Step]) -> None:
    kept = files(await capturing(manifests=True).do())
    assert sorted(kept) == ["deployment-api.yaml", "pods.yaml"]
    assert not any(b"hush" in content for content in kept.values())
    pods = list(yaml.safe_load_all(kept["pods.yaml"]))
    assert [(one["kind"], one["metadata"]["name"]) for one in pods] == [("Pod", "api-1"), ("Pod", "api-2")]
    environment = pods[0]["spec"]["containers"][0]["env"]
    assert {"name": "MODE", "value": "fast"} in environment
    assert {"name": "DB_PASSWORD", "value": "[redacted]"} in environment


async def test_the_manifests_of_what_controllers_made_are_kept(rolling: Rolling, steps: Build, tmp_path: Path) -> None:
    await rolling.workload()
    kept = files(await capture(rolling.cluster, steps, tmp_path, manifests=True).do())
    assert sorted(kept) == ["deployment-api.yaml", "pods.yaml"]
    made = {one["metadata"]["name"] for one in await every(rolling.cluster, "Pod")}
    assert {one["metadata"]["name"] for one in yaml.safe_load_all(kept["pods.yaml"])} == made


async def test_what_a_running_container_says_is_kept(inside: Cluster, steps: Build, tmp_path: Path) -> None:
    kept = files(await capture(inside, steps, tmp_path, logs=True, exec=[{"argv": ["echo", "OK"]}]).do())
    (log,) = (content for name, content in kept.items() if name.endswith(".api.log"))
    assert log.endswith(b"OK\n")
    assert kept["output-1.txt"] == b"OK\n"


async def test_events_are_kept_in_their_order(capturing: Callable[..., Step], shop: Cluster) -> None:
    for number, at in (("2", "2026-11-21T12:00:02Z"), ("1", "2026-11-21T12:00:01Z")):
        await shop.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"event-{number}"},
                "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": shop.namespace},
                "type": "Warning",
                "reason": "BackOff",
                "message": f"line {number}\nnext",
                "lastTimestamp": at,
                "count": 3,
            }
        )
    kept = files(await capturing(events=True).do())
    lines = kept["events.txt"].decode().splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["line 1 next", "line 2 next"]
    assert "Warning  BackOff  pod/api-1  ×3" in lines[0]


async def test_a_heap_dump_is_made_in_one_pod_and_kept_byte_for_byte(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    heap = bytes(range(256)) * 5000
    fake.kubelet.programs.scripted["jmap",] = Ran(b"dumped")
    fake.kubelet.programs.files["api-1", "/tmp/heap.hprof"] = heap
    found = capturing(exec=[{"argv": ["jmap", "-dump:file=/tmp/heap.hprof", "1"], "file": "/tmp/heap.hprof"}])
    preview = await found.preview()
    assert preview.disruption == "the programs run in api-1"
    assert [change.after for change in preview.changes] == ["jmap -dump:file=/tmp/heap.hprof 1"]
    done = await found.act(preview)
    assert files(done) == {"heap.hprof": heap}
    assert {run.pod for run in fake.kubelet.programs.ran} == {"api-1"}
    (event,) = fake.objects.all(BY_PLURAL["", "v1", "events"], found.target.namespace)
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("Pod", "api-1")
    assert event["message"] == "Responder: ran jmap for evidence for INC-17, approved by ann"


async def test_a_program_never_runs_twice_and_what_is_only_read_is_read_again(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"dumped")
    found = capturing(logs=True, exec=[{"argv": ["jmap"]}])
    preview = await found.preview()
    again = await found.act(preview, retry=True)
    assert (again.status, again.say) == (
        "in_doubt",
        "Whether jmap ran is not known, and nothing runs twice: look, and say so",
    )
    await found.held_up(preview)
    assert fake.kubelet.programs.ran == []
    reading = capturing(logs=True)
    seen = await reading.preview()
    assert (await reading.act(seen)).kept == (await reading.act(seen, retry=True)).kept


async def test_an_argument_with_a_nul_byte_is_refused(capturing: Callable[..., Step], fake: KubernetesServer) -> None:
    found = capturing(exec=[{"argv": ["jmap", "a\x00b"]}])
    preview = await found.preview()
    assert preview.refusal == "An argument holds a NUL byte, which no program can be given"
    assert (await found.act(preview)).status == "not_done"
    assert fake.kubelet.programs.ran == []


async def test_what_came_of_a_file_in_time_is_kept_as_cut(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"dumped")
    fake.kubelet.programs.scripted["cat",] = Ran(b"x" * 100_000, drop=True)
    done = await _act(capturing(exec=[{"argv": ["jmap", "-dump:file=/tmp/heap.hprof"], "file": "/tmp/heap.hprof"}]))
    assert (done.status, done.details[0]) == ("failed", "program 1: /tmp/heap.hprof could not be read in api-1")
    assert [(one.name, one.cut) for one in done.kept] == [("heap.hprof", True)]


async def test_a_failing_program_fails_the_capture_and_keeps_the_rest(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"half", b"no such process", 1)
    fake.kubelet.programs.scripted["redis-cli",] = Ran(b"INFO")
    done = await _act(capturing(logs=True, exec=[{"argv": ["jmap"]}, {"argv": ["redis-cli", "info"]}]))
    assert (done.status, "missing: program 1" in done.say) == ("failed", True)
    assert "program 1: jmap ended with 1 in api-1" in done.details
    kept = files(done)
    assert (kept["output-1.txt"], kept["output-2.txt"]) == (b"halfno such process", b"INFO")
    assert len(kept) == 5


async def test_a_file_that_is_not_there_fails_the_capture(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"dumped")
    done = await _act(capturing(exec=[{"argv": ["jmap", "/tmp/none"], "file": "/tmp/none"}]))
    assert (done.status, done.details[0]) == ("failed", "program 1: /tmp/none could not be read in api-1")


async def test_what_is_too_long_is_cut_and_said(
    capturing: Callable[..., Step], fake: KubernetesServer, tmp_path: Path
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"dumped")
    fake.kubelet.programs.files["api-1", "/tmp/heap"] = b"x" * 5000
    found = capturing(
        settings={"evidence": {"directory": str(tmp_path), "max_size": 1000}},
        exec=[{"argv": ["jmap", "-F/tmp/heap"], "file": "/tmp/heap"}],
    )
    assert (await found.preview()).warnings == ("a file longer than 1000 (evidence.max_size) is cut",)
    done = await _act(found)
    assert [(one.size, one.cut) for one in done.kept] == [(1000, True)]
    assert "heap was cut: it is longer" in done.details


async def test_logs_that_cannot_be_read_are_named_and_the_rest_is_kept(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    fake.faults.append(Fault("pods/api-1/log", status=500))
    done = await _act(capturing(logs=True, manifests=True))
    assert done.status == "done"
    assert "missing: logs" in done.say
    assert "api-2.api.log" in files(done)


async def test_what_there_was_no_time_for_is_named(capturing: Callable[..., Step]) -> None:
    found = capturing(logs=True, manifests=True)
    clock = iter(AT + timedelta(minutes=4 * n) for n in range(100))
    hurried = replace(found, tools=replace(found.tools, now=lambda: next(clock)))
    done = await hurried.act(await found.preview())
    assert (done.status, "missing: logs" in done.say) == ("failed", True)
    assert sorted(files(done)) == ["deployment-api.yaml", "pods.yaml"]


@pytest.mark.parametrize("program", ["rm", "jmapx", "/bin/jmap", "sh", *HOSTILE])
async def test_a_program_that_is_not_allowed_never_runs(
    capturing: Callable[..., Step], fake: KubernetesServer, program: str
) -> None:
    fake.kubelet.programs.scripted[program,] = Ran(b"ran")
    found = capturing(exec=[{"argv": [program]}])
    preview = await found.preview()
    assert preview.refusal == f"actions.programs does not allow {shell(program)[:300]}: add it there"
    assert (await found.act(preview)).status == "not_done"
    assert fake.kubelet.programs.ran == []


async def test_by_default_no_program_is_allowed(capturing: Callable[..., Step]) -> None:
    found = capturing(settings={"actions": {}}, exec=[{"argv": ["jmap"]}])
    assert (await found.preview()).refusal == "actions.programs does not allow jmap: add it there"


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_argument_stays_one_argument(
    capturing: Callable[..., Step], fake: KubernetesServer, value: str
) -> None:
    fake.kubelet.programs.scripted["jmap",] = Ran(b"ran")
    await capturing(exec=[{"argv": ["jmap", value]}]).do()
    assert [run.argv for run in fake.kubelet.programs.ran] == [("jmap", value)]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/var/run/secrets/kubernetes.io/serviceaccount/token", "may be a secret"),
        ("/proc/1/environ", "may be a secret"),
        ("/tmp/../etc/passwd", "roundabout"),
        ("//run/secrets/x", "roundabout"),
        ("/run//secrets/x", "roundabout"),
        ("/./run/secrets/kubernetes.io/serviceaccount/token", "roundabout"),
        ("/etc/./shadow", "roundabout"),
        ("/tmp/", "roundabout"),
        ("tmp/x", "pattern"),
    ],
)
def test_a_secret_is_no_evidence(path: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Capture.Params.model_validate({"exec": [{"argv": ["jmap", path], "file": path}]})


@pytest.mark.parametrize(
    "argv",
    [["jmap"], ["/app/.env"], ["jmap", "/app/.env.old"], ["jmap", "/old/app/.env"], ["jmap", "/app/.env/../x"]],
    ids=str,
)
def test_a_file_that_its_own_program_does_not_name_is_refused_with_the_cure(argv: list[str]) -> None:
    with pytest.raises(ValidationError, match=r"names /app/\.env: write the path into `argv`"):
        Capture.Params.model_validate({"exec": [{"argv": argv, "file": "/app/.env"}]})


@pytest.mark.parametrize(
    "argument",
    ["/tmp/h", "-dump:format=b,file=/tmp/h", "require('heapdump').writeSnapshot('/tmp/h')", "--out=/tmp/h", "-o/tmp/h"],
)
def test_a_file_is_kept_that_an_argument_of_its_program_names(argument: str) -> None:
    Capture.Params.model_validate({"exec": [{"argv": ["dump", argument], "file": "/tmp/h"}]})


async def test_a_template_that_an_argument_is_left_with_does_not_hide_which_file_is_read(
    capturing: Callable[..., Step], fake: KubernetesServer
) -> None:
    found = capturing(exec=[{"argv": ["redis-cli", "${x}"], "file": "/app/.env"}])
    preview = await found.preview()
    assert preview.refusal.startswith("no argument of redis-cli names /app/.env: write")
    assert (await found.act(preview)).status == "not_done"
    assert fake.kubelet.programs.ran == []


async def test_a_target_that_is_gone_is_refused(capturing: Callable[..., Step], shop: Cluster) -> None:
    found = capturing(Target("default", "Deployment", shop.namespace, "gone", "gone"), logs=True)
    assert "there is nothing to keep" in (await found.preview()).refusal


async def test_without_a_place_the_setting_is_named(capturing: Callable[..., Step]) -> None:
    found = capturing(settings={"evidence": {}, "database_url": "postgresql://db/x"}, logs=True)
    with pytest.raises(NotConfigured, match=r"set evidence\.directory, or evidence\.s3"):
        await found.preview()


async def _act(found: Step) -> Outcome:
    return await found.act(await found.preview())
