"""Forbidden actions: what must not happen during such an incident, under whatever name, by button or by hand."""

from collections.abc import Iterable, Mapping

from responder.errors import ResponderError
from responder.model.action import Step
from responder.model.playbook import ActionStep
from responder.model.verdict import Json
from responder.response.brain import Brain


def forbids(brain: Brain, plugin: str, params: Mapping[str, Json] | None = None, *, newest: bool = True) -> str:
    """
    Say what forbids an action, itself or something that it includes: its playbook, or the `newest`; "" if none does.

    Where it cannot be told what it includes, it is forbidden as soon as anything is. Without `params` only the action
    itself is looked at.
    """
    forbidden = {*brain.playbook.forbid, *(brain.forbidden if newest else ())}
    if plugin in forbidden:
        return f"{plugin} is forbidden during such an incident"
    if not forbidden or params is None:
        return ""
    try:
        included = brain.entails(ActionStep(plugin, plugin), params)
    except (ValueError, ResponderError) as error:
        why = str(error).partition("\n")[0]
        return f"what {plugin} includes cannot be told, and some of it may be forbidden: {why}"
    found = next((each for each in included if each in forbidden), "")
    return f"{plugin} would do {found} here, which is forbidden during such an incident" if found else ""


def forbidden_now(brain: Brain, steps: Iterable[Step], *, unfilled: bool = False) -> str:
    """
    Say what forbids one of the steps now, also to an incident that opened before it was forbidden; "" if nothing does.

    Steps that are `unfilled` have no parameters yet.
    """
    told = (forbids(brain, step.plugin, None if unfilled else step.params) for step in steps)
    return next(filter(None, told), "")
