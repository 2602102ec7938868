"""Redis for actions: it counts, empties and configures."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from responder.clients.redis import Redis
from responder.errors import TransientError, Unanswered
from responder.settings.sections import RedisSource

_ROUNDS = 20
"""Calls of SCAN for a sample: an almost empty table answers many of them with nothing."""


class RedisWriter(Redis):
    """Changes one Redis, with the login for actions. Satisfies `plugins.acting.Cache`."""

    def __init__(self, source: RedisSource, *, name: str) -> None:
        super().__init__(source.model_copy(update={"url": source.action_url or source.url}), name=name)

    async def size(self) -> int:
        """Count the keys of the database. Raises: CallError."""
        async with self._connection() as client:
            return int(await client.dbsize())

    async def sample(self, count: int = 100) -> Sequence[str]:
        """Name some keys, without a promise of fairness. Raises: CallError."""
        found: dict[str, None] = {}
        async with self._connection() as client:
            cursor = 0
            for _ in range(_ROUNDS):
                cursor, keys = await client.scan(cursor, count=max(count, 10))
                found.update(dict.fromkeys(str(key) for key in keys))
                if not cursor or len(found) >= count:
                    break
        return tuple(found)[:count]

    async def flush(self) -> None:
        """Remove every key of the database. Raises: CallError, Unanswered."""
        await self._change(lambda client: client.flushdb(asynchronous=True))

    async def config_get(self, parameter: str) -> str | None:
        """Read a parameter of the server; None where there is none of that name. Raises: CallError."""
        async with self._connection() as client:
            found = await client.config_get(parameter)
            value = found.get(parameter)
            return None if value is None else str(value)

    async def config_set(self, parameter: str, value: str) -> None:
        """Set a parameter of the server. Raises: CallError, Unanswered."""
        await self._change(lambda client: client.config_set(parameter, value))

    async def _change(self, change: Callable[[Any], Awaitable[object]]) -> None:
        """Send the change on a connection that is known to work, so that an error after that tells what is open."""
        sent = False
        try:
            async with self._connection() as client:
                await client.ping()
                sent = True
                await change(client)
        except TransientError as error:
            if sent and not isinstance(error.__cause__, ResponseError):
                raise Unanswered(f"{error}; it may have been done") from error
            raise
