"""The SQL in shown commands does on a real PostgreSQL what the manual says."""

import shlex
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from responder import actions
from responder.model.target import Target
from responder.plugins.registry import discover

pytestmark = pytest.mark.postgres

ACTIONS = discover([actions]).actions
NOWHERE = Target("default")


def sql(name: str, params: dict[str, object]) -> list[str]:
    """Return the statements of the psql command that an action shows."""
    plugin = ACTIONS[name]
    (line,) = plugin.command(plugin.Params.model_validate(params), NOWHERE)
    words = shlex.split(line)
    assert words[:2] == ["psql", "$MAIN_URL"]
    return [words[index + 1] for index, word in enumerate(words) if word == "-c"]


async def test_only_idle_sessions_of_ordinary_users_are_ended(postgres_database: str) -> None:
    owner = await asyncpg.connect(postgres_database)
    await owner.execute("DROP ROLE IF EXISTS app; CREATE ROLE app LOGIN PASSWORD 'app'")
    parts = urlsplit(postgres_database)
    host = f"@{parts.hostname}:{parts.port}" if parts.hostname else "@"
    theirs = urlunsplit(parts._replace(netloc=f"app:app{host}"))
    idle = await asyncpg.connect(theirs, server_settings={"application_name": "it's mine"})
    other = await asyncpg.connect(theirs, server_settings={"application_name": "other"})
    await idle.fetchval("SELECT 1")
    await other.fetchval("SELECT 1")
    try:
        wanted = {"source": "main", "idle_for": "0s", "application": "it's mine"}
        ended = await owner.fetch(*sql("postgres.terminate_backends", wanted))
        assert [row["application_name"] for row in ended] == ["it's mine"]
        ended = await owner.fetch(*sql("postgres.terminate_backends", {"source": "main", "idle_for": "0s"}))
        assert {row["usename"] for row in ended} <= {"app"}
        assert not await owner.fetch(*sql("postgres.terminate_backends", {"source": "main", "active_for": "1h"}))
    finally:
        for connection in (idle, other):
            connection.terminate()
        await owner.execute("DROP ROLE app")
        await owner.close()


@pytest.mark.parametrize("value", ["a'b", "a\\'b", "'; DROP TABLE t; --", '"', "$1", "\\", "é\n"])
async def test_a_value_in_shown_sql_is_that_value(postgres_database: str, value: str) -> None:
    statements = sql(
        "postgres.execute",
        {"source": "main", "statements": ["SELECT $1::text, '$1'"], "params": [value], "rows": {"exactly": 1}},
    )
    connection = await asyncpg.connect(postgres_database)
    try:
        assert tuple(await connection.fetchrow(*statements)) == (value, "$1")
    finally:
        await connection.close()
