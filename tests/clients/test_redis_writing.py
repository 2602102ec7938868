"""Changes to a real Redis: a refusal is one, a broken line leaves a doubt."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis.asyncio
from pydantic import SecretStr

from responder.clients.redis_writing import RedisWriter
from responder.errors import NotLetIn, PermanentError, TransientError, Unanswered
from responder.settings.sections import RedisSource
from tests.servers.cutting import Line
from tests.servers.processes import Server, free_port

pytestmark = pytest.mark.redis


@pytest.fixture
def server(start_redis: Callable[..., Server]) -> Server:
    return start_redis()


@pytest.fixture
async def inside(server: Server) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(server.url, decode_responses=True)
    yield client
    await client.aclose()


def writer(url: str) -> RedisWriter:
    return RedisWriter(RedisSource(url=SecretStr(url)), name="cache")


@pytest.mark.parametrize("late", [True, False])
async def test_a_flush_that_was_not_answered_may_have_happened(server: Server, inside: Any, late: bool) -> None:
    await inside.set("a", "x")
    async with Line("127.0.0.1", server.port, b"FLUSHDB", late).open() as cut:
        with pytest.raises(Unanswered, match="it may have been done"):
            await writer(f"redis://127.0.0.1:{cut.port}/0").flush()
    assert (cut.cuts, await inside.dbsize()) == (1, 0 if late else 1)


async def test_a_server_that_is_away_has_changed_nothing() -> None:
    with pytest.raises(TransientError) as caught:
        await writer(f"redis://127.0.0.1:{free_port()}/0").flush()
    assert not isinstance(caught.value, Unanswered)


async def test_a_refusal_is_no_doubt(server: Server, inside: Any) -> None:
    with pytest.raises(PermanentError):
        await writer(server.url).config_set("no-such-option", "1")
    await inside.config_set("requirepass", "other")
    with pytest.raises(NotLetIn):
        await writer(server.url).flush()


async def test_a_sample_is_bounded_and_names_keys_that_are_there(server: Server, inside: Any) -> None:
    await inside.mset({f"k{n}": "x" for n in range(3000)})
    found = await writer(server.url).sample(50)
    assert len(set(found)) == 50
    assert all(key.startswith("k") for key in found)
    assert await writer(server.url).size() == 3000


async def test_an_option_is_read_by_its_very_name(server: Server) -> None:
    assert await writer(server.url).config_get("maxmemory") == "0"
    assert await writer(server.url).config_get("no-such-option") is None
