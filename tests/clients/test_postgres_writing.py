"""Changes to a real PostgreSQL over a line that breaks: what became of a commit is learned, never guessed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from responder.clients.postgres_statements import numbered, refusal
from responder.clients.postgres_writing import PostgresWriter
from responder.errors import NotLetIn, PermanentError, TransientError, Unanswered
from responder.settings.sections import PostgresSource
from tests.servers.cutting import Line
from tests.servers.processes import free_port

pytestmark = pytest.mark.postgres

CHANGE = ["INSERT INTO changes VALUES (1)"]


@pytest.fixture
async def changes(postgres_database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_database)
    await connection.execute("CREATE TABLE changes (n int)")
    yield connection
    await connection.close()


def writer(url: str) -> PostgresWriter:
    return PostgresWriter(PostgresSource(url=SecretStr(url)), name="main")


def line(url: str, *, late: bool = False, for_good: bool = False) -> Line:
    parts = urlsplit(url)
    return Line(str(parts.hostname), parts.port or 5432, b"COMMIT\x00", late, for_good)


def over(cut: Line, url: str) -> str:
    return f"postgresql://postgres@127.0.0.1:{cut.port}{urlsplit(url).path}?sslmode=disable"


async def count(changes: Any) -> int:
    return int(await changes.fetchval("SELECT count(*) FROM changes"))


async def test_a_commit_whose_answer_was_lost_is_known_to_have_happened(changes: Any, postgres_database: str) -> None:
    async with line(postgres_database, late=True).open() as cut:
        assert await writer(over(cut, postgres_database)).execute(CHANGE, [], exactly=1) == (1,)
    assert (cut.cuts, await count(changes)) == (1, 1)


async def test_a_commit_that_never_arrived_is_known_to_have_been_rolled_back(
    changes: Any, postgres_database: str
) -> None:
    async with line(postgres_database).open() as cut:
        with pytest.raises(TransientError, match="it was rolled back") as caught:
            await writer(over(cut, postgres_database)).execute(CHANGE, [], exactly=1)
    assert not isinstance(caught.value, Unanswered)
    assert (cut.cuts, await count(changes)) == (1, 0)


@pytest.mark.parametrize("late", [True, False])
async def test_a_commit_that_nobody_can_tell_of_is_in_doubt(changes: Any, postgres_database: str, late: bool) -> None:
    async with line(postgres_database, late=late, for_good=True).open() as cut:
        with pytest.raises(Unanswered, match="whether it was committed is not known"):
            await writer(over(cut, postgres_database)).execute(CHANGE, [], exactly=1)
    assert await count(changes) == int(late)


async def test_a_trial_is_rolled_back_whatever_it_did(changes: Any, postgres_database: str) -> None:
    assert await writer(postgres_database).execute(CHANGE * 3, [], at_most=3, dry_run=True) == (1, 1, 1)
    assert await count(changes) == 0


async def test_a_constraint_that_speaks_at_the_commit_is_a_refusal(changes: Any, postgres_database: str) -> None:
    await changes.execute("ALTER TABLE changes ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(PermanentError, match="duplicate key"):
        await writer(postgres_database).execute(CHANGE * 2, [], exactly=2)
    assert await count(changes) == 0


async def test_a_lock_of_others_is_not_queued_for_long(changes: Any, postgres_database: str) -> None:
    await changes.execute("BEGIN; LOCK TABLE changes")
    with pytest.raises(TransientError) as caught:
        await writer(postgres_database).execute(CHANGE, [], timeout=timedelta(milliseconds=300))
    assert not isinstance(caught.value, Unanswered)
    await changes.execute("ROLLBACK")
    assert await count(changes) == 0


async def test_a_server_that_is_away_has_changed_nothing() -> None:
    with pytest.raises(TransientError, match="cannot connect") as caught:
        await writer(f"postgresql://a@127.0.0.1:{free_port()}/b").execute(CHANGE, [])
    assert not isinstance(caught.value, Unanswered)


async def test_actions_log_in_as_themselves(changes: Any, postgres_database: str) -> None:
    parts = urlsplit(postgres_database)
    source = PostgresSource(
        url=SecretStr(postgres_database),
        action_url=SecretStr(f"postgresql://nobody-at-all@{parts.hostname}:{parts.port}{parts.path}"),
    )
    with pytest.raises(NotLetIn, match="nobody-at-all"):
        await PostgresWriter(source, name="main").execute(CHANGE, [])


@pytest.mark.parametrize(
    ("sql", "expected", "used"),
    [
        ("SELECT $1, $2", "SELECT $1, $2", ("a", "b")),
        ("SELECT $2", "SELECT $1", ("b",)),
        ("SELECT $3, $2, $3", "SELECT $2, $1, $2", ("b", "c")),
        ("SELECT '$1', \"$1\", $2 -- $3", "SELECT '$1', \"$1\", $1 -- $3", ("b",)),
        ("SELECT $x$ $1 $x$, $$ $1 $$, $2", "SELECT $x$ $1 $x$, $$ $1 $$, $1", ("b",)),
        (r"SELECT E'\'$1', $2 /* $3 */", r"SELECT E'\'$1', $1 /* $3 */", ("b",)),
        ("SELECT a$1 FROM t", "SELECT a$1 FROM t", ()),
    ],
)
def test_placeholders_are_counted_where_they_are_placeholders(sql: str, expected: str, used: tuple[str, ...]) -> None:
    assert numbered(sql, ["a", "b", "c"]) == (expected, used)


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT",
        "/* first */ commit",
        "-- x\nROLLBACK",
        'SELECT "pg_terminate_backend"(1)',
        'SELECT pg_catalog."pg_reload_conf"()',
        'SELECT U&"pg_terminat\\0065_backend"(1)',
        "DO $$ BEGIN PERFORM pg_terminate_backend(1); END $$",
        "SELECT $a$ $$ ' $a$, pg_terminate_backend(1), ''",
        "SELECT query_to_xml('SELECT pg_terminate_backend(1)', true, false, '')",
        "SELECT pg_stat_statements_reset()",
        "SELECT E'\\'', dblink_exec('x', 'y')",
        "COPY t TO PROGRAM 'reboot'",
        "PREPARE TRANSACTION 'x'",
    ],
)
def test_what_leaves_the_transaction_is_refused_however_it_is_written(sql: str) -> None:
    assert refusal(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET a = 'COMMIT; pg_terminate_backend(1)' WHERE id = $1",
        'SELECT "commit" FROM t',
        "SELECT $$ pg_reload_conf() $$",
        "SELECT E'do', e'it' /* pg_reload_conf */",
    ],
)
def test_words_in_texts_are_no_statements(sql: str) -> None:
    assert refusal(sql) == ""


@pytest.mark.parametrize("more", ["; COMMIT", "; DROP TABLE changes", ";\n--\nCOMMIT;"])
async def test_a_second_statement_in_one_is_refused_by_the_server(
    changes: Any, postgres_database: str, more: str
) -> None:
    with pytest.raises(PermanentError, match="multiple commands"):
        await writer(postgres_database).execute([CHANGE[0] + more], [])
    assert await count(changes) == 0
