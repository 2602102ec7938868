"""The workload that an action changes: a Deployment, StatefulSet or DaemonSet, as it was read just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responder.errors import Missing, NoTarget, PermanentError
from responder.model.management import managed_by
from responder.model.resource import BY_KIND, Resource
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import Cluster
from responder.plugins.commands import WORKLOADS
from responder.plugins.rights import Verb, workload_verbs
from responder.plugins.rollout.fingerprint import parts_of

Object = Mapping[str, Any]

GENERATION = "generation"
"""The version that a workload is read as."""
SPEC = "its spec"
"""The fact of what is wanted of a workload."""

HASHES = frozenset({"pod-template-hash", "controller-revision-hash", "pod-template-generation"})
"""Labels that controllers put on what they make of a template."""

WORKLOAD_NEEDS = (
    *workload_verbs("get", "patch"),
    Verb("", "pods", "get"),
    Verb("", "pods", "list"),
    Verb("", "events", "list"),
    Verb("apps", "replicasets", "get"),
    Verb("apps", "replicasets", "list"),
    Verb("apps", "controllerrevisions", "list"),
    Verb("policy", "poddisruptionbudgets", "list"),
)
"""The rights that finding, previewing, changing and following a workload takes."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing that rolls out, with its `kind`; `cluster` is the name by which the settings know its cluster."""

    found: Object
    cluster: str

    @property
    def metadata(self) -> Object:
        """Its metadata."""
        metadata: Object = self.found["metadata"]
        return metadata

    @property
    def spec(self) -> Object:
        """What is wanted of it."""
        spec: Object = self.found["spec"]
        return spec

    @property
    def status(self) -> Object:
        """What its controller says; empty before it has said anything."""
        return self.found.get("status") or {}

    @property
    def kind(self) -> str:
        """Its kind: Deployment, StatefulSet or DaemonSet."""
        return str(self.found["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.metadata.get("namespace", ""))

    @property
    def uid(self) -> str:
        """What tells it from another of its name."""
        return str(self.metadata.get("uid", ""))

    @property
    def generation(self) -> int:
        """How often its spec has changed, of a Deployment also its annotations."""
        return int(self.metadata.get("generation") or 0)

    @property
    def resource(self) -> Resource:
        """Where it is at the API server."""
        return BY_KIND[self.kind]

    @property
    def template(self) -> Object:
        """Its pod template."""
        template: Object = self.spec["template"]
        return template

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its own annotations, not those of its pods."""
        return self.metadata.get("annotations") or {}

    @property
    def replicas(self) -> int:
        """How many pods are wanted."""
        if self.kind == "DaemonSet":
            return int(self.status.get("desiredNumberScheduled") or 0)
        wanted = self.spec.get("replicas")
        return 1 if wanted is None else int(wanted)

    @property
    def reference(self) -> str:
        """Name it as kubectl takes it: `deployment/api`."""
        return f"{self.kind.lower()}/{self.name}"

    @property
    def lock(self) -> str:
        """Name what is changed, for "one at a time": `default/deployment/prod/api`."""
        return f"{self.cluster}/{self.kind}/{self.namespace}/{self.name}".lower()

    @property
    def target(self) -> Target:
        """It, as a target."""
        return Target(self.cluster, self.kind, self.namespace, self.name, self.name)

    @property
    def identity(self) -> dict[str, Json]:
        """Tell where to find it again, whatever has become of the pod that led to it."""
        where = {"cluster": self.cluster, "kind": self.kind, "namespace": self.namespace, "name": self.name}
        return {**where, "uid": self.uid}

    @property
    def facts(self) -> dict[str, Json]:
        """
        Tell what must still hold when it is changed: all of its spec, whoever changes the number of its replicas.

        Its generation does not tell, as an annotation moves it too.
        """
        return {"workload": self.reference, "uid": self.uid, SPEC: parts_of(self.spec)}


async def read_workload(target: Target, cluster: Cluster) -> Workload:
    """
    Find the workload of a target.

    Raises: NoTarget when the alert names no object, Missing when it is not there, PermanentError when it does not roll
    out.
    """
    if not target.known:
        raise NoTarget
    found = await cluster.workload(target)
    if found is None:
        raise Missing(f"There is no workload of {target}: it was deleted, or the alert names another")
    if found["kind"] not in WORKLOADS:
        named = f"{str(found['kind']).lower()}/{found['metadata']['name']}"
        raise PermanentError(f"{named} does not roll out: only a Deployment, StatefulSet or DaemonSet does")
    return Workload(found, target.cluster)


async def read_again(identity: Mapping[str, Json], cluster: Cluster) -> Workload:
    """Read a workload by its `identity`. Raises: Missing."""
    kind, namespace, name = (str(identity.get(key, "")) for key in ("kind", "namespace", "name"))
    if kind not in WORKLOADS:
        raise PermanentError(f"What was recorded names no workload: {kind or 'nothing'}")
    found = await cluster.get(BY_KIND[kind], namespace, name)
    if found is None:
        raise Missing(f"{kind.lower()}/{name} in {namespace} is not there any more")
    return Workload({"kind": kind, "apiVersion": "apps/v1", **found}, str(identity.get("cluster", "")))


def hindrance(workload: Workload, *, rolls: bool) -> str:
    """Say why it must not be changed as it stands; "" when it may. `rolls` says that the change replaces pods."""
    named = f"{workload.reference} in {workload.namespace}"
    if workload.metadata.get("deletionTimestamp"):
        return f"{named} is being deleted"
    for owner in workload.metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            kept = f"{owner.get('kind')} {owner.get('name')}"
            return f"{named} is made by its controller, {kept}, which would put it back: change {kept} instead"
    if rolls and workload.spec.get("paused"):
        return f"{named} is paused, so nothing would roll out: kubectl rollout resume {workload.reference} first"
    return ""


def owner_of(workload: Workload) -> str:
    """Name the program that keeps it as it is; "" where nothing tells."""
    return managed_by(workload.found)


def pointer(*steps: str | int) -> str:
    """Join steps to a JSON pointer, whatever they hold."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def bare(template: Object) -> dict[str, Any]:
    """Return a pod template without what controllers and patches add to it."""
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value is not None}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in HASHES}
    if "labels" in metadata:
        metadata["labels"] = labels
    found = {key: value for key, value in template.items() if key not in ("$patch", "metadata")}
    return {"metadata": metadata, **found}


def ready_count(pods: Sequence[Object]) -> int:
    """Count the pods that serve."""
    return sum(_ready(pod) for pod in pods)


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")
