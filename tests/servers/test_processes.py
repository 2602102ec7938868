"""The servers that the tests need start, answer and stop."""

import json
import urllib.request
from collections.abc import Callable

import asyncpg
import pytest
import redis.asyncio

from tests.servers.postgres import Postgres, start_postgres, start_standby
from tests.servers.processes import MISSING, Bench, Server, program


async def test_each_test_has_an_empty_postgres_database_of_its_own(postgres_database: str) -> None:
    connection = await asyncpg.connect(postgres_database)
    try:
        assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
        await connection.execute("create table mine (n int)")
    finally:
        await connection.close()


async def test_a_killed_postgres_starts_again_with_its_data(bench: Bench) -> None:
    postgres = start_postgres(bench)
    connection = await asyncpg.connect(postgres.url())
    await connection.execute("create table kept as select 7 as n")
    postgres.server.kill()
    connection.terminate()
    postgres.server.start()
    connection = await asyncpg.connect(postgres.url())
    assert await connection.fetchval("select n from kept") == 7
    await connection.close()


async def test_a_standby_replays_what_its_primary_wrote(bench: Bench) -> None:
    primary = start_postgres(bench)
    standby = start_standby(bench, primary)
    assert await _standing_by(primary) is False
    assert await _standing_by(standby) is True


async def _standing_by(postgres: Postgres) -> bool:
    connection = await asyncpg.connect(postgres.url())
    try:
        return bool(await connection.fetchval("select pg_is_in_recovery()"))
    finally:
        await connection.close()


async def test_redis_answers(redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    assert await client.ping()
    await client.aclose()


def test_prometheus_answers_queries(start_prometheus: Callable[..., Server]) -> None:
    server = start_prometheus()
    with urllib.request.urlopen(f"{server.url}/api/v1/query?query=1") as answer:
        assert json.load(answer)["data"]["result"][1] == "1"


def test_alertmanager_serves_below_a_prefix(start_alertmanager: Callable[..., Server]) -> None:
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    server = start_alertmanager(config=config, flags=["--web.route-prefix=/am"])
    assert server.url.endswith("/am")
    with urllib.request.urlopen(f"{server.url}/api/v2/status") as answer:
        assert json.load(answer)["cluster"]["status"] == "disabled"


def test_a_missing_server_skips_the_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{MISSING} no-such-server"):
        program("no-such-server")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"{MISSING} no-such-server"):
        program("no-such-server")
