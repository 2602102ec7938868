"""Small controllers and a kubelet behind the API server, for tests that change a workload and wait."""

from typing import Any

from tests.servers import kubernetes_deployments as deployments
from tests.servers.kubernetes_deployments import CAUSE, HISTORY, REVISION
from tests.servers.kubernetes_errors import Refusal
from tests.servers.kubernetes_eviction import report
from tests.servers.kubernetes_jobs import JobController
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_kubelet import Kubelet
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_sets import SetController
from tests.servers.kubernetes_world import POD, Pods, World

Object = dict[str, Any]

__all__ = ["CAUSE", "HISTORY", "REVISION", "Controllers"]

_OWNERS = tuple(
    BY_NAME[version, kind]
    for version, kind in (
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
    )
)
_OWNED = (BY_NAME["apps/v1", "ReplicaSet"], BY_NAME["apps/v1", "ControllerRevision"], POD)


class Controllers:
    """
    Bring the cluster to what its workloads say whenever `run` is called; `world` says how it behaves.

    A pod is ready as soon as it exists, unless its image is in trouble: then its rollout leaves the pods of the
    revision before in place.
    """

    def __init__(self, objects: Objects, kubelet: Kubelet | None = None) -> None:
        self._objects = objects
        self.world = World()
        self._pods = Pods(objects, self.world)
        self._deployments = deployments.DeploymentController(objects, self._pods, self.world)
        self._sets = SetController(objects, self._pods, self.world)
        self._jobs = JobController(objects, self._pods, self.world, kubelet or Kubelet())

    @property
    def broken_images(self) -> set[str]:
        """Images that cannot be pulled."""
        return self.world.broken_images

    def run(self) -> None:
        """Reconcile everything once."""
        if self.world.frozen:
            return
        self._put_back()
        self._collect_garbage()
        self._deployments.run()
        self._sets.run()
        self._jobs.run()
        report(self._objects)

    def _put_back(self) -> None:
        for manifest in self.world.kept:
            kind = BY_NAME[manifest["apiVersion"], manifest["kind"]]
            namespace, name = manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
            try:
                stored = self._objects.get(kind, namespace, name)
            except Refusal:
                stored = {}
            if not _holds(stored, manifest):
                self._objects.apply(kind, namespace, manifest, manager="argocd-controller", force=True, dry_run=False)

    def _collect_garbage(self) -> None:
        alive = {found["metadata"]["uid"] for kind in _OWNERS for found in self._objects.all(kind)}
        names = {kind.kind for kind in _OWNERS}
        for kind in _OWNED:
            for found in list(self._objects.all(kind)):
                known = [owner for owner in found["metadata"].get("ownerReferences") or [] if owner["kind"] in names]
                if known and not any(owner["uid"] in alive for owner in known):
                    alive.discard(found["metadata"]["uid"])
                    self._objects.remove(kind, found["metadata"]["namespace"], found["metadata"]["name"])
        for pod in list(self._objects.all(POD)):
            metadata = pod["metadata"]
            held = metadata.get("finalizers") or metadata["name"] in self.world.stuck
            if metadata.get("deletionTimestamp") and not held:
                self._pods.remove(pod)


def _holds(stored: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(_holds(stored.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        return all(_holds(one, other) for one, other in zip(stored, wanted, strict=True))
    return bool(stored == wanted)
