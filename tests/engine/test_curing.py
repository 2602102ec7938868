"""Which cure is named beside a refusal for want of a right."""

from dataclasses import replace

import pytest

from responder.engine.curing import cured
from responder.model.action import Attempt, Preview, Step
from responder.model.target import Target
from tests.engine.test_retelling import INCIDENT, OPENED

TARGET = Target("default", "Deployment", "prod", "api", "api")
ELSEWHERE = Target("default", "Deployment", "other", "api", "api")
MANUAL = "responder rbac --manual kubernetes.scale | kubectl apply -f -; name again what was granted by --manual before"
READING = "could not look: The cluster allows us no `get` on `deployments` in prod: grant it by RBAC"
WRITING = "Responder may not do it: no `patch` on `deployments` in prod"


@pytest.mark.parametrize("refusal", [READING, WRITING])
@pytest.mark.parametrize(
    ("by", "rule", "target", "cure"),
    [
        ("ann", "pack/errors", TARGET, MANUAL),
        ("", "pack/errors", TARGET, "responder rbac | kubectl apply -f -"),
        ("ann", "built-in/unmatched", TARGET, "give that right to our service account yourself, as no rule of yours"),
        ("ann", "pack/errors", ELSEWHERE, "give that right to our service account yourself, where its rules do not"),
    ],
)
def test_the_cure_is_the_command_that_grants_it(refusal: str, by: str, rule: str, target: Target, cure: str) -> None:
    step = Step("kubernetes.scale", "kubernetes.scale", {}, target)
    attempt = Attempt(1, "kubernetes.scale", (step,), "approve", OPENED, proposed_by=by)
    incident = replace(INCIDENT, rule=rule, target=TARGET)
    assert cured(Preview("", refusal=refusal), step, attempt, incident).refusal.startswith(f"{refusal}. Cure: {cure}")


@pytest.mark.parametrize("refusal", ["", "it is paused", "could not look: no answer within 10s"])
def test_what_is_no_matter_of_rights_has_no_such_cure(refusal: str) -> None:
    step = Step("kubernetes.scale", "kubernetes.scale", {}, TARGET)
    attempt = Attempt(1, "kubernetes.scale", (step,), "approve", OPENED, proposed_by="ann")
    assert cured(Preview("", refusal=refusal), step, attempt, INCIDENT) == Preview("", refusal=refusal)
