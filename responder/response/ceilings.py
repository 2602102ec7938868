"""How far an action may go now, under the ceilings of the process, of its rule and of its namespaces."""

from collections.abc import Iterable

from responder.model.action import MODES, Mode
from responder.model.guard import is_in
from responder.model.incident import Incident
from responder.response.brain import Brain


def ceiling(brain: Brain, incident: Incident, wanted: Mode, namespaces: Iterable[str]) -> tuple[Mode, str]:
    """
    Return how far an action may go that its author wanted to go so far, and what holds it down, "" for nothing.

    A namespace of "" is one that cannot be told: every ceiling of a namespace holds for it.
    """
    found: list[tuple[Mode, str]] = [(wanted, ""), (brain.automation, f"automation is `{brain.automation}`")]
    for rule in incident.rules or (incident.rule,):
        if rule in brain.ceilings.rules:
            mode = brain.ceilings.rules[rule]
            found.append((mode, f"the ceiling of the rule {rule} is `{mode}`"))
    for namespace in namespaces:
        for pattern, mode in brain.ceilings.namespaces.items():
            if not namespace or is_in(namespace, (pattern,)):
                where = f"namespace {namespace}" if namespace else "what is in no namespace"
                found.append((mode, f"the ceiling for {where} is `{mode}`"))
    return min(found, key=lambda each: MODES.index(each[0]))
