"""Incidents that begin faster than a channel can take share one message; the most severe never do."""

from typing import Any

from responder.engine.runtime import Limits
from responder.engine.storms import storm_of
from responder.engine.views import Wanted
from responder.model.incident import Status
from tests.engine.conftest import Build
from tests.engine.world import World, alert

MANY = 25


async def burst(world: World, many: int = MANY, first: int = 0, **more: Any) -> None:
    """Let many incidents begin at once."""
    await world.deliver(*(alert(namespace=f"n{first + number}", **more) for number in range(many)))


def messages(world: World, kind: str = "post") -> list[dict[str, Any]]:
    return [line for line in world.sent(kind) if line["purpose"] == "message"]


def storms(world: World) -> list[dict[str, Any]]:
    return [line for line in world.sent() if line.get("incident", "").startswith("STORM-")]


async def test_beyond_ten_a_minute_they_become_lines_of_one_message(world: World) -> None:
    await burst(world)
    await world.later(seconds=3)
    own = {line["incident"] for line in messages(world) if line["incident"].startswith("INC-")}
    assert len(own) == 10
    assert {line["incident"] for line in storms(world)} == {"STORM-1"}
    assert [line["kind"] for line in storms(world)].count("post") == 1
    assert storms(world)[-1]["summary"] == "Alert storm: 15 incidents, 15 open"
    for incident in await world.incidents():
        assert (f"text='{incident.id}'" in storms(world)[-1]["text"]) == (incident.id not in own)


async def test_the_most_severe_have_a_message_of_their_own_in_any_storm(world: World) -> None:
    await burst(world)
    await burst(world, 5, first=100, severity="critical")
    await world.later(seconds=3)
    posted = {line["incident"] for line in messages(world)}
    assert {f"INC-{number}" for number in range(MANY + 1, MANY + 6)} <= posted


async def test_a_slow_trickle_is_no_storm(world: World) -> None:
    for number in range(15):
        await world.deliver(alert(namespace=f"n{number}"))
        await world.later(seconds=7)
    assert storms(world) == []
    assert len({line["incident"] for line in messages(world)}) == 15


async def test_a_line_follows_its_incident_to_its_end(world: World) -> None:
    await burst(world)
    await world.deliver(*(alert(namespace=f"n{n}", status="resolved", end=30) for n in range(MANY)))
    for _ in range(8):
        await world.later(minutes=1)
    assert {incident.status for incident in await world.incidents()} == {Status.RESOLVED}
    assert storms(world)[-1]["summary"] == "Alert storm: 15 incidents, 0 open"
    assert storms(world)[-1]["status"] == "resolved"
    assert [line["kind"] for line in storms(world)].count("post") == 1


async def test_a_line_that_becomes_most_severe_leaves_for_a_message_of_its_own(world: World) -> None:
    await burst(world)
    stormy = next(one for one in await world.incidents() if storm_of(one.posts["default/incidents"].ref) is not None)
    namespace = stormy.labels["namespace"]
    await world.later(seconds=3)
    await world.deliver(alert(namespace=namespace, pod="other", severity="critical"))
    for _ in range(4):
        await world.later(seconds=3)
    assert stormy.id in {line["incident"] for line in messages(world)}
    assert f"text='{stormy.id}'" not in storms(world)[-1]["text"]
    (after,) = [one for one in await world.engine.reader.incidents(Wanted(limit=99)) if one.number == stormy.number]
    assert storm_of(after.posts["default/incidents"].ref) is None


async def test_edits_of_the_storm_are_as_few_as_time_allows(world: World) -> None:
    await burst(world)
    for number in range(10):
        await world.deliver(alert(namespace=f"late{number}"))
    assert len(storms(world)) == 1
    await world.later(seconds=3)
    assert len(storms(world)) == 2


async def test_the_next_storm_has_a_message_of_its_own(world: World) -> None:
    await burst(world)
    await world.later(minutes=11)
    await burst(world, first=1000)
    await world.later(seconds=3)
    assert {line["incident"] for line in storms(world)} == {"STORM-1", "STORM-2"}


async def test_while_the_channel_is_down_a_storm_waits_and_is_told_once(world: World) -> None:
    down = world.folder / "down"
    down.touch()
    await burst(world)
    for _ in range(5):
        await world.later(minutes=1)
    assert world.sent() == []
    down.unlink()
    for _ in range(5):
        await world.later(minutes=1)
    assert [line["kind"] for line in storms(world)].count("post") == 1
    assert len({line["incident"] for line in messages(world)}) == 11


async def test_the_guard_can_be_switched_off(start: Build) -> None:
    world = await start(limits=Limits(storm=0))
    await burst(world)
    assert len(messages(world)) == MANY
