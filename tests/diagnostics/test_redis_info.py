"""redis.info, against real Redis servers."""

import asyncio
from collections.abc import Callable

import pytest
import redis.asyncio
from pydantic import SecretStr

from responder.clients.redis import Redis
from responder.diagnostics.redis_info import RedisInfo
from responder.errors import NotConfigured, PermanentError
from responder.model.finding import Weight
from responder.settings.sections import RedisSource
from tests.diagnostics.toolbox import diagnose
from tests.servers.processes import Server

Start = Callable[..., Server]


def given(url: str) -> dict[str, Redis]:
    return {"redis.cache": Redis(RedisSource(url=SecretStr(url)), name="cache")}


async def test_a_well_redis_tells_its_figures(start_redis: Start) -> None:
    server = start_redis("--maxmemory", "64mb")
    client = redis.asyncio.from_url(server.url)
    await client.mset({"a": 1, "b": 2})
    for key in ("a", "b", "a", "missing"):
        await client.get(key)
    await client.aclose()

    result = await diagnose(RedisInfo(), given(server.url), source="cache")

    assert (result.up, result.keys, result.role, result.evictions) == (True, 2, "master", 0)
    assert result.hit_ratio == 0.75
    assert 0 < result.memory_ratio < 0.2
    assert result.clients >= 1
    assert result.weight() is Weight.NORMAL
    assert result.headline().startswith("up, ")
    assert "75 % hits" in result.headline()


async def test_without_a_limit_or_look_ups_the_ratios_are_unknown(start_redis: Start) -> None:
    result = await diagnose(RedisInfo(), given(start_redis().url), source="cache")
    assert (result.memory_ratio, result.hit_ratio) == (None, None)
    assert "no memory limit" in result.headline()


async def test_a_full_redis_is_trouble_and_counts_its_evictions(start_redis: Start) -> None:
    server = start_redis("--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")
    client = redis.asyncio.from_url(server.url)
    for batch in range(40):
        await client.mset({f"{batch}-{n}": "x" * 1000 for n in range(200)})
    await client.aclose()
    result = await diagnose(RedisInfo(), given(server.url), source="cache")
    assert result.evictions > 0
    assert result.memory_ratio > 0.95
    assert result.weight() is Weight.TROUBLE


async def test_one_that_does_not_answer_is_a_result(start_redis: Start) -> None:
    server = start_redis()
    server.stop()
    result = await diagnose(RedisInfo(), given(server.url), source="cache")
    assert (result.up, result.memory_ratio, result.clients) == (False, None, None)
    assert (result.headline(), result.weight()) == ("does not answer", Weight.TROUBLE)


async def test_one_without_a_connection_left_is_up_and_in_trouble(start_redis: Start) -> None:
    server = start_redis("--maxclients", "1")
    client = redis.asyncio.from_url(server.url, max_connections=1)
    await client.ping()
    result = await diagnose(RedisInfo(), given(server.url), source="cache")
    await client.aclose()
    assert (result.up, result.clients, result.headline()) == (True, None, "has no connection left")
    assert result.weight() is Weight.TROUBLE


async def test_a_replica_without_its_master_is_trouble(start_redis: Start) -> None:
    result = await diagnose(RedisInfo(), given(start_redis("--replicaof", "127.0.0.1", "1").url), source="cache")
    assert result.role == "slave"
    assert result.evidence()[0] == "the link to its master is down"
    assert result.weight() is Weight.TROUBLE


async def test_a_snapshot_that_failed_is_trouble(start_redis: Start) -> None:
    server = start_redis("--enable-protected-configs", "yes")
    client = redis.asyncio.from_url(server.url)
    await client.config_set("dir", "/proc")
    await client.bgsave()
    for _ in range(500):
        if (await client.info("persistence"))["rdb_last_bgsave_status"] == "err":
            break
        await asyncio.sleep(0.01)
    await client.aclose()
    result = await diagnose(RedisInfo(), given(server.url), source="cache")
    assert "the last snapshot (RDB) failed" in result.evidence()
    assert result.weight() is Weight.TROUBLE


async def test_a_refused_login_is_a_failure_to_look(start_redis: Start) -> None:
    with pytest.raises(PermanentError):
        await diagnose(RedisInfo(), given(start_redis("--requirepass", "x").url), source="cache")


async def test_an_unknown_source_is_not_configured() -> None:
    with pytest.raises(NotConfigured):
        await diagnose(RedisInfo(), {}, source="cache")
