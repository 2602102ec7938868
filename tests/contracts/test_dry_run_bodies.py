"""What the API server judges as a dry run is the very request that is sent then: nothing differs but `dryRun`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from responder import actions
from responder.model.action import Outcome
from responder.model.target import Target
from responder.plugins.registry import discover
from tests.actions.steps import NOW, Build, Step, step, steps
from tests.servers.kubectl_world import WORLD
from tests.servers.kubernetes import KubernetesServer

__all__ = ["steps"]

ACTIONS = discover([actions]).actions
MORE = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: flags, namespace: shop}
data: {MODE: fast, block-cidrs: 192.0.2.0/24}
---
apiVersion: v1
kind: Secret
metadata: {name: api, namespace: shop}
data: {token: b2xk}
---
apiVersion: v1
kind: Secret
metadata: {name: replica, namespace: shop}
data: {token: bmV3}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reader, namespace: shop, uid: uid-reader}
spec:
  replicas: 2
  selector: {matchLabels: {app: reader}}
  template:
    metadata: {labels: {app: reader}}
    spec: {containers: [{name: reader, image: "shop/reader:1", envFrom: [{configMapRef: {name: flags}}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: wide, namespace: shop, uid: uid-wide}
spec:
  replicas: 2
  selector: {matchLabels: {app: wide}}
  template: {metadata: {labels: {app: wide}}, spec: {containers: [{name: wide, image: "shop/wide:1"}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: wide, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wide}, minReplicas: 1, maxReplicas: 3}
---
apiVersion: v1
kind: Pod
metadata:
  name: late
  namespace: shop
  uid: uid-late
  labels: {app: api, pod-template-hash: h3}
  deletionTimestamp: "2020-01-01T00:00:00Z"
  deletionGracePeriodSeconds: 30
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-h3, uid: uid-api-h3, controller: true}]
spec: {containers: [{name: api, image: "shop/api:1.5"}]}
"""
FILES = {
    "emergency/map.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: emergency}, data: {a: b}}",
    "jobs/rotate.yaml": """
apiVersion: batch/v1
kind: Job
metadata: {name: rotate}
spec: {activeDeadlineSeconds: 60, template: {spec: {restartPolicy: Never, containers: [{name: job, image: job}]}}}
""",
}
API, DB, AGENT = "Deployment/api", "StatefulSet/db", "DaemonSet/agent"


@dataclass(frozen=True)
class Case:
    """One action with its parameters on one target, `Kind/name`."""

    action: str
    target: str = API
    params: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """Name it in the list of tests."""
        return f"{self.action.partition('.')[2]} {self.target} {dict(self.params or {})}"

    def aim(self) -> Target:
        """Return the target."""
        kind, name = self.target.split("/")
        return Target("default", kind, "" if kind == "Node" else "shop", name, name)


CASES = (
    *(
        Case(f"kubernetes.{name}", target)
        for name in ("rollout_restart", "rollout_undo")
        for target in (API, DB, AGENT)
    ),
    Case("kubernetes.scale", params={"replicas": 5}),
    Case("kubernetes.scale", "Deployment/wide", {"replicas": 5}),
    Case("kubernetes.set_env", params={"set": {"MODE": "safe", "NEW": "1"}}),
    Case("kubernetes.set_image", params={"image": "shop/api:1.4.1"}),
    Case("kubernetes.set_resources", params={"limits": {"memory": "8Gi"}}),
    Case("kubernetes.patch_configmap", params={"name": "flags", "set": {"MODE": "safe", "new": "1"}}),
    Case("kubernetes.patch_configmap", params={"name": "flags", "add_cidrs": {"block-cidrs": ["198.51.100.0/24"]}}),
    Case("kubernetes.patch_configmap", params={"name": "flags", "set": {"MODE": "safe"}, "restart": True}),
    Case(
        "kubernetes.patch_secret", params={"name": "api", "key": "token", "from": {"secret": "replica", "key": "token"}}
    ),
    Case("kubernetes.delete_pod", "Pod/api-1"),
    Case("kubernetes.delete_pod", "Pod/late", {"force": True}),
    Case("kubernetes.isolate_pod", "Pod/api-1"),
    Case("kubernetes.network_lockdown"),
    Case("kubernetes.cordon", "Node/node-1"),
    Case("kubernetes.uncordon", "Node/node-2"),
    Case("kubernetes.apply", params={"manifest": "emergency/map.yaml"}),
    Case("kubernetes.run_job", params={"template": "rotate"}),
)
NO_DRY_RUN = {"kubernetes.exec"}
"""A program cannot be tried."""


class Dry:
    """A cluster on which every write is a dry run, and nothing is told."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cluster, name)
        if name not in ("patch", "create", "delete", "evict"):
            return found

        async def tried(*args: Any, **more: Any) -> Any:
            return await found(*args, **{**more, "dry_run": True})

        return tried

    async def tell(self, *args: Any, **more: Any) -> None:
        """Tell nobody."""


@dataclass(frozen=True)
class DryTools:
    """The tools of a step, with such a cluster."""

    tools: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tools, name)

    @property
    def kubernetes(self) -> Dry:
        return Dry(self.tools.kubernetes)


@dataclass(frozen=True)
class Sent:
    """A write without what makes it a dry run."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    media: str
    body: str


class World:
    """A server with everything that the actions change, which remembers what it was asked."""

    def __init__(self, server: KubernetesServer, made: Callable[[Case], Step]) -> None:
        self.server = server
        self.step = made

    def writes(self, *, dry: bool) -> list[Sent]:
        """Return what was written since the last time; all of it as a dry run, or nothing."""
        found = [
            asked for asked in self.server.requests if asked.method != "GET" and not asked.path.endswith("/events")
        ]
        self.server.requests.clear()
        sent = []
        for asked in found:
            body = json.loads(asked.body or b"null")
            # Of a DELETE and of an eviction the real server reads it from the options in the body.
            options = (
                body if asked.method == "DELETE" else body.get("deleteOptions") if isinstance(body, dict) else None
            )
            told = [asked.query.get("dryRun"), *((options or {}).pop("dryRun", []))]
            assert ("All" in told) == dry, f"{asked.method} {asked.path}"
            query = tuple(sorted((name, value) for name, value in asked.query.items() if name != "dryRun"))
            sent.append(Sent(asked.method, asked.path, query, asked.media, json.dumps(body, sort_keys=True)))
        assert sent
        return sent


@pytest.fixture
async def world(steps: Build, tmp_path: Path) -> Any:
    server = KubernetesServer()
    async with server.running():
        server.seed(WORLD, MORE)
        tools = steps(now=lambda: NOW, kubernetes={"kubeconfig": str(server.kubeconfig(tmp_path))})
        tools = replace(tools, files=FILES)
        yield World(server, lambda case: step(ACTIONS[case.action], tools, case.aim(), **(case.params or {})))


async def acted(world: World, found: Step) -> Outcome:
    """Preview, act, and compare what was tried with what was done."""
    world.server.requests.clear()
    preview = await found.preview()
    assert (preview.refusal, preview.dry_run) == ("", True)
    tried = world.writes(dry=True)
    done = await found.act(preview)
    assert done.status == "done", done.say
    assert world.writes(dry=False) == tried
    return done


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_is_done_is_the_very_request_that_was_tried(world: World, case: Case) -> None:
    await acted(world, world.step(case))


@pytest.mark.parametrize("case", [case for case in CASES if ACTIONS[case.action].undoable], ids=str)
async def test_what_takes_it_back_is_a_request_that_the_server_takes_as_a_dry_run_too(world: World, case: Case) -> None:
    found = world.step(case)
    done = await acted(world, found)
    # A second later: pods are not restarted twice in one.
    found = replace(found, tools=replace(found.tools, now=lambda: NOW + timedelta(seconds=1)))
    trying = DryTools(replace(found.tools, attempt=f"{found.tools.attempt}/undo"))
    dry = await found.action.undo(found.params, found.target, done.undo, trying)
    assert dry.status == "done", dry.say
    tried = world.writes(dry=True)
    undone = await found.undo(done.undo)
    assert undone.status == "done", undone.say
    assert world.writes(dry=False) == tried


def test_every_action_on_a_cluster_is_compared() -> None:
    ours = {name for name in ACTIONS if name.startswith("kubernetes.")}
    assert {case.action for case in CASES} == ours - NO_DRY_RUN
