"""A change of one object: previewed with the very request, made once, followed, put back unless others changed it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from responder.errors import CallError, Conflict, Missing, NotLetIn
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.basis import moved
from responder.model.verdict import Json
from responder.plugins.acting import ATTEMPT, ActionTools
from responder.plugins.objects.seen import Object, Place, Seen, look, look_for
from responder.plugins.rollout.ownership import changed_by, owner_way, reverts
from responder.plugins.rollout.plan import Operation, note_of
from responder.plugins.rollout.workload import owner_of
from responder.plugins.rollout.write import annotate
from responder.plugins.trying import tried
from responder.plugins.undone import is_undone, undone

_TRIES = 10
"""Writes that meet a Conflict although what was approved still holds, before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """
    What a change does to an object as it was read.

    `summary` is for people who are asked, `done` for the world afterwards ("CIRCUIT_BREAKER set"), `event` the reason
    of the Kubernetes Event. `operations` are those of the JSON patch, without conditions. `facts` must hold beside the
    uid. `holds` tells whether an object bears the change. `undo` is what putting it back takes. `wrote` is the path of
    what is written, to tell who wrote it last. Without `versioned` the operations carry tests of their own: for objects
    whose resource version never rests. `secret` keeps the server's own words from us: they may quote a value.
    """

    summary: str
    done: str
    event: str
    operations: Sequence[Operation]
    holds: Callable[[Object], bool]
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    undo: Json = None
    refusal: str = ""
    warnings: tuple[str, ...] = ()
    wrote: tuple[str, ...] = ()
    versioned: bool = True
    secret: bool = False


Planner: TypeAlias = Callable[[Seen], Edit] | Callable[[Seen], Awaitable[Edit]]
"""Plans the change of an object as it was read. Raises: CallError when it could not read what else it needs."""


async def plan(planner: Planner, seen: Seen) -> Edit:
    """Plan a change."""
    planned = planner(seen)
    return planned if isinstance(planned, Edit) else await planned


async def preview_edit(place: Place, planner: Planner, tools: ActionTools) -> Preview:
    """Say what a change would do now, and try it as a dry run. Raises: CallError when the object could not be read."""
    seen = await look(place, tools.kubernetes)
    edit = await plan(planner, seen)
    refusal, dry_run = edit.refusal or _going(seen), False
    if not refusal:
        refusal, dry_run = await tried(str(place), lambda: send(seen, edit, tools, dry_run=True), edit.holds)
    kept = reverts(seen.owned, "change")
    return Preview(
        summary=edit.summary,
        changes=edit.changes,
        refusal=refusal,
        basis={**seen.identity, **edit.facts},
        undo=edit.undo,
        namespace=place.namespace,
        lock=place.lock,
        touches=(place.reference,),
        disruption="none: no pod is replaced or removed",
        owner=owner_of(seen.owned),
        owner_way=owner_way(seen.owned, "change"),
        warnings=((kept,) if kept else ()) + edit.warnings,
        dry_run=dry_run,
    )


async def make_edit(place: Place, preview: Preview, planner: Planner, tools: ActionTools) -> Outcome:
    """
    Make a change once, if what the preview saw still holds; one that bears the mark of the attempt is made already.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    try:
        for _ in range(_TRIES):
            seen = await look(place, tools.kubernetes)
            if seen.bears(tools.attempt):
                edit = await plan(planner, seen)
                await tell(seen, replace(edit, done=f"done: {preview.summary}"), tools)
                return _done(seen, edit, preview.undo, found=True)
            edit = await plan(planner, seen)
            if against := stale(seen, edit, preview) or edit.refusal or _going(seen):
                return Outcome("in_doubt" if tools.retry else "not_done", against)
            try:
                after = Seen(place, {**seen.found, **await send(seen, edit, tools)})
            except Conflict:
                continue
            await tell(after, edit, tools)
            return _done(after, edit, edit.undo)
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", str(error))
    return Outcome("not_done", f"{place} was being changed by others all the time: nothing was done")


async def put_back(place: Place, before: Mapping[str, Json], planner: Planner, tools: ActionTools) -> Outcome:
    """
    Write what undoes a change; the plan's refusal says that others have changed it since.

    `before` has the object's `uid`. Raises as `make_edit`.
    """
    try:
        for _ in range(_TRIES):
            seen = await look(place, tools.kubernetes)
            edit = await plan(planner, seen)
            if seen.bears(tools.attempt):
                await tell(seen, replace(edit, done="put back"), tools)
                return undone(_done(seen, edit, None, found=True))
            other = f"{place} is another one of that name by now" if seen.uid != before.get("uid") else ""
            if refusal := other or edit.refusal or _going(seen):
                return Outcome("in_doubt" if tools.retry else "not_done", f"{refusal}: nothing is undone")
            try:
                after = Seen(place, {**seen.found, **await send(seen, edit, tools)})
            except Conflict:
                continue
            await tell(after, edit, tools)
            return undone(_done(after, edit, None))
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", f"{error}: nothing is undone")
    return Outcome("not_done", f"{place} was being changed by others all the time: nothing was undone")


async def follow_edit(place: Place, outcome: Outcome, planner: Planner, tools: ActionTools) -> Progress:
    """Say whether an object still bears a change, or who has changed it back. Raises: CallError."""
    seen = await look_for(place, tools.kubernetes)
    if seen is None or seen.uid != outcome.basis.get("uid"):
        said = f"{place} was deleted" + ("" if seen is None else " and made anew")
        return Progress(said, reverted=said)
    edit = await plan(planner, seen)
    if not is_undone(outcome) and not edit.holds(seen.found):
        said = f"{place} was changed back or over by {changed_by(seen.found, *edit.wrote)}"
        return Progress(said, reverted=said)
    return Progress(outcome.say)


async def send(seen: Seen, edit: Edit, tools: ActionTools, *, dry_run: bool = False) -> Object:
    """Send the request. Raises: Conflict when it is no longer the object that was read, else as `Cluster.patch`."""
    tests: list[Operation] = [{"op": "test", "path": "/metadata/uid", "value": seen.uid}]
    if edit.versioned:
        tests.append({"op": "test", "path": "/metadata/resourceVersion", "value": seen.version})
    body = [*tests, *edit.operations, *annotate(seen.annotations, {ATTEMPT: tools.attempt})]
    place = seen.place
    try:
        return await tools.kubernetes.patch(place.resource, place.namespace, place.name, body, dry_run=dry_run)
    except (Conflict, Missing, NotLetIn):
        raise
    except CallError as error:
        if not edit.secret:
            raise
        # Not chained: the cause would carry the words.
        raise type(error)(f"{place} was not changed as asked; the server's words may hold a value") from None


async def tell(seen: Seen, edit: Edit, tools: ActionTools) -> None:
    """Write the Kubernetes Event on the object; a second try writes what the first one may not have come to."""
    await tools.kubernetes.tell(seen.found, reason=edit.event, note=note_of(edit.done, tools), key=tools.attempt)


def stale(seen: Seen, edit: Edit, preview: Preview) -> str:
    """Say what no longer holds of what was approved; "" when all does."""
    now = {**seen.identity, **edit.facts}
    said = "; ".join(moved(preview.basis, {name: now.get(name) for name in preview.basis}))
    who = changed_by(seen.found, *edit.wrote)
    return f"{seen.place} is not what was approved: {said}; changed by {who}" if said else ""


def _done(seen: Seen, edit: Edit, undo: Json, *, found: bool = False) -> Outcome:
    how = ", found by the mark of this attempt" if found else ""
    kept = {**undo, **seen.identity} if isinstance(undo, Mapping) else None
    return Outcome("done", f"{seen.place}: {edit.done}{how}", undo=kept, basis=seen.identity)


def _going(seen: Seen) -> str:
    return f"{seen.place} is being deleted" if seen.metadata.get("deletionTimestamp") else ""
