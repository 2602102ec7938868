"""What the API shows of a timeline holds nothing that is kept only to take something back, and no secrets."""

import json
from dataclasses import replace

import aiohttp

from responder.model import codec
from responder.model.action import ActionState, Approval, Attempt, Change, Kept, Outcome, Preview, Step
from responder.model.target import Target
from responder.model.timeline import Acted, ActionAsked, Answered, Opened, Previewed
from responder.web.shown import shown
from tests.web.house import NOW, House
from tests.web.test_api import incident

BASIS = {"generation": 7, "password": "hunter2"}


def test_what_taking_back_needs_is_not_shown() -> None:
    acted = shown(Acted(1, 0, Outcome("done", "patched", undo={"value": "hunter2"}, basis=BASIS)))
    previewed = shown(Previewed(1, 1, (Preview("patch", undo={"value": "hunter2"}, basis=BASIS),)))
    for what in (acted, previewed):
        told = codec.HAPPENING.dump(what)
        assert "hunter2" not in told
        assert '"generation":7' in told


def test_secrets_that_people_give_are_not_shown() -> None:
    for what in (
        ActionAsked("ann", "kubernetes.patch_secret", {"key": "x", "token": "hunter2"}),
        Answered(1, "yes", "ann", inputs={"password": "hunter2", "cidrs": ["10.0.0.0/24"]}),
    ):
        assert "hunter2" not in codec.HAPPENING.dump(shown(what))


def test_everything_else_is_shown_as_it_is() -> None:
    opened = Opened("r", "critical", "because")
    assert shown(opened) is opened


STEP = Step(
    "patch",
    "kubernetes.patch_secret",
    {"key": "x", "password": "hunter2"},
    Target("default", "Secret", "prod", "api"),
    preview=Preview("patch x", changes=(Change("x", "hidden", "hidden"),), undo="hunter2"),
    outcome=Outcome(
        "done", "patched", ("1 key",), undo="hunter2", kept=(Kept("old.yaml", "ab", 7, "s3://b/old.yaml"),)
    ),
)


async def test_an_incident_lists_every_attempt_without_secrets(house: House, client: aiohttp.ClientSession) -> None:
    approval = Approval("ann", NOW, True, ("security",))
    attempt = Attempt(1, "patch", (STEP,), "approve", NOW, ActionState.DONE, approvals=(approval,), why="patched")
    await house.put(replace(incident(1), attempts=(attempt,)))
    async with client.get(f"{house.url}/v1/incidents/INC-1") as answer:
        text = await answer.text()
    assert "hunter2" not in text
    (shown_attempt,) = json.loads(text)["actions"]
    assert (shown_attempt["id"], shown_attempt["state"], shown_attempt["why"]) == ("INC-1/1", "done", "patched")
    assert [approval["by"] for approval in shown_attempt["approvals"]] == ["ann"]
    (step,) = shown_attempt["steps"]
    assert (step["outcome"], step["said"], step["preview"]["summary"]) == ("done", "patched", "patch x")
    assert [kept["place"] for kept in step["evidence"]] == ["s3://b/old.yaml"]
