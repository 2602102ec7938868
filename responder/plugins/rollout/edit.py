"""A change of a pod template: previewed, made, followed and put back, for the actions that make one."""

from collections.abc import Callable
from dataclasses import replace

from responder.errors import PermanentError
from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.disruption import waits_for_deletion
from responder.plugins.rollout.follow import follow
from responder.plugins.rollout.plan import NO_UNDO, Plan, Planner, undo_of
from responder.plugins.rollout.preview import preview_change
from responder.plugins.rollout.workload import Workload
from responder.plugins.rollout.write import change

Edit = Callable[[Workload], Plan]
"""Plans a change of the pod template. Raises: PermanentError where that cannot be planned; it is the refusal."""


def planner(edit: Edit, tools: ActionTools) -> Planner:
    """Plan an edit together with how it is undone, and what is to be minded."""

    async def plan(workload: Workload) -> Plan:
        try:
            planned = edit(workload)
        except PermanentError as error:
            return Plan(f"change {workload.reference} in {workload.namespace}", refusal=str(error))
        undo = await undo_of(workload, tools.kubernetes)
        return replace(planned, undo=undo, warnings=(*planned.warnings, *minded(workload, undo is not None)))

    return plan


def minded(workload: Workload, undoable: bool) -> tuple[str, ...]:
    """Say what people should know before the template of this workload is changed."""
    idle = "It is scaled to 0: the change shows when it is scaled up" if workload.replicas == 0 else ""
    waits = "Its pods take it up only when they are deleted (OnDelete)" if waits_for_deletion(workload) else ""
    return tuple(filter(None, (idle, waits, _stays_broken(workload), "" if undoable else NO_UNDO)))


def _stays_broken(workload: Workload) -> str:
    """Source: kubernetes.io, StatefulSets, "Forced rollback"."""
    short = int(workload.status.get("readyReplicas") or 0) < workload.replicas
    in_order = workload.spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    if workload.kind != "StatefulSet" or not (short and in_order):
        return ""
    return "A StatefulSet waits for its pods in their order: one that never gets ready must be deleted afterwards"


async def preview_edit(target: Target, edit: Edit, tools: ActionTools) -> Preview:
    """Say what an edit would do, and try it as a dry run. Raises as `preview_change`."""
    return await preview_change(target, planner(edit, tools), tools)


async def make_edit(target: Target, preview: Preview, edit: Edit, tools: ActionTools) -> Outcome:
    """Make an edit once, if what the preview saw still holds. Raises as `change` does."""
    return await change(target, preview, planner(edit, tools), tools)


async def follow_edit(target: Target, outcome: Outcome, edit: Edit, tools: ActionTools) -> Progress:
    """Say how far an edit has come. Raises: CallError."""

    def holds(workload: Workload) -> bool:
        try:
            return edit(workload).holds(workload)
        except PermanentError:
            return False

    return await follow(target, outcome, tools, holds)
