"""Is a Redis well?"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, PrivateAttr

from responder.errors import NoRoom, TransientError
from responder.model.finding import Weight
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Params
from responder.plugins.tools import Tools

NEARLY_FULL = 0.95
"""Share of `maxmemory` from which a Redis evicts or refuses."""


class Ask(Params):
    """The parameters of `redis.info`."""

    source: SourceName = Field(description="The name of the Redis in `datasources.redis`.")


class Info(Result):
    """What `redis.info` established; everything but `up` is unknown while we cannot get in."""

    up: bool = Field(description="Whether it answers, be it to say that it has no connection left.")
    memory_ratio: float | None = Field(None, description="Used memory of `maxmemory`, 0..1; unknown without a limit.")
    hit_ratio: float | None = Field(None, description="Hits of all look-ups since its start, 0..1.")
    clients: int | None = Field(None, description="Connected clients, without replicas.")
    evictions: int | None = Field(None, description="Keys evicted for memory since its start.")
    keys: int | None = Field(None, description="Keys in all databases.")
    role: str | None = Field(None, description="master or slave.")

    _troubles: tuple[str, ...] = PrivateAttr(())
    _facts: tuple[str, ...] = PrivateAttr(())

    def headline(self) -> str:
        """Say whether it is up, and how full."""
        if not self.up:
            return "does not answer"
        if self.clients is None:
            return "has no connection left"
        full = (
            "no memory limit" if self.memory_ratio is None else f"{in_unit(self.memory_ratio, 'ratio')} of its memory"
        )
        hits = "" if self.hit_ratio is None else f", {in_unit(self.hit_ratio, 'ratio')} hits"
        trouble = f"; {self._troubles[0]}" if self._troubles else ""
        return f"up, {full}{hits}, {self.clients} clients{trouble}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List what is wrong, then the figures."""
        return (*self._troubles, *self._facts)

    def weight(self) -> Weight:
        """Matter when it is down, full, or cannot keep its data."""
        full = (self.memory_ratio or 0) > NEARLY_FULL
        return Weight.TROUBLE if not self.up or full or self._troubles else Weight.NORMAL


class RedisInfo(Diagnostic[Ask]):
    """
    Ask a Redis how it is: whether it answers, memory, clients, hits, evictions, persistence, replication.

    One that does not answer is a result (`up` is false), not a failure to look; a refused login is a failure.

    Source: `PING`, `INFO`.

    Example:

        diagnose:
          cache: {redis.info: {source: cache}}
    """

    name = "redis.info"
    Params = Ask
    Result = Info

    async def diagnose(self, params: Ask, target: Target, tools: Tools) -> Info:
        """Read INFO, which answers what PING would."""
        redis = tools.redis(params.source)
        try:
            info = await redis.info()
        except TransientError as error:
            silent = Info(up=isinstance(error, NoRoom))
            silent._troubles = (str(error),)
            return silent
        return _established(info)


def _established(info: Mapping[str, Any]) -> Info:
    used, limit = _number(info, "used_memory"), _number(info, "maxmemory")
    hits, misses = _number(info, "keyspace_hits"), _number(info, "keyspace_misses")
    result = Info(
        up=True,
        memory_ratio=used / limit if limit else None,
        hit_ratio=hits / (hits + misses) if hits + misses else None,
        clients=_number(info, "connected_clients"),
        evictions=_number(info, "evicted_keys"),
        keys=sum(int(db.get("keys", 0)) for name, db in info.items() if name[:2] == "db" and isinstance(db, Mapping)),
        role=str(info.get("role", "")) or None,
    )
    result._troubles = _troubles(info)
    result._facts = _facts(info)
    return result


def _facts(info: Mapping[str, Any]) -> tuple[str, ...]:
    def count(name: str) -> int:
        return _number(info, name)

    used, limit = in_unit(count("used_memory"), "bytes"), in_unit(count("maxmemory"), "bytes")
    facts = {
        "memory": f"{used} of {limit}" if count("maxmemory") else f"{used}, no limit",
        "policy": info.get("maxmemory_policy", "unknown"),
        "fragmentation": info.get("mem_fragmentation_ratio", "unknown"),
        "clients": f"{count('connected_clients')} of {info.get('maxclients', 'unknown')}",
        "blocked clients": count("blocked_clients"),
        "since start": f"{count('keyspace_hits')} hits, {count('keyspace_misses')} misses",
        "removed since start": f"{count('evicted_keys')} for memory, {count('expired_keys')} by age",
        "rejected connections since start": count("rejected_connections"),
        "replicas": count("connected_slaves"),
        "up for": in_unit(count("uptime_in_seconds"), "seconds"),
        "version": info.get("redis_version", "unknown"),
    }
    return tuple(f"{name}: {value}" for name, value in facts.items())


def _troubles(info: Mapping[str, Any]) -> tuple[str, ...]:
    found = {
        "the last snapshot (RDB) failed": info.get("rdb_last_bgsave_status", "ok") != "ok",
        "the last write of the log (AOF) failed": info.get("aof_last_write_status", "ok") != "ok",
        "the last rewrite of the log (AOF) failed": info.get("aof_last_bgrewrite_status", "ok") != "ok",
        "the link to its master is down": info.get("master_link_status", "up") != "up",
        "it is loading its data": _number(info, "loading") != 0,
        "clients are blocked": _number(info, "blocked_clients") > 10,
    }
    return tuple(trouble for trouble, holds in found.items() if holds)


def _number(info: Mapping[str, Any], name: str) -> int:
    value = info.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0
