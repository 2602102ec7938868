"""What takes up a ConfigMap: the workloads whose pods mount it or take variables from it, restarted behind a change."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from responder.errors import CallError, Missing, PermanentError
from responder.model.action import Outcome, Preview, Progress
from responder.model.pod_references import references_of
from responder.model.resource import BY_KIND
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.commands import WORKLOADS
from responder.plugins.objects.pod import workload_place
from responder.plugins.objects.seen import Place, look_for
from responder.plugins.rights import workload_verbs
from responder.plugins.rollout.several import (
    Restart,
    Restarted,
    approved,
    follow_each,
    not_approved,
    preview_restarts,
    restart_each,
    restart_of,
)
from responder.plugins.rollout.workload import Workload, read_again
from responder.plugins.undone import is_undone, undone

TAKER_NEEDS = workload_verbs("list")
"""The rights that finding them takes."""
MOST = 10
"""Workloads that one action restarts."""
_RESTARTED = "restarted"
"""In what is kept for following and undoing: the workloads that were restarted."""
_LISTED = 1000
"""Workloads of a kind in one namespace that are gone through."""
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


async def takers_of(place: Place, cluster: Cluster) -> tuple[Workload, ...]:
    """
    Find what mounts an object or takes variables from it, by kind and name.

    Raises: CallError; PermanentError where there are too many workloads to go through.
    """
    found: list[Workload] = []
    for kind in _KINDS:
        listed = await cluster.list(BY_KIND[kind], place.namespace, limit=_LISTED)
        if len(listed) >= _LISTED:
            many = f"{place.namespace} has {_LISTED} objects of kind {kind} or more"
            raise PermanentError(f"{many}, too many to tell which mount {place.reference}: restart what does by steps")
        everything = (Workload({**each, "kind": kind, "apiVersion": "apps/v1"}, place.cluster) for each in listed)
        found.extend(sorted((each for each in everything if _takes(each.template, place)), key=lambda one: one.name))
    return tuple(found)


def _takes(template: Mapping[str, Any], place: Place) -> bool:
    return any((found.kind, found.name) == (place.kind, place.name) for found in references_of(template))


async def with_restarts(patched: Preview, place: Place, target: Target, tools: ActionTools) -> Preview:
    """Say what restarting all that takes up a change would do beside it. Raises: CallError."""
    found = await takers_of(place, tools.kubernetes)
    idle = tuple(f"{each.reference} has no pods: it takes it up when it starts" for each in found if not each.replicas)
    wanted = tuple(each for each in found if each.replicas)
    warned = replace(patched, warnings=(*patched.warnings, *idle))
    if len(wanted) > MOST:
        named = ", ".join(each.reference for each in wanted)
        many = f"{len(wanted)} workloads take up {place}, and {MOST} at most are restarted by one action"
        return replace(warned, refusal=patched.refusal or f"{many}; restart them by steps of a `do` instead: {named}")
    if not wanted:
        said = f"no pod of a Deployment, StatefulSet or DaemonSet mounts {place} or takes variables from it"
        return replace(
            warned, warnings=(*warned.warnings, f"{said}: nothing is restarted, and nothing will take it up")
        )
    both = _both(warned, await preview_restarts(wanted, tools))
    both = replace(both, lock=place.lock, beside=tuple(each.lock for each in wanted), undo=patched.undo)
    if target.kind in WORKLOADS and workload_place(target).lock not in both.locks:
        said = f"{target} neither mounts {place} nor takes variables from it: it is not restarted"
        return replace(both, warnings=(*both.warnings, said))
    return both


def _both(patched: Preview, restarted: Preview) -> Preview:
    """Put the change and the restarts together: what is disturbed are the workloads."""
    return replace(
        restarted,
        summary=f"{patched.summary}, then {restarted.summary}",
        changes=(*patched.changes, *restarted.changes),
        refusal=patched.refusal or restarted.refusal,
        basis={**patched.basis, **restarted.basis},
        touches=(*patched.touches, *restarted.touches),
        owner=", ".join(dict.fromkeys(filter(None, (patched.owner, restarted.owner)))),
        owner_way=patched.owner_way or restarted.owner_way,
        warnings=(*patched.warnings, *restarted.warnings),
        dry_run=patched.dry_run and restarted.dry_run,
    )


async def drifted(place: Place, preview: Preview, tools: ActionTools) -> str:
    """
    Say what no longer is as it was approved of the workloads to restart; "" when all is, or the change is made already.

    Raises: CallError.
    """
    seen = await look_for(place, tools.kubernetes)
    if seen is not None and seen.bears(tools.attempt):
        return ""
    found = await takers_of(place, tools.kubernetes)
    return not_approved(preview, [each for each in found if each.replicas])


async def restarted_behind(patched: Outcome, place: Place, preview: Preview, tools: ActionTools) -> Outcome:
    """Restart what was approved behind a change that stands. Raises: Unanswered."""
    wanted = approved(preview, cluster=place.cluster, namespace=place.namespace)
    if not wanted:
        return patched
    told = await restart_each(wanted, tools)
    touched = [each for each in wanted if each.reference in told.touched]
    undo = patched.undo
    if isinstance(undo, Mapping):
        undo = {**undo, _RESTARTED: [dict(each.identity) for each in touched]}
    return _then(replace(patched, undo=undo), told)


async def restarted_again(restored: Outcome, before: Mapping[str, Json], tools: ActionTools) -> Outcome:
    """Restart what was restarted behind a change, now that it is taken back. Raises: Unanswered."""
    try:
        wanted, gone = await _to_restart_again(before, tools)
    except CallError as error:
        said = f"{restored.say}, but its pods may not all know: what to restart again could not be read: {error}"
        return replace(restored, status="in_doubt" if tools.retry else "failed", say=said)
    restored = replace(restored, say="; ".join((restored.say, *gone)))
    return undone(_then(restored, await restart_each(wanted, tools))) if wanted else restored


async def _to_restart_again(before: Mapping[str, Json], tools: ActionTools) -> tuple[list[Restart], list[str]]:
    """Find what was restarted, as it is now, and say why some of it cannot be."""
    wanted: list[Restart] = []
    gone: list[str] = []
    kept = before.get(_RESTARTED)
    for identity in kept if isinstance(kept, list | tuple) else ():
        try:
            found = await read_again(identity, tools.kubernetes)
        except Missing as error:
            gone.append(str(error))
            continue
        if found.uid != identity.get("uid"):
            gone.append(f"{found.reference} is another one of that name by now: it was not restarted")
        elif not found.replicas:
            gone.append(f"{found.reference} has no pods to restart")
        else:
            wanted.append(restart_of(found))
    return wanted, gone


def _then(first: Outcome, told: Restarted) -> Outcome:
    """Sum up a change and the restarts behind it; one that did not happen leaves the others and the change standing."""
    basis = {**first.basis, _RESTARTED: {name: dict(outcome.basis) for name, outcome in told.done.items()}}
    first = replace(first, writes=(*first.writes, *(each for one in told.done.values() for each in one.writes)))
    say = f"{first.say}; {told.say}"
    if told.status == "done":
        return replace(first, say=say, follow=True, basis=basis)
    details = told.stopped.details if told.stopped is not None else ()
    said = f"{first.say}, but its pods may not all know: {told.say}"
    return replace(first, status=told.status, say=said, details=details, basis=basis)


async def follow_restarts(stands: Progress, outcome: Outcome, tools: ActionTools) -> Progress:
    """Say how far the restarts behind a change that stands have come. Raises: CallError."""
    restarted = outcome.basis.get(_RESTARTED)
    if not isinstance(restarted, Mapping) or not restarted:
        return stands
    each = {name: Outcome("done", "", basis=basis) for name, basis in restarted.items() if isinstance(basis, Mapping)}
    taken_back = is_undone(outcome)
    return await follow_each({name: undone(one) if taken_back else one for name, one in each.items()}, tools)
