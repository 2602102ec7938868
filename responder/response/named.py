"""Actions of the playbook that people ask for by name, though nothing calls for them: what runs stands in the rules."""

from collections.abc import Mapping
from dataclasses import replace

from responder.model.action import Attempt
from responder.model.incident import Status
from responder.model.near import did_you_mean
from responder.model.timeline import ActionAsked
from responder.model.verdict import Json, Undecided
from responder.model.wanted import wanted_of
from responder.response import binding, inputs, making, proposals
from responder.response.draft import Draft


def made(draft: Draft, told: ActionAsked) -> Attempt | str:
    """
    Make an attempt at an action of the playbook, with a person's inputs and all its guards; else say why not.

    Its mode holds: what may only be suggested is not done by asking for it.
    """
    if told.target is not None:
        return f"{told.plugin} acts on what the playbook says: leave the target out"
    if not told.by:
        return "it has to be known who asks"
    if draft.incident.status is Status.RESOLVED:
        return "the incident is resolved"
    declared = proposals.declared(draft, told.plugin)
    given = _inputs(draft, declared, told)
    if isinstance(given, str):
        return given
    prepared = proposals.prepare(draft, told.plugin, given)
    if isinstance(prepared, Undecided):
        return f"{told.plugin} cannot be done: {prepared.why}"
    if prepared.mode not in ("approve", "auto"):
        return f"{told.plugin} may only be suggested: its mode is `{prepared.mode}`"
    attempt = making.of_prepared(draft, told.plugin, prepared)
    if attempt is None:
        return f"{told.plugin} does something that nothing here can do"
    steps = tuple(replace(step, guards=(*step.guards, *binding.by_hand(draft, step))) for step in attempt.steps)
    return replace(attempt, steps=steps, mode="approve", proposed_by=told.by, reason=told.reason)


def instead(draft: Draft, plugin: str) -> str:
    """Say how to come by an action that does only what rules say."""
    names = [action.name for action in draft.brain.playbook.actions if action.plugin == plugin]
    if not names:
        return "add an action to the playbook, which incidents that open after that can be asked for by its name"
    first = names[0]
    takes = "".join(f" {name}=..." for name in proposals.declared(draft, first))
    others = f" (or {', '.join(names[1:])})" if names[1:] else ""
    return f"ask for what the playbook names: responder act {draft.incident.id} {first}{takes}{others}"


def _inputs(draft: Draft, declared: Mapping[str, Json], told: ActionAsked) -> dict[str, Json] | str:
    unknown = sorted(set(told.params) - set(declared))
    if unknown:
        known = f"; it takes {', '.join(declared)}" if declared else ", and none at all"
        return f"{told.plugin} takes no input {unknown[0]}{did_you_mean(unknown[0], declared)}{known}"
    if any(_is_secret(written) for written in declared.values()):
        return f"{told.plugin} takes a secret, which is given with a yes: let the playbook offer it (`offer: always`)"
    return inputs.taken(draft, declared, {}, told.params)


def _is_secret(written: Json) -> bool:
    try:
        return wanted_of(written).secret
    except ValueError:
        return True
