"""What operators read in the log, without any chat."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from responder.engine.loops import Loop
from responder.errors import StoreUnavailable
from tests.engine.acting import play
from tests.engine.conftest import Build
from tests.engine.world import RULES, World, alert

FAILING = RULES.replace("    diagnose:\n", "    diagnose:\n      refuses: {trial.fails: {how: refuses}}\n")


def of(logs: list[EventDict], event: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "event"} for line in logs if line["event"] == event]


async def test_the_life_of_an_incident_is_in_the_log(world: World) -> None:
    with capture_logs() as logs:
        await world.deliver(alert())
        await world.deliver(alert(pod="b", severity="critical"))
        await world.deliver(alert(status="resolved", end=60), alert(pod="b", severity="critical", status="resolved"))
        await world.later(minutes=6)
    (opened,) = of(logs, "incident.opened")
    assert (opened["incident"], opened["severity"], opened["cluster"]) == ("INC-1", "warning", "default")
    (raised,) = of(logs, "incident.severity_raised")
    assert (raised["before"], raised["after"]) == ("warning", "critical")
    assert [line["after"] for line in of(logs, "incident.status_changed")] == ["monitoring", "resolved"]


async def test_a_diagnostic_that_could_not_look_is_in_the_log_without_its_secrets(start: Build) -> None:
    world = await start(rules=FAILING)
    with capture_logs() as logs:
        await world.deliver(alert())
    (failed,) = of(logs, "diagnostic.failed")
    assert (failed["incident"], failed["plugin"], failed["why"]) == (
        "INC-1",
        "trial.fails",
        "forbidden: password=[redacted]",
    )


@pytest.mark.parametrize(
    ("file", "event", "why", "level"),
    [
        ("refuse", "notify.refused", "the channel refuses", "warning"),
        ("refuse-page", "page.refused", "the pager refuses", "warning"),
        ("down", "notify.again", "the channel is down", "info"),
    ],
)
async def test_a_sending_that_fails_is_in_the_log(world: World, file: str, event: str, why: str, level: str) -> None:
    (Path(world.folder) / file).touch()
    with capture_logs() as logs:
        await world.deliver(alert(severity="critical"))
    found = of(logs, event)
    assert found
    assert (found[0]["incident"], found[0]["why"], found[0]["log_level"]) == ("INC-1", why, level)
    assert found[0]["receiver"].startswith("default/")


async def test_that_the_store_answers_again_is_in_the_log_once() -> None:
    lost = [True, False, False]

    async def step() -> bool:
        if lost.pop(0):
            raise StoreUnavailable("the disk is full")
        return False

    loop = Loop("work", step, timedelta(seconds=1))
    with capture_logs() as logs:
        await loop.attempt()
        assert loop.unavailable == "the disk is full"
        await loop.attempt()
        await loop.attempt()
    assert [line["event"] for line in logs] == ["store.unavailable", "store.recovered"]
    assert loop.unavailable == ""


async def test_the_life_of_an_action_is_in_the_log(start: Build) -> None:
    with capture_logs() as logs:
        stage = await play(start)
        stage.touch("breaks")
        await stage.approve()
        await stage.answer("no", "bob")
        await stage.world.engine.settle()
    assert [line["answer"] for line in of(logs, "action.answered")] == ["yes", "no"]
    moved = of(logs, "action.moved")
    assert [line["after"] for line in moved] == ["proposed", "approved", "checked", "running", "in doubt"]
    assert (moved[1]["by"], moved[-1]["log_level"]) == ("ann", "warning")
    (tried,) = of(logs, "action.tried")
    assert (tried["plugin"], tried["status"], tried["log_level"]) == ("trial.switch", "in_doubt", "warning")
    assert [line["refusals"] for line in of(logs, "action.previewed")] == [[], []]
    (refused,) = of(logs, "answer.refused")
    assert (refused["by"], refused["log_level"]) == ("bob", "warning")
