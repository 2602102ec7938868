"""Incidents with attempts, and the people who answer, as the tests of the doors need them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from responder.model.action import ActionState, Approval, Attempt, Change, Preview, Step
from responder.model.incident import Incident, Status
from responder.model.playbook import ActionStep, Playbook
from responder.model.target import Target
from responder.model.timeline import ActionAsked, Answered, Event
from tests.web.house import NOW, House

DIGEST = "1a2b3c4d5e6f7a8b"
TARGET = Target("default", "Deployment", "prod", "api", "api")
PEOPLE: dict[str, Any] = {
    "ann": {"token": "token-of-ann", "roles": ["on-call"], "slack": "U0ANN"},
    "bob": {"token": "token-of-bob", "roles": ["admin"], "slack": "U0BOB"},
}
ANN = {"Authorization": "Bearer token-of-ann"}
BOB = {"Authorization": "Bearer token-of-bob"}


def attempt(number: int = 1, state: ActionState = ActionState.PROPOSED, **more: Any) -> Attempt:
    preview = Preview("restart the 3 pods of api", (Change("restarted at", "", "now"),), pods=3, ready=3, replicas=3)
    step = Step(
        "restart", "kubernetes.rollout_restart", {}, TARGET, ("kubectl rollout restart deployment/api",), preview
    )
    made = Attempt(number, "restart", (step,), "approve", NOW, state, DIGEST, expires_at=NOW + timedelta(minutes=15))
    return replace(made, **more)


def incident(*attempts: Attempt, status: Status = Status.OPEN, playbook: str = "") -> Incident:
    return Incident(
        number=17,
        rule="pack/errors",
        key="default",
        cluster="default",
        target=TARGET,
        severity="critical",
        title="Errors",
        opened_at=NOW,
        started_at=NOW,
        status=status,
        attempts=attempts,
        playbook=playbook,
    )


SAID_YES = Approval("ann", NOW, yes=True)


def asking(**inputs: Any) -> Playbook:
    """Build a playbook whose one action asks for inputs."""
    return Playbook("pack/errors", actions=(ActionStep("restart", "kubernetes.rollout_restart", inputs=inputs),))


async def written(house: House) -> Sequence[Answered | ActionAsked]:
    """List what people said, as it stands on the timeline."""
    events: Sequence[Event] = await house.reader.timeline(17)
    return [event.what for event in events if isinstance(event.what, Answered | ActionAsked)]
