"""Redis for diagnostics, against a real server."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr

from responder.clients.redis import Redis
from responder.errors import PermanentError, TransientError
from responder.settings.sections import RedisSource
from tests.servers.processes import Server
from tests.servers.web import WebServers


def connect(url: str, timeout: timedelta = timedelta(seconds=5)) -> Redis:
    return Redis(RedisSource(url=SecretStr(url)), name="cache", timeout=timeout)


async def test_it_answers_ping_and_info(redis_url: str) -> None:
    client = connect(redis_url)
    assert await client.ping() is True
    info = await client.info()
    assert info["role"] == "master"
    assert isinstance(info["used_memory"], int)
    assert {"maxmemory", "connected_clients", "keyspace_hits", "evicted_keys", "rdb_last_bgsave_status"} <= set(info)


async def test_it_leaves_no_connection_behind(redis_url: str) -> None:
    client = connect(redis_url)
    before = (await client.info())["connected_clients"]
    for _ in range(5):
        await client.ping()
    assert (await client.info())["connected_clients"] == before


async def test_a_wrong_password_is_permanent_and_not_repeated(start_redis: Callable[..., Server]) -> None:
    server = start_redis("--requirepass", "right")
    with pytest.raises(PermanentError) as caught:
        await connect(server.url.replace("redis://", "redis://:hunter2@")).ping()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(PermanentError, match="Authentication required"):
        await connect(server.url).ping()
    assert await connect(server.url.replace("redis://", "redis://:right@")).ping()


async def test_a_user_without_the_right_is_permanent(start_redis: Callable[..., Server]) -> None:
    server = start_redis("--user", "reader", "on", ">pw", "~*", "+ping")
    client = connect(server.url.replace("redis://", "redis://reader:pw@"))
    assert await client.ping()
    with pytest.raises(PermanentError, match="no permissions"):
        await client.info()


async def test_one_that_is_down_is_transient() -> None:
    with pytest.raises(TransientError, match="Redis cache: "):
        await connect("redis://127.0.0.1:1/0").ping()


async def test_one_that_hangs_costs_the_timeout(start_redis: Callable[..., Server]) -> None:
    server = start_redis()
    server.freeze()
    with pytest.raises(TransientError, match="no answer within 50ms"):
        await connect(server.url, timedelta(milliseconds=50)).ping()
    server.thaw()


async def test_one_that_still_loads_is_transient(web_servers: WebServers) -> None:
    loading = b"-LOADING Redis is loading the dataset in memory\r\n"
    url = (await web_servers.send(loading * 8, stay=True)).replace("http://", "redis://")
    with pytest.raises(TransientError):
        await connect(url).ping()


async def test_something_else_that_answers_is_an_error_of_ours(web_servers: WebServers) -> None:
    url = (await web_servers.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")).replace("http://", "redis://")
    with pytest.raises((TransientError, PermanentError)):
        await connect(url).ping()


async def test_a_url_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(PermanentError) as caught:
        await connect("redis://:hunter2@host:notaport/0").ping()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_giving_up_closes_the_connection(redis_url: str) -> None:
    client = connect(redis_url)
    asking = asyncio.ensure_future(client.info())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await client.ping()
