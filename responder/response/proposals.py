"""Actions named to people: their parameters frozen as they are now, and the exact commands that do the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from responder.errors import ResponderError
from responder.model.action import MODES, Mode, Step
from responder.model.facts import Facts
from responder.model.finding import Doubt, Proposal
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.timeline import Proposed
from responder.model.verdict import Json, Undecided
from responder.model.wanted import suggested, wanted_of
from responder.response import territory
from responder.response.ceilings import ceiling
from responder.response.draft import Draft
from responder.response.forbidding import forbidden_now, forbids
from responder.response.targets import named, unnamed

_DEEPEST = 4
"""Levels of sequences within sequences."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    An action ready to be shown: how far it may go, and its steps; those of a sequence in their order.

    `wants` tells of the inputs that have to be given first; until then its steps have no parameters.
    """

    target: Target
    params: Mapping[str, Json]
    commands: tuple[str, ...]
    mode: Mode
    steps: tuple[Step, ...]
    inputs: Mapping[str, Json]
    wants: tuple[str, ...] = ()


def offer(draft: Draft) -> None:
    """
    Propose what the findings call for, in their order, then what is always offered.

    A proposal stays as it was made until its parameters change; it goes when nothing calls for it any more.
    """
    if draft.incident.status in (Status.MONITORING, Status.RESOLVED) or draft.brain.automation == "off":
        return
    before = {proposal.name: proposal for proposal in draft.incident.proposals}
    proposals: list[Proposal] = []
    doubts = list(draft.incident.doubts)
    for name, because in _called_for(draft).items():
        made = _propose(draft, name, because)
        if isinstance(made, Proposal):
            proposals.append(_kept(draft, before.get(name), made))
        elif because and not made.pending:
            doubts.append(Doubt(name, made.why))
    draft.change(proposals=tuple(proposals), doubts=tuple(doubts))


def _called_for(draft: Draft) -> dict[str, str]:
    """Return the names of actions with the finding that calls for each, in order of preference."""
    playbook = draft.brain.playbook
    proposing = {conclusion.name: conclusion.propose for conclusion in playbook.conclusions}
    wanted: dict[str, str] = {}
    for finding in draft.incident.findings:
        for name in proposing.get(finding.name, ()):
            wanted.setdefault(name, finding.name)
    for action in playbook.actions:
        if action.offer == "always":
            wanted.setdefault(action.name, "")
    return wanted


def _kept(draft: Draft, before: Proposal | None, made: Proposal) -> Proposal:
    if before is not None and _essence(before) == _essence(made):
        return before
    draft.record(Proposed(made.name, made.plugin, made.commands, made.because))
    return made


def _essence(proposal: Proposal) -> tuple[object, ...]:
    return (
        proposal.plugin,
        proposal.target,
        proposal.params,
        proposal.commands,
        proposal.mode,
        proposal.because,
        proposal.inputs,
        proposal.forbidden,
    )


def prepare(draft: Draft, name: str, inputs: Mapping[str, Json] | None = None) -> Prepared | Undecided:
    """Freeze an action of the playbook as it would be done now, with a person's inputs or with those suggested."""
    action = find(draft, name)
    if action is None:
        return Undecided("the playbook has no such action")
    given = _inputs(draft, action) if inputs is None else inputs
    facts = with_inputs(draft.facts(), given)
    prepared = _prepare(draft, action, facts)
    if isinstance(prepared, Undecided) and prepared.lacks and inputs is None:
        pending = _still_suggesting(draft, action)
        if pending:
            return Undecided(f"waiting for {', '.join(pending)}", pending)
        prepared = _unfilled(draft, action, facts, _wants(draft, action, given)) or prepared
    return prepared if isinstance(prepared, Undecided) else replace(prepared, inputs=given)


def declared(draft: Draft, name: str) -> dict[str, Json]:
    """Return the inputs that an action asks for, as written; of a sequence also its steps'."""
    action = find(draft, name)
    return {name: told for step in _with_steps(draft, action) for name, told in step.inputs.items()} if action else {}


def find(draft: Draft, name: str) -> ActionStep | None:
    """Find an action of the playbook."""
    return next((action for action in draft.brain.playbook.actions if action.name == name), None)


def with_inputs(facts: Facts, inputs: Mapping[str, Json]) -> Facts:
    """Return the facts with the inputs among them."""
    return replace(facts, inputs=inputs) if inputs else facts


def _propose(draft: Draft, name: str, because: str) -> Proposal | Undecided:
    prepared = prepare(draft, name)
    if isinstance(prepared, Undecided):
        return prepared
    action = find(draft, name)
    forbidden = forbidden_now(draft.brain, prepared.steps, unfilled=bool(prepared.wants))
    return Proposal(
        name=name,
        plugin=action.plugin if action else "",
        target=prepared.target,
        params=prepared.params,
        commands=() if forbidden else prepared.commands,
        mode=prepared.mode,
        proposed_at=draft.now,
        because=because,
        inputs=prepared.inputs,
        forbidden=forbidden,
    )


def _prepare(draft: Draft, action: ActionStep, facts: Facts, depth: int = 0) -> Prepared | Undecided:
    target = _target(draft, action, facts)
    if isinstance(target, Undecided):
        return target
    if action.do:
        return _prepare_sequence(draft, action, target, facts, depth)
    model = draft.brain.plugin_params(action.plugin)
    if model is None:
        return Undecided(f"nothing is called {action.plugin}")
    params = draft.brain.evaluator.params(action.params, model, facts)
    if isinstance(params, Undecided):
        return params
    forbidden = forbids(draft.brain, action.plugin, params, newest=False)
    if forbidden:
        return Undecided(forbidden)
    try:
        reached = draft.brain.namespaces_of(action, params, target)
        pack = territory.pack_of(draft.brain.playbook)
        refused = territory.outside(pack=pack, namespaces=reached, teams=draft.brain.teams)
        if refused:
            return Undecided(refused)
        commands = draft.brain.command_of(action, params, target)
        mode, why = ceiling(draft.brain, draft.incident, action.mode, reached)
        if mode == "off":
            return Undecided(why)
        step = Step(action.name, action.plugin, params, target, commands)
        return Prepared(target, params, commands, mode, (step,), {})
    except (ValueError, ResponderError) as error:
        return Undecided(str(error).partition("\n")[0])


def _prepare_sequence(
    draft: Draft, action: ActionStep, target: Target, facts: Facts, depth: int
) -> Prepared | Undecided:
    params: dict[str, Json] = {}
    steps: list[Step] = []
    mode: Mode = action.mode
    for name in action.do:
        step = find(draft, name)
        if step is None or depth >= _DEEPEST:
            return Undecided(f"{action.name} cannot do {name}")
        # What the author of the sequence lets people decide needs no second word; going by itself needs everyone's.
        allowed = replace(step, mode=step.mode if step.mode == "auto" else "approve")
        prepared = _prepare(draft, allowed, facts, depth + 1)
        if isinstance(prepared, Undecided):
            return prepared
        mode = min(mode, prepared.mode, key=MODES.index)
        params[name] = dict(prepared.params)
        steps += [
            replace(each, guards=(*each.guards, *([step.guard] if step.guard else ()))) for each in prepared.steps
        ]
    commands = tuple(command for step in steps for command in step.commands)
    return Prepared(target, params, commands, mode, tuple(steps), {})


def _unfilled(draft: Draft, action: ActionStep, facts: Facts, wants: tuple[str, ...]) -> Prepared | None:
    """Prepare what nobody can look at before a person gives its inputs; None where it could only be suggested."""
    steps = _bare_steps(draft, action, facts)
    target = _bare_target(draft, action, facts)
    if not wants or steps is None or isinstance(target, Undecided):
        return None
    mode, _ = ceiling(draft.brain, draft.incident, action.mode, [namespace_of(step.target) for step in steps])
    return Prepared(target, {}, (), mode, steps, {}, wants) if mode in ("approve", "auto") else None


def _bare_steps(draft: Draft, action: ActionStep, facts: Facts, depth: int = 0) -> tuple[Step, ...] | None:
    """Return the steps without their parameters; None where one could not be done at all."""
    if not action.do:
        target = _bare_target(draft, action, facts)
        known = draft.brain.plugin_params(action.plugin) is not None
        if isinstance(target, Undecided) or not known or action.plugin in draft.brain.playbook.forbid:
            return None
        return (Step(action.name, action.plugin, {}, target),)
    steps: list[Step] = []
    for name in action.do:
        step = find(draft, name)
        bare = _bare_steps(draft, step, facts, depth + 1) if step is not None and depth < _DEEPEST else None
        if step is None or bare is None:
            return None
        steps += [replace(each, guards=(*each.guards, *([step.guard] if step.guard else ()))) for each in bare]
    return tuple(steps)


def _wants(draft: Draft, action: ActionStep, given: Mapping[str, Json]) -> tuple[str, ...]:
    """Tell of every input that has not been given; secrets are asked for too, and nothing waits for them."""
    return tuple(told for name, told in _asked(declared(draft, action.name)) if name not in given)


def _asked(written: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, told in written.items():
        try:
            wanted = wanted_of(told)
        except ValueError:
            yield name, name
            continue
        if not wanted.secret:
            yield name, f"{name} ({wanted.type})" + (f": {wanted.describe}" if wanted.describe else "")


def missing(written: Mapping[str, Json], given: Mapping[str, Json]) -> str:
    """Tell of the first input that has to be given and was not, "" for none."""
    return next((told for name, told in _asked(written) if name not in given), "")


def _target(draft: Draft, action: ActionStep, facts: Facts) -> Target | Undecided:
    if action.target is None:
        return draft.incident.target
    return named(action.target, draft.incident.target, draft.brain.evaluator, facts)


def _bare_target(draft: Draft, action: ActionStep, facts: Facts) -> Target | Undecided:
    """Find the object as far as it is known before a person gives the inputs: they may name it."""
    found = _target(draft, action, facts)
    if isinstance(found, Undecided) and action.target is not None and action.inputs:
        return unnamed(action.target, draft.incident.target, draft.brain.evaluator, facts)
    return found


def _inputs(draft: Draft, action: ActionStep) -> dict[str, Json]:
    """Return what is suggested for the inputs that a person will be asked for; of a sequence also its steps'."""
    inputs: dict[str, Json] = {}
    for step in _with_steps(draft, action):
        for name, declared in step.inputs.items():
            try:
                wanted = wanted_of(declared)
                found = draft.brain.evaluator.value(wanted.suggest, draft.facts()) if wanted.suggest else Undecided("")
                if not isinstance(found, Undecided):
                    inputs[name] = suggested(wanted, found)
            except ValueError:
                continue
    return inputs


def _still_suggesting(draft: Draft, action: ActionStep) -> tuple[str, ...]:
    """Return the diagnostics that may yet suggest an input: people are asked only for what nothing suggests."""
    pending: dict[str, None] = {}
    for written in (told for step in _with_steps(draft, action) for told in step.inputs.values()):
        try:
            suggest = wanted_of(written).suggest
        except ValueError:
            continue
        found = draft.brain.evaluator.value(suggest, draft.facts()) if suggest else None
        pending |= dict.fromkeys(found.pending if isinstance(found, Undecided) else ())
    return tuple(pending)


def _with_steps(draft: Draft, action: ActionStep) -> list[ActionStep]:
    return [action, *(step for name in action.do if (step := find(draft, name)))]
