"""What is to follow an action: whether it can be taken back as its rules want, whether anybody will know of help."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from responder.model.guard import verify_of
from responder.model.playbook import ActionStep, Playbook
from responder.plugins.registry import Registry
from responder.rules.evidence_first import weight_of
from responder.rules.nodes import key_spot
from responder.rules.playbooks import Built
from responder.rules.problems import Problems
from responder.rules.undertakings import acts, steps_of

_BEHIND = "what comes behind that is undone, then people are called; `otherwise: escalate` calls them at once"
_ONCE = "write `verify: {until: ..., within: 10m}`; until then people are asked from the second time on"


def check(built: Iterable[Built], registry: Registry, problems: Problems) -> None:
    """
    Warn of what is to be taken back and cannot be, and of what goes by itself while nothing says whether it helped.

    Of rules that are valid otherwise; what is only suggested has no consequences.
    """
    for item in built:
        for action in item.playbook.actions:
            if acts(action.mode):
                for told, hint in _doubts(action, item.playbook, registry):
                    problems.warn(key_spot(item.node, ("actions", action.name)), told, hint)


def _doubts(action: ActionStep, playbook: Playbook, registry: Registry) -> Iterator[tuple[str, str]]:
    verify, changing = verify_of(action.verify), _changing(action, playbook, registry)
    staying = [plugin for plugin, undoable in changing.items() if not undoable]
    if "undo" in verify.otherwise and staying:
        yield f"`{action.name}` has `otherwise: undo`, and {' and '.join(staying)} cannot be undone", _BEHIND
    if action.mode == "auto" and changing and not verify.tells:
        told = f"`{action.name}` goes by itself once a day on one object, no more: nothing says whether it helped"
        yield told, _ONCE


def _changing(action: ActionStep, playbook: Playbook, registry: Registry) -> dict[str, bool]:
    """Return what of it changes something, and whether that can be undone; not what only shows whether it helped."""
    steps = (step for step, _ in steps_of(replace(action, verify={}), playbook))
    known = ((step, registry.actions[step.plugin]) for step in steps if step.plugin in registry.actions)
    changing = (each for step, each in known if each.undoable or weight_of(step, each, playbook) != "harmless")
    return {each.name: each.undoable for each in changing}
