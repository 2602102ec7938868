"""Small Deployment, ReplicaSet and garbage controllers and a kubelet, for tests that change a workload and wait."""

import copy
import hashlib
import json
from typing import Any

from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_objects import Objects

Object = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
CAUSE = "kubernetes.io/change-cause"

_DEPLOYMENT = BY_NAME["apps/v1", "Deployment"]
_REPLICA_SET = BY_NAME["apps/v1", "ReplicaSet"]
_POD = BY_NAME["v1", "Pod"]
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Controllers:
    """
    Bring the cluster to what its Deployments say, at once and as a whole, whenever `run` is called.

    A pod is ready as soon as it exists, unless its image is in `broken_images`: that one cannot be pulled, and its
    rollout leaves the pods of the revision before in place.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._count = 0
        self.broken_images: set[str] = set()

    def run(self) -> None:
        """Reconcile everything once."""
        self._collect_garbage()
        for deployment in list(self._objects.all(_DEPLOYMENT)):
            if not deployment["metadata"].get("deletionTimestamp"):
                self._reconcile(deployment)

    def _reconcile(self, deployment: Object) -> None:
        sets = self._sets(deployment)
        current = self._current(deployment, sets)
        wanted = deployment["spec"]["replicas"]
        working = self._works(current["spec"]["template"])
        others = [found for found in sets if found["metadata"]["uid"] != current["metadata"]["uid"]]
        if deployment["spec"].get("paused"):
            self._scale(current, current["spec"]["replicas"])
        else:
            self._scale(current, wanted if working or not others else max(1, wanted // 4))
            for old in others:
                self._scale(old, 0 if working else old["spec"]["replicas"])
        self._report(deployment, current, working=working)

    def _current(self, deployment: Object, sets: list[Object]) -> Object:
        digest = _hash(deployment["spec"]["template"])
        numbers = [int(found["metadata"]["annotations"][REVISION]) for found in sets]
        latest = max(numbers, default=0)
        found = next((s for s in sets if s["metadata"]["labels"]["pod-template-hash"] == digest), None)
        cause = deployment["metadata"].get("annotations", {}).get(CAUSE)
        if found is None:
            found = self._new_set(deployment, digest, latest + 1)
        annotations = found["metadata"]["annotations"]
        number = int(annotations[REVISION])
        if number < latest:
            earlier = annotations.get(HISTORY)
            annotations[HISTORY] = f"{earlier},{number}" if earlier else str(number)
            annotations[REVISION] = str(latest + 1)
        if cause:
            annotations[CAUSE] = cause
        return self._objects.seed(found)

    def _new_set(self, deployment: Object, digest: str, number: int) -> Object:
        template = copy.deepcopy(deployment["spec"]["template"])
        template["metadata"].setdefault("labels", {})["pod-template-hash"] = digest
        labels = template["metadata"]["labels"]
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{deployment['metadata']['name']}-{digest}",
                "namespace": deployment["metadata"]["namespace"],
                "labels": dict(labels),
                "annotations": {REVISION: str(number)},
                "ownerReferences": [_owner(deployment)],
            },
            "spec": {"replicas": 0, "selector": {"matchLabels": dict(labels)}, "template": template},
        }

    def _scale(self, replica_set: Object, wanted: int) -> None:
        pods = self._pods(replica_set)
        for pod in pods[wanted:]:
            self._objects.remove(_POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        for _ in range(wanted - len(pods)):
            self._new_pod(replica_set)
        pods = self._pods(replica_set)
        ready = sum(_ready(pod) for pod in pods)
        stored = self._objects.get(_REPLICA_SET, replica_set["metadata"]["namespace"], replica_set["metadata"]["name"])
        stored["spec"]["replicas"] = wanted
        stored["status"] = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        self._objects.seed(stored)

    def _new_pod(self, replica_set: Object) -> None:
        self._count += 1
        template = copy.deepcopy(replica_set["spec"]["template"])
        name = f"{replica_set['metadata']['name']}-{_letters(self._count)}"
        spec = template["spec"] | {"nodeName": "node-1", "serviceAccountName": "default"}
        metadata = {
            "name": name,
            "namespace": replica_set["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"].get("annotations", {}),
            "ownerReferences": [_owner(replica_set)],
        }
        status = self._pod_status(spec, f"10.1.0.{self._count % 250 + 1}")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
        self._objects.seed(pod)

    def _pod_status(self, spec: Object, address: str) -> Object:
        stamp, statuses = self._objects.stamp(), []
        for container in spec["containers"]:
            broken = container["image"] in self.broken_images
            why = f'Back-off pulling image "{container["image"]}"'
            waiting = {"waiting": {"reason": "ImagePullBackOff", "message": why}}
            entry: Object = {"name": container["name"], "image": container["image"], "restartCount": 0}
            entry |= {"ready": not broken, "state": waiting if broken else {"running": {"startedAt": stamp}}}
            statuses.append(entry)
        ready = str(all(entry["ready"] for entry in statuses))
        conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": stamp}]
        phase = "Running" if ready == "True" else "Pending"
        return {"phase": phase, "podIP": address, "conditions": conditions, "containerStatuses": statuses}

    def _report(self, deployment: Object, current: Object, *, working: bool) -> None:
        metadata = deployment["metadata"]
        pods = [pod for found in self._sets(deployment) for pod in self._pods(found)]
        ready = sum(_ready(pod) for pod in pods)
        revision = current["metadata"]["annotations"][REVISION]
        reason = "NewReplicaSetAvailable" if working else "ReplicaSetUpdated"
        progressing = {"type": "Progressing", "status": "True", "reason": reason}
        before = next((c for c in deployment["status"].get("conditions", ()) if c["type"] == "Progressing"), {})
        same = before.get("reason") == reason and before.get("message", "").endswith(f"revision {revision}")
        progressing["message"] = f'ReplicaSet "{current["metadata"]["name"]}" revision {revision}'
        progressing["lastUpdateTime"] = before["lastUpdateTime"] if same else self._objects.stamp()
        available = {"type": "Available", "status": str(ready >= deployment["spec"]["replicas"])}
        stored = self._objects.get(_DEPLOYMENT, metadata["namespace"], metadata["name"])
        stored["metadata"].setdefault("annotations", {})[REVISION] = revision
        stored["status"] = {
            "observedGeneration": metadata["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(self._pods(current)),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [available, progressing],
        }
        self._objects.seed(stored)

    def _works(self, template: Object) -> bool:
        return not any(container["image"] in self.broken_images for container in template["spec"]["containers"])

    def _sets(self, deployment: Object) -> list[Object]:
        return [found for found in self._objects.all(_REPLICA_SET) if _owned(found, deployment)]

    def _pods(self, replica_set: Object) -> list[Object]:
        return [pod for pod in self._objects.all(_POD) if _owned(pod, replica_set)]

    def _collect_garbage(self) -> None:
        alive = {found["metadata"]["uid"] for kind in (_DEPLOYMENT, _REPLICA_SET) for found in self._objects.all(kind)}
        for kind in (_REPLICA_SET, _POD):
            for found in list(self._objects.all(kind)):
                owners = found["metadata"].get("ownerReferences") or []
                known = [owner for owner in owners if owner["kind"] in ("Deployment", "ReplicaSet")]
                if known and not any(owner["uid"] in alive for owner in known):
                    alive.discard(found["metadata"]["uid"])
                    self._objects.remove(kind, found["metadata"]["namespace"], found["metadata"]["name"])
        for pod in list(self._objects.all(_POD)):
            if pod["metadata"].get("deletionTimestamp"):
                self._objects.remove(_POD, pod["metadata"]["namespace"], pod["metadata"]["name"])


def _hash(template: Object) -> str:
    digest = int(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest(), 16)
    return _letters(digest, 9)


def _letters(number: int, length: int = 5) -> str:
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(length))


def _owner(found: Object) -> Object:
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _owned(found: Object, owner: Object) -> bool:
    return any(ref["uid"] == owner["metadata"]["uid"] for ref in found["metadata"].get("ownerReferences") or ())


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or ())
