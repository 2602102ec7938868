"""The number of replicas of a workload changed: on the workload itself, or by its autoscaler's bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from responder.errors import Missing
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.rollout.autoscaler import (
    Autoscaler,
    Bounds,
    bind,
    bind_back,
    bounds_for,
    preview_bounds,
    read_autoscaler,
)
from responder.plugins.rollout.follow import follow
from responder.plugins.rollout.plan import Plan, Planner
from responder.plugins.rollout.preview import preview_change
from responder.plugins.rollout.workload import Workload, read_again, read_workload
from responder.plugins.rollout.write import change, take_back
from responder.plugins.undone import is_undone


@dataclass(frozen=True, slots=True)
class Wish:
    """How many replicas are wanted: `replicas`, or `by` more than there are, never over `most`."""

    replicas: int | None
    by: int = 0
    most: int | None = None
    allow_decrease: bool = False

    def of(self, now: int) -> int:
        """Return how many that is, for a workload that wants `now`."""
        wanted = now + self.by if self.replicas is None else self.replicas
        return max(0, wanted if self.most is None else min(wanted, self.most))

    def refusal(self, now: int) -> str:
        """Say why this may not be done to a workload that wants `now`; "" where it may."""
        wanted = self.of(now)
        if self.most is not None and self.by > 0 and now >= self.most:
            return f"there are {now} replicas already, and no more than {self.most} are allowed (`max`)"
        if wanted == now:
            return f"there are {now} replicas already"
        if wanted < now and not self.allow_decrease:
            return f"{wanted} would be fewer than the {now} there are: allow_decrease: true lets it"
        return ""


async def preview_scale(target: Target, wish: Wish, tools: ActionTools) -> Preview:
    """Say what scaling would do, and try it as a dry run. Raises as `preview_change`."""
    workload = await read_workload(target, tools.kubernetes)
    found = await read_autoscaler(workload, tools.kubernetes)
    if isinstance(found, str) or found is None or not workload.replicas:
        preview = await preview_change(target, _planner(wish), tools)
        return replace(preview, refusal=preview.refusal or found) if isinstance(found, str) else preview
    preview = await preview_change(target, _reading(wish), tools)
    return await preview_bounds(preview, workload, found, _bounds(wish, workload, found), tools)


async def scale(target: Target, preview: Preview, wish: Wish, tools: ActionTools) -> Outcome:
    """Scale once, if what the preview saw still holds. Raises as `change` does."""
    if "autoscaler" not in preview.basis:
        return await change(target, preview, _unscaled(wish, tools.kubernetes), tools)
    try:
        workload = await read_workload(target, tools.kubernetes)
        return await bind(workload, preview, tools)
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", str(error))


async def scale_back(before: Json, tools: ActionTools) -> Outcome:
    """Put the number or the bounds back, unless others have changed them since. Raises as `change` does."""
    if not isinstance(before, Mapping):
        return Outcome("not_done", "What stood before was not recorded: scale it back by hand")
    if "autoscaler" in before:
        return await bind_back(before, tools)
    try:
        workload = await read_again(before, tools.kubernetes)
        replicas = int(before["replicas"])
        return await take_back(workload, before, _planner(Wish(replicas, allow_decrease=True)), tools)
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", str(error))


async def follow_scale(target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
    """Say how far a change of the number has come. Raises: CallError."""
    low, high = outcome.basis.get("least"), outcome.basis.get("most")
    if low is None or high is None:
        wanted = outcome.basis.get("replicas")
        return await follow(target, outcome, tools, lambda found: wanted in (None, found.replicas), field="replicas")
    said = await follow(target, outcome, tools, lambda found: True, field="replicas")
    workload = await read_again(outcome.basis, tools.kubernetes)
    found = await read_autoscaler(workload, tools.kubernetes)
    if not isinstance(found, Autoscaler) or found.bounds != Bounds(int(low), int(high)):
        who = found.changed_by() if isinstance(found, Autoscaler) else "somebody"
        gone = f"the bounds of the autoscaler of {workload.reference} were changed by {who}"
        return said if is_undone(outcome) else replace(said, say=gone, complete=False, reverted=gone)
    if not low <= workload.replicas <= high:
        waiting = f"the autoscaler has not got from {workload.replicas} to {low} to {high} replicas yet"
        return replace(said, say=waiting, complete=False)
    return said


def _planner(wish: Wish) -> Planner:
    async def plan(workload: Workload) -> Plan:
        return _plan(workload, wish)

    return plan


def _unscaled(wish: Wish, cluster: Cluster) -> Planner:
    """Plan as long as no autoscaler has come, which would take the number back."""

    async def plan(workload: Workload) -> Plan:
        planned = _plan(workload, wish)
        found = await read_autoscaler(workload, cluster) if workload.replicas else None
        if isinstance(found, Autoscaler):
            return replace(planned, refusal=f"{found.name} scales {workload.reference} by now")
        return replace(planned, refusal=planned.refusal or found or "")

    return plan


def _reading(wish: Wish) -> Planner:
    """Plan nothing of the workload itself: its autoscaler is what is written."""

    async def plan(workload: Workload) -> Plan:
        return replace(_plan(workload, wish), operations=(), holds=lambda found: True, undo=None)

    return plan


def _plan(workload: Workload, wish: Wish) -> Plan:
    now, wanted = workload.replicas, wish.of(workload.replicas)
    daemon = workload.kind == "DaemonSet"
    return Plan(
        summary=f"scale {workload.reference} in {workload.namespace} from {now} to {wanted}",
        done=f"scaled to {wanted}",
        event="Scaled",
        operations=({"op": "add", "path": "/spec/replicas", "value": wanted},),
        changes=(Change("replicas", str(now), str(wanted)),),
        refusal="a DaemonSet has one pod a node and no replicas" if daemon else wish.refusal(now),
        holds=lambda found: found.replicas == wanted,
        mark=lambda found: {"replicas": found.replicas},
        undo={**workload.identity, "replicas": now},
        rolls=False,
        removes=max(0, now - wanted),
        warnings=(f"{workload.reference} is left without a pod",) if wanted == 0 else (),
    )


def _bounds(wish: Wish, workload: Workload, found: Autoscaler) -> Bounds | str:
    now = workload.replicas
    return wish.refusal(now) or bounds_for(found.bounds, now=now, wanted=wish.of(now))
