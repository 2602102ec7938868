"""The parameters of a step with its secrets in them, which stand in no record: for the moment in which it is done."""

from collections.abc import Mapping

from pydantic import BaseModel

from responder.engine.outcomes import in_doubt, not_done
from responder.expressions.places import changed, strings
from responder.model.action import Outcome, Step
from responder.model.command import Act
from responder.model.place import Place
from responder.model.secrecy import PLACEHOLDER, reference
from responder.model.verdict import Json


def filled(step: Step, model: type[BaseModel], values: Mapping[str, str]) -> Mapping[str, Json]:
    """Return the parameters with the secrets that are known, and with what stands for one elsewhere."""
    return changed(step.params, model, Place.SECRET, lambda text: values.get(reference(text), PLACEHOLDER))


def lacking(command: Act, model: type[BaseModel], values: Mapping[str, str]) -> tuple[str, ...]:
    """Name the secrets of an attempt that are not held here; taking it back needs none."""
    if command.undo:
        return ()
    texts = [text for _, text, place in strings(command.what.params, model) if place is Place.SECRET]
    wanted = dict.fromkeys([*command.tickets, *map(reference, texts)])
    return tuple(name for name in wanted if name not in values)


def not_held(names: tuple[str, ...], *, begun: bool) -> Outcome:
    """Say that it cannot be done for want of secrets; whoever held them may have begun it."""
    why = f"no process holds the secret {', '.join(names)} any more"
    if begun:
        return in_doubt(f"whoever held the secret was at it and ended: {why}")
    outcome = not_done(why)
    return Outcome(outcome.status, outcome.say, lacks=names)
