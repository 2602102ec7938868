"""Names the cure of what is refused for want of a right: rules ask for what they need, people by hand for more."""

from dataclasses import replace

from responder.model.action import Attempt, Preview, Step
from responder.model.incident import Incident
from responder.model.rights import lacks_right

BUILT_IN = "built-in/"
"""How the rules are called that take what no other one does; nobody wrote down what they may do."""


def cured(preview: Preview, step: Step, attempt: Attempt | None, incident: Incident) -> Preview:
    """Say beside a refusal which command grants what is missing."""
    if not lacks_right(preview.refusal):
        return preview
    return replace(preview, refusal=f"{preview.refusal}. Cure: {_cure(step, attempt, incident)}")


def _cure(step: Step, attempt: Attempt | None, incident: Incident) -> str:
    if attempt is None or not attempt.proposed_by:
        return "responder rbac | kubectl apply -f -"
    ruled = any(not rule.startswith(BUILT_IN) for rule in incident.rules or (incident.rule,))
    if not ruled or step.target.namespace != incident.target.namespace:
        why = "where its rules do not act" if ruled else "as no rule of yours matches its alerts"
        return f"give that right to our service account yourself, {why}"
    return f"responder rbac --manual {step.plugin} | kubectl apply -f -; name again what was granted by --manual before"
