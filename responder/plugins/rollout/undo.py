"""A workload's template put back as it stood before a change."""

from collections.abc import Mapping

from responder.errors import Missing
from responder.model.action import Outcome
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.rollout.fingerprint import digest
from responder.plugins.rollout.plan import Plan
from responder.plugins.rollout.revisions import revisions_of
from responder.plugins.rollout.workload import Workload, bare, read_again
from responder.plugins.rollout.write import take_back


async def put_back(before: Json, tools: ActionTools) -> Outcome:
    """
    Put the template back that `undo_of` recorded, unless others have changed it since.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    if not isinstance(before, Mapping) or not before.get("revision"):
        return Outcome("not_done", "No revision keeps the template of before: roll it back by hand")
    try:
        workload = await read_again(before, tools.kubernetes)
        return await take_back(workload, before, lambda found: _restoration(found, before, tools), tools)
    except Missing as error:
        return Outcome("in_doubt" if tools.retry else "not_done", str(error))


async def _restoration(workload: Workload, before: Mapping[str, Json], tools: ActionTools) -> Plan:
    named = str(before["revision"])
    revisions = await revisions_of(workload, tools.kubernetes)
    found = next((revision for revision in revisions if revision.name == named), None)
    if found is None or digest(found.template) != before.get("template"):
        return Plan("put back", refusal=f"{named}, which kept the template of before, is not there any more")
    template = found.template
    return Plan(
        summary=f"put back the template of {named}",
        done=f"put back to the template of {named}",
        event="PutBack",
        operations=({"op": "replace", "path": "/spec/template", "value": template},),
        holds=lambda now: bare(now.template) == template,
    )
