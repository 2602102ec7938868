"""What a store promises, on both databases."""

import asyncio
import re

import pytest

from responder.errors import ConfigError, StoreRefused, StoreUnavailable
from responder.store.opening import open_store
from responder.store.statements import statements
from responder.store.store import Store


async def add(store: Store, name: str, value: int = 1) -> None:
    async with store.transaction() as tx:
        tx.run("counter_add", name, value)


async def value(store: Store, name: str) -> int | None:
    rows = await store.read("counter_read", name)
    return rows[0][0] if rows else None


async def test_what_is_noted_is_there_after_the_block_and_not_before(store: Store) -> None:
    async with store.transaction() as tx:
        tx.run("counter_add", "a", 1)
        tx.run_each("counter_add", [("a", 2), ("b", 3)])
        assert await tx.fetch("counter_read", "b") != []
        assert await value(store, "a") is None
    assert (await value(store, "a"), await value(store, "b")) == (3, 3)


async def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.fetch("counter_read", "a")
            tx.run("counter_add", "a", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await add(store, "b")
    assert await value(store, "a") is None


async def test_a_value_that_does_not_fit_is_refused_and_the_store_goes_on(store: Store) -> None:
    with pytest.raises(StoreRefused):
        await add(store, "a\ud800")
    with pytest.raises(StoreRefused):
        await add(store, "a", 2**64)
    await add(store, "a")
    assert await value(store, "a") == 1


async def test_a_block_that_is_cancelled_at_any_point_leaves_nothing_behind(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.fetch("counter_read", "a")
            tx.run("counter_add", "a", 1)
            await tx.fetch_each("counter_read", [("a",)] * 50)
            await asyncio.Event().wait()

    for turns in range(0, 40, 3):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await add(store, "b")
    assert (await value(store, "a"), await value(store, "b")) == (None, 1)


async def test_many_at_once_each_count(store: Store) -> None:
    await asyncio.gather(*(add(store, "a") for _ in range(40)))
    assert await value(store, "a") == 40


async def test_rows_of_several_statements_come_in_their_order(store: Store) -> None:
    await add(store, "a", 1)
    await add(store, "b", 2)
    async with store.transaction() as tx:
        assert [row[0] for row in await tx.fetch_each("counter_read", [("b",), ("none",), ("a",)])] == [2, 1]
        first, second = await tx.fetch_all(("counter_read", "a"), ("counter_read", "none"))
        assert ([tuple(row) for row in first], list(second)) == ([(1,)], [])


async def test_what_was_written_outlives_the_store(database_url: str) -> None:
    store = await open_store(database_url)
    await add(store, "a", 7)
    await store.inbox.add([(b"\x00\xff", "delivery", 5)])
    await store.close()
    again = await open_store(database_url)
    assert await value(again, "a") == 7
    assert await again.inbox.count() == (1, 5)
    await again.close()


async def test_a_closed_store_is_unavailable(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.read("alive")
    with pytest.raises(StoreUnavailable):
        await add(store, "a")


async def test_a_database_of_a_newer_version_is_refused(store: Store, database_url: str) -> None:
    async with store.transaction() as tx:
        tx.run("schema_write", "state", 999)
    await store.close()
    with pytest.raises(ConfigError, match="newer responder"):
        await open_store(database_url)


async def test_the_inbox_gives_deliveries_back_in_order_until_they_are_settled(store: Store) -> None:
    inbox = store.inbox
    await inbox.add([(b"%d" % number, "delivery", number) for number in range(5)])
    async with store.transaction() as tx:
        rows = await inbox.waiting(tx, 3)
        assert [row.received_at for row in rows] == [0, 1, 2]
        assert list((await inbox.bodies(tx, [row.id for row in rows])).values()) == [b"0", b"1", b"2"]
        inbox.settle(tx, [rows[0].id, rows[1].id], (rows[2].id, 17))
    async with store.transaction() as tx:
        rows = await inbox.waiting(tx, 9)
        assert [(row.received_at, row.done) for row in rows] == [(2, 17), (3, 0), (4, 0)]
        inbox.settle(tx, [row.id for row in rows], None)
    await inbox.sweep()
    assert await inbox.count() == (0, None)


async def test_what_is_settled_in_a_block_that_raises_is_given_back_again(store: Store) -> None:
    await store.inbox.add([(b"x", "delivery", 1)])

    async def work() -> None:
        async with store.transaction() as tx:
            rows = await store.inbox.waiting(tx, 9)
            store.inbox.settle(tx, [rows[0].id], None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await store.inbox.sweep()
    assert (await store.inbox.count())[0] == 1


async def test_deliveries_that_come_after_a_sweep_are_not_taken_for_old_ones(store: Store) -> None:
    for number in range(3):
        await store.inbox.add([(b"x", "delivery", number)])
        async with store.transaction() as tx:
            rows = await store.inbox.waiting(tx, 9)
            assert [row.received_at for row in rows] == [number]
            store.inbox.settle(tx, [rows[0].id], None)
        await store.inbox.sweep()


def test_both_dialects_have_the_same_statements_but_those_of_the_server_alone() -> None:
    sqlite, postgres = statements("sqlite"), statements("postgres")
    assert set(postgres) - set(sqlite) == {"frozen_end", "lock_migrations", "notify"}
    assert set(sqlite) <= set(postgres)


def test_few_statements_differ_between_the_dialects() -> None:
    sqlite, postgres = statements("sqlite"), statements("postgres")
    differing = {n for n in sqlite if sqlite[n] != re.sub(r"\s+for update( skip locked)?\b", "", postgres[n])}
    assert differing == {"inbox_add", "inbox_list", "lock_correlate"}
