"""What was to last as long as an incident ends with it; an action that went wrong wakes people anew."""

import pytest

from responder.model.action import ActionState
from responder.model.incident import Status
from tests.engine.acting import Stage, play
from tests.engine.conftest import Build
from tests.engine.world import alert


async def over(stage: Stage) -> None:
    """Let the alert end, and the quiet time pass."""
    await stage.world.deliver(alert(status="resolved", end=60))
    await stage.world.later(minutes=5)
    await stage.world.later(minutes=5)


@pytest.mark.parametrize("stopped", [False, True], ids=["as ever", "all automation is stopped"])
async def test_what_was_to_last_as_long_as_the_incident_ends_with_it(start: Build, stopped: bool) -> None:
    stage = await play(start, "trial.hush")
    await stage.approve()
    if stopped:
        await stage.world.engine.controls.stop("bob", why="black friday")
    await over(stage)
    assert [effect["value"] for effect in stage.effects] == [2, 1]
    assert (await stage.state(), (await stage.incident()).status) == (ActionState.UNDONE, Status.RESOLVED)


async def test_what_cannot_be_ended_keeps_no_incident_open(start: Build) -> None:
    stage = await play(start, "trial.hush")
    await stage.approve()
    stage.touch("refuses")
    await over(stage)
    assert (await stage.state(), (await stage.incident()).status) == (ActionState.FAILED, Status.RESOLVED)
    assert any("a person is needed" in line["text"] for line in stage.world.sent())


async def test_what_is_to_last_longer_stays_when_automation_is_stopped(start: Build) -> None:
    stage = await play(start, "trial.switch")
    await stage.approve()
    await over(stage)
    assert [effect["value"] for effect in stage.effects] == [2]


async def test_an_action_that_failed_by_itself_wakes_people_under_a_key_of_its_own(start: Build) -> None:
    stage = await play(start, "trial.switch", mode="auto", name="'${labels.namespace}'")
    stage.touch("refuses")
    labels = {"severity": "critical", "namespace": "b"}
    await stage.world.deliver(alert(**labels))
    assert await stage.state(2) is ActionState.FAILED
    first, anew = stage.world.sent("page")
    assert (first["event"], anew["event"], anew["key"]) == ("trigger", "trigger", f"{first['key']}/1")
    await stage.world.deliver(alert(status="resolved", end=60, **labels))
    await stage.world.later(minutes=5)
    await stage.world.later(minutes=5)
    ended = [page["key"] for page in stage.world.sent("page") if page["event"] == "resolve"]
    assert sorted(ended) == [first["key"], anew["key"]]
