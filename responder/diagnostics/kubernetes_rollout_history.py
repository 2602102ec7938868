"""What was rolled out lately, and was it just before the trouble began?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model import resource as kinds
from responder.model.duration import format_duration
from responder.model.finding import Weight
from responder.model.moment import EPOCH, parse_moment
from responder.model.pod_template import changes, images_of
from responder.model.redaction import redact
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.params import Duration
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, scope_of
from responder.plugins.tools import Kubernetes, Tools

Object = Mapping[str, Any]

_REVISION = "deployment.kubernetes.io/revision"
_REUSED = "deployment.kubernetes.io/revision-history"
_CAUSE = "kubernetes.io/change-cause"


class RevisionItem(BaseModel):
    """One revision that could be rolled back to."""

    model_config = ConfigDict(frozen=True)

    revision: int
    images: tuple[str, ...]
    change_cause: str = Field(description="The annotation kubernetes.io/change-cause; empty where nobody set it.")
    created_at: datetime = Field(description="When it was first made; a roll-back uses an old one again.")
    age: timedelta = Field(description="Since `created_at`.")
    replicas: int = Field(0, description="Pods of it that are wanted now.")


class RolloutHistory(diagnostic.Result):
    """The revisions, and what the last change was."""

    exists: bool = Field(True, description="Whether there is a workload that has revisions.")
    current: int = Field(description="The revision in force.")
    previous: int | None = Field(description="The one before it; none when there was only one.")
    latest_at: datetime | None = Field(
        description="When the rollout of `current` ended, or began if it goes on still; none where nothing tells."
    )
    finished: bool | None = Field(None, description="Whether the rollout of `current` has come to its end.")
    shortly_before: bool | None = Field(
        description="Whether it ended within `window` before the incident began, or was under way then."
    )
    changed: str = Field(description="What it changed: images, names of variables, amounts; never a value.")
    revisions: tuple[RevisionItem, ...] = Field(description="Newest first, at most 10.")
    of: str = Field("", description="What was looked at, as `deployment/api in prod`.")

    def headline(self) -> str:
        """Name the revision, its age relative to the incident, and what it changed."""
        if not self.exists:
            return f"{self.of} has no rollouts"[:150]
        what = f": {self.changed}" if self.changed else ""
        when = f" at {self.latest_at:%Y-%m-%d %H:%M} UTC" if self.latest_at else ""
        mark = ", shortly before" if self.shortly_before else ""
        return f"Revision {self.current}{when}{mark}{what}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the revisions."""
        return tuple(
            f"{item.revision}: {', '.join(item.images)}, {format_duration(item.age)} old"
            + (f" ({item.change_cause})" if item.change_cause else "")
            for item in self.revisions
        )

    def weight(self) -> Weight:
        """A change just before is the first suspect."""
        return Weight.TROUBLE if self.shortly_before else Weight.NORMAL

    def has_data(self) -> bool:
        """Without revisions there is nothing to say."""
        return self.exists


@dataclass(frozen=True, slots=True)
class _Revision:
    """A revision with its pod template. `reused` says that an earlier rollout made it."""

    number: int
    template: Object
    created_at: datetime
    change_cause: str
    replicas: int
    reused: bool


class KubernetesRolloutHistory(diagnostic.Diagnostic["KubernetesRolloutHistory.Params"]):
    """
    List the revisions of a Deployment, StatefulSet or DaemonSet, and tell what the last one changed and when.

    `shortly_before` compares with the beginning of the incident: a rollout that ended within `window` before it, or
    that was under way then. What was rolled out afterwards, a roll-back for instance, is not the cause.

    Source: ReplicaSets with `deployment.kubernetes.io/revision`, or `apps/v1` ControllerRevisions.

    Example:

        diagnose:
          rollouts: {kubernetes.rollout_history: {window: 45m}}
    """

    name = "kubernetes.rollout_history"
    needs = (*SCOPE_NEEDS, Verb("apps", "controllerrevisions", "list"))

    class Params(params.Params):
        """What counts as shortly before."""

        window: Duration = Field(timedelta(minutes=30), description="How long before the incident a rollout may end.")

    Result: ClassVar[type[RolloutHistory]] = RolloutHistory

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> RolloutHistory:
        """Read the revisions."""
        scope = await scope_of(target, tools.kubernetes)
        workload = scope.workload
        revisions = await _revisions(workload, tools.kubernetes) if workload else []
        if workload is None or not revisions:
            return _none(scope.target)
        named = f"{workload['kind'].lower()}/{workload['metadata']['name']}"
        current = _current(workload, revisions)
        before = next((r for r in revisions if r.number < current.number), None)
        ended = _ended_at(workload, current)
        return RolloutHistory(
            current=current.number,
            previous=before.number if before else None,
            latest_at=ended or (None if current.reused else current.created_at),
            finished=_finished(workload),
            shortly_before=_shortly_before(current, ended, tools.incident.started_at, params.window),
            changed=_changed(before, current),
            revisions=tuple(_item(revision, tools.now()) for revision in revisions[:10]),
            of=f"{named} in {scope.target.namespace}",
        )


async def _revisions(workload: Object, kubernetes: Kubernetes) -> list[_Revision]:
    """Return the revisions of a workload, newest first; empty for a kind that has none."""
    namespace, uid = str(workload["metadata"].get("namespace", "")), workload["metadata"]["uid"]
    if workload["kind"] == "Deployment":
        found = await kubernetes.list(kinds.REPLICA_SETS, namespace)
        read = [_of_replica_set(item) for item in found if _owned(item, uid)]
    elif workload["kind"] in ("StatefulSet", "DaemonSet"):
        found = await kubernetes.list(kinds.CONTROLLER_REVISIONS, namespace)
        owned = [item for item in found if _owned(item, uid)]
        newest = max((_created(item) for item in owned), default=None)
        read = [_of_controller_revision(item, newest) for item in owned]
    else:
        return []
    return sorted((revision for revision in read if revision.number), key=lambda r: r.number, reverse=True)


def _changed(before: _Revision | None, current: _Revision) -> str:
    if before is None:
        return "the first revision"
    return redact("; ".join(changes(before.template, current.template)))[:500]


def _owned(found: Object, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in found["metadata"].get("ownerReferences") or ())


def _created(found: Object) -> datetime:
    return parse_moment(found["metadata"].get("creationTimestamp")) or EPOCH


def _of_replica_set(found: Object) -> _Revision:
    annotations = found["metadata"].get("annotations") or {}
    number = str(annotations.get(_REVISION, ""))
    return _Revision(
        number=int(number) if number.isdecimal() else 0,
        template=found["spec"].get("template") or {},
        created_at=_created(found),
        change_cause=str(annotations.get(_CAUSE, "")),
        replicas=int(found["spec"].get("replicas") or 0),
        reused=_REUSED in annotations,
    )


def _of_controller_revision(found: Object, newest: datetime | None) -> _Revision:
    data = found.get("data") or {}
    return _Revision(
        number=int(found.get("revision") or 0),
        template=(data.get("spec") or {}).get("template") or {},
        created_at=_created(found),
        change_cause=str((found["metadata"].get("annotations") or {}).get(_CAUSE, "")),
        replicas=0,
        # A roll-back gives an old one a new number and leaves its time.
        reused=newest is not None and _created(found) < newest,
    )


def _current(workload: Object, revisions: Sequence[_Revision]) -> _Revision:
    number = str((workload["metadata"].get("annotations") or {}).get(_REVISION, ""))
    return next((r for r in revisions if str(r.number) == number), revisions[0])


def _finished(workload: Object) -> bool | None:
    status, spec = workload.get("status") or {}, workload.get("spec") or {}
    if workload["kind"] == "DaemonSet":
        wanted, updated = status.get("desiredNumberScheduled"), status.get("updatedNumberScheduled", 0)
    else:
        wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if wanted is None:
        return None
    ready = status.get("numberAvailable" if workload["kind"] == "DaemonSet" else "readyReplicas", 0)
    return bool(updated >= wanted and ready >= wanted) or _condition(workload).get("reason") == "NewReplicaSetAvailable"


def _condition(workload: Object) -> Object:
    conditions = (workload.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == "Progressing"), {})


def _ended_at(workload: Object, current: _Revision) -> datetime | None:
    """Return when the rollout ended; only a Deployment writes it down, for the others its beginning must do."""
    if workload["kind"] == "Deployment":
        progressing = _condition(workload)
        done = progressing.get("reason") == "NewReplicaSetAvailable"
        return parse_moment(progressing.get("lastUpdateTime")) if done else None
    return None if current.reused else current.created_at


def _shortly_before(current: _Revision, ended: datetime | None, started_at: datetime, window: timedelta) -> bool | None:
    if ended is not None and ended <= started_at:
        return started_at - ended <= window
    if current.reused:
        # It began nobody knows when. What ended after the incident began is most likely the roll-back against it.
        return False if ended is not None else None
    return current.created_at <= started_at and (ended is not None or started_at - current.created_at <= window)


def _item(revision: _Revision, now: datetime) -> RevisionItem:
    return RevisionItem(
        revision=revision.number,
        images=tuple(image[:200] for image in images_of(revision.template)),
        change_cause=redact(revision.change_cause)[:200],
        created_at=revision.created_at,
        age=max(now - revision.created_at, timedelta(0)),
        replicas=revision.replicas,
    )


def _none(target: Target) -> RolloutHistory:
    return RolloutHistory(
        exists=False,
        current=0,
        previous=None,
        latest_at=None,
        shortly_before=None,
        changed="",
        revisions=(),
        of=str(target),
    )
