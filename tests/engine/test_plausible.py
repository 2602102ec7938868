"""Moments that cannot be are not believed, and never shown."""

from datetime import timedelta

import pytest

from responder.model.incident import Status
from tests.engine.world import NEVER, NOON, World, alert

AHEAD = (NOON + timedelta(days=400)).isoformat()


@pytest.mark.parametrize("began", [NEVER, "1970-01-01T00:00:00Z", AHEAD], ids=["zero", "1970", "ahead"])
async def test_a_start_that_cannot_be_is_when_we_heard_of_it(world: World, began: str) -> None:
    odd = {**alert(), "startsAt": began}
    await world.deliver(odd)
    await world.later(minutes=10)
    await world.deliver(odd)
    incident = await world.only()
    assert incident.started_at == NOON
    assert [episode.started_at for episode in incident.episodes] == [NOON]
    assert world.sent("post")
    assert not any(f"datetime.datetime({int(began[:4])}, " in line["text"] for line in world.sent("post"))
    await world.deliver({**alert(status="resolved", end=300), "startsAt": began})
    assert (await world.only()).status is Status.MONITORING
    assert (await world.only()).episodes[0].ended_at == NOON + timedelta(minutes=5)


async def test_an_end_that_cannot_be_is_when_we_heard_of_it(world: World) -> None:
    await world.deliver(alert())
    await world.later(minutes=1)
    await world.deliver({**alert(status="resolved"), "endsAt": AHEAD})
    assert (await world.only()).episodes[0].ended_at == NOON + timedelta(minutes=1)


async def test_a_start_a_little_ahead_is_believed(world: World) -> None:
    await world.deliver(alert(start=3600))
    assert (await world.only()).started_at == NOON + timedelta(hours=1)
