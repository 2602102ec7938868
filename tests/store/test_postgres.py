"""The shared store: several processes, lost connections, a process that stands still."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from responder.errors import ConfigError, StoreUnavailable
from responder.store.opening import open_store
from tests.servers.postgres import start_postgres
from tests.servers.processes import Bench, free_port

pytestmark = pytest.mark.postgres


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_several_that_start_at_once_migrate_once(postgres_database: str) -> None:
    stores = await asyncio.gather(*(open_store(postgres_database) for _ in range(4)))
    assert await stores[0].read("counter_read", "incident") == [(0,)]
    for store in stores:
        await store.close()


async def test_a_hint_of_one_process_is_heard_by_another(postgres_database: str) -> None:
    one, two = await open_store(postgres_database), await open_store(postgres_database)
    heard: list[str] = []
    two.listen(heard.append)
    while "turn" not in heard:
        async with one.transaction() as tx:
            tx.hint("turn")
        await asyncio.sleep(0.01)
    await one.close()
    await two.close()


async def test_without_prepared_statements_it_works_behind_a_pooler(postgres_database: str) -> None:
    store = await open_store(f"{postgres_database}?statement_cache_size=0")
    async with store.transaction() as tx:
        tx.run_each("counter_add", [("a", 1), ("a", 2)])
    assert [tuple(row) for row in await store.read("counter_read", "a")] == [(3,)]
    await store.close()
    with pytest.raises(ConfigError, match="write 0"):
        await open_store(f"{postgres_database}?statement_cache_size=none")


async def test_a_server_that_is_away_makes_the_store_unavailable_until_it_is_back(bench: Bench) -> None:
    postgres = start_postgres(bench)
    store = await open_store(postgres.url())
    postgres.server.stop()
    with pytest.raises(StoreUnavailable, match="database_url"):
        await store.read("alive")
    with pytest.raises(StoreUnavailable):
        await store.inbox.add([(b"x", "delivery", 1)])
    postgres.server.start()
    async with asyncio.timeout(30):
        while True:
            try:
                await store.inbox.add([(b"x", "delivery", 1)])
            except StoreUnavailable:
                await asyncio.sleep(0.1)
            else:
                break
    assert (await store.inbox.count())[0] == 1
    await store.close()


async def test_no_server_at_all_is_said_at_the_start() -> None:
    with pytest.raises(StoreUnavailable, match="database_url"):
        await open_store(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")


async def test_who_stands_still_inside_a_transaction_loses_it(postgres_database: str) -> None:
    """Such a process would keep everybody else from its rows."""
    store = await open_store(postgres_database)
    other = await asyncpg.connect(postgres_database)
    add = "update counter set value = value + 1 where name = 'incident' returning value"

    async def stand_still() -> None:
        async with store.transaction() as tx:
            await tx.fetch("incident_numbers", 1)
            assert await other.fetchval(add) == 1
            await tx.fetch("alive")

    with pytest.raises(StoreUnavailable):
        await stand_still()
    assert await store.read("counter_read", "incident") != []
    await other.close()
    await store.close()


async def test_who_stands_still_amid_a_statement_loses_its_transaction_too(postgres_database: str) -> None:
    """To the server such a session is not idle: it waits for what is to be done with a statement that it has parsed."""
    store, frozen = await open_store(postgres_database), await asyncpg.connect(postgres_database)
    store.listen(lambda _: None)
    await frozen.execute("begin; update counter set value = value + 1 where name = 'incident'")
    await frozen.prepare("select 1")
    async with store.transaction() as tx:
        assert [tuple(row) for row in await tx.fetch("incident_numbers", 1)] == [(1,)]
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await frozen.execute("commit")
    frozen.terminate()
    await store.close()
