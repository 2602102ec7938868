"""The one conditional write of a workload, done once: what was approved must still hold, and the mark is read back."""

from collections.abc import Mapping
from dataclasses import replace

from responder.errors import Conflict, Missing
from responder.model.action import Outcome, Preview
from responder.model.basis import moved, since
from responder.model.target import Target
from responder.model.verdict import Json
from responder.model.written import Written
from responder.plugins.acting import ATTEMPT, CHANGE_CAUSE, ActionTools
from responder.plugins.rollout.ownership import changed_by, spec_by
from responder.plugins.rollout.plan import Operation, Plan, Planner, left_by, note_of
from responder.plugins.rollout.workload import (
    GENERATION,
    SPEC,
    Workload,
    hindrance,
    pointer,
    read_again,
    read_workload,
)
from responder.plugins.undone import undone

_TRIES = 3
"""Writes that meet a Conflict although what was approved still holds, before it is given up."""


def conditions(workload: Workload) -> list[Operation]:
    """Return the tests by which a write fails unless the workload is the one that was read."""
    return [
        {"op": "test", "path": "/metadata/uid", "value": workload.uid},
        {"op": "test", "path": "/metadata/generation", "value": workload.generation},
    ]


def annotate(annotations: Mapping[str, str], wanted: Mapping[str, str]) -> list[Operation]:
    """Return the operations that add annotations to an object that has those, and leave every other one alone."""
    if annotations:
        return [{"op": "add", "path": pointer("metadata", "annotations", k), "value": v} for k, v in wanted.items()]
    # Of all but a Deployment, an annotation that comes in between does not move the generation, and must not be lost.
    absent = {"op": "test", "path": "/metadata/annotations", "value": None}
    return [absent, {"op": "add", "path": "/metadata/annotations", "value": dict(wanted)}]


async def send(workload: Workload, plan: Plan, tools: ActionTools, *, dry_run: bool = False) -> Workload:
    """
    Send the request; answers the workload as it would be, or is.

    Raises: Conflict when it is no longer the one that was read, otherwise as `Cluster.patch`.
    """
    marks = {ATTEMPT: tools.attempt}
    if plan.rolls:
        marks[CHANGE_CAUSE] = note_of(plan.done, tools)
    body = [*conditions(workload), *plan.operations, *annotate(workload.annotations, marks)]
    after = await tools.kubernetes.patch(
        workload.resource, workload.namespace, workload.name, body, form="json", dry_run=dry_run
    )
    return Workload({"kind": workload.kind, "apiVersion": "apps/v1", **after}, workload.cluster)


async def change(target: Target, preview: Preview, planner: Planner, tools: ActionTools) -> Outcome:
    """
    Make the change once, if what the preview saw still holds; after a crash, read back first.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    try:
        workload = await read_workload(target, tools.kubernetes)
        for _ in range(_TRIES):
            # After a conflict too: what came in between may be this very attempt, from a process that stood still.
            if told := await _read_back(workload, preview, planner, tools):
                return told
            plan = await planner(workload)
            if stale := _stale(workload, plan, preview) or hindrance(workload, rolls=plan.rolls) or plan.refusal:
                return Outcome("not_done", stale)
            try:
                after = await send(workload, plan, tools)
            except Conflict:
                workload = await read_workload(target, tools.kubernetes)
                continue
            return replace(await done(after, plan, tools, undo=preview.undo), writes=(written(workload, after),))
        if told := await _read_back(workload, preview, planner, tools):
            return told
        return Outcome("not_done", f"{workload.reference} was being changed by others all the time: nothing was done")
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", str(error))


def written(before: Workload, after: Workload) -> Written:
    """Tell what a write of ours made of a workload."""
    return Written(after.lock, before.facts, after.facts, {SPEC: spec_by(after.found)})


def _stale(workload: Workload, plan: Plan, preview: Preview) -> str:
    """Say what no longer holds of what was approved; "" when all does."""
    by = since(preview.wrote, {SPEC: spec_by(workload.found)})
    said = "; ".join(moved(preview.basis, {**workload.facts, **plan.facts}, by=by))
    return f"{workload.reference} is not what was approved: {said}" if said else ""


async def _read_back(workload: Workload, preview: Preview, planner: Planner, tools: ActionTools) -> Outcome | None:
    """Tell what became of an earlier try; None when it has not happened."""
    if workload.annotations.get(ATTEMPT) == tools.attempt:
        found = await done(workload, await planner(workload), tools, undo=preview.undo, seen=preview.summary)
        return replace(found, writes=_found(workload, preview))
    seen, now = {**preview.basis, **preview.versions}, {**workload.facts, GENERATION: workload.generation}
    if not tools.retry or all(seen.get(name) == value for name, value in now.items()):
        return None
    return Outcome(
        "in_doubt",
        f"{workload.reference} has changed since, and does not bear the mark of this attempt",
        details=(
            *moved({name: seen.get(name) for name in now}, now),
            f"last changed by {changed_by(workload.found)}",
        ),
    )


def _found(workload: Workload, preview: Preview) -> tuple[Written, ...]:
    """Tell what a write made of a workload that was found done: known only where nothing came on top of it."""
    if workload.generation != preview.versions.get(GENERATION, 0) + 1:
        return ()
    before = {name: preview.basis[name] for name in workload.facts if name in preview.basis}
    return (Written(workload.lock, before, workload.facts, {SPEC: spec_by(workload.found)}),)


async def done(workload: Workload, plan: Plan, tools: ActionTools, *, undo: Json = None, seen: str = "") -> Outcome:
    """
    Tell the world what was done to a workload, and say how it was left.

    `seen` is what was found done after a crash: a plan made of what it left would say something else, and others may
    have changed it too, so that the dry run tells what we left.
    """
    note = note_of(plan.done, tools)
    if seen:
        note = workload.annotations.get(CHANGE_CAUSE, note) if plan.rolls else note_of(f"done: {seen}", tools)
    # An attempt that changes several objects tells it on each.
    key = f"{tools.attempt} {workload.reference}"
    await tools.kubernetes.tell(workload.found, reason=plan.event, note=note, key=key)
    restored = None
    if isinstance(undo, Mapping):
        restored = dict(undo) if seen else {**undo, "left": left_by(workload, rolls=plan.rolls)}
    return Outcome(
        "done",
        f"found done by the mark of this attempt: {seen}" if seen else f"{workload.reference} {plan.done}",
        undo=restored,
        follow=True,
        basis={**workload.identity, **plan.mark(workload)},
    )


async def take_back(workload: Workload, before: Mapping[str, Json], planner: Planner, tools: ActionTools) -> Outcome:
    """
    Write what undoes a change, if the workload is still as the change left it.

    `before` has its `uid`, and as `left` what `left_by` said after the change. Raises as `change`.
    """
    for _ in range(_TRIES):
        plan = await planner(workload)
        if tools.retry and workload.annotations.get(ATTEMPT) == tools.attempt:
            return undone(await done(workload, plan, tools, seen=plan.summary))
        if plan.operations and workload.uid == before.get("uid") and plan.holds(workload):
            said = f"{workload.reference} is as it was before already: nothing was written"
            return undone(Outcome("done", said, basis=workload.identity))
        if changed := _not_ours(workload, before, plan):
            return Outcome("in_doubt" if tools.retry else "not_done", changed)
        if refusal := hindrance(workload, rolls=plan.rolls) or plan.refusal:
            return Outcome("not_done", refusal)
        try:
            after = await send(workload, plan, tools)
        except Conflict:
            workload = await read_again(before, tools.kubernetes)
            continue
        return undone(await done(after, plan, tools))
    return Outcome("not_done", f"{workload.reference} was being changed by others all the time: nothing was undone")


def _not_ours(workload: Workload, before: Mapping[str, Json], plan: Plan) -> str:
    """Say why the workload is not as the change left it; "" when it is."""
    if workload.uid != before.get("uid"):
        return f"{workload.reference} is another one of that name by now: nothing is undone"
    if left_by(workload, rolls=plan.rolls) == before.get("left"):
        return ""
    who = changed_by(workload.found, "spec", "template" if plan.rolls else "replicas")
    return f"{workload.reference} was changed since by {who}: it is not undone over that, look and undo by hand"
