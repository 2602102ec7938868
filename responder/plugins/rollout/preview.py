"""What a change of a workload would do now, tried as a server-side dry run."""

from collections.abc import Mapping

from responder.model.action import Preview
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.disruption import Budgets, Disruption, budgets_of, disruption_of, pod_names
from responder.plugins.rollout.ownership import owner_way, reverts, spec_by
from responder.plugins.rollout.plan import Plan, Planner, left_by
from responder.plugins.rollout.workload import (
    GENERATION,
    SPEC,
    Workload,
    hindrance,
    owner_of,
    read_workload,
    ready_count,
)
from responder.plugins.rollout.write import send
from responder.plugins.trying import tried


async def preview_change(target: Target, planner: Planner, tools: ActionTools) -> Preview:
    """
    Say what a change would do now, and try the very request as a dry run.

    Raises: CallError when the workload could not be read.
    """
    workload = await read_workload(target, tools.kubernetes)
    plan = await planner(workload)
    pods = await tools.kubernetes.pods(workload.target)
    budgets = await budgets_of(workload, tools.kubernetes) if plan.rolls or plan.removes else Budgets()
    disturbed = disruption_of(workload) if plan.rolls else _removal(workload, plan)
    refusal, dry_run, undo = hindrance(workload, rolls=plan.rolls) or plan.refusal, False, plan.undo
    if plan.operations and not refusal:
        answered: list[Workload] = []
        refusal, dry_run = await tried(workload.reference, lambda: _try(workload, plan, tools, answered), plan.holds)
        if answered and isinstance(undo, Mapping):
            # Known before it is done: after a crash it tells what we left from what others did since.
            undo = {**undo, "left": left_by(answered[0], rolls=plan.rolls)}
    return Preview(
        summary=plan.summary,
        changes=plan.changes,
        refusal=refusal,
        basis={**workload.facts, **plan.facts},
        undo=undo,
        namespace=workload.namespace,
        lock=workload.lock,
        touches=pod_names(pods) if disturbed.pods else (),
        pods=disturbed.pods,
        at_once=disturbed.at_once,
        ready=ready_count(pods),
        replicas=workload.replicas,
        disruption=disturbed.say,
        budgets=budgets.say,
        owner=owner_of(workload),
        owner_way=owner_way(workload, plan.way),
        warnings=(*_warnings(workload, plan), *plan.warnings, *budgets.warnings),
        dry_run=dry_run,
        wrote={SPEC: spec_by(workload.found)},
        versions={GENERATION: workload.generation},
    )


async def _try(workload: Workload, plan: Plan, tools: ActionTools, answered: list[Workload]) -> Workload:
    answered.append(await send(workload, plan, tools, dry_run=True))
    return answered[0]


def _removal(workload: Workload, plan: Plan) -> Disruption:
    if not plan.removes:
        return Disruption(0, "none: no pod is replaced or removed")
    said = f"{plan.removes} of {workload.replicas} pods are removed at once"
    return Disruption(plan.removes, said, plan.removes)


def _warnings(workload: Workload, plan: Plan) -> tuple[str, ...]:
    said = reverts(workload, plan.way)
    behind = int(workload.status.get("observedGeneration") or 0) < workload.generation
    waiting = "Its controller has not taken up the last change yet" if plan.rolls and behind else ""
    return tuple(filter(None, (said, waiting)))
