"""The mark of a node by which new pods are kept off it, for the actions that set it and take it off."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.resource import NODES, PODS
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.objects.edit import Edit, Planner, follow_edit, make_edit, plan, preview_edit, put_back
from responder.plugins.objects.seen import Object, Place, Seen, written_by_us
from responder.plugins.rights import Verb
from responder.plugins.rollout.ownership import changed_by
from responder.plugins.rollout.plan import Operation

NODE_NEEDS = (
    Verb("", "nodes", "get"),
    Verb("", "nodes", "list"),
    Verb("", "nodes", "patch"),
    Verb("", "pods", "list"),
)
"""The rights that looking at and marking a node takes."""

_MARK = "/spec/unschedulable"
_OWN_TAINT = "node.kubernetes.io/unschedulable"


async def preview_node(target: Target, tools: ActionTools, *, schedulable: bool) -> Preview:
    """Say what marking a node does, and try it as a dry run. Raises: CallError when it could not be read."""
    preview = await preview_edit(_place(target), _planner(schedulable), tools)
    nodes = await tools.kubernetes.list(NODES, "")
    pods = await tools.kubernetes.list(PODS, "", fields=f"spec.nodeName={target.name}", limit=1000)
    warnings = _back(target, nodes) if schedulable else _left(target, nodes)
    said = f"none: the {len(pods)} pods on it stay" if not schedulable else "none: new pods may come"
    return replace(preview, disruption=said, warnings=(*preview.warnings, *warnings))


async def mark_node(target: Target, preview: Preview, tools: ActionTools, *, schedulable: bool) -> Outcome:
    """Mark a node once. Raises as `make_edit`."""
    return await make_edit(_place(target), preview, _planner(schedulable), tools)


async def put_node_back(target: Target, before: Json, tools: ActionTools, *, schedulable: bool) -> Outcome:
    """Mark a node as it was; one that is so already is left alone. Raises as `put_back`."""
    planner = _planner(schedulable)

    async def ours(seen: Seen) -> Edit:
        edit = await plan(planner, seen)
        if edit.refusal or not schedulable or written_by_us(seen.found, "spec", "unschedulable"):
            return edit
        return replace(edit, refusal=f"{seen.place} was marked anew by {changed_by(seen.found, *edit.wrote)}")

    return await put_back(_place(target), before if isinstance(before, Mapping) else {}, ours, tools)


async def follow_node(target: Target, outcome: Outcome, tools: ActionTools, *, schedulable: bool) -> Progress:
    """Say whether the mark still stands. Raises: CallError."""
    return await follow_edit(_place(target), outcome, _planner(schedulable), tools)


def _place(target: Target) -> Place:
    return Place(target.cluster, NODES, "Node", "", target.name)


def _planner(schedulable: bool) -> Planner:
    def planned(seen: Seen) -> Edit:
        already = _schedulable(seen.found) is schedulable
        who = changed_by(seen.found, "spec", "unschedulable")
        words = ("schedulable", "unschedulable")
        now, then = words if _schedulable(seen.found) else words[::-1]
        wanted = words[0] if schedulable else words[1]
        return Edit(
            summary=f"mark {seen.place} {wanted}",
            done=f"marked {wanted}",
            event="Uncordoned" if schedulable else "Cordoned",
            operations=_operations(seen, schedulable),
            holds=lambda found: _schedulable(found) is schedulable,
            changes=(Change("new pods", now, then),),
            facts={"marked": now},
            undo={},
            refusal=f"{seen.place} is {wanted} already, by {who}" if already else "",
            wrote=("spec", "unschedulable"),
            # A node's resource version moves with every heartbeat of its kubelet.
            versioned=False,
        )

    return planned


def _operations(seen: Seen, schedulable: bool) -> Sequence[Operation]:
    now = (seen.found.get("spec") or {}).get("unschedulable")
    test: Operation = {"op": "test", "path": _MARK, "value": now}
    if schedulable:
        return (test, {"op": "remove", "path": _MARK})
    return (test, {"op": "add", "path": _MARK, "value": True})


def _schedulable(found: Object) -> bool:
    return not (found.get("spec") or {}).get("unschedulable")


def _left(target: Target, nodes: Sequence[Object]) -> tuple[str, ...]:
    others = [node for node in nodes if node["metadata"]["name"] != target.name]
    left = sum(_schedulable(node) and _ready(node) for node in others)
    if left == 0:
        return ("No other node is ready and schedulable: new pods would have nowhere to go",)
    return (f"{left} of {len(others)} other nodes are ready and schedulable",)


def _back(target: Target, nodes: Sequence[Object]) -> tuple[str, ...]:
    node: Mapping[str, Any] = next((node for node in nodes if node["metadata"]["name"] == target.name), {})
    said = [] if not node or _ready(node) else ["The node is not ready"]
    taints = [str(taint.get("key")) for taint in (node.get("spec") or {}).get("taints") or ()]
    others = [key for key in taints if key != _OWN_TAINT]
    return (*said, *((f"It bears other taints, which stay: {', '.join(others[:10])}",) if others else ()))


def _ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
