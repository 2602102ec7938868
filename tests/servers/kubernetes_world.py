"""How the cluster behind the API server behaves: which images work, how fast it rolls out, how its pods are made."""

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_objects import Objects

Object = dict[str, Any]

POD = BY_NAME["v1", "Pod"]
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_WAITING = {
    "broken": ("ImagePullBackOff", 'Back-off pulling image "{}"'),
    "crashing": ("CrashLoopBackOff", "back-off 5m0s restarting failed container of {}"),
}


@dataclass(frozen=True)
class JobRun:
    """How a Job's pods end: their exit code and log; `hold` keeps them running."""

    code: int = 0
    lines: tuple[str, ...] = ()
    hold: bool = False


@dataclass
class World:
    """
    What tests set.

    Pods of `broken_images` cannot be pulled, of `crashing_images` crash, of `unready_images` run without getting ready.
    `pace` is how many pods a rollout replaces in one run of the controllers, None all. `frozen`: nobody looks at what
    is written. `quota` is how many pods a namespace may have. `stuck` names pods that stay when they are deleted,
    unless at once. `jobs` are by the image of the first container. `kept` are manifests that another program (Argo CD)
    puts back whenever they were changed.
    """

    broken_images: set[str] = field(default_factory=set)
    crashing_images: set[str] = field(default_factory=set)
    unready_images: set[str] = field(default_factory=set)
    pace: int | None = None
    frozen: bool = False
    quota: int | None = None
    stuck: set[str] = field(default_factory=set)
    jobs: dict[str, JobRun] = field(default_factory=dict)
    kept: list[Object] = field(default_factory=list)

    def works(self, template: Object) -> bool:
        """Whether pods of a template get ready."""
        return all(self.trouble(container["image"]) == "" for container in template["spec"]["containers"])

    def trouble(self, image: str) -> str:
        """Say what is wrong with an image."""
        named = {"broken": self.broken_images, "crashing": self.crashing_images, "unready": self.unready_images}
        return next((name for name, images in named.items() if image in images), "")


class Pods:
    """The pods of the world: made from templates, counted by owner."""

    def __init__(self, objects: Objects, world: World) -> None:
        self._objects, self._world = objects, world
        self._count = 0
        self.refused: dict[str, str] = {}

    def of(self, owner: Object) -> list[Object]:
        """List the pods that an owner counts: those that are ending are not among them."""
        namespace = owner["metadata"].get("namespace", "")
        found = (pod for pod in self._objects.all(POD, namespace) if owned(pod, owner))
        return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]

    def remove(self, pod: Object) -> None:
        """Take a pod out."""
        self._objects.remove(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])

    def make(
        self,
        owner: Object,
        template: Object,
        *,
        name: str = "",
        node: str = "node-1",
        labels: Object | None = None,
    ) -> Object | None:
        """Make a pod; None where the quota of its namespace forbids it."""
        namespace = owner["metadata"]["namespace"]
        used = sum(1 for _ in self._objects.all(POD, namespace))
        if self._world.quota is not None and used >= self._world.quota:
            limit = f"requested: pods=1, used: pods={used}, limited: pods={self._world.quota}"
            name = name or f"{owner['metadata']['name']}-{letters(self._count + 1)}"
            self.refused[owner["metadata"]["uid"]] = f'pods "{name}" is forbidden: exceeded quota: pods, {limit}'
            return None
        self.refused.pop(owner["metadata"]["uid"], None)
        self._count += 1
        template = copy.deepcopy(template)
        metadata = template.get("metadata") or {}
        spec = template["spec"] | {"nodeName": node, "serviceAccountName": "default"}
        described = {
            "name": name or f"{owner['metadata']['name']}-{letters(self._count)}",
            "namespace": namespace,
            "labels": (metadata.get("labels") or {}) | (labels or {}),
            "ownerReferences": [reference(owner)],
        }
        if metadata.get("annotations"):
            described["annotations"] = metadata["annotations"]
        status = self._status(spec, f"10.1.0.{self._count % 250 + 1}")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": described, "spec": spec, "status": status}
        return self._objects.seed(pod)

    def release(self, owner: Object, selector: Object) -> None:
        """Let go of the pods that no longer bear the owner's labels, as controllers do."""
        wanted = selector.get("matchLabels") or {}
        for pod in self.of(owner):
            labels = pod["metadata"].get("labels") or {}
            if any(labels.get(key) != value for key, value in wanted.items()):
                uid = owner["metadata"]["uid"]
                references = pod["metadata"]["ownerReferences"]
                pod["metadata"]["ownerReferences"] = [one for one in references if one["uid"] != uid]
                self._objects.seed(pod)

    def _status(self, spec: Object, address: str) -> Object:
        stamp, statuses = self._objects.stamp(), []
        for container in spec["containers"]:
            trouble = self._world.trouble(container["image"])
            state: Object = {"running": {"startedAt": stamp}}
            if trouble in _WAITING:
                reason, message = _WAITING[trouble]
                state = {"waiting": {"reason": reason, "message": message.format(container["image"])}}
            entry: Object = {"name": container["name"], "image": container["image"], "restartCount": 0}
            statuses.append(entry | {"ready": not trouble, "state": state})
        good = str(all(entry["ready"] for entry in statuses))
        conditions = [{"type": "Ready", "status": good, "lastTransitionTime": stamp}]
        pulled = all("waiting" not in entry["state"] for entry in statuses)
        phase = "Running" if pulled else "Pending"
        return {"phase": phase, "podIP": address, "conditions": conditions, "containerStatuses": statuses}


def digest_of(template: Object) -> str:
    """Return the hash that names what is made from a template."""
    digest = int(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest(), 16)
    return letters(digest, 9)


def letters(number: int, length: int = 5) -> str:
    """Write a number in the letters of generated names."""
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(length))


def reference(found: Object) -> Object:
    """Write the reference to a controller."""
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned(found: Object, owner: Object) -> bool:
    """Whether an object is owned by another."""
    return any(ref["uid"] == owner["metadata"]["uid"] for ref in found["metadata"].get("ownerReferences") or ())
