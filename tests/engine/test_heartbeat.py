"""Alerts that must keep coming."""

from responder.model.incident import Status
from tests.engine.conftest import Build
from tests.engine.world import World, alert


async def look(world: World, **span: float) -> None:
    """Move the clock, look, and let what follows happen."""
    world.clock.forward(**span)
    await world.engine.heartbeats.step()
    await world.engine.settle()


async def test_a_heartbeat_opens_nothing_while_it_comes(world: World) -> None:
    for _ in range(5):
        await world.deliver(alert("Watchdog", prometheus="a"))
        await look(world, minutes=4)
    assert await world.incidents() == []


async def test_one_that_was_never_seen_is_not_missed(world: World) -> None:
    await look(world, hours=1)
    assert await world.incidents() == []


async def test_its_absence_opens_an_incident_and_its_return_ends_it(world: World) -> None:
    await world.deliver(alert("Watchdog", prometheus="a"))
    await look(world, minutes=6)
    await look(world, minutes=6)
    incident = await world.only()
    assert incident.rule == "rules/watchdog"
    assert incident.severity == "critical"
    assert incident.firing[0].labels["prometheus"] == "a"
    assert "watchdog is missing (prometheus a)" in world.sent("post")[0]["text"]
    await world.deliver(alert("Watchdog", prometheus="a"))
    await look(world, seconds=15)
    assert (await world.only()).status is Status.MONITORING
    await look(world, minutes=6)
    assert [incident.status for incident in await world.incidents()] == [Status.OPEN]


async def test_each_of_several_is_missed_by_itself(world: World) -> None:
    await world.deliver(alert("Watchdog", prometheus="a"), alert("Watchdog", prometheus="b"))
    await world.later(minutes=4)
    await world.deliver(alert("Watchdog", prometheus="b"))
    await look(world, minutes=2)
    assert [e.labels["prometheus"] for e in (await world.only()).firing] == ["a"]


async def test_a_resolved_watchdog_is_no_heartbeat(world: World) -> None:
    await world.deliver(alert("Watchdog", prometheus="a", status="resolved", end=5))
    assert await world.store.read("heartbeats_list") == []


async def test_after_our_own_start_it_gets_its_whole_time_anew(start: Build) -> None:
    first = await start()
    await first.deliver(alert("Watchdog", prometheus="a"))
    await first.store.close()
    first.clock.forward(hours=3)
    second = await start(clock=first.clock)
    await look(second, minutes=4)
    assert await second.incidents() == []
    await look(second, minutes=2)
    assert (await second.only()).rule == "rules/watchdog"


async def test_a_heartbeat_whose_rule_is_gone_is_forgotten_and_its_incident_ends(start: Build) -> None:
    first = await start()
    await first.deliver(alert("Watchdog", prometheus="a"))
    await look(first, minutes=6)
    await first.store.close()
    second = await start(clock=first.clock, rules="rules: []\n")
    await look(second, minutes=1)
    assert (await second.only()).status is Status.MONITORING
    assert await second.store.read("heartbeats_list") == []
