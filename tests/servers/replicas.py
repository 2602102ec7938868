"""What several replicas have in common, each with connections of its own to one Redis."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from responder.clients.circuit import Circuit
from responder.clients.shared_redis import SharedRedis

SECRET = b"what the replicas have in common"
PATIENCE = timedelta(seconds=20)
"""How long a call may take where the test is not about a Redis that hangs."""

Join = Callable[..., SharedRedis]


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Connect one more replica: `join(url)`, with `secret=`, `circuit=` or `deadline=` where they matter."""
    made: list[SharedRedis] = []

    def connect(
        url: str, *, secret: bytes = SECRET, circuit: Circuit | None = None, deadline: timedelta = PATIENCE
    ) -> SharedRedis:
        watching = circuit or Circuit("redis", lambda: datetime.now(UTC))
        made.append(SharedRedis(url, secret=secret, circuit=watching, deadline=deadline))
        return made[-1]

    yield connect
    for redis in made:
        await redis.close()
