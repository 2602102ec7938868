"""What a change of a workload would do now, tried as a server-side dry run."""

from responder.errors import Conflict, Missing, NotLetIn, PermanentError
from responder.model.action import Preview
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.disruption import Budgets, Disruption, budgets_of, disruption_of, pod_names
from responder.plugins.rollout.ownership import owner_way, reverts
from responder.plugins.rollout.plan import Plan, Planner
from responder.plugins.rollout.workload import Workload, hindrance, owner_of, read_workload, ready_count
from responder.plugins.rollout.write import send


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
    refusal, tried = hindrance(workload, rolls=plan.rolls) or plan.refusal, False
    if plan.operations and not refusal:
        refusal, tried = await _try(workload, plan, tools)
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
        dry_run=tried,
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


async def _try(workload: Workload, plan: Plan, tools: ActionTools) -> tuple[str, bool]:
    """Send the very request as a dry run; answers what stands in the way, and whether the server took it."""
    try:
        answer = await send(workload, plan, tools, dry_run=True)
    except Conflict:
        return f"{workload.reference} was changed while it was looked at: it is looked at again", False
    except NotLetIn as error:
        return f"Responder may not do it: {error}", False
    except Missing as error:
        return str(error), False
    except PermanentError as error:
        return f"The API server refuses it: {error}", False
    if not plan.holds(answer):
        return "The admission of the cluster changes it into something else", True
    return "", True
