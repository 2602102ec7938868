"""PostgreSQL for diagnostics, against a real server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from responder.clients.postgres import Postgres
from responder.errors import PermanentError, TransientError
from responder.settings.sections import PostgresSource
from tests.servers.postgres import Postgres as Server
from tests.servers.postgres import start_postgres
from tests.servers.processes import Bench
from tests.servers.web import WebServers

Setup = Callable[..., Awaitable[None]]


def connect(url: str) -> Postgres:
    return Postgres(PostgresSource(url=SecretStr(url)), name="main")


@pytest.fixture
async def setup(postgres_database: str) -> Setup:
    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(postgres_database)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    return run


async def test_parameters_are_bound_and_never_part_of_the_text(postgres_url: str) -> None:
    hostile = "'; DROP TABLE orders; --"
    rows = await connect(postgres_url).fetch("SELECT $1::text AS said, $2::int + 1 AS n", hostile, 41)
    assert rows == [{"said": hostile, "n": 42}]


async def test_values_come_back_as_plain_data(postgres_url: str) -> None:
    (row,) = await connect(postgres_url).fetch(
        """
        SELECT 1.50::numeric AS part, 12345678901234567890::numeric AS big, 'NaN'::numeric AS nan, NULL AS nothing,
               '2026-01-02 03:04:05+02'::timestamptz AS moment, '2026-01-02 03:04:05'::timestamp AS naive,
               '2026-01-02'::date AS day, interval '90 seconds' AS span, ARRAY[1, 2] AS list, '{"a": 1}'::jsonb AS json,
               'f7c1a2b4-0000-4000-8000-000000000001'::uuid AS id, '10.0.0.0/8'::cidr AS net, '\\xdead'::bytea AS bytes,
               true AS yes, int4range(1, 5) AS range, ROW(1, 'a') AS pair
        """
    )
    assert (row["part"], row["big"], row["nothing"], row["yes"]) == (1.5, 12345678901234567890, None, True)
    assert str(row["nan"]) == "nan"
    assert row["moment"] == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert row["naive"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (row["day"], row["span"], row["list"]) == ("2026-01-02", timedelta(seconds=90), [1, 2])
    assert (row["id"], row["net"], row["bytes"]) == (str(UUID(row["id"])), "10.0.0.0/8", "\\xdead")
    assert row["json"] == '{"a": 1}'
    assert row["range"] == "<Range [1, 5)>"
    assert row["pair"] == [1, "a"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM orders RETURNING id",
        "UPDATE orders SET id = 2 RETURNING id",
        "INSERT INTO orders VALUES (2) RETURNING id",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "SELECT nextval('counter')",
    ],
)
async def test_nothing_can_be_written(postgres_database: str, setup: Setup, sql: str) -> None:
    await setup("CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (1)", "CREATE SEQUENCE counter")
    client = connect(postgres_database)
    with pytest.raises(PermanentError, match="read-only transaction"):
        await client.fetch(sql)
    assert await client.fetch("SELECT id FROM orders") == [{"id": 1}]


@pytest.mark.parametrize(
    "sql", ["COMMIT; DELETE FROM orders", "SELECT 1; SELECT 2", "COMMIT", "SET TRANSACTION READ WRITE"]
)
async def test_the_transaction_cannot_be_left(postgres_database: str, sql: str) -> None:
    with pytest.raises(PermanentError):
        await connect(postgres_database).fetch(sql)


async def test_rows_beyond_the_limit_are_not_computed(postgres_url: str) -> None:
    rows = await connect(postgres_url).fetch("SELECT generate_series(1, 10000000000) AS n", limit=3)
    assert [row["n"] for row in rows] == [1, 2, 3]


async def test_the_server_gives_up_in_time_and_keeps_no_query(postgres_url: str) -> None:
    client = connect(postgres_url)
    with pytest.raises(TransientError, match="PostgreSQL main: no answer within 100ms"):
        await client.fetch("SELECT pg_sleep(60)", timeout=timedelta(milliseconds=100))
    (row,) = await client.fetch(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active'"
        " AND pid <> pg_backend_pid()"
    )
    assert row["n"] == 0


async def test_we_introduce_ourselves_and_leave_no_connection(postgres_database: str) -> None:
    client = connect(postgres_database)
    where = "datname = current_database() AND application_name = 'responder'"
    mine = f"SELECT count(*) AS n FROM pg_stat_activity WHERE {where}"
    for _ in range(3):
        assert await client.fetch(mine) == [{"n": 1}]


async def test_at_most_two_connections_are_open_at_once(postgres_database: str) -> None:
    client = connect(postgres_database)
    count = "SELECT count(*) AS n, pg_sleep(0.02)::text FROM pg_stat_activity WHERE datname = current_database()"
    answers = await asyncio.gather(*(client.fetch(count) for _ in range(8)))
    assert max(rows[0]["n"] for rows in answers) <= 2


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FROM no_such_table", "SELECT 1/0", "SELECT $1::int"])
async def test_wrong_sql_is_permanent_and_says_why(postgres_url: str, sql: str) -> None:
    with pytest.raises(PermanentError, match="PostgreSQL main: "):
        await connect(postgres_url).fetch(sql)


async def test_a_parameter_of_the_wrong_type_is_permanent(postgres_url: str) -> None:
    with pytest.raises(PermanentError, match=r"invalid input.*\$1"):
        await connect(postgres_url).fetch("SELECT $1::int", "not a number")


async def test_a_wrong_login_is_permanent_and_tells_no_password(postgres: Server) -> None:
    url = postgres.url("no_such_database").replace("postgres@", "postgres:hunter2@")
    with pytest.raises(PermanentError) as caught:
        await connect(url).fetch("SELECT 1")
    assert "no_such_database" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h:notaport/db", "postgresql://u:hunter2@h/db?sslmode=strange"])
async def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(PermanentError) as caught:
        await connect(url).fetch("SELECT 1")
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_server_that_is_down_is_transient() -> None:
    with pytest.raises(TransientError, match="cannot connect"):
        await connect("postgresql://postgres@127.0.0.1:1/postgres").fetch("SELECT 1")


async def test_a_server_that_never_answers_costs_the_timeout(web_servers: WebServers) -> None:
    url = (await web_servers.send(stay=True)).replace("http://", "postgresql://postgres@")
    with pytest.raises(TransientError, match="no answer within 50ms"):
        await connect(f"{url}/postgres").fetch("SELECT 1", timeout=timedelta(milliseconds=50))


async def test_a_server_that_speaks_something_else_is_an_error_of_ours(web_servers: WebServers) -> None:
    url = (await web_servers.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")).replace("http://", "postgresql://postgres@")
    with pytest.raises((TransientError, PermanentError)):
        await connect(f"{url}/postgres").fetch("SELECT 1")


async def test_a_server_without_room_is_transient(bench: Bench) -> None:
    server = start_postgres(bench, "-c", "max_connections=4", "-c", "superuser_reserved_connections=0")
    taken = [await asyncpg.connect(server.url()) for _ in range(4)]
    with pytest.raises(TransientError, match="too many clients"):
        await connect(server.url()).fetch("SELECT 1")
    for connection in taken:
        await connection.close()


async def test_a_server_that_dies_in_the_middle_is_transient(bench: Bench) -> None:
    server = start_postgres(bench)
    asking = asyncio.ensure_future(connect(server.url()).fetch("SELECT pg_sleep(30)", timeout=timedelta(seconds=30)))
    watcher = await asyncpg.connect(server.url())
    for _ in range(500):
        if await watcher.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"
        ):
            break
        await asyncio.sleep(0.01)
    watcher.terminate()
    server.server.kill()
    with pytest.raises(TransientError):
        await asking
