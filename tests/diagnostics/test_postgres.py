"""postgres.activity, postgres.query and postgres.replication, against real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr, ValidationError

from responder.clients.postgres import Postgres
from responder.diagnostics.postgres_activity import PostgresActivity
from responder.diagnostics.postgres_query import PostgresQuery
from responder.diagnostics.postgres_replication import PostgresReplication
from responder.errors import NotConfigured, PermanentError
from responder.model.finding import Weight
from responder.model.place import Place
from responder.settings.sections import PostgresSource
from tests.diagnostics.toolbox import diagnose
from tests.servers.postgres import Postgres as Server
from tests.servers.postgres import start_postgres, start_standby
from tests.servers.processes import Bench

Open = Callable[..., Awaitable[Any]]


def given(url: str) -> dict[str, Postgres]:
    return {"postgres.main": Postgres(PostgresSource(url=SecretStr(url)), name="main")}


@pytest.fixture
def own(bench: Bench) -> Server:
    """Start a server of the test's own: activity is of the whole server."""
    return start_postgres(bench, "-c", "max_connections=20")


@pytest.fixture
async def open_session() -> AsyncIterator[Open]:
    opened: list[Any] = []

    async def build(url: str, name: str = "shop") -> Any:
        opened.append(await asyncpg.connect(url, server_settings={"application_name": name}))
        return opened[-1]

    yield build
    for connection in opened:
        connection.terminate()


async def until(url: str, condition: str) -> None:
    """Wait until a condition on pg_stat_activity holds."""
    connection = await asyncpg.connect(url)
    for _ in range(1000):
        if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE {condition})"):
            break
        await asyncio.sleep(0.01)
    await connection.close()


class TestActivity:
    async def test_an_idle_server_is_nearly_empty(self, own: Server) -> None:
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        assert (result.connections, result.max_connections, result.used_ratio, result.blocked) == (0, 20, 0.0, 0)
        assert (result.idle_longest, result.active_longest, result.top_application) == (None, None, None)
        assert result.weight() is Weight.NORMAL

    async def test_connections_are_counted_by_application_and_state(self, own: Server, open_session: Open) -> None:
        sessions = [await open_session(own.url()) for _ in range(3)]
        await open_session(own.url(), "billing")
        await sessions[0].execute("BEGIN")
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        assert (result.connections, result.used_ratio, result.top_application) == (4, 0.2, "shop")
        shop, billing = result.by_application
        assert (shop.connections, shop.idle, shop.idle_in_transaction, shop.active) == (3, 2, 1, 0)
        assert (billing.application, billing.connections) == ("billing", 1)
        assert result.idle_in_transaction == 1
        assert result.idle_longest > timedelta(0)
        assert result.headline() == "4 of 20 connections (20 %), most by shop"

    async def test_who_blocks_whom_is_told_by_the_head_of_the_queue(self, own: Server, open_session: Open) -> None:
        first, second, third = [await open_session(own.url(), name) for name in ("holder", "waiter", "last")]
        await first.execute("CREATE TABLE stock (item int, card text); INSERT INTO stock VALUES (1, '4111-1111')")
        await first.execute("BEGIN")
        await first.execute("UPDATE stock SET card = '4222-2222' WHERE item = 1")
        waiting = [asyncio.ensure_future(each.execute("UPDATE stock SET item = 2")) for each in (second, third)]
        await until(own.url(), "wait_event_type = 'Lock' AND application_name = 'waiter'")
        await until(own.url(), "wait_event_type = 'Lock' AND application_name = 'last'")
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        await first.execute("ROLLBACK")
        await asyncio.gather(*waiting)
        assert result.blocked == 2
        assert result.weight() is Weight.TROUBLE
        head = result.evidence()[0]
        assert head.startswith("2 blocked by pid ")
        assert "(holder), idle in transaction" in head
        assert head.endswith("UPDATE stock SET card = ? WHERE item = ?")
        assert "4222" not in " ".join(result.evidence())

    async def test_the_longest_query_is_measured(self, own: Server, open_session: Open) -> None:
        session = await open_session(own.url())
        running = asyncio.ensure_future(session.execute("SELECT pg_sleep(30) /* token=abc */ -- hunter2"))
        await until(own.url(), "state = 'active' AND clock_timestamp() - query_start > interval '1.1 seconds'")
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        running.cancel()
        assert result.active_longest > timedelta(seconds=1)
        assert "longest query 1s" in result.headline() or "longest query 2s" in result.headline()
        (line,) = [line for line in result.evidence() if line.startswith("running for ")]
        assert line.endswith("in shop: SELECT pg_sleep(?)")

    async def test_a_nearly_full_server_is_trouble(self, own: Server, open_session: Open) -> None:
        for _ in range(18):
            await open_session(own.url())
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        assert (result.connections, result.used_ratio) == (18, 0.9)
        await open_session(own.url())
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        assert (result.connections, result.weight()) == (19, Weight.TROUBLE)

    async def test_of_a_full_server_it_is_known_that_it_is_full(self, own: Server, open_session: Open) -> None:
        for _ in range(20):
            await open_session(own.url())
        result = await diagnose(PostgresActivity(), given(own.url()), source="main")
        assert (result.used_ratio, result.connections, result.blocked) == (1.0, None, None)
        assert (result.headline(), result.weight()) == ("every connection is taken", Weight.TROUBLE)

    async def test_a_role_without_rights_still_counts_and_says_what_it_lacks(
        self, own: Server, open_session: Open
    ) -> None:
        session = await open_session(own.url())
        await session.execute("CREATE ROLE reader LOGIN")
        result = await diagnose(PostgresActivity(), given(own.url().replace("postgres@", "reader@")), source="main")
        assert result.connections == 1
        assert any("grant pg_monitor" in line for line in result.evidence())

    async def test_an_unknown_source_is_not_configured(self) -> None:
        with pytest.raises(NotConfigured):
            await diagnose(PostgresActivity(), {}, source="main")


class TestQuery:
    COLUMNS = {"n": "int", "name": "string", "share": "double", "on": "bool", "at": "timestamp", "age": "duration"}
    SQL = """
    SELECT 7 AS n, 'api' AS name, 0.5 AS share, true AS on, '2026-01-02T03:04:05Z'::timestamptz AS at,
           interval '90 seconds' AS age, 'not asked for' AS more
    """

    async def test_declared_columns_have_their_types(self, postgres_url: str) -> None:
        result = await diagnose(PostgresQuery(), given(postgres_url), source="main", sql=self.SQL, columns=self.COLUMNS)
        first = result.first
        assert (first.n, first.name, first.share, first.on) == (7, "api", 0.5, True)
        assert (first.at, first.age) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), timedelta(seconds=90))
        assert result.rows == (first,)
        assert result.count == 1
        assert result.headline().startswith("n: 7, name: api, share: 0.5")

    async def test_the_types_are_known_before_the_answer(self) -> None:
        kind = PostgresQuery.result_type({"sql": "SELECT 1", "columns": {"n": "int"}})
        assert kind is PostgresQuery.result_type({"columns": {"n": "int"}})
        assert kind is not PostgresQuery.result_type({"columns": {"n": "double"}})
        assert issubclass(kind, PostgresQuery.Result)
        row = kind.model_fields["first"].annotation
        assert "Row" in str(row)

    async def test_no_rows_are_no_data(self, postgres_url: str) -> None:
        result = await diagnose(
            PostgresQuery(), given(postgres_url), source="main", sql="SELECT 1 AS n WHERE false", columns={"n": "int"}
        )
        assert (result.first, result.rows, result.count, result.has_data()) == (None, (), 0, False)

    async def test_null_is_unknown(self, postgres_url: str) -> None:
        result = await diagnose(
            PostgresQuery(), given(postgres_url), source="main", sql="SELECT NULL::int AS n", columns={"n": "int"}
        )
        assert (result.first.n, result.count) == (None, 1)

    async def test_without_columns_everything_is_text(self, postgres_url: str) -> None:
        result = await diagnose(PostgresQuery(), given(postgres_url), source="main", sql="VALUES (1, NULL), (2, 'x')")
        assert result.rows == ({"column1": "1", "column2": ""}, {"column1": "2", "column2": "x"})
        assert result.evidence() == ("column1: 1, column2: ", "column1: 2, column2: x")

    async def test_values_are_bound(self, postgres_url: str) -> None:
        hostile = "x'; DROP TABLE users; --"
        result = await diagnose(
            PostgresQuery(), given(postgres_url), source="main", sql="SELECT $1::text AS said, $2::int * 2 AS n",
            params=[hostile, 21], columns={"said": "string", "n": "int"},
        )  # fmt: skip
        assert (result.first.said, result.first.n) == (hostile, 42)

    async def test_rows_are_limited(self, postgres_url: str) -> None:
        result = await diagnose(
            PostgresQuery(), given(postgres_url), source="main", sql="SELECT generate_series(1, 1000) AS n",
            columns={"n": "int"}, limit=5,
        )  # fmt: skip
        assert [row.n for row in result.rows] == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize(
        ("sql", "columns", "words"),
        [
            ("SELECT 1 AS a, 2 AS b", {"n": "int"}, "the query answers a, b; `columns` names n"),
            ("SELECT 'x' AS n", {"n": "int"}, "column n is not of the declared type int"),
            ("SELECT 1.5 AS n", {"n": "int"}, "column n is not of the declared type int"),
        ],
    )
    async def test_an_answer_of_another_shape_says_so(
        self, postgres_url: str, sql: str, columns: dict[str, str], words: str
    ) -> None:
        with pytest.raises(PermanentError, match=words):
            await diagnose(PostgresQuery(), given(postgres_url), source="main", sql=sql, columns=columns)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"sql": "DELETE FROM users"},
            {"sql": "  update users set a = 1"},
            {"sql": "SELECT 1", "columns": {"n": "integer"}},
            {"sql": "SELECT 1", "columns": {"count(*)": "int"}},
            {"sql": "SELECT 1", "columns": {"_n": "int"}},
            {"sql": "SELECT 1", "limit": 0},
        ],
    )
    def test_what_cannot_work_is_refused_at_load(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            PostgresQuery.Params(source="main", **wrong)

    def test_no_value_stands_in_the_sql(self) -> None:
        assert Place.FIXED in PostgresQuery.Params.model_fields["sql"].metadata


class TestReplication:
    async def test_a_primary_without_replicas_has_nothing_to_measure(self, postgres_url: str) -> None:
        result = await diagnose(PostgresReplication(), given(postgres_url), source="main")
        assert (result.role, result.lag, result.replicas, result.has_data()) == ("primary", None, (), False)
        assert result.headline() == "primary without replicas"

    async def test_both_sides_measure_a_replica(self, bench: Bench) -> None:
        primary = start_postgres(bench)
        standby = start_standby(bench, primary)
        await until(primary.url(), "backend_type = 'walsender' AND state = 'active'")

        there = await diagnose(PostgresReplication(), given(standby.url()), source="main")
        assert (there.role, there.receiving) == ("standby", True)
        assert there.lag < timedelta(minutes=1)

        connection = await asyncpg.connect(primary.url())
        for _ in range(500):
            here = await diagnose(PostgresReplication(), given(primary.url()), source="main")
            if here.replicas and here.replicas[0].state == "streaming" and here.lag is not None:
                break
            await connection.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
            await asyncio.sleep(0.01)
        await connection.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        assert (here.role, here.replicas[0].sync, len(here.replicas)) == ("primary", "async", 1)
        assert here.lag < timedelta(minutes=1)
        kept = await diagnose(PostgresReplication(), given(primary.url()), source="main")
        assert kept.evidence()[0].startswith("nobody reads slot forgotten")
        await connection.close()

    async def test_a_standby_that_is_cut_off_is_behind_though_it_replayed_all(self, bench: Bench) -> None:
        primary = start_postgres(bench)
        connection = await asyncpg.connect(primary.url())
        standby = start_standby(bench, primary)
        await connection.execute("CREATE TABLE written (n int)")
        for _ in range(1000):
            if await _knows(standby, "written"):
                break
            await asyncio.sleep(0.01)
        connection.terminate()
        primary.server.kill()
        for _ in range(500):
            result = await diagnose(PostgresReplication(), given(standby.url()), source="main")
            if not result.receiving:
                break
            await asyncio.sleep(0.01)
        assert result.lag > timedelta(0)
        assert result.weight() is Weight.TROUBLE
        assert result.headline().endswith("not connected to its primary")


async def _knows(server: Server, table: str) -> bool:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table) is True
    finally:
        await connection.close()
