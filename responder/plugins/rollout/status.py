"""
How far a roll-out has come, exactly as `kubectl rollout status` tells it.

Source: kubectl, `polymorphichelpers/rollout_status.go`.
"""

from dataclasses import dataclass

from responder.plugins.rollout.disruption import waits_for_deletion
from responder.plugins.rollout.workload import Workload


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Where a roll-out stands: `updated` of `wanted` pods are of the new template.

    `overdue` says that a Deployment's controller gave it up (progress deadline), `untaken` that no controller has seen
    the change, `ready` that every pod serves.
    """

    say: str
    complete: bool
    updated: int
    wanted: int
    ready: bool = False
    overdue: bool = False
    untaken: bool = False


def standing(workload: Workload) -> Standing:
    """Read where the roll-out of a workload stands."""
    if not _observed(workload):
        return _untaken(workload)
    match workload.kind:
        case "Deployment":
            return _deployment(workload)
        case "StatefulSet":
            return _stateful_set(workload)
        case _:
            return _daemon_set(workload)


def scaled(workload: Workload) -> Standing:
    """Read how far the pods of a workload are as many as are wanted, whatever their template."""
    if not _observed(workload):
        return _untaken(workload)
    wanted, total, serving = workload.replicas, _count(workload, "replicas"), _count(workload, "readyReplicas")
    ready, there = serving >= wanted, min(total, wanted)
    if total < wanted:
        return Standing(f"{total} of {wanted} pods are there", False, there, wanted, ready)
    if total > wanted:
        return Standing(f"{total - wanted} pods are still going", False, there, wanted, ready)
    if not ready:
        return Standing(f"{serving} of {wanted} pods are ready", False, there, wanted, ready)
    return Standing(f"{workload.reference} has {wanted} pods", True, there, wanted, ready)


def _untaken(workload: Workload) -> Standing:
    return Standing("its controller has not taken up the change yet", False, 0, workload.replicas, untaken=True)


def condition(workload: Workload, kind: str) -> dict[str, str]:
    """Return a condition of a workload; empty where it has none of the kind."""
    conditions = workload.status.get("conditions") or ()
    return next((dict(item) for item in conditions if item.get("type") == kind), {})


def _observed(workload: Workload) -> bool:
    return 0 < workload.generation <= _count(workload, "observedGeneration")


def _count(workload: Workload, name: str) -> int:
    return int(workload.status.get(name) or 0)


def _deployment(workload: Workload) -> Standing:
    wanted, updated = workload.replicas, _count(workload, "updatedReplicas")
    total, available = _count(workload, "replicas"), _count(workload, "availableReplicas")
    ready = _count(workload, "readyReplicas") >= wanted
    if condition(workload, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        said = f"{updated} of {wanted} pods updated, and no progress within the deadline"
        return Standing(said, False, updated, wanted, ready, overdue=True)
    if updated < wanted:
        return Standing(f"{updated} of {wanted} pods updated", False, updated, wanted, ready)
    if total > updated:
        return Standing(f"{total - updated} old pods are still going", False, updated, wanted, ready)
    if available < updated:
        return Standing(f"{available} of {updated} updated pods are available", False, updated, wanted, ready)
    return Standing(f"{workload.reference} rolled out: {updated} pods", True, updated, wanted, ready)


def _stateful_set(workload: Workload) -> Standing:
    wanted, updated = workload.replicas, _count(workload, "updatedReplicas")
    serving = _count(workload, "readyReplicas")
    ready = serving >= wanted
    if waits_for_deletion(workload):
        return Standing(_ON_DELETE, True, updated, wanted, ready)
    if not ready:
        return Standing(f"{wanted - serving} of {wanted} pods are not ready", False, updated, wanted, ready)
    rolling = (workload.spec.get("updateStrategy") or {}).get("rollingUpdate")
    if rolling is not None:
        due = wanted - int(rolling.get("partition") or 0)
        if updated < due:
            return Standing(f"{updated} of {due} pods updated", False, updated, due, ready)
        return Standing(f"{workload.reference} rolled out: {updated} pods", True, updated, max(due, 0), ready)
    if workload.status.get("updateRevision") != workload.status.get("currentRevision"):
        return Standing(f"{updated} of {wanted} pods updated", False, updated, wanted, ready)
    return Standing(f"{workload.reference} rolled out: {wanted} pods", True, updated, wanted, ready)


def _daemon_set(workload: Workload) -> Standing:
    wanted, updated = workload.replicas, _count(workload, "updatedNumberScheduled")
    available = _count(workload, "numberAvailable")
    ready = _count(workload, "numberReady") >= wanted
    if waits_for_deletion(workload):
        return Standing(_ON_DELETE, True, updated, wanted, ready)
    if updated < wanted:
        return Standing(f"{updated} of {wanted} pods updated", False, updated, wanted, ready)
    if available < wanted:
        return Standing(f"{available} of {wanted} updated pods are available", False, updated, wanted, ready)
    return Standing(f"{workload.reference} rolled out: {updated} pods", True, updated, wanted, ready)


_ON_DELETE = "nothing rolls out by itself: pods take it up when they are deleted (updateStrategy OnDelete)"
