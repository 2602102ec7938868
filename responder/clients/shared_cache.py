"""
One asks, all replicas have the answer: identical reads of a few seconds, over Redis.

Every value is sealed with a key that only the replicas know: who else reads that Redis learns nothing from it, and
who writes to it can give us no answer.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, SecretStr

from responder.clients.shared_redis import SharedRedis
from responder.clients.shared_values import Form
from responder.errors import CallError, TransientError
from responder.model.outside import HttpAnswer

LARGEST = 1024 * 1024
"""Bytes of an answer that is kept."""
WAITS = timedelta(seconds=1)
"""How long a replica waits for the one that asks; then it asks itself."""
LOOKS_EVERY = timedelta(milliseconds=50)
FORMAT = "1"
"""Changes when older replicas could not read what newer ones write."""

_NONCE = 12
_LOOK = """
local value = redis.call('GET', KEYS[1])
if value then return value end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
"""The value; or 1, and it is for us to ask; or 0, and somebody asks."""
_LAND = """
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
"""
_NOTHING = object()


class SharedCache:
    """
    Answers of one outside system, asked with one login: `identity` tells it from others, and goes nowhere.

    `fresh_for` is how long an answer is kept, `waits` how long one waits for another's. Without Redis all ask.
    """

    def __init__(
        self, redis: SharedRedis, *, identity: str, fresh_for: timedelta, form: Form, waits: timedelta = WAITS
    ) -> None:
        self._redis = redis
        self._identity = identity
        self._fresh_for = fresh_for
        self._form = form
        self._waits = waits
        self._sealing = AESGCM(redis.key("values"))

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer that a replica has, or ask; failures are told to nobody. Raises what `ask` raises."""
        name, token = self._redis.name("read", FORMAT, self._identity, repr(key)), os.urandom(8)
        try:
            found = await self._look(name, token)
        except TransientError:
            return await ask()
        if found is not _NOTHING:
            return found
        try:
            answer = await ask()
        except CallError:
            await self._land(name, token, b"")
            raise
        await self._land(name, token, self._sealed(name, answer))
        return answer

    async def _look(self, name: str, token: bytes) -> Any:
        """Return the answer; `_NOTHING` when it is for us to ask: nobody does, or not in time."""
        milliseconds = round(self._waits.total_seconds() * 1000)
        for _ in range(self._waits // LOOKS_EVERY):
            found = await self._redis.ask(lambda redis: redis.eval(_LOOK, 2, *_keys(name), token, milliseconds))
            if isinstance(found, bytes):
                return self._opened(name, found)
            if found:
                break
            await asyncio.sleep(LOOKS_EVERY.total_seconds())
        return _NOTHING

    async def _land(self, name: str, token: bytes, value: bytes) -> None:
        """Keep the value, unless it is empty, and let the others look. Without Redis they ask for themselves."""
        milliseconds = round(self._fresh_for.total_seconds() * 1000)
        try:
            await self._redis.ask(lambda redis: redis.eval(_LAND, 2, *_keys(name), token, value, milliseconds))
        except TransientError:
            return

    def _sealed(self, name: str, answer: Any) -> bytes:
        """Write and seal; nothing for an answer that may not, or cannot, be kept."""
        if isinstance(answer, HttpAnswer) and _is_private(answer):
            return b""
        try:
            data = self._form.dump(answer)
        except (TypeError, ValueError):
            return b""
        if len(data) > LARGEST:
            return b""
        nonce = os.urandom(_NONCE)
        return nonce + self._sealing.encrypt(nonce, data, name.encode())

    def _opened(self, name: str, value: bytes) -> Any:
        try:
            return self._form.load(self._sealing.decrypt(value[:_NONCE], value[_NONCE:], name.encode()))
        except (InvalidTag, TypeError, ValueError, KeyError):
            return _NOTHING


def revealed(section: BaseModel) -> str:
    """Write settings with their secrets: two logins are two identities. For digests only."""
    return repr(_reveal(section.model_dump()))


def _reveal(value: Any) -> Any:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {key: _reveal(inner) for key, inner in sorted(value.items())}
        case list():
            return [_reveal(inner) for inner in value]
    return value


def _is_private(answer: HttpAnswer) -> bool:
    """Whether its server forbids a cache that several share (RFC 9111, 5.2.2)."""
    said = {word.partition("=")[0].strip().lower() for word in answer.headers.get("Cache-Control", "").split(",")}
    return not said.isdisjoint({"no-store", "private"})


def _keys(name: str) -> tuple[str, str]:
    return name, f"{name}:asking"
