"""One pod removed: evicted so that PodDisruptionBudgets are heard, or deleted at once where it is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from responder.errors import BudgetRefused, Conflict, Missing, PermanentError
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.moment import parse_moment
from responder.model.resource import DISRUPTION_BUDGETS, NODES, PODS
from responder.model.target import Target
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.objects.pod import Family, controller_of, family_of, pod_place
from responder.plugins.objects.seen import Object, Seen, look, look_for
from responder.plugins.rollout.disruption import selects
from responder.plugins.rollout.plan import note_of
from responder.plugins.rollout.status import standing
from responder.plugins.rollout.workload import read_again
from responder.plugins.trying import tried

_PATIENCE = timedelta(minutes=1)
"""How long after the end of its grace a pod must still be there to be called stuck."""
_LOST_AFTER = timedelta(minutes=5)
"""How long a node must have been silent; after that its pods are evicted by the control plane too."""
_NOW = timedelta(0)
_MIRROR = "kubernetes.io/config.mirror"


async def preview_removal(target: Target, tools: ActionTools, *, force: bool) -> Preview:
    """Say what removing a pod does, and try it as a dry run. Raises: CallError when it could not be read."""
    seen = await look(pod_place(target), tools.kubernetes)
    family = await family_of(target, tools.kubernetes)
    stuck = await _stuck(seen, tools.kubernetes, tools.now()) if force else ""
    refusal, dry_run = _refusal(seen, stuck, force=force), False
    if not refusal:
        refusal, dry_run = await tried(str(seen.place), lambda: _send(seen, tools, force=force, dry_run=True))
    budgets, unread = await _budgets(seen, tools.kubernetes)
    how = f"delete {seen.place} at once: {stuck}" if force else f"evict {seen.place}"
    owner = controller_of(seen.found)
    kept = f"{str(owner['kind']).lower()}/{owner['name']}" if owner else "nothing"
    preview = Preview(
        summary=how,
        changes=(Change(seen.place.reference, str((seen.found.get("status") or {}).get("phase", "")), "(gone)"),),
        refusal=refusal,
        basis={**seen.identity, "phase": _phase(seen)},
        namespace=seen.place.namespace,
        lock=seen.place.lock,
        touches=(target.name,),
        pods=family.serving(target.name),
        ready=family.ready,
        replicas=family.replicas,
        disruption=f"{_missed(family, target)}; {kept} makes another one",
        budgets=budgets,
        warnings=(*unread, *_warnings(seen, force=force)),
        dry_run=dry_run,
    )
    return family.locking(preview)


async def remove_pod(target: Target, preview: Preview, tools: ActionTools, *, force: bool) -> Outcome:
    """
    Remove the pod that was approved, once, and no other of its name.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    place = pod_place(target)
    seen = await look_for(place, tools.kubernetes)
    if seen is None or seen.uid != preview.basis.get("uid"):
        return _gone(place.reference, tools)
    if tools.retry and seen.metadata.get("deletionTimestamp") and not force:
        return replace(_gone(place.reference, tools), say=f"{place} is on its way out")
    family = await family_of(target, tools.kubernetes)
    stuck = await _stuck(seen, tools.kubernetes, tools.now()) if force else ""
    if refusal := _refusal(seen, stuck, force=force):
        return Outcome("not_done", refusal)
    if _phase(seen) != preview.basis.get("phase"):
        return Outcome("not_done", f"{place} was {preview.basis.get('phase')}, is {_phase(seen)} now")
    try:
        await _send(seen, tools, force=force)
    except BudgetRefused as error:
        return Outcome("not_done", f"A PodDisruptionBudget does not let it go now: {error}")
    except (Conflict, Missing):
        return _gone(place.reference, tools)
    how = "deleted at once" if force else "evicted"
    await _tell(seen, family, f"{place.reference} {how}", tools)
    rolls = family.workload is not None
    basis = {**seen.identity, **(family.workload.identity if family.workload else {}), "pod": seen.uid}
    return Outcome("done", f"{place} {how}", follow=rolls, basis=basis)


async def follow_removal(outcome: Outcome, tools: ActionTools) -> Progress:
    """Say whether another pod serves in its place. Raises: CallError."""
    if outcome.basis.get("kind") is None:
        return Progress(outcome.say)
    try:
        stands = standing(await read_again(outcome.basis, tools.kubernetes))
    except Missing as error:
        return Progress(str(error), ready=False, failed=str(error))
    say = f"{outcome.say}; {'all pods are ready' if stands.ready else 'its place is not taken yet'}"
    return Progress(say, complete=stands.ready, ready=stands.ready, updated=stands.updated, wanted=stands.wanted)


def _missed(family: Family, target: Target) -> str:
    return "one pod" if family.serving(target.name) else "none: the pod does not serve"


async def _send(seen: Seen, tools: ActionTools, *, force: bool, dry_run: bool = False) -> None:
    place = seen.place
    if force:
        await tools.kubernetes.delete(PODS, place.namespace, place.name, uid=seen.uid, grace=_NOW, dry_run=dry_run)
    else:
        await tools.kubernetes.evict(place.namespace, place.name, uid=seen.uid, dry_run=dry_run)


async def _tell(seen: Seen, family: Family, done: str, tools: ActionTools) -> None:
    """Write the Event where it is looked for after the pod is gone: on its workload."""
    regarding = family.top or seen.found
    note = note_of(done, tools)
    await tools.kubernetes.tell(regarding, reason="PodRemoved", note=note, key=tools.attempt)


def _gone(reference: str, tools: ActionTools) -> Outcome:
    if tools.retry:
        return Outcome("done", f"{reference} is gone")
    return Outcome("not_done", f"{reference} is gone already: nothing was done")


def _refusal(seen: Seen, stuck: str, *, force: bool) -> str:
    if _MIRROR in seen.annotations:
        return f"{seen.place} is a static pod: its kubelet makes it from a file, and it cannot be removed here"
    if controller_of(seen.found) is None:
        return f"{seen.place} has no controller: nothing would make another one"
    if force and seen.metadata.get("finalizers"):
        return f"{seen.place} is held by {', '.join(map(str, seen.metadata['finalizers']))}: see to that instead"
    if force and not stuck:
        return f"{seen.place} is not stuck: it is neither late to end nor on a lost node. Evict it without force"
    if not force and seen.metadata.get("deletionTimestamp"):
        return f"{seen.place} is on its way out already; where it is stuck, `force: true` deletes it"
    return ""


async def _stuck(seen: Seen, cluster: Cluster, now: datetime) -> str:
    """Say why a pod is stuck; "" when it is not."""
    due = parse_moment(seen.metadata.get("deletionTimestamp"))
    if due is not None and now - due > _PATIENCE:
        return f"it should have ended at {due:%H:%M:%S} UTC"
    name = (seen.found.get("spec") or {}).get("nodeName")
    if not name:
        return ""
    node = await cluster.get(NODES, "", str(name))
    if node is None:
        return f"its node {name} is not there any more"
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready: Mapping[str, str] = next((found for found in conditions if found.get("type") == "Ready"), {})
    since = parse_moment(ready.get("lastTransitionTime"))
    silent = ready.get("status") == "Unknown" and since is not None and now - since > _LOST_AFTER
    return f"its node {name} is lost since {since:%H:%M} UTC" if silent and since else ""


async def _budgets(seen: Seen, cluster: Cluster) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the budgets of a pod; a cluster that does not let us look is a warning."""
    try:
        found = await cluster.list(DISRUPTION_BUDGETS, seen.place.namespace)
    except PermanentError as error:
        return (), (f"PodDisruptionBudgets could not be read: {error}",)
    return tuple(_say(budget) for budget in found if selects(budget["spec"].get("selector"), seen.labels)), ()


def _say(budget: Object) -> str:
    allowed = int((budget.get("status") or {}).get("disruptionsAllowed") or 0)
    return f"{budget['metadata']['name']}: {allowed} may go now"


def _warnings(seen: Seen, *, force: bool) -> Sequence[str]:
    owner = controller_of(seen.found)
    if force and owner and owner.get("kind") == "StatefulSet":
        return ("It may still run on its node: another of its name may then write to the same volume",)
    return ()


def _phase(seen: Seen) -> str:
    return "ending" if seen.metadata.get("deletionTimestamp") else "there"
