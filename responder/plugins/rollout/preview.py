"""What a change of a workload would do now, tried as a server-side dry run."""

from responder.model.action import Preview
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.disruption import Budgets, Disruption, budgets_of, disruption_of, pod_names
from responder.plugins.rollout.ownership import owner_way, reverts
from responder.plugins.rollout.plan import Plan, Planner
from responder.plugins.rollout.workload import Workload, hindrance, owner_of, read_workload, ready_count
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
    refusal, dry_run = hindrance(workload, rolls=plan.rolls) or plan.refusal, False
    if plan.operations and not refusal:
        refusal, dry_run = await tried(
            workload.reference, lambda: send(workload, plan, tools, dry_run=True), plan.holds
        )
    return Preview(
        summary=plan.summary,
        changes=plan.changes,
        refusal=refusal,
        basis={**workload.facts, **plan.facts},
        undo=plan.undo,
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
    )


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
