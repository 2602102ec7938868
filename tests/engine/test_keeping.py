"""What is old goes, whole; what is open stays."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from responder.engine.keeping import Keeper
from responder.engine.runtime import Limits
from responder.errors import PermanentError
from responder.model.command import Notify
from responder.model.message import Purpose
from tests.engine.world import World, alert


async def test_a_resolved_incident_goes_with_all_that_belongs_to_it(world: World) -> None:
    await world.deliver(alert(namespace="a"), alert(namespace="b"), alert("InfoInhibitor"))
    await world.deliver(alert(namespace="a", status="resolved", end=30), alert("InfoInhibitor", status="resolved"))
    await world.later(minutes=10)
    await world.later(days=89)
    async with world.store.transaction() as tx:
        for number in (1, 2):
            tx.run("attempt_put", number, 1, "in doubt", 0, 1)
    await world.engine.keeper.step()
    assert [incident.number for incident in await world.incidents()] == [1, 2]
    await world.later(days=2)
    await world.engine.keeper.step()
    assert [incident.number for incident in await world.incidents()] == [2]
    assert await world.happenings(1) == []
    assert len(await world.happenings(2)) > 0
    assert {seen.incident for seen in await world.engine.reader.alerts()} == {2}
    assert (await world.engine.reader.counts()).attempts == {"in doubt": 1}


async def test_the_playbook_of_an_open_incident_stays(world: World) -> None:
    await world.deliver(alert())
    digest = (await world.only()).playbook
    await world.later(days=400)
    await world.engine.keeper.step()
    assert len(await world.store.read("playbook_read", digest)) == 1


async def test_commands_that_are_done_go_after_a_week(world: World) -> None:
    await world.deliver(alert())
    await world.later(days=8)
    assert await _sendings(world) == 1
    await world.engine.keeper.step()
    assert await _sendings(world) == 0


async def test_evidence_stays_while_its_incident_is_open_and_long_after(world: World) -> None:
    asked: list[tuple[datetime, set[str]]] = []

    async def sweep(before: datetime, spared: Collection[str]) -> int:
        asked.append((before, set(spared)))
        return 1

    runtime = replace(world.runtime, sweep_evidence=sweep, limits=Limits(keep_evidence=timedelta(days=30)))
    keeper = Keeper(world.store, runtime, "somebody")
    await world.deliver(alert(namespace="a"), alert(namespace="b"))
    await world.deliver(alert(namespace="a", status="resolved", end=30))
    await world.later(minutes=10)
    for days, spared in ((29, {"INC-1", "INC-2"}), (2, {"INC-2"}), (400, {"INC-2"})):
        await world.later(days=days)
        await keeper.sweep()
        assert asked[-1] == (world.clock.now() - timedelta(days=30), spared)


async def test_without_a_folder_or_with_one_that_is_not_ours_to_change_all_goes_on(world: World) -> None:
    async def refused(before: datetime, spared: Collection[str]) -> int:
        raise PermanentError("read-only")

    assert not await world.engine.keeper.sweep()
    assert not await Keeper(world.store, replace(world.runtime, sweep_evidence=refused), "somebody").sweep()


async def _sendings(world: World) -> int:
    ever = 2**62
    key = Notify("default/incidents", Purpose.MESSAGE, 1).key
    rows = await world.store.read("first_sendings", "notify/default/incidents", key, 0, ever, ever)
    return int(rows[0][0])
