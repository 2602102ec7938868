"""The revisions of a workload: the pod templates that it has rolled out, as its controller keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responder.model.resource import CONTROLLER_REVISIONS, REPLICA_SETS
from responder.plugins.acting import CHANGE_CAUSE, Cluster
from responder.plugins.rollout.workload import Workload, bare

Object = Mapping[str, Any]

_REVISION = "deployment.kubernetes.io/revision"
_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: `name` and `uid` are those of the ReplicaSet or ControllerRevision that keeps it."""

    number: int
    name: str
    uid: str
    template: Object
    cause: str


async def revisions_of(workload: Workload, cluster: Cluster) -> tuple[Revision, ...]:
    """List the revisions that are kept, the newest first."""
    resource = REPLICA_SETS if workload.kind == "Deployment" else CONTROLLER_REVISIONS
    found = await cluster.list(resource, workload.namespace, limit=_LIMIT)
    owned = [item for item in found if _owned(item, workload.uid)]
    read = [_of_replica_set(item) if workload.kind == "Deployment" else _of_controller(item) for item in owned]
    return tuple(sorted((found for found in read if found), key=lambda revision: revision.number, reverse=True))


def revision_of(workload: Workload, revisions: Sequence[Revision]) -> Revision | None:
    """Find the revision whose template the workload has now; None while its controller has not seen it yet."""
    template = bare(workload.template)
    return next((revision for revision in revisions if revision.template == template), None)


def _owned(found: Object, uid: str) -> bool:
    owners = found["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def _of_replica_set(found: Object) -> Revision | None:
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    number = str(annotations.get(_REVISION, ""))
    if not number.isdecimal():
        return None
    template = bare(found["spec"].get("template") or {})
    cause = str(annotations.get(CHANGE_CAUSE, ""))
    return Revision(int(number), str(metadata["name"]), str(metadata.get("uid")), template, cause)


def _of_controller(found: Object) -> Revision | None:
    """Read the patch that a ControllerRevision holds; one that does not replace the whole template says too little."""
    metadata, template = found["metadata"], ((found.get("data") or {}).get("spec") or {}).get("template") or {}
    if template.get("$patch") != "replace":
        return None
    cause = str((metadata.get("annotations") or {}).get(CHANGE_CAUSE, ""))
    number = int(found.get("revision") or 0)
    return Revision(number, str(metadata["name"]), str(metadata.get("uid")), bare(template), cause)
