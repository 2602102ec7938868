"""What guards an action that a person asks for: all that the playbook puts on the same, and the deployment's word."""

from collections.abc import Iterator, Mapping

from responder.errors import ResponderError
from responder.model.action import Step
from responder.model.playbook import ActionStep
from responder.model.verdict import Json
from responder.response import proposals
from responder.response.draft import Draft
from responder.response.weights import weight_of

_DEEPEST = 4
"""Levels of sequences within sequences, as when they are done."""


def by_hand(draft: Draft, step: Step) -> tuple[Mapping[str, Json], ...]:
    """
    Return every guard that binds a step that a person asks for, as written; all of them do.

    The same is what does one of the same things: the plugin itself, in a sequence too, or what one of the two includes.
    """
    does = _does(draft, ActionStep(step.name, step.plugin), step.params)
    found: list[Mapping[str, Json]] = []
    for action in draft.brain.playbook.actions:
        for leaf, guards in _leaves(draft, action):
            if _is_same(does, _does(draft, leaf, leaf.params)):
                found += [guard for guard in guards if guard and guard not in found]
    return (*found, *_of_deployment(draft, step))


def _leaves(
    draft: Draft, action: ActionStep, above: tuple[Mapping[str, Json], ...] = ()
) -> Iterator[tuple[ActionStep, tuple[Mapping[str, Json], ...]]]:
    """Walk through an action or its sequence: each plugin with the guards that bind it there."""
    guards = (*above, action.guard)
    if not action.do:
        yield action, guards
    for name in action.do:
        step = proposals.find(draft, name)
        if step is not None and len(above) < _DEEPEST:
            yield from _leaves(draft, step, guards)


def _does(draft: Draft, action: ActionStep, params: Mapping[str, Json]) -> frozenset[str] | None:
    """Name all that an action does; None when that cannot be told."""
    try:
        return frozenset((action.plugin, *draft.brain.entails(action, params)))
    except (ValueError, ResponderError):
        return None


def _is_same(does: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return does is None or other is None or not does.isdisjoint(other)


def _of_deployment(draft: Draft, step: Step) -> Iterator[Mapping[str, Json]]:
    """Yield who must say yes whatever the playbook says: by hand nobody has weighed the parameters before."""
    ceilings, weight, known = draft.brain.ceilings, weight_of(draft.brain, step), draft.brain.action(step.plugin)
    people = max(ceilings.approvals.get(weight, 1), known.approvals if known is not None else 1)
    approvers = ceilings.approvers.get(weight, ())
    if people > 1 or approvers:
        yield {"approvals": people, "approvers": list(approvers)}
