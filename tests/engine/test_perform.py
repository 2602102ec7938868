"""Commands: what fails is told, what may work is tried again, what was lost is found, what is stale is refused."""

import asyncio
from datetime import timedelta
from pathlib import Path

from responder.engine.perform import MOST_LOST
from responder.engine.runtime import Limits
from responder.model.finding import DiagnosticStatus
from responder.model.timeline import Diagnosed, Notified, NotifyFailed, Paged
from responder.store.rows import CommandRow, micros
from tests.engine.conftest import Build
from tests.engine.world import RULES, Clock, World, alert, delivery

FAILING = RULES + "      - {name: never, when: 'hangs.value > 0', say: never}\n"
FAILING = FAILING.replace(
    "    diagnose:\n",
    "    diagnose:\n"
    "      hangs: {trial.fails: {how: hangs}}\n"
    "      breaks: {trial.fails: {how: breaks}}\n"
    "      refuses: {trial.fails: {how: refuses}}\n",
)


def touch(world: World, name: str) -> Path:
    path = world.folder / name
    path.touch()
    return path


async def test_what_one_diagnostic_throws_is_told_and_the_others_go_on(start: Build) -> None:
    world = await start(rules=FAILING)
    await world.deliver(alert())
    readings = {w.name: w.reading for w in await world.happenings() if isinstance(w, Diagnosed)}
    assert readings["rate"].status is DiagnosticStatus.FOUND
    assert readings["hangs"].error == "no answer within 100ms"
    assert readings["breaks"].error == "it broke: ZeroDivisionError: division by zero"
    assert readings["refuses"].error == "forbidden: password=[redacted]"


async def test_while_a_channel_is_down_nothing_is_lost_and_it_hears_once(world: World) -> None:
    down = touch(world, "down")
    await world.deliver(alert())
    for _ in range(20):
        await world.later(seconds=61)
    assert world.sent() == []
    down.unlink()
    await world.later(seconds=61)
    assert len([line for line in world.sent("post") if line["purpose"] == "message"]) == 1


async def test_a_channel_that_refuses_is_told_to_the_incident(world: World) -> None:
    touch(world, "refuse")
    await world.deliver(alert())
    assert any(isinstance(what, NotifyFailed) for what in await world.happenings())
    assert "refuses" in next(iter((await world.only()).posts.values())).error


async def test_a_page_goes_out_though_the_channel_hangs(world: World) -> None:
    touch(world, "wait")
    await world.engine.intake.accept(delivery(*(alert(severity="critical", namespace=f"n{n}") for n in range(8))))
    settling = asyncio.create_task(world.engine.settle())
    async with asyncio.timeout(20):
        while len(world.sent("page")) < 8:
            await asyncio.sleep(0.01)
    assert {line["event"] for line in world.sent("page")} == {"trigger"}
    assert len({line["key"] for line in world.sent("page")}) == 8
    (world.folder / "wait").unlink()
    await settling
    assert any(isinstance(what, Paged) for what in await world.happenings())


async def test_no_more_runs_at_once_than_there_is_room_for(start: Build) -> None:
    world = await start(limits=Limits(per_receiver=2))
    touch(world, "hang")
    await world.engine.intake.accept(delivery(*(alert(namespace=f"n{n}") for n in range(8))))
    settling = asyncio.create_task(world.engine.settle())
    async with asyncio.timeout(20):
        while len(world.sent("post")) < 2:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert len(world.sent("post")) == 2
    (world.folder / "hang").unlink()
    await settling
    assert len({line["incident"] for line in world.sent("post")}) == 8


async def test_a_message_whose_answer_was_lost_is_found_again_and_adopted(world: World) -> None:
    """The process dies between the channel's answer and our commit; the next one looks before it posts."""
    touch(world, "hang")
    await world.engine.intake.accept(delivery(alert()))
    settling = asyncio.create_task(world.engine.settle())
    async with asyncio.timeout(20):
        while not world.sent("post"):
            await asyncio.sleep(0.01)
    settling.cancel()
    for task in world.engine._performer.tasks:
        task.cancel()
    await asyncio.gather(settling, *world.engine._performer.tasks, return_exceptions=True)
    (world.folder / "hang").unlink()
    await world.later(minutes=1)
    messages = [line for line in world.sent() if line.get("purpose", "message") == "message"]
    assert [line["kind"] for line in messages][:2] == ["post", "adopt"]
    assert "post" not in [line["kind"] for line in messages][1:]
    notified = [what for what in await world.happenings() if isinstance(what, Notified)]
    assert notified[0].ref == messages[0]["ref"]


async def test_what_a_stale_owner_brings_back_is_refused(world: World) -> None:
    touch(world, "wait")
    await world.engine.intake.accept(delivery(alert()))
    settling = asyncio.create_task(world.engine.settle())
    async with asyncio.timeout(20):
        while not world.engine._performer.tasks:
            await asyncio.sleep(0.01)
    async with world.store.transaction() as tx:
        later = micros(world.clock.now() + timedelta(minutes=1))
        lanes = [row[0] for row in await tx.fetch("lanes_due", later)]
        taken = [
            CommandRow.of(row)
            for lane in lanes
            for row in await tx.fetch("command_claim", "another", later, later, lane, 99)
        ]
    assert {row.epoch for row in taken} == {2}
    (world.folder / "wait").unlink()
    await settling
    assert not [what for what in await world.happenings() if isinstance(what, Notified)]


async def test_a_command_that_is_taken_by_another_is_ended_here(world: World) -> None:
    touch(world, "wait")
    await world.engine.intake.accept(delivery(alert()))
    settling = asyncio.create_task(world.engine.settle())
    async with asyncio.timeout(20):
        while not [t for t in world.engine._performer.tasks if "notify" in t.get_name()]:
            await asyncio.sleep(0.01)
    (task,) = [t for t in world.engine._performer.tasks if "notify" in t.get_name()]
    await world.engine._performer.extend()
    assert not task.cancelling()
    async with world.store.transaction() as tx:
        later = micros(world.clock.now() + timedelta(minutes=1))
        await tx.fetch("command_claim", "another", later, later, "notify/default/incidents", 99)
    await world.engine._performer.extend()
    assert task.cancelling()
    (world.folder / "wait").unlink()
    await settling


async def test_a_command_that_keeps_losing_its_owners_is_given_up(world: World) -> None:
    touch(world, "down")
    await world.deliver(alert())
    async with world.store.transaction() as tx:
        for _ in range(MOST_LOST):
            later = micros(world.clock.now() + timedelta(days=1))
            await tx.fetch("command_claim", "dies", later - 1, later, "notify/default/incidents", 99)
    await world.later(days=1)
    failed = [what for what in await world.happenings() if isinstance(what, NotifyFailed)]
    assert "given up" in failed[0].why


async def test_stopping_releases_what_does_not_end_in_time(start: Build) -> None:
    world = await start(stop_within=timedelta(milliseconds=50), now=Clock().now)
    touch(world, "wait")
    await world.engine.start()
    await world.engine.intake.accept(delivery(alert()))
    async with asyncio.timeout(20):
        while not [t for t in world.engine._performer.tasks if "notify" in t.get_name()]:
            await asyncio.sleep(0.01)
    await world.engine.stop()
    rows = await world.store.read("lanes_due", micros(world.clock.now()))
    assert ("notify/default/incidents",) in [tuple(row) for row in rows]
    assert not world.engine._performer.tasks


async def test_to_be_released_is_not_to_be_lost(world: World) -> None:
    down = touch(world, "down")
    await world.deliver(alert())
    for _ in range(2 * MOST_LOST):
        later = micros(world.clock.now() + timedelta(days=1))
        async with world.store.transaction() as tx:
            rows = await tx.fetch("command_claim", "stops", later - 1, later, "notify/default/incidents", 99)
            tx.run("command_release", rows[0][0], CommandRow.of(rows[0]).epoch, 0)
    down.unlink()
    await world.later(minutes=2)
    assert len([line for line in world.sent("post") if line["purpose"] == "message"]) == 1


async def test_a_turn_that_fails_is_shown_and_its_neighbours_go_on(world: World) -> None:
    await world.deliver(alert(namespace="a"), alert(namespace="b"))
    async with world.store.transaction() as tx:
        await tx.fetch("incident_lock", 1)
        tx.run("event_add", 1, "trouble", '{"kind":"nonsense"}', 0, 0)
        tx.run("incident_wake", 1, 0)
    for _ in range(3):
        await world.later(minutes=1)
    await world.deliver(alert(namespace="b", status="resolved", end=30))
    unseen = await world.store.read("events_unseen", 1, 99)
    assert len([row for row in unseen if "a turn of this incident failed" in row[2]]) == 1
    (_, other) = [await world.engine.reader.incident(number) for number in (1, 2)]
    assert other is not None
    assert other.status == "monitoring"
