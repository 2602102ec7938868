"""PostgreSQL for diagnostics: one read-only transaction a question, bounded in time and rows."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from responder.errors import (
    CallError,
    NoRoom,
    NotAsked,
    NotLetIn,
    PermanentError,
    TransientError,
    UntrustedCertificate,
    WrongSettings,
)
from responder.model.duration import format_duration
from responder.model.redaction import redact
from responder.settings.sections import PostgresSource

MOST_CONNECTIONS = 2
"""Diagnosis must not take the connections that the application lacks."""
CLOSE_WITHIN = 2.0
"""Seconds to say goodbye; then the connection is cut."""

_PASSING = ("08", "40", "53", "55", "57", "58", "XX")
"""SQLSTATE classes that end by waiting: connection, conflict, resources, locks, operator, system, internal."""

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises; the last where a server goes away between two of its messages."""


class Postgres:
    """Asks one database; `name` is the datasource's in the settings."""

    def __init__(self, source: PostgresSource, *, name: str) -> None:
        self._url = source.url.get_secret_value()
        self._name = name
        self._turn = asyncio.Semaphore(MOST_CONNECTIONS)

    async def fetch(
        self, sql: str, *args: object, timeout: timedelta = timedelta(seconds=8), limit: int = 1000
    ) -> Sequence[Mapping[str, Any]]:
        """
        Run one SELECT with bound parameters `$1`...; at most `limit` rows, the rest is not computed.

        Numbers, text, booleans, aware times, spans, lists and mappings come back; anything else as its text. A
        timestamp without zone is taken for UTC.

        Raises: PermanentError for wrong SQL, parameters or login, TransientError; of these NotAsked and NoRoom where
        the statement was never run.
        """
        ready = False
        try:
            async with asyncio.timeout(timeout.total_seconds()), self._turn, self._transaction(timeout) as connection:
                statement = await connection.prepare(sql)
                if not statement.get_attributes():
                    raise ValueError("only a statement that answers rows can be asked, such as SELECT")
                ready = True
                cursor = await statement.cursor(*args)
                return [{key: _plain(value) for key, value in row.items()} for row in await cursor.fetch(limit)]
        except (TimeoutError, OSError, ValueError, *DRIVER_ERRORS) as error:
            told = self._mapped(error, timeout)
            never = not ready and type(told) is TransientError
            raise (NotAsked(str(told)) if never else told) from _without_secrets(error)

    @asynccontextmanager
    async def _transaction(self, timeout: timedelta) -> AsyncIterator[Any]:
        """Open a connection in a read-only transaction that is never committed; the connection ends with it."""
        connection = await asyncpg.connect(
            self._url, statement_cache_size=0, server_settings={"application_name": "responder"}
        )
        try:
            await connection.execute("BEGIN READ ONLY")
            await connection.execute(f"SET LOCAL statement_timeout = {milliseconds(timeout)}")
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 10000")
            yield connection
        except (asyncpg.PostgresError, ValueError):
            await _leave(connection)
            raise
        else:
            await _leave(connection)
        finally:
            if not connection.is_closed():
                connection.terminate()

    def _mapped(self, error: Exception, timeout: timedelta) -> CallError:
        where = f"PostgreSQL {self._name}"
        match error:
            case asyncpg.QueryCanceledError() | TimeoutError():
                return TransientError(f"{where}: no answer within {format_duration(timeout)}")
            case asyncpg.TooManyConnectionsError():
                return NoRoom(f"{where}: {error.message or error}")
            case asyncpg.InvalidAuthorizationSpecificationError():
                return NotLetIn(redact(f"{where}: {error.message or error}"[:500]))
            case asyncpg.PostgresError():
                passing = (error.sqlstate or "XX").startswith(_PASSING)
                words = redact(f"{where}: {error.message or error}"[:500])
                return TransientError(words) if passing else PermanentError(words)
            case ssl.SSLCertVerificationError():
                return UntrustedCertificate(f"{where}: the TLS certificate is not valid: {error.verify_message}")
            case asyncpg.ClientConfigurationError() | ssl.SSLError():
                return WrongSettings(f"{where}: its url in the settings cannot be used, or the server has no TLS")
            case asyncpg.InternalClientError():
                return TransientError(f"{where}: the connection was lost")
            case asyncpg.InterfaceError() | ValueError():
                return PermanentError(redact(f"{where}: {error}"[:500]))
        return TransientError(f"{where}: cannot connect: {getattr(error, 'strerror', None) or type(error).__name__}")


async def _leave(connection: Any) -> None:
    """Say goodbye, so that the server logs no broken connection; what goes wrong then changes no answer."""
    with suppress(TimeoutError, OSError, *DRIVER_ERRORS):
        await connection.execute("ROLLBACK")
        await connection.close(timeout=CLOSE_WITHIN)


def milliseconds(timeout: timedelta) -> int:
    """Leave the server a little less than we wait, so that it is the server that gives up and says so."""
    return max(int(timeout.total_seconds() * 900), 1)


def _without_secrets(error: Exception) -> Exception | None:
    """Drop the cause that may quote the URL."""
    return None if isinstance(error, asyncpg.ClientConfigurationError | ValueError) else error


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str() | timedelta():
            return value
        case Decimal():
            return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case date():
            return value.isoformat()
        case bytes():
            return f"\\x{value[:1000].hex()}"
        case asyncpg.Record() | dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
    return str(value)
