"""
The Redis that replicas share: a cache and a pace, never the truth. Importing this module loads the driver.

What is in it is hidden from whoever else reads that Redis: names are keyed digests, values are sealed by the cache.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from responder.clients.circuit import Circuit
from responder.errors import ConfigError, TransientError
from responder.model.redaction import redact
from responder.settings.process import Settings

T = TypeVar("T")

DEADLINE = timedelta(milliseconds=200)
"""For one call, connecting included: what Redis saves must cost less than asking oneself."""
CONNECTIONS = 8
PREFIX = "responder:"


class SharedRedis:
    """
    One Redis behind a circuit. `secret` is known to all replicas and to nobody else; without it nothing can be read.

    Raises: ConfigError for a URL that cannot be used.
    """

    def __init__(self, url: str, *, secret: bytes, circuit: Circuit, deadline: timedelta = DEADLINE) -> None:
        self._secret = secret
        self._circuit = circuit
        self._deadline = seconds = deadline.total_seconds()
        try:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=seconds,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=seconds,
                protocol=2,
                driver_info=None,
            )
        except ValueError as error:
            raise ConfigError("redis_url cannot be used: write redis://host:6379/0") from error
        self._client = redis.asyncio.Redis.from_pool(pool)

    async def ask(self, command: Callable[["redis.asyncio.Redis"], Awaitable[T]]) -> T:
        """Run a command within the deadline. Raises: TransientError for whatever goes wrong: go on without."""
        return await self._circuit.call(lambda: self._ask(command))

    def key(self, purpose: str) -> bytes:
        """Derive a key of 32 bytes for one purpose."""
        return hmac.digest(self._secret, purpose.encode(), hashlib.sha256)

    def name(self, kind: str, *identity: str) -> str:
        """Return the name that all replicas have for the same thing; it does not show what that is."""
        digest = hmac.digest(self.key("names"), "\0".join((kind, *identity)).encode(), hashlib.sha256)
        return f"{PREFIX}{kind}:{{{digest.hex()[:40]}}}"

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _ask(self, command: Callable[["redis.asyncio.Redis"], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await command(self._client)
        except TimeoutError as error:
            raise TransientError(f"no answer within {self._deadline:g} s") from error
        except (OSError, RedisError) as error:
            raise TransientError(redact(str(error)[:300]) or type(error).__name__) from error


def connect(settings: Settings, circuit: Circuit, deadline: timedelta = DEADLINE) -> SharedRedis:
    """Build it from `redis_url`; replicas have the same store in common, and so its address is their secret."""
    url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    secret = f"{settings.database_url.get_secret_value()}\0{url}".encode()
    return SharedRedis(url, secret=secret, circuit=circuit, deadline=deadline)
