"""Taking deliveries in: the answer comes after the commit, and many share one."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from responder.engine.accept import Intake
from responder.errors import IntakeFull, StoreUnavailable
from tests.engine.world import NOON, World, alert, delivery


class Slow:
    """An inbox in front of the real one, that lets a test hold commits up and count them."""

    def __init__(self, inbox: Any) -> None:
        self.inbox = inbox
        self.commits: list[int] = []
        self.open = asyncio.Event()
        self.down = False

    async def add(self, rows: Sequence[tuple[bytes, str, int]]) -> None:
        """Commit when it is open."""
        await self.open.wait()
        if self.down:
            raise StoreUnavailable
        self.commits.append(len(rows))
        await self.inbox.add(rows)

    async def probe(self) -> None:
        """Write nothing."""
        if self.down:
            raise StoreUnavailable
        await self.inbox.probe()


class SlowStore:
    """A store with that inbox."""

    def __init__(self, world: World) -> None:
        self.inbox = Slow(world.store.inbox)


def intake(store: Any, capacity: int = 1_000_000) -> Intake:
    return Intake(store, now=lambda: NOON, committed=lambda: None, capacity=capacity, kept=5)


async def begun(taking: Intake, *bodies: bytes) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(taking.accept(body)) for body in bodies]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_nobody_is_answered_before_the_commit(world: World) -> None:
    store = SlowStore(world)
    tasks = await begun(intake(store), b"1", b"2")
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks)
    store.inbox.open.set()
    await asyncio.gather(*tasks)
    assert (await world.store.inbox.count())[0] == 2


async def test_all_that_come_while_a_commit_runs_share_the_next(world: World) -> None:
    store = SlowStore(world)
    taking = intake(store)
    tasks = await begun(taking, b"first")
    tasks += await begun(taking, *(b"%d" % number for number in range(50)))
    store.inbox.open.set()
    await asyncio.gather(*tasks)
    assert store.inbox.commits == [1, 50]
    assert taking.held == 0


async def test_a_full_intake_refuses_and_takes_again_when_there_is_room(world: World) -> None:
    store = SlowStore(world)
    taking = intake(store, capacity=100)
    tasks = await begun(taking, b"x" * 60)
    with pytest.raises(IntakeFull) as full:
        await taking.accept(b"x" * 60)
    assert full.value.retry_after > 0
    store.inbox.open.set()
    await asyncio.gather(*tasks)
    await taking.accept(b"x" * 60)
    assert (await world.store.inbox.count())[0] == 2


async def test_with_the_store_down_everybody_is_refused_and_nothing_is_held(world: World) -> None:
    store = SlowStore(world)
    store.inbox.down = True
    store.inbox.open.set()
    taking = intake(store)
    for task in await begun(taking, b"1", b"2"):
        with pytest.raises(StoreUnavailable):
            await task
    assert taking.held == 0
    store.inbox.down = False
    await taking.accept(b"3")


async def test_who_goes_away_while_waiting_takes_nobody_along(world: World) -> None:
    store = SlowStore(world)
    taking = intake(store)
    first, second = await begun(taking, b"1", b"2")
    first.cancel()
    store.inbox.open.set()
    await second
    await taking.close()
    assert (await world.store.inbox.count())[0] == 2
    assert taking.held == 0


async def test_closing_commits_what_was_taken_in(world: World) -> None:
    taking = world.engine.intake
    tasks = await begun(taking, *(delivery(alert(pod=f"p{number}")) for number in range(20)))
    await taking.close()
    assert all(task.done() for task in tasks)
    assert (await world.store.inbox.count())[0] == 20


async def test_why_nothing_can_be_committed_is_known_until_it_can(world: World) -> None:
    store = SlowStore(world)
    store.inbox.open.set()
    taking = intake(store)
    await taking.accept(b"1")
    assert taking.trouble == ""
    store.inbox.down = True
    with pytest.raises(StoreUnavailable):
        await taking.accept(b"2")
    assert "the store does not answer" in taking.trouble.lower()
    assert await taking.probe() == taking.trouble
    store.inbox.down = False
    assert await taking.probe() == taking.trouble == ""
