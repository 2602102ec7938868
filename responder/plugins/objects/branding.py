"""A label by which a policy chooses one pod and no other: whatever labels of its service are taken off or put back."""

from responder.errors import TransientError, Unanswered
from responder.model.action import Outcome, Preview
from responder.plugins.acting import ActionTools
from responder.plugins.objects.edit import Edit, Planner, make_edit, put_back
from responder.plugins.objects.seen import Object, Place, Seen, look_for
from responder.plugins.rollout.ownership import changed_by
from responder.plugins.rollout.plan import Operation
from responder.plugins.rollout.workload import pointer

LOCKED_DOWN = "alertmanager-responder/locked-down"
"""The label of a pod that is cut off by itself; its value is the pod's uid, which no other pod can bear."""

_PATH = ("metadata", "labels", LOCKED_DOWN)


def branding(done: str) -> Planner:
    """Return what plans the label; `done` says for people what becomes of the pod by it."""

    def planned(seen: Seen) -> Edit:
        add: Operation = {"op": "add", "path": pointer(*_PATH), "value": seen.uid}
        first: Operation = {"op": "add", "path": pointer(*_PATH[:2]), "value": {LOCKED_DOWN: seen.uid}}
        return Edit(
            summary=f"label {seen.place} {LOCKED_DOWN}",
            done=done,
            event="LockedDown",
            operations=(add if seen.labels else first,),
            holds=is_branded,
            wrote=_PATH,
        )

    return planned


def is_branded(found: Object) -> bool:
    """Whether a pod bears its own brand."""
    metadata = found["metadata"]
    return bool((metadata.get("labels") or {}).get(LOCKED_DOWN) == metadata.get("uid"))


async def brand(place: Place, uid: str, planner: Planner, tools: ActionTools) -> Outcome:
    """
    Brand the pod that has this uid, and no other of its name.

    Raises: CallError; Unanswered also when nobody could be asked, as what belongs to it has been made by then.
    """
    try:
        return await make_edit(place, Preview(f"label {place}", basis={"uid": uid}), planner, tools)
    except Unanswered:
        raise
    except TransientError as error:
        raise Unanswered(f"{error}; what belongs to it was made") from error


async def unbrand(place: Place, uid: str, tools: ActionTools) -> str:
    """Take the brand off again; says what was left, "" for nothing: a pod that is gone has taken it along."""
    seen = await look_for(place, tools.kubernetes)
    if seen is None or seen.uid != uid or LOCKED_DOWN not in seen.labels:
        return ""

    def off(found: Seen) -> Edit:
        remove: Operation = {"op": "remove", "path": pointer(*_PATH)}
        return Edit(
            summary=f"take {LOCKED_DOWN} off {place}",
            done=f"{LOCKED_DOWN} taken off",
            event="PutBack",
            operations=(remove,) if LOCKED_DOWN in found.labels else (),
            holds=lambda pod: LOCKED_DOWN not in (pod["metadata"].get("labels") or {}),
            wrote=_PATH,
        )

    told = await put_back(place, {"uid": uid}, off, tools)
    return "" if told.status == "done" else f"{told.say}; {place} keeps the label {LOCKED_DOWN}"


async def missing_brand(place: Place, uid: str, tools: ActionTools) -> str:
    """Say who has taken the brand off; "" while the pod bears it, or is gone. Raises: CallError."""
    seen = await look_for(place, tools.kubernetes)
    if seen is None or seen.uid != uid or is_branded(seen.found):
        return ""
    return f"{LOCKED_DOWN} was taken off {place} by {changed_by(seen.found, 'metadata', 'labels')}"
