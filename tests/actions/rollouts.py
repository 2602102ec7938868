"""What tests of actions on workloads share: the tools of one attempt, and a cluster whose controllers roll out."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Barred, NotConfigured
from responder.model.action import Outcome, Preview, Progress
from responder.model.facts import IncidentFacts
from responder.model.target import Target
from responder.plugins.action import Action
from responder.settings.sections import KubernetesAccess
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_behind import NOBODY, needs_controllers, settled
from tests.servers.kubernetes_cluster import REAL, Cluster, cluster_at, own_server, template, workload

Object = dict[str, Any]
T = TypeVar("T", Preview, Outcome)

ATTEMPT = "alertmanager-responder/attempt"
CAUSE = "kubernetes.io/change-cause"
REASON = "INC-17, approved by ann"


@dataclass(frozen=True)
class Tools:
    """Satisfies `plugins.acting.ActionTools`, with nothing but a cluster; `later` moves the clock forward."""

    kubernetes: KubernetesWriter
    attempt: str = "INC-17@abc/3/0"
    reason: str = REASON
    by: str = "ann"
    retry: bool = False
    later: timedelta = timedelta(0)
    taken_over: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def incident(self) -> IncidentFacts:
        return IncidentFacts(
            id="INC-17",
            severity="critical",
            status="open",
            title="",
            rule="pack/rule",
            cluster="default",
            team="default",
            started_at=self.now(),
            opened_at=self.now(),
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    async def hold(self) -> None:
        if self.taken_over:
            raise Barred("somebody else has taken it over")

    def __getattr__(self, name: str) -> Any:
        raise NotConfigured(f"{name} is not in the settings")

    def again(self) -> "Tools":
        """Return the tools of a second try."""
        return replace(self, retry=True)

    def undoing(self) -> "Tools":
        """Return the tools of the undoing."""
        return replace(self, attempt=f"{self.attempt}/undo", retry=False)


@dataclass
class Bench:
    """An action at work on one target of a cluster."""

    cluster: Cluster
    tools: Tools
    action: Any
    params: Any
    target: Target

    async def preview(self) -> Preview:
        found: Preview = await self.action.preview(self.params, self.target, self.tools)
        return stored(found)

    async def act(self, preview: Preview, *, retry: bool = False) -> Outcome:
        tools = self.tools.again() if retry else self.tools
        done: Outcome = await self.action.act(self.params, self.target, preview, tools)
        return stored(done)

    async def do(self) -> Outcome:
        """Preview and act, and hold that nothing stood in the way."""
        preview = await self.preview()
        for _ in range(5):
            # As the engine does: the controllers of a real cluster write while it is looked at.
            if preview.refusal.endswith("it is looked at again"):
                preview = await self.preview()
        assert preview.refusal == ""
        assert preview.dry_run
        done = await self.act(preview)
        assert done.status == "done", done.say
        return done

    async def undo(self, before: Any, *, retry: bool = False) -> Outcome:
        tools = replace(self.tools.undoing(), retry=retry)
        done: Outcome = await self.action.undo(self.params, self.target, before, tools)
        return stored(done)

    async def progress(self, done: Outcome, *, later: timedelta = timedelta(0)) -> Progress:
        tools = replace(self.tools, later=later)
        said: Progress = await self.action.progress(self.params, self.target, done, tools)
        return said

    async def object(self, kind: str = "", name: str = "") -> Object:
        return await read(self.cluster, kind or self.target.kind, name or self.target.name)


def stored(value: T) -> T:
    """Return a value as it is after the store has kept it."""
    adapter = TypeAdapter(type(value))
    kept = adapter.validate_json(adapter.dump_json(value))
    assert kept == value
    return kept


_PATHS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}


def _path(cluster: Cluster, kind: str, name: str = "") -> str:
    plural = "events" if kind == "Event" else f"{kind.lower()}s"
    api = f"/apis/{_PATHS[kind]}" if kind in _PATHS else "/api/v1"
    place = "" if kind == "Node" else f"/namespaces/{cluster.namespace}"
    return f"{api}{place}/{plural}" + (f"/{name}" if name else "")


async def read(cluster: Cluster, kind: str, name: str) -> Object:
    """Read an object as another program would."""
    return await cluster.call("GET", _path(cluster, kind, name))


async def every(cluster: Cluster, kind: str) -> list[Object]:
    """List the objects of a kind."""
    return list((await cluster.call("GET", _path(cluster, kind)))["items"])


async def patch(cluster: Cluster, kind: str, name: str, body: Any, *, by: str = "kubectl-edit") -> Object:
    """Change an object as another program would: a merge patch, or a JSON patch for a list."""
    return await cluster.call("PATCH", _path(cluster, kind, name), body, query={"fieldManager": by})


def bench(action: Action[Any], at: Cluster, writer: KubernetesWriter, **params: Any) -> Bench:
    """Put an action to work on deployment/api, or on what `target` names."""
    target = params.pop("target", None) or of(at)
    return Bench(at, Tools(writer), action, action.Params(**params), target)


def of(cluster: Cluster, name: str = "api", kind: str = "Deployment", **more: Any) -> Target:
    """Aim at an object of the test's namespace."""
    return Target(**{"cluster": "default", "kind": kind, "namespace": cluster.namespace, "name": name} | more)


def without_marks(found: Object) -> Object:
    """Take off what every write of ours leaves, and what the server counts and the controllers say."""
    bare = copy.deepcopy(found)
    for key in ("generation", "resourceVersion", "managedFields"):
        bare["metadata"].pop(key, None)
    annotations = bare["metadata"].get("annotations") or {}
    for key in (ATTEMPT, CAUSE, "deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"):
        annotations.pop(key, None)
    bare["metadata"]["annotations"] = annotations
    bare.pop("status", None)
    return bare


@pytest.fixture
async def writer(cluster: Cluster) -> AsyncIterator[KubernetesWriter]:
    """Open a client of actions on the test's cluster."""
    client = KubernetesWriter(KubernetesAccess(kubeconfig=cluster.kubeconfig), deadline=timedelta(seconds=5))
    yield client
    await client.close()


@dataclass
class Rolling:
    """A cluster whose controllers roll out, and the client of actions on it."""

    cluster: Cluster
    writer: KubernetesWriter

    @property
    def server(self) -> KubernetesServer:
        """The API server of the tests; where the cluster is a real one, the test ends here."""
        return own_server(self.cluster)

    @property
    def world(self) -> Any:
        """What the controllers and the kubelet meet with; where the cluster is a real one, the test ends here."""
        assert self.server.controllers is not None
        return self.server.controllers.world

    async def settle(self) -> None:
        """Let the controllers do one round; those of a real cluster end what they are at."""
        if self.cluster.server is None:
            await settled(self.cluster)
        else:
            self.cluster.server.settle()

    def bench(self, action: Action[Any], **params: Any) -> Bench:
        """Put an action to work here."""
        return bench(action, self.cluster, self.writer, **params)

    async def workload(self, kind: str = "Deployment", image: str = "r/api:41", **spec: Any) -> Object:
        """Create a workload `api` of three pods, and let it roll out."""
        container = {"name": "api", "image": image, **spec.pop("container", {})}
        made = template({"app": "api"}, [container], schedulerName=NOBODY)
        metadata = spec.pop("metadata", {})
        wanted = {"template": made, **spec} if kind == "DaemonSet" else {"replicas": 3, "template": made, **spec}
        found = await self.cluster.create(workload(kind, "api", spec=wanted, metadata=metadata))
        await self.settle()
        return found

    async def release(
        self, image: str, kind: str = "Deployment", cause: str = "", *, by: str = "kubectl-edit", name: str = "api"
    ) -> Object:
        """Roll another image out, as a person would."""
        operations: list[Object] = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        if cause:
            operations.append(
                {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": cause}
            )
        found = await patch(self.cluster, kind, name, operations, by=by)
        await self.settle()
        return found


@asynccontextmanager
async def _controlled(tmp_path: Path) -> AsyncIterator[Cluster]:
    if REAL:
        async with cluster_at(Path(REAL), None) as found:
            await needs_controllers(found)
            yield found
        return
    async with (
        KubernetesServer(controllers=True).running() as server,
        cluster_at(server.kubeconfig(tmp_path), server) as found,
    ):
        yield found


@pytest.fixture
async def rolling(tmp_path: Path) -> AsyncIterator[Rolling]:
    """Start a cluster whose controllers roll out, or take the real one."""
    async with _controlled(tmp_path) as found:
        client = KubernetesWriter(KubernetesAccess(kubeconfig=found.kubeconfig), deadline=timedelta(seconds=5))
        try:
            yield Rolling(found, client)
        finally:
            await client.close()


class Meddled(KubernetesWriter):
    """A client before whose next write, after its reads, somebody else does something."""

    meddle: Callable[[], Awaitable[Any]] | None = None

    async def patch(self, *args: Any, **more: Any) -> Mapping[str, Any]:
        """Let the other one write first."""
        await self._let()
        return await super().patch(*args, **more)

    async def create(self, *args: Any, **more: Any) -> Mapping[str, Any]:
        """Let the other one write first."""
        await self._let()
        return await super().create(*args, **more)

    async def _let(self) -> None:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await meddle()


@pytest.fixture
async def meddled(cluster: Cluster) -> AsyncIterator[Meddled]:
    """Open a client of actions that others get in the way of."""
    client = Meddled(KubernetesAccess(kubeconfig=cluster.kubeconfig), deadline=timedelta(seconds=5))
    yield client
    await client.close()
