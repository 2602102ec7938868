"""PostgreSQL for actions: statements in one transaction that holds within its bounds or is rolled back."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import orjson

from responder.clients.postgres import CLOSE_WITHIN, DRIVER_ERRORS, Postgres, milliseconds
from responder.clients.postgres_statements import numbered, refusal
from responder.errors import CallError, PermanentError, TransientError, Unanswered
from responder.settings.sections import PostgresSource

LOCKS_WITHIN = timedelta(seconds=5)
"""How long to queue for a lock: whoever waits holds up all who come after."""
ASK_AGAIN_WITHIN = timedelta(seconds=5)
"""Time in which to learn from the server what became of a commit that was not answered."""
_TEXT = frozenset({"text", "varchar", "bpchar", "name", "unknown", "citext"})
_ABANDONED = ("08", "57", "XX")
"""SQLSTATE classes with which a server leaves in the middle of a commit."""


@dataclass(slots=True)
class _Course:
    """How far a transaction has come; `number` is the server's own, "" before it wrote anything."""

    rows: tuple[int, ...] = ()
    number: str = ""
    committing: bool = False


class PostgresWriter(Postgres):
    """Changes one database, with the login for actions. Satisfies `plugins.acting.Database`."""

    def __init__(self, source: PostgresSource, *, name: str) -> None:
        super().__init__(source.model_copy(update={"url": source.action_url or source.url}), name=name)

    async def execute(
        self,
        statements: Sequence[str],
        args: Sequence[object],
        *,
        exactly: int | None = None,
        at_most: int | None = None,
        dry_run: bool = False,
        timeout: timedelta = timedelta(seconds=20),
    ) -> tuple[int, ...]:
        """
        Run statements with the arguments `$1`... in one transaction and return the rows that each touched.

        Rolled back, and PermanentError, when all of them together touch other than `exactly`, or more than `at_most`;
        always rolled back with `dry_run`. When the commit is not answered, the server is asked what became of it.

        Raises: PermanentError also for wrong SQL, arguments or login, TransientError, Unanswered when the commit was
        sent and nobody can tell.
        """
        for statement in statements:
            if why := refusal(statement):
                raise PermanentError(why)
        course = _Course()
        try:
            async with asyncio.timeout(timeout.total_seconds()), self._turn, self._writing(timeout) as connection:
                course.rows = tuple([await _run(connection, statement, args) for statement in statements])
                _check(course.rows, exactly, at_most)
                if not dry_run:
                    await _commit(connection, course)
        except (TimeoutError, OSError, ValueError, *DRIVER_ERRORS) as error:
            why_not = self._mapped(error, timeout)
            if not course.committing or not _left_open(error):
                raise why_not from (error if not isinstance(error, ValueError) else None)
            await self._learn(course, why_not)
        return course.rows

    async def _learn(self, course: _Course, lost: CallError) -> None:
        """Ask what became of the transaction. Raises: TransientError for rolled back, Unanswered for unknown."""
        state = None if course.number else "committed"  # nothing was written: there is nothing to doubt
        with suppress(CallError):
            state = state or await self._state(course.number)
        if state == "aborted":
            raise TransientError(f"{lost}; it was rolled back") from lost
        if state != "committed":
            raise Unanswered(f"{lost}; whether it was committed is not known") from lost

    async def _state(self, number: str) -> str:
        """Wait while the server still holds the transaction for open: it has not noticed yet that we are gone."""
        sql = "SELECT pg_xact_status($1::text::xid8) AS state"
        until = time.monotonic() + ASK_AGAIN_WITHIN.total_seconds()
        while True:
            state = str((await self.fetch(sql, number, timeout=ASK_AGAIN_WITHIN))[0]["state"])
            if state != "in progress" or time.monotonic() > until:
                return state
            await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _writing(self, timeout: timedelta) -> AsyncIterator[Any]:
        """Open a connection in a transaction; what is not committed in it is rolled back, and the connection ends."""
        connection = await asyncpg.connect(
            self._url, statement_cache_size=0, server_settings={"application_name": "responder"}
        )
        try:
            await connection.execute("BEGIN")
            await connection.execute(f"SET LOCAL statement_timeout = {milliseconds(timeout)}")
            await connection.execute(f"SET LOCAL lock_timeout = {milliseconds(LOCKS_WITHIN)}")
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 10000")
            yield connection
        finally:
            with suppress(TimeoutError, OSError, *DRIVER_ERRORS):
                await connection.close(timeout=CLOSE_WITHIN)
            if not connection.is_closed():
                connection.terminate()


async def _run(connection: Any, sql: str, args: Sequence[object]) -> int:
    text, used = numbered(sql, args)
    statement = await connection.prepare(text)
    kinds = {kind.name for kind, value in zip(statement.get_parameters(), used, strict=False) if _foreign(kind, value)}
    for name in kinds:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_written, decoder=str, format="text")
    if kinds:
        statement = await connection.prepare(text)
    await statement.fetch(*used)
    count = (statement.get_statusmsg() or "").rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _foreign(kind: Any, value: object) -> bool:
    """Whether the driver would not take the value, as it comes from JSON, for a parameter of this type."""
    return isinstance(value, str | int | float | dict | list) and kind.kind == "scalar" and kind.name not in _TEXT


def _written(value: Any) -> str:
    """Write a value as the server reads it, which then judges it by the type that the statement gives it."""
    if isinstance(value, bool | dict | list):
        return orjson.dumps(value).decode()
    return str(value)


def _check(rows: Sequence[int], exactly: int | None, at_most: int | None) -> None:
    total = sum(rows)
    if exactly is not None and total != exactly:
        raise ValueError(f"it touches {total} rows, not {exactly}: rolled back")
    if at_most is not None and total > at_most:
        raise ValueError(f"it touches {total} rows, more than {at_most}: rolled back")


async def _commit(connection: Any, course: _Course) -> None:
    course.number = str(await connection.fetchval("SELECT pg_current_xact_id_if_assigned()::text") or "")
    course.committing = True
    if await connection.execute("COMMIT") != "COMMIT":
        raise ValueError("the server rolled it back")


def _left_open(error: Exception) -> bool:
    """Whether a commit that ended so may have happened: every other answer of the server is that it did not."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "XX").startswith(_ABANDONED)
    return not isinstance(error, ValueError)
