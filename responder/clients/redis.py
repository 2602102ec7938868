"""Redis for diagnostics: it asks, and writes nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from responder.errors import CallError, NoRoom, NotLetIn, PermanentError, TransientError, WrongSettings
from responder.model.duration import format_duration
from responder.model.redaction import redact
from responder.settings.sections import RedisSource

TIMEOUT = timedelta(seconds=5)
_REFUSALS = (AuthenticationError, AuthorizationError)
_PASSING = (BusyLoadingError, MasterDownError)


class Redis:
    """Asks one Redis, over a connection of its own each time; `name` is the datasource's in the settings."""

    def __init__(self, source: RedisSource, *, name: str, timeout: timedelta = TIMEOUT) -> None:
        self._url = source.url.get_secret_value()
        self._name = name
        self._timeout = timeout

    async def ping(self) -> bool:
        """Whether it answers PING. Raises: CallError."""
        async with self._connection() as client:
            return bool(await client.ping())

    async def info(self) -> Mapping[str, Any]:
        """Read INFO, parsed: `db0` and `slave0` are mappings, numbers are numbers. Raises: CallError."""
        async with self._connection() as client:
            return dict(await client.info())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                client = redis.asyncio.Redis.from_url(
                    self._url,
                    decode_responses=True,
                    encoding_errors="replace",
                    retry=Retry(NoBackoff(), 0),
                    max_connections=1,
                    protocol=2,
                    driver_info=None,
                )
                try:
                    yield client
                finally:
                    await client.aclose()
        except (TimeoutError, OSError, ValueError, RedisError) as error:
            raise self._mapped(error) from (None if isinstance(error, ValueError) else error)

    def _mapped(self, error: Exception) -> CallError:
        where = f"Redis {self._name}"
        match error:
            case TimeoutError() | redis.exceptions.TimeoutError():
                return TransientError(f"{where}: no answer within {format_duration(self._timeout)}")
            case _ if isinstance(error, _REFUSALS):
                return NotLetIn(redact(f"{where}: {error}"[:300]))
            case NoPermissionError():
                return PermanentError(redact(f"{where}: {error}"[:300]))
            case _ if "max number of clients" in str(error):
                return NoRoom(redact(f"{where}: {error}"[:300]))
            case _ if isinstance(error, ResponseError) and not isinstance(error, _PASSING):
                return PermanentError(redact(f"{where}: {error}"[:300]))
            case ValueError():
                return WrongSettings(f"{where}: its url in the settings cannot be used")
        return TransientError(redact(f"{where}: {error}"[:300]))
