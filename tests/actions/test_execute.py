"""`postgres.execute` on a real PostgreSQL: tried and rolled back, then done once, within its bounds or not at all."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from responder.actions.execute import Execute
from responder.errors import PermanentError
from responder.model.verdict import Json
from tests.actions.steps import HOSTILE, Build, Step, step

pytestmark = pytest.mark.postgres

REVOKE = "UPDATE keys SET revoked = true WHERE id = $1 AND NOT revoked"


@pytest.fixture
async def keys(postgres_database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_database)
    await connection.execute(
        "CREATE TABLE keys (id int PRIMARY KEY, name text, revoked bool DEFAULT false, at timestamptz, more jsonb);"
        "INSERT INTO keys (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')"
    )
    yield connection
    await connection.close()


@pytest.fixture
def running(steps: Build, postgres_database: str, keys: Any) -> Callable[..., Step]:
    def build(*statements: str, rows: Json = None, params: Json = ()) -> Step:
        tools = steps(datasources={"postgres": {"main": {"url": postgres_database}}})
        given = {"source": "main", "statements": list(statements), "params": list(params)}
        return step(Execute(), tools, **given, rows=rows or {"exactly": 1})

    return build


async def revoked(keys: Any) -> list[int]:
    return [row["id"] for row in await keys.fetch("SELECT id FROM keys WHERE revoked ORDER BY id")]


async def test_it_is_tried_and_rolled_back_and_then_done(running: Callable[..., Step], keys: Any) -> None:
    found = running(REVOKE, params=[2])
    preview = await found.preview()
    assert preview.summary == "change 1 row in the database main"
    assert [(change.what, change.after) for change in preview.changes] == [(REVOKE, "1 row")]
    assert (preview.basis, preview.dry_run, preview.refusal) == ({"rows": 1}, True, "")
    assert await revoked(keys) == []
    done = await found.act(preview)
    assert (done.status, done.say, done.details) == ("done", "changed 1 row", (f"{REVOKE}: 1 row",))
    assert await revoked(keys) == [2]


async def test_more_rows_than_allowed_are_refused_before_anybody_is_asked(
    running: Callable[..., Step], keys: Any
) -> None:
    found = running("UPDATE keys SET revoked = true", rows={"max": 2})
    with pytest.raises(PermanentError, match="it touches 3 rows, more than 2: rolled back"):
        await found.preview()
    assert await revoked(keys) == []


async def test_other_rows_than_were_shown_are_not_touched(running: Callable[..., Step], keys: Any) -> None:
    found = running("UPDATE keys SET revoked = true WHERE NOT revoked", rows={"max": 3})
    preview = await found.preview()
    await keys.execute("UPDATE keys SET revoked = true WHERE id = 1")
    done = await found.act(preview)
    assert (done.status, done.say) == ("not_done", "PostgreSQL main: it touches 2 rows, not 3: rolled back")
    assert await revoked(keys) == [1]


async def test_a_failing_statement_takes_all_before_it_back(running: Callable[..., Step], keys: Any) -> None:
    found = running(REVOKE, "UPDATE nowhere SET x = $1", params=[2])
    with pytest.raises(PermanentError, match='relation "nowhere" does not exist'):
        await found.preview()
    assert await revoked(keys) == []


async def test_a_second_try_does_nothing_and_asks(running: Callable[..., Step], keys: Any) -> None:
    found = running(REVOKE, params=[2])
    preview = await found.preview()
    assert (await found.act(preview, retry=True)).status == "in_doubt"
    assert await revoked(keys) == []


async def test_nothing_to_change_is_said(running: Callable[..., Step]) -> None:
    assert (await running(REVOKE, params=[9], rows={"max": 1}).preview()).refusal.startswith("it touches no row")


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "  -- to be sure\n commit",
        "/* x */ END",
        "ROLLBACK",
        "begin",
        "PREPARE TRANSACTION 'x'",
        "SELECT pg_terminate_backend(1)",
        "COPY keys TO '/tmp/x'",
        "",
    ],
)
async def test_what_could_not_be_rolled_back_is_never_sent(
    running: Callable[..., Step], keys: Any, statement: str
) -> None:
    found = running("UPDATE keys SET revoked = true", statement, rows={"max": 3})
    with pytest.raises(PermanentError):
        await found.preview()
    assert await revoked(keys) == []


async def test_two_statements_in_one_are_refused(running: Callable[..., Step], keys: Any) -> None:
    found = running("UPDATE keys SET revoked = true; COMMIT", rows={"max": 3})
    with pytest.raises(PermanentError, match="multiple commands"):
        await found.preview()
    assert await revoked(keys) == []


async def test_each_statement_takes_the_parameters_that_it_names(running: Callable[..., Step], keys: Any) -> None:
    statements = ["UPDATE keys SET name = $2 WHERE id = 1", "UPDATE keys SET name = $1 || '$3' WHERE id = 2"]
    await running(*statements, params=["x", "y"], rows={"exactly": 2}).do()
    assert [row["name"] for row in await keys.fetch("SELECT name FROM keys ORDER BY id")] == ["y", "x$3", "c"]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("id", "7", 7),
        ("id", 7, 7),
        ("revoked", True, True),
        ("revoked", "true", True),
        ("name", "7", "7"),
        ("name", None, None),
        ("at", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05+00"),
        ("more", {"a": [1, "x"]}, '{"a": [1, "x"]}'),
    ],
)
async def test_a_value_is_taken_as_the_database_reads_it(
    running: Callable[..., Step], keys: Any, column: str, value: Json, stored: object
) -> None:
    await running(f"UPDATE keys SET {column} = $1 WHERE id = 1", params=[value]).do()
    cast = "" if column in ("id", "revoked", "name") else "::text"
    await keys.execute("SET timezone = 'UTC'")
    found = [row["it"] for row in await keys.fetch(f"SELECT {column}{cast} AS it FROM keys")]
    assert stored in found


async def test_a_value_of_the_wrong_kind_is_the_servers_refusal(running: Callable[..., Step], keys: Any) -> None:
    with pytest.raises(PermanentError, match="invalid input syntax"):
        await running(REVOKE, params=["1 OR true"]).preview()
    assert await revoked(keys) == []


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_is_only_text(running: Callable[..., Step], keys: Any, value: str) -> None:
    await running("UPDATE keys SET name = $1 WHERE id = 1", params=[value]).do()
    assert await keys.fetchval("SELECT name FROM keys WHERE id = 1") == value
    assert await keys.fetchval("SELECT count(*) FROM keys") == 3


async def test_who_stood_still_until_others_took_it_over_changes_no_row(
    running: Callable[..., Step], keys: Any
) -> None:
    found = running(REVOKE, params=[2])
    await found.held_up(await found.preview())
    assert await revoked(keys) == []


def test_it_is_never_run_again_by_itself() -> None:
    assert Execute.once == "doubtful"
