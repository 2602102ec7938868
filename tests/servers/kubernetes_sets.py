"""The StatefulSet and DaemonSet controllers behind the API server in `kubernetes.py`, and their ControllerRevisions."""

import copy
from typing import Any

from tests.servers.kubernetes_eviction import is_ready
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_world import Pods, World, digest_of, owned, reference

Object = dict[str, Any]

HASH = "controller-revision-hash"
_REVISION = BY_NAME["apps/v1", "ControllerRevision"]
_NODE = BY_NAME["v1", "Node"]
_STATEFUL = BY_NAME["apps/v1", "StatefulSet"]
_DAEMON = BY_NAME["apps/v1", "DaemonSet"]


class SetController:
    """Rolls StatefulSets and DaemonSets out: a pod is replaced by one of its own name, or on its own node."""

    def __init__(self, objects: Objects, pods: Pods, world: World) -> None:
        self._objects, self._pods, self._world = objects, pods, world
        self._current: dict[str, str] = {}

    def run(self) -> None:
        """Reconcile all of them once."""
        for kind in (_STATEFUL, _DAEMON):
            for found in list(self._objects.all(kind)):
                if not found["metadata"].get("deletionTimestamp"):
                    self._reconcile(found)

    def _reconcile(self, found: Object) -> None:
        revision = self._revision(found)
        self._pods.release(found, found["spec"]["selector"])
        places = self._places(found)
        pods = {self._place(found, pod): pod for pod in self._pods.of(found)}
        for place in [place for place in pods if place not in places]:
            self._pods.remove(pods.pop(place))
        for place in places:
            if place not in pods:
                self._make(found, place, revision)
        self._roll(found, revision, [place for place in places if place in pods], pods)
        self._report(found, revision, len(places))

    def _roll(self, found: Object, revision: Object, places: list[str], pods: dict[str, Object]) -> None:
        strategy = found["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        digest = revision["metadata"]["labels"][HASH]
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        old = [p for p in reversed(places[partition:]) if pods[p]["metadata"]["labels"].get(HASH) != digest]
        waits = any(not is_ready(pod) for pod in self._pods.of(found) if pod["metadata"]["labels"].get(HASH) == digest)
        count = len(old) if self._world.pace is None else self._world.pace
        if not self._world.works(found["spec"]["template"]):
            count = 1
        for place in [] if waits else old[:count]:
            self._pods.remove(pods[place])
            self._make(found, place, revision)

    def _make(self, found: Object, place: str, revision: Object) -> None:
        labels = {HASH: revision["metadata"]["labels"][HASH]}
        if found["kind"] == "StatefulSet":
            labels |= {"statefulset.kubernetes.io/pod-name": place, "apps.kubernetes.io/pod-index": place[-1]}
            self._pods.make(found, found["spec"]["template"], name=place, labels=labels)
        else:
            self._pods.make(found, found["spec"]["template"], node=place, labels=labels)

    def _places(self, found: Object) -> list[str]:
        if found["kind"] == "StatefulSet":
            return [f"{found['metadata']['name']}-{number}" for number in range(found["spec"]["replicas"])]
        return [node["metadata"]["name"] for node in self._objects.all(_NODE)] or ["node-1"]

    def _place(self, found: Object, pod: Object) -> str:
        return str(pod["metadata"]["name"] if found["kind"] == "StatefulSet" else pod["spec"]["nodeName"])

    def _revision(self, found: Object) -> Object:
        """Find or make the revision of the template as it is; one that is used again becomes the newest."""
        template, metadata = found["spec"]["template"], found["metadata"]
        content = {"spec": {"template": copy.deepcopy(template) | {"$patch": "replace"}}}
        every = [r for r in self._objects.all(_REVISION, metadata["namespace"]) if owned(r, found)]
        newest = max((r["revision"] for r in every), default=0)
        same = next((r for r in every if r["data"] == content), None)
        if same is not None:
            if same["revision"] < newest:
                same["revision"] = newest + 1
                same = self._objects.seed(same)
            return same
        digest = digest_of(template)
        labels = (template.get("metadata") or {}).get("labels") or {}
        described = {"name": f"{metadata['name']}-{digest}", "namespace": metadata["namespace"]}
        described |= {"labels": labels | {HASH: digest}, "ownerReferences": [reference(found)]}
        causes = {k: v for k, v in (metadata.get("annotations") or {}).items() if k == "kubernetes.io/change-cause"}
        described |= {"annotations": causes} if causes else {}
        body: Object = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": described}
        return self._objects.seed(body | {"data": content, "revision": newest + 1})

    def _report(self, found: Object, revision: Object, wanted: int) -> None:
        metadata, digest = found["metadata"], revision["metadata"]["labels"][HASH]
        pods = self._pods.of(found)
        good = sum(is_ready(pod) for pod in pods)
        updated = sum(pod["metadata"]["labels"].get(HASH) == digest for pod in pods)
        status: Object = {"observedGeneration": metadata["generation"], "collisionCount": 0}
        if found["kind"] == "StatefulSet":
            name = revision["metadata"]["name"]
            if updated == wanted:
                self._current[metadata["uid"]] = name
            current = self._current.setdefault(metadata["uid"], name)
            status |= {"replicas": len(pods), "readyReplicas": good, "availableReplicas": good}
            status |= {"updatedReplicas": updated, "currentRevision": current, "updateRevision": name}
            status["currentReplicas"] = updated if current == name else len(pods) - updated
        else:
            status |= {"desiredNumberScheduled": wanted, "currentNumberScheduled": len(pods), "numberMisscheduled": 0}
            status |= {"numberReady": good, "numberAvailable": good, "updatedNumberScheduled": updated}
            if wanted > good:
                status["numberUnavailable"] = wanted - good
        kind = _STATEFUL if found["kind"] == "StatefulSet" else _DAEMON
        stored = self._objects.get(kind, metadata["namespace"], metadata["name"])
        self._objects.seed(stored | {"status": status})
