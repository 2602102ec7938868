"""Actions named to people: their parameters frozen as they are now, and the exact commands that do the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from responder.errors import ResponderError
from responder.model.facts import Facts
from responder.model.finding import Doubt, Proposal
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from responder.model.target import Target
from responder.model.timeline import Proposed
from responder.model.verdict import Json, Undecided
from responder.response import territory
from responder.response.draft import Draft
from responder.response.targets import named

_MODES = ("off", "suggest", "approve", "auto")
_DEEPEST = 4
"""Levels of sequences within sequences."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An action ready to be shown."""

    target: Target
    params: Mapping[str, Json]
    commands: tuple[str, ...]


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
    )


def _propose(draft: Draft, name: str, because: str) -> Proposal | Undecided:
    action = _find(draft, name)
    if action is None:
        return Undecided("the playbook has no such action")
    inputs = _inputs(draft, action)
    prepared = _prepare(draft, action, _with(draft.facts(), inputs))
    if isinstance(prepared, Undecided):
        return prepared
    return Proposal(
        name=name,
        plugin=action.plugin,
        target=prepared.target,
        params=prepared.params,
        commands=prepared.commands,
        mode=_ceiling(action.mode, draft.brain.automation),
        proposed_at=draft.now,
        because=because,
        inputs=inputs,
    )


def _prepare(draft: Draft, action: ActionStep, facts: Facts, depth: int = 0) -> _Prepared | Undecided:
    if action.plugin in draft.brain.playbook.forbid:
        return Undecided(f"{action.plugin} is forbidden during such an incident")
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
    try:
        reached = draft.brain.namespaces_of(action, params, target)
        pack = territory.pack_of(draft.brain.playbook)
        refused = territory.outside(pack=pack, namespaces=reached, teams=draft.brain.teams)
        if refused:
            return Undecided(refused)
        return _Prepared(target, params, draft.brain.command_of(action, params, target))
    except (ValueError, ResponderError) as error:
        return Undecided(str(error).partition("\n")[0])


def _prepare_sequence(
    draft: Draft, action: ActionStep, target: Target, facts: Facts, depth: int
) -> _Prepared | Undecided:
    params: dict[str, Json] = {}
    commands: list[str] = []
    for name in action.do:
        step = _find(draft, name)
        if step is None or depth >= _DEEPEST:
            return Undecided(f"{action.name} cannot do {name}")
        prepared = _prepare(draft, step, facts, depth + 1)
        if isinstance(prepared, Undecided):
            return prepared
        params[name] = dict(prepared.params)
        commands += prepared.commands
    return _Prepared(target, params, tuple(commands))


def _target(draft: Draft, action: ActionStep, facts: Facts) -> Target | Undecided:
    if action.target is None:
        return draft.incident.target
    return named(action.target, draft.incident.target, draft.brain.evaluator, facts)


def _inputs(draft: Draft, action: ActionStep) -> dict[str, Json]:
    """Return what is suggested for the inputs that a person will be asked for; of a sequence also its steps'."""
    steps = [action, *(step for name in action.do if (step := _find(draft, name)))]
    inputs: dict[str, Json] = {}
    for step in steps:
        for name, declared in step.inputs.items():
            source = declared.get("suggest") if isinstance(declared, Mapping) else None
            value = draft.brain.evaluator.value(str(source), draft.facts()) if source else Undecided("")
            if not isinstance(value, Undecided):
                inputs[name] = value
    return inputs


def _with(facts: Facts, inputs: Mapping[str, Json]) -> Facts:
    if not inputs:
        return facts
    return Facts(
        labels=facts.labels,
        alerts=facts.alerts,
        incident=facts.incident,
        target=facts.target,
        results=facts.results,
        failed=facts.failed,
        empty=facts.empty,
        skipped=facts.skipped,
        inputs=inputs,
    )


def _find(draft: Draft, name: str) -> ActionStep | None:
    return next((action for action in draft.brain.playbook.actions if action.name == name), None)


def _ceiling(mode: Literal["suggest", "approve", "auto"], automation: str) -> str:
    return min(mode, automation, key=_MODES.index)
