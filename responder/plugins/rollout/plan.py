"""What a change does to a workload, before anything is sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from responder.model.action import Change
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.rollout.fingerprint import digest
from responder.plugins.rollout.ownership import Way
from responder.plugins.rollout.revisions import revision_of, revisions_of
from responder.plugins.rollout.workload import Workload, bare

Operation: TypeAlias = Mapping[str, Json]
"""One operation of a JSON patch (RFC 6902)."""

NO_UNDO = "It cannot be undone: no revision keeps the template of now"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a change does to a workload as it was read.

    `summary` is for people who are asked, `done` for the world afterwards ("rolled back to revision 41"), `event` the
    reason of the Kubernetes Event. `operations` are those of the JSON patch, without conditions. `holds` tells whether
    a workload bears the change. `facts` must hold beside uid and spec. `mark` reads off the changed workload what
    following it needs. `undo` is what taking it back needs. `rolls` says that pods are replaced, else `removes` of them
    go.
    """

    summary: str
    done: str = "changed"
    event: str = "Changed"
    way: Way = "change"
    operations: Sequence[Operation] = ()
    changes: tuple[Change, ...] = ()
    refusal: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    holds: Callable[[Workload], bool] = lambda workload: True
    mark: Callable[[Workload], Mapping[str, Json]] = lambda workload: {}
    undo: Json = None
    rolls: bool = True
    removes: int = 0
    warnings: tuple[str, ...] = ()


Planner: TypeAlias = Callable[[Workload], Awaitable[Plan]]
"""Reads what else it needs, and plans the change of a workload. Raises: CallError when it could not read."""


def note_of(done: str, tools: ActionTools) -> str:
    """Write for the world what was done, for which incident and by whose word."""
    return f"Responder: {done} for {tools.reason}"


def left_by(workload: Workload, *, rolls: bool) -> str:
    """Return what tells whether others have since changed what such a change writes."""
    return digest(bare(workload.template) if rolls else workload.replicas)


async def undo_of(workload: Workload, cluster: Cluster) -> dict[str, Json] | None:
    """
    Record what putting the present template back takes: the name of the revision that keeps it, and no values.

    None where no revision keeps it.
    """
    if workload.spec.get("revisionHistoryLimit") == 0:
        return None
    revision = revision_of(workload, await revisions_of(workload, cluster))
    if revision is None:
        return None
    kept = {"revision": revision.name, "template": digest(bare(workload.template))}
    return {**workload.identity, **kept}
