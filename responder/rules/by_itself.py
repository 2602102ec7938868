"""Actions that their rules let go by themselves, and that would wait for a person all the same."""

from collections.abc import Iterable, Iterator

from responder.model.guard import guard_of
from responder.model.playbook import ActionStep, Playbook
from responder.plugins.registry import Registry
from responder.rules.nodes import MappingNode, at, key_spot
from responder.rules.playbooks import Built
from responder.rules.problems import Problems

_DEEPEST = 4
"""Levels of sequences within sequences, as when they are done."""


def check(built: Iterable[Built], registry: Registry, problems: Problems) -> None:
    """Warn of every action whose mode is `auto` and that never goes by itself. Of rules that are valid otherwise."""
    for item in built:
        for action in item.playbook.actions:
            if action.mode == "auto":
                for why, hint in _waiting(action, item, registry):
                    spot = key_spot(item.node, ("actions", action.name, "mode"))
                    problems.warn(spot, f"`{action.name}` has the mode `auto` and never goes by itself: {why}", hint)


def _waiting(action: ActionStep, item: Built, registry: Registry) -> Iterator[tuple[str, str]]:
    parts = tuple(_parts(action, item.playbook))
    for part, _ in parts:
        if people := guard_of(part.guard).approvals:
            place = _place(item.node, part.name)
            yield f"`approvals: {people}` of {place} asks for people", "write `approvals: 0`, or `mode: approve`"
        if part.inputs:
            yield f"a person has to give it {', '.join(part.inputs)}", "write `mode: approve`"
    for part, said in parts:
        plugin = registry.actions.get(part.plugin)
        if plugin is not None and plugin.approvals > 1 and not said:
            told = f"{plugin.name} wants the yes of {plugin.approvals} where its guard does not say"
            yield told, "write `guard: {approvals: 0}` if you mean it, or `mode: approve`"


def _parts(
    action: ActionStep, playbook: Playbook, above: bool = False, depth: int = 0
) -> Iterator[tuple[ActionStep, bool]]:
    """Walk through an action or its sequence: each part with whether a guard that binds it says how many."""
    said = above or guard_of(action.guard).approvals is not None
    yield action, said
    for step in playbook.actions:
        if step.name in action.do and depth < _DEEPEST:
            yield from _parts(step, playbook, said, depth + 1)


def _place(playbook: MappingNode, action: str) -> str:
    origin = at(playbook, "actions", action, "guard", "approvals").spot.origin
    return f"{origin.file}:{origin.line}"
