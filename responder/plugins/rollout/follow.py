"""A change of a workload followed: how far it has come, what holds it up, and who has changed it back."""

from collections.abc import Callable

from responder.errors import Missing
from responder.model.action import Outcome, Progress
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.ownership import changed_by, written_at
from responder.plugins.rollout.stall import LATE, Trouble, trouble_of
from responder.plugins.rollout.status import Standing, scaled, standing
from responder.plugins.rollout.workload import Workload, read_again, read_workload
from responder.plugins.undone import is_undone


async def follow(
    target: Target,
    outcome: Outcome,
    tools: ActionTools,
    holds: Callable[[Workload], bool],
    *,
    field: str = "template",
) -> Progress:
    """
    Say how far the workload has followed a change, or its undoing.

    `holds` tells whether it still bears the change; `field` of its spec is what the change wrote. Raises: CallError
    when it could not be read.
    """
    basis = outcome.basis
    try:
        found = await (
            read_again(basis, tools.kubernetes) if basis.get("uid") else read_workload(target, tools.kubernetes)
        )
    except Missing as error:
        return Progress(str(error), complete=False, ready=False, failed=str(error))
    stands = scaled(found) if field == "replicas" else standing(found)
    if basis.get("uid", found.uid) != found.uid:
        said = f"{found.reference} was deleted and made anew by {changed_by(found.found)}"
        return _progress(stands, say=said, reverted=said)
    if not is_undone(outcome) and not holds(found):
        said = f"{found.reference} was changed back or over by {changed_by(found.found, 'spec', field)}"
        return _progress(stands, say=said, reverted=said)
    if stands.complete and stands.ready:
        return _progress(stands)
    trouble = await trouble_of(found, tools.kubernetes, tools.now())
    written = written_at(found.found)
    if stands.untaken and written and tools.now() - written >= LATE:
        trouble = Trouble(f"no controller has taken up the change since {written:%H:%M} UTC", hopeless=True)
    return _judged(stands, trouble)


def _judged(stands: Standing, trouble: Trouble | None) -> Progress:
    why = trouble.say if trouble else ""
    say = f"{stands.say}; {why}" if why else stands.say
    if stands.overdue or (trouble and trouble.hopeless and not stands.complete):
        return _progress(stands, say=say, failed=why or stands.say)
    return _progress(stands, say=say)


def _progress(stands: Standing, *, say: str = "", failed: str = "", reverted: str = "") -> Progress:
    return Progress(
        say or stands.say,
        complete=stands.complete and not reverted,
        ready=stands.ready,
        failed=failed,
        reverted=reverted,
        updated=stands.updated,
        wanted=stands.wanted,
    )
