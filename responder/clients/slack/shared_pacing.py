"""The pace of all replicas together, in Redis: the generic cell rate algorithm, by Redis's clock."""

import math

from responder.clients.shared_redis import SharedRedis
from responder.clients.slack.pacing import Rate
from responder.errors import TransientError

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local held = redis.call('PTTL', KEYS[2])
if held > 0 then return held * 1000 end
local start = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = start - ARGV[2] - now
if wait > 0 then return wait end
local empty_at = start + ARGV[1]
if empty_at > now then
  redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX', math.ceil((empty_at - now) / 1000))
end
return 0
"""
"""Takes a place and returns 0, or returns the microseconds to wait; arguments in microseconds: every, allowance."""


class SharedPace:
    """The buckets of one workspace, which `identity` tells from others. Satisfies `pacing.Together`."""

    def __init__(self, redis: SharedRedis, *, identity: str) -> None:
        self._redis = redis
        self._identity = identity

    async def take(self, key: str, rate: Rate, *, urgent: bool = False) -> float | None:
        """Take a place: 0.0 means go; otherwise the seconds to wait. None when Redis does not say."""
        every, allowance = round(rate.every * 1e6), round(rate.allowance(urgent=urgent) * 1e6)
        names = self._names(key)
        try:
            return int(await self._redis.ask(lambda redis: redis.eval(_TAKE, 2, *names, every, allowance))) / 1e6
        except TransientError:
            return None

    async def hold(self, key: str, seconds: float) -> None:
        """Let no replica through for so many seconds."""
        name, milliseconds = self._names(key)[1], max(math.ceil(seconds * 1000), 1)
        try:
            await self._redis.ask(lambda redis: redis.set(name, b"", px=milliseconds))
        except TransientError:
            return

    def _names(self, key: str) -> tuple[str, str]:
        name = self._redis.name("pace", self._identity, key)
        return name, f"{name}:held"
