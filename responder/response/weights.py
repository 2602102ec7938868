"""What a step may cost with the parameters that it has."""

from responder.errors import ResponderError
from responder.model.action import ActionWeight, Step
from responder.model.playbook import ActionStep
from responder.response.brain import Brain


def weight_of(brain: Brain, step: Step) -> ActionWeight:
    """Return what a step may cost; as much as it ever may, where its parameters are not known."""
    known = brain.action(step.plugin)
    if known is None:
        return "ordinary"  # it is refused for good: nobody can run it
    try:
        return brain.weight_of(ActionStep(step.name, step.plugin), step.params) or known.weight
    except (ValueError, ResponderError):
        return known.weight


def is_harmless(brain: Brain, step: Step) -> bool:
    """Whether a step only reads and keeps."""
    return weight_of(brain, step) == "harmless"
