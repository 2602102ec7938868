"""
Watches the calls to one outside system: after repeated failures it is left alone for a while, and says so.

A refusal is an answer: only what may be better next time (`TransientError`) counts as a failure. That we are not let
in at all, or never came to the right place, shows, but leaves nobody alone: it is told at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from responder.clients.sharing import Sharing
from responder.errors import (
    NoRoom,
    NotAsked,
    NotLetIn,
    PermanentError,
    TransientError,
    UntrustedCertificate,
    WrongSettings,
)

T = TypeVar("T")

OPENS_AFTER = 3
"""Failures in a row, each of which cost somebody a deadline."""
STAYS_OPEN = timedelta(seconds=15)
"""Then one call is let through to see."""


@dataclass(slots=True)
class Circuit:
    """
    What is known of one system. `name` is for people; `now` is the clock.

    `asked` counts the calls that ended, `failures` those that failed since one did not. `error` is what was wrong with
    the last one, also when it was not let in or went to the wrong place.
    """

    name: str
    now: Callable[[], datetime]
    opens_after: int = OPENS_AFTER
    asked: int = 0
    failures: int = 0
    error: str = ""
    until: datetime | None = None

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """
        Ask, unless the circuit is open.

        Raises: NotAsked at once while it is open; else what `ask` raises.
        """
        now = self.now()
        if self.until is not None and now < self.until:
            wait = self.until - now
            raise NotAsked(f"{self.name} is left alone after {self.failures} failures: {self.error}", delay=wait)
        if self.until is not None:
            self.until = now + STAYS_OPEN  # the others wait while this one tries
        try:
            answer = await ask()
        except NoRoom:
            self._answered()  # it said so at once: to leave it alone would hide what is wrong with it
            raise
        except TransientError as error:
            self._failed(str(error))
            raise
        except asyncio.CancelledError:
            self._failed("it did not answer in time")
            raise
        except (NotLetIn, UntrustedCertificate, WrongSettings) as error:
            self._answered(refused=str(error))
            raise
        except PermanentError:
            self._answered()
            raise
        self._answered()
        return answer

    @property
    def state(self) -> tuple[bool, str]:
        """Say whether the last call was answered, and one line about it."""
        if not self.asked:
            return True, "not asked yet"
        if not self.failures:
            return not self.error, self.error or "answers"
        left = "left alone" if self.until and self.now() < self.until else "failing"
        return False, f"{left} after {self.failures} failures in a row: {self.error}"

    def _failed(self, why: str) -> None:
        self.asked += 1
        self.failures += 1
        self.error = why
        if self.failures >= self.opens_after:
            self.until = self.now() + STAYS_OPEN

    def _answered(self, refused: str = "") -> None:
        self.asked += 1
        self.failures = 0
        self.error = refused
        self.until = None


def watched(client: T, circuit: Circuit, sharing: Sharing[Any] | None = None) -> T:
    """
    Return the client with every asynchronous call going through the circuit, but for `close`.

    With `sharing`, identical calls within its time share one answer: for clients that only read.
    """
    return cast(T, _Watched(client, circuit, sharing))


class _Watched:
    def __init__(self, client: object, circuit: Circuit, sharing: Sharing[Any] | None) -> None:
        self._client = client
        self._circuit = circuit
        self._sharing = sharing

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if name == "close" or not iscoroutinefunction(attribute):
            return attribute

        @wraps(attribute)
        async def call(*args: Any, **kwargs: Any) -> Any:
            async def ask() -> Any:
                return await self._circuit.call(lambda: attribute(*args, **kwargs))

            key = (name, args, tuple(sorted(kwargs.items())))
            if self._sharing is None or not _hashable(key):
                return await ask()
            return await self._sharing.get(key, ask)

        return call


def _hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
