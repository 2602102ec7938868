"""The restart of a workload, for every action that restarts one."""

from collections.abc import Mapping
from datetime import UTC

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.disruption import waits_for_deletion
from responder.plugins.rollout.follow import follow
from responder.plugins.rollout.plan import Operation, Plan, Planner
from responder.plugins.rollout.preview import preview_change
from responder.plugins.rollout.workload import Workload, pointer
from responder.plugins.rollout.write import change

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of the pod template by which kubectl restarts."""
_PLACE = ("spec", "template", "metadata", "annotations")


async def preview_restart(target: Target, tools: ActionTools) -> Preview:
    """Say what a restart of the target's workload would do, and try it as a dry run. Raises as `preview_change`."""
    return await preview_change(target, _planner(tools), tools)


async def restart(target: Target, preview: Preview, tools: ActionTools) -> Outcome:
    """Restart the target's workload, once, if what the preview saw still holds. Raises as `change` does."""
    return await change(target, preview, _planner(tools), tools)


async def follow_restart(target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
    """Say how far a restart has come. Raises: CallError."""
    at = outcome.basis.get("restarted_at")
    return await follow(target, outcome, tools, lambda found: at is None or _annotations(found).get(RESTARTED_AT) == at)


def _planner(tools: ActionTools) -> Planner:
    async def plan(workload: Workload) -> Plan:
        return _plan(workload, tools.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    return plan


def _plan(workload: Workload, at: str) -> Plan:
    before = _annotations(workload).get(RESTARTED_AT, "")
    return Plan(
        summary=f"restart {workload.reference} in {workload.namespace}: replace its pods",
        done="restarted",
        event="Restarted",
        way="restart",
        operations=_operations(workload, at),
        changes=(Change(f"annotation {RESTARTED_AT} of the pods", before[:40], "the time of the restart"),),
        refusal=_refusal(workload, before, at),
        holds=lambda found: _annotations(found).get(RESTARTED_AT) == at,
        mark=lambda found: {"restarted_at": _annotations(found).get(RESTARTED_AT)},
    )


def _refusal(workload: Workload, before: str, at: str) -> str:
    if waits_for_deletion(workload):
        return f"{workload.reference} replaces pods only when they are deleted (updateStrategy OnDelete): delete them"
    if workload.replicas == 0:
        return f"{workload.reference} has no pods to restart: its replicas are 0"
    return f"{workload.reference} was restarted this very second" if before == at else ""


def _operations(workload: Workload, at: str) -> tuple[Operation, ...]:
    if _annotations(workload):
        return ({"op": "add", "path": pointer(*_PLACE, RESTARTED_AT), "value": at},)
    if workload.template.get("metadata"):
        return ({"op": "add", "path": pointer(*_PLACE), "value": {RESTARTED_AT: at}},)
    return ({"op": "add", "path": pointer(*_PLACE[:-1]), "value": {"annotations": {RESTARTED_AT: at}}},)


def _annotations(workload: Workload) -> Mapping[str, str]:
    return (workload.template.get("metadata") or {}).get("annotations") or {}
