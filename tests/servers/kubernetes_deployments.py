"""The Deployment and ReplicaSet controllers behind the API server in `kubernetes.py`."""

import copy
from datetime import UTC, datetime
from typing import Any

from tests.servers.kubernetes_eviction import is_ready
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_world import Pods, World, digest_of, owned, reference

Object = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
CAUSE = "kubernetes.io/change-cause"

_DEPLOYMENT = BY_NAME["apps/v1", "Deployment"]
_REPLICA_SET = BY_NAME["apps/v1", "ReplicaSet"]
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY)


class DeploymentController:
    """Rolls Deployments out."""

    def __init__(self, objects: Objects, pods: Pods, world: World) -> None:
        self._objects, self._pods, self._world = objects, pods, world
        self._moved: dict[str, tuple[object, str]] = {}

    def run(self) -> None:
        """Reconcile every Deployment once."""
        for deployment in list(self._objects.all(_DEPLOYMENT)):
            if not deployment["metadata"].get("deletionTimestamp"):
                self._reconcile(deployment)

    def _reconcile(self, deployment: Object) -> None:
        sets = self._sets(deployment)
        for found in sets:
            self._pods.release(found, found["spec"]["selector"])
        current = self._current(deployment, sets)
        if current is None:
            self._report(deployment, None)
            return
        others = [found for found in sets if found["metadata"]["uid"] != current["metadata"]["uid"]]
        if deployment["spec"].get("paused"):
            for found in sets:
                self._scale(found, found["spec"]["replicas"])
        else:
            self._roll(deployment, current, others)
        self._report(deployment, current)

    def _roll(self, deployment: Object, current: Object, others: list[Object]) -> None:
        wanted = deployment["spec"]["replicas"]
        has = len(self._pods.of(current))
        left = sum(len(self._pods.of(found)) for found in others)
        if not self._world.works(current["spec"]["template"]):
            self._scale(current, wanted if not left else min(wanted, max(1, wanted // 4)))
            for old in others:
                self._scale(old, old["spec"]["replicas"])
            return
        pace = wanted if self._world.pace is None or not left else self._world.pace
        self._scale(current, min(wanted, has + pace))
        room = max(0, wanted - len(self._pods.of(current)))
        for old in others:
            keep = min(len(self._pods.of(old)), room)
            self._scale(old, keep)
            room -= keep

    def _current(self, deployment: Object, sets: list[Object]) -> Object | None:
        digest = digest_of(deployment["spec"]["template"])
        numbers = [int(found["metadata"]["annotations"][REVISION]) for found in sets]
        latest = max(numbers, default=0)
        found = next((s for s in sets if s["metadata"]["labels"].get("pod-template-hash") == digest), None)
        if found is None:
            if deployment["spec"].get("paused"):
                return None
            found = self._new_set(deployment, digest, latest + 1)
        annotations = found["metadata"].setdefault("annotations", {})
        number = int(annotations[REVISION])
        if number < latest:
            earlier = annotations.get(HISTORY)
            annotations[HISTORY] = f"{earlier},{number}" if earlier else str(number)
            annotations[REVISION] = str(latest + 1)
        described = deployment["metadata"].get("annotations") or {}
        annotations |= {key: value for key, value in described.items() if key not in _NOT_COPIED}
        return self._objects.seed(found)

    def _new_set(self, deployment: Object, digest: str, number: int) -> Object:
        template = copy.deepcopy(deployment["spec"]["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = digest
        labels = template["metadata"]["labels"]
        selector = copy.deepcopy(deployment["spec"]["selector"])
        selector.setdefault("matchLabels", {})["pod-template-hash"] = digest
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{deployment['metadata']['name']}-{digest}",
                "namespace": deployment["metadata"]["namespace"],
                "labels": dict(labels),
                "annotations": {REVISION: str(number)},
                "ownerReferences": [reference(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }

    def _scale(self, replica_set: Object, wanted: int) -> None:
        metadata = replica_set["metadata"]
        pods = self._pods.of(replica_set)
        for pod in pods[wanted:]:
            self._pods.remove(pod)
        for _ in range(wanted - len(pods)):
            if self._pods.make(replica_set, replica_set["spec"]["template"]) is None:
                break
        pods = self._pods.of(replica_set)
        good = sum(is_ready(pod) for pod in pods)
        stored = self._objects.get(_REPLICA_SET, metadata["namespace"], metadata["name"])
        if stored["spec"]["replicas"] != wanted:
            stored["metadata"]["generation"] += 1
        stored["spec"]["replicas"] = wanted
        stored["status"] = {"replicas": len(pods), "readyReplicas": good, "availableReplicas": good}
        stored["status"] |= {"fullyLabeledReplicas": len(pods), "observedGeneration": stored["metadata"]["generation"]}
        self._objects.seed(stored)

    def _report(self, deployment: Object, current: Object | None) -> None:
        metadata, wanted = deployment["metadata"], deployment["spec"]["replicas"]
        pods = [pod for found in self._sets(deployment) for pod in self._pods.of(found)]
        good = sum(is_ready(pod) for pod in pods)
        updated = len(self._pods.of(current)) if current else 0
        complete = updated == wanted and len(pods) == wanted and good >= wanted
        stored = self._objects.get(_DEPLOYMENT, metadata["namespace"], metadata["name"])
        if current is not None:
            revision = current["metadata"]["annotations"][REVISION]
            stored["metadata"].setdefault("annotations", {})[REVISION] = revision
        available = {"type": "Available", "status": str(good >= wanted), "reason": "MinimumReplicasAvailable"}
        conditions = [available, self._progressing(deployment, current, (updated, good), complete=complete)]
        failed = self._pods.refused.get(current["metadata"]["uid"]) if current else None
        if failed:
            failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": failed}
            conditions.append(failure)
        stored["status"] = {
            "observedGeneration": metadata["generation"],
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": good,
            "availableReplicas": good,
            "conditions": conditions,
        }
        if wanted > good:
            stored["status"]["unavailableReplicas"] = wanted - good
        self._objects.seed(stored)

    def _progressing(
        self, deployment: Object, current: Object | None, progress: tuple[int, int], *, complete: bool
    ) -> Object:
        """Tell how the rollout goes; `lastUpdateTime` is when it last moved."""
        if current is None:
            return {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}
        uid, name = deployment["metadata"]["uid"], current["metadata"]["name"]
        moved = (name, current["metadata"]["annotations"][REVISION], complete, *(() if complete else progress))
        before, stamp = self._moved.get(uid, (None, ""))
        if before != moved:
            stamp = self._objects.stamp()
            self._moved[uid] = (moved, stamp)
        found: Object = {"type": "Progressing", "status": "True", "lastUpdateTime": stamp}
        if complete:
            said = f'ReplicaSet "{name}" has successfully progressed.'
            return found | {"reason": "NewReplicaSetAvailable", "message": said}
        since = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        late = (self._objects.now() - since).total_seconds() > deployment["spec"]["progressDeadlineSeconds"]
        if late and not deployment["spec"].get("paused"):
            said = f'ReplicaSet "{name}" has timed out progressing.'
            return found | {"status": "False", "reason": "ProgressDeadlineExceeded", "message": said}
        return found | {"reason": "ReplicaSetUpdated", "message": f'ReplicaSet "{name}" is progressing.'}

    def _sets(self, deployment: Object) -> list[Object]:
        namespace = deployment["metadata"]["namespace"]
        return [found for found in self._objects.all(_REPLICA_SET, namespace) if owned(found, deployment)]
