"""Evidence first: actions that destroy something or touch security, and whose rules name no evidence."""

from collections.abc import Iterable, Iterator

from responder.model.action import HEAVY, ActionWeight
from responder.model.playbook import ActionStep, Playbook
from responder.plugins.action import AnyAction
from responder.plugins.registry import Registry
from responder.rules.nodes import key_spot
from responder.rules.playbooks import Built
from responder.rules.problems import Problems
from responder.rules.reach import world_of
from responder.rules.undertakings import Undertaking, acts, steps_of
from responder.rules.vouching import CAPTURE, is_vouched

_HOW = {"destructive": "may destroy what cannot be brought back", "security": "touches security"}


def check(built: Iterable[Built], registry: Registry, problems: Problems) -> None:
    """
    Note every action that may be done and needs evidence first, where no guard of it names any.

    Of rules that are valid otherwise: in others nobody knows the parameters. What is only suggested needs none.
    """
    for item in built:
        for action in item.playbook.actions:
            found = _lacking(action, item.playbook, registry) if acts(action.mode) else None
            if found is not None:
                step, plugin, weight = found
                does = "" if step.name == action.name else f"does `{step.name}`, which "
                told = f"`{action.name}` {does}{_HOW[weight]}, and no `guard` of it names evidence"
                hint = f"{plugin.name}: {plugin.cost}. {_cure(step, item.playbook)}"
                problems.error(key_spot(item.node, ("actions", action.name)), told, hint)
            for name in _out_of_reach(action, item.playbook):
                told = f"`{action.name}` waits for the evidence of `{name}`, which nothing proposes for anybody to run"
                hint = "give it a mode above suggest, and `propose` it too, or `offer: always`"
                problems.warn(key_spot(item.node, ("actions", action.name)), told, hint)


def weight_of(step: ActionStep, plugin: AnyAction, playbook: Playbook) -> ActionWeight:
    """Return what a step of valid rules may cost, as far as they tell; its parameters are known when it is done."""
    if is_vouched(step, playbook):
        return plugin.lightest
    params = Undertaking(step, (), (), {}, {}).params(world_of(playbook), plugin.Params)
    return plugin.weight_of(params, playbook.files)


def _lacking(
    action: ActionStep, playbook: Playbook, registry: Registry
) -> tuple[ActionStep, AnyAction, ActionWeight] | None:
    for step, guards in steps_of(action, playbook):
        plugin = registry.actions.get(step.plugin)
        if plugin is None or step.plugin in playbook.forbid or any(guard.evidence for guard in guards):
            continue
        weight = weight_of(step, plugin, playbook)
        if weight in HEAVY:
            return step, plugin, weight
    return None


def _out_of_reach(action: ActionStep, playbook: Playbook) -> Iterator[str]:
    """Name the evidence that an action waits for, and that is kept only if somebody thinks of it by hand."""
    known = {each.name: each for each in playbook.actions}
    called = {name for conclusion in playbook.conclusions for name in conclusion.propose}
    called |= {each.name for each in playbook.actions if each.offer} | {step.action for step in playbook.steps}
    wanted = [name for _, guards in steps_of(action, playbook) for guard in guards for name in guard.evidence]
    for name in dict.fromkeys(wanted) if acts(action.mode) and action.name in called else ():
        if name not in called or not acts(known[name].mode):
            yield name


def _cure(step: ActionStep, playbook: Playbook) -> str:
    captures = (action for action in playbook.actions if action.plugin == CAPTURE and action.name != step.name)
    light = (each.name for each in captures if not each.params.get("exec") or is_vouched(each, playbook))
    keeping = next(light, "")
    if keeping:
        return f"Write `guard: {{evidence: [{keeping}]}}`"
    new = "evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}"
    return f"Add the action `{new}`, propose it too, and write `guard: {{evidence: [evidence]}}`"
