"""A pod that an action means, and the family that it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from responder.errors import PermanentError
from responder.model.action import Preview
from responder.model.resource import BY_KIND, PODS, REPLICA_SETS, namespace_of
from responder.model.target import Target
from responder.plugins.acting import Cluster
from responder.plugins.commands import WORKLOADS
from responder.plugins.objects.seen import Place
from responder.plugins.rollout.workload import Workload, ready_count

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """
    The workload above a pod and all its pods; `top` is None where there is none.

    `workload` is the same where it rolls out.
    """

    top: Object | None
    workload: Workload | None
    pods: Sequence[Object]

    @property
    def ready(self) -> int:
        """How many pods serve."""
        return ready_count(self.pods)

    def serving(self, name: str) -> int:
        """Count the pods of that name that serve: one that does not is missed by nobody."""
        return ready_count([found for found in self.pods if found["metadata"]["name"] == name])

    @property
    def replicas(self) -> int:
        """How many are wanted; of what does not roll out, how many there are."""
        return self.workload.replicas if self.workload else len(self.pods)

    def locking(self, preview: Preview) -> Preview:
        """Lock the workload beside the pod of a preview, so that nothing else acts on its other pods meanwhile."""
        return replace(preview, lock=self.workload.lock, beside=preview.locks) if self.workload else preview


async def family_of(target: Target, cluster: Cluster) -> Family:
    """Find the family of a pod. Raises: CallError."""
    top = await cluster.workload(target)
    if top is None or top.get("kind") == "Pod":
        return Family(None, None, await cluster.pods(target))
    if top["kind"] not in WORKLOADS:
        return Family(top, None, await cluster.pods(target))
    workload = Workload(top, target.cluster)
    return Family(top, workload, await cluster.pods(workload.target))


async def workload_locks(pods: Sequence[Object], place: Place, cluster: Cluster) -> tuple[str, ...]:
    """Name the workloads that some pods of one namespace belong to, each once. Raises: CallError."""
    owners = [owner for found in pods if (owner := controller_of(found))]
    places: list[Place] = []
    for owner in {str(owner.get("uid")): owner for owner in owners}.values():
        above = owner
        if owner.get("kind") == "ReplicaSet":
            found = await cluster.get(REPLICA_SETS, place.namespace, str(owner["name"]))
            above = (controller_of(found) if found is not None else None) or {}
        if (kind := above.get("kind")) in WORKLOADS:
            places.append(Place(place.cluster, BY_KIND[str(kind)], str(kind), place.namespace, str(above["name"])))
    return tuple(dict.fromkeys(found.lock for found in places))


def pod_place(target: Target) -> Place:
    """Say where a pod is."""
    return Place(target.cluster, PODS, "Pod", namespace_of(target), target.name)


def workload_place(target: Target) -> Place:
    """Say where a workload is. Raises: PermanentError for a kind that does not roll out."""
    if target.kind not in WORKLOADS:
        raise PermanentError(f"{target} is no workload: name a Deployment, StatefulSet or DaemonSet")
    return Place(target.cluster, BY_KIND[target.kind], target.kind, namespace_of(target), target.name)


def controller_of(found: Object) -> Object | None:
    """Return the reference to what made an object and would make it again; None where nothing would."""
    owners = found["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)
