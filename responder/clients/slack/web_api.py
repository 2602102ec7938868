"""Calls of Slack's Web API: connections, deadlines, pace, and errors turned into ours."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler, AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from responder.clients.slack.failures import SDK_ERRORS, explain
from responder.clients.slack.pacing import Pacer, Rate, Together
from responder.errors import CallError, PermanentError, TransientError

LONGEST_WAIT = 1.0
"""Seconds that a call waits for its turn; beyond that the caller is told when to come back."""
FREE = Rate(every=0.0)
"""No pace of ours: only the waits that Slack asked for."""
HELD = Rate(every=0.0, together=True)
"""The same, of all replicas."""
_CALL = aiohttp.ClientTimeout(total=10, connect=4)
_ANSWERS = (URL("https://hooks.slack.com"), URL("https://hooks.slack-gov.com"))
"""Where what is said to who pressed a button goes."""
_UPLOAD = aiohttp.ClientTimeout(total=30, connect=4)
_READING = ("conversations.", "users.", "files.getUploadURLExternal")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Time:
    """What the client knows of time: monotonic seconds, how to wait, and the date."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = _utc_now


def _proxy(url: str) -> str | None:
    """Find the proxy that the system's own settings ask for, if any."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class WebApi:
    """One workspace's Web API by bot token."""

    def __init__(self, *, token: str, base_url: str, time: Time, together: Together | None = None) -> None:
        self._together = together
        self._token = token
        self._base_url = base_url
        self._proxy = _proxy(base_url)
        self._time = time
        self.pacer = Pacer(time.clock)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def turn(self, key: str, rate: Rate, *, who: str, urgent: bool = False) -> None:
        """Wait for a turn. Raises TransientError with the delay when it would take long."""
        wait = await self._take(key, rate, who=who, urgent=urgent)
        if 0 < wait <= LONGEST_WAIT:
            await self._time.sleep(wait)
            wait = await self._take(key, rate, who=who, urgent=urgent)
        if wait > 0:
            raise TransientError("waiting for a turn under Slack's rate limit", delay=timedelta(seconds=wait))

    async def call(
        self, method: str, args: Mapping[str, Any], *, channel: str = "", repeat: bool = False, pace: str = ""
    ) -> Mapping[str, Any]:
        """
        Call a method.

        `repeat` says that doing it twice does no harm, so a lost connection is tried once more. `pace` is the bucket
        in which the caller had its turn, and in which a 429 makes all wait; without it the method has its own.
        """
        if not pace:
            await self.turn(f"calls/{method}", FREE, who=method)
        try:
            return await self._ask(method, args, repeat=repeat)
        except SDK_ERRORS as raised:
            error = explain(raised, method=method, channel=channel)
            if isinstance(error, TransientError) and error.delay:
                await self._hold(pace or f"calls/{method}", error.delay.total_seconds(), together=bool(pace))
            raise error from raised

    async def standing(self) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Call auth.test; its answer and the headers, which tell the scopes of the token and Slack's time."""
        try:
            answer = await self._client(repeat=True).api_call("auth.test", json={})
        except SDK_ERRORS as raised:
            raise explain(raised, method="auth.test", channel="") from raised
        headers = {str(name).lower(): str(value) for name, value in dict(answer.headers).items()}
        return answer.data if isinstance(answer.data, dict) else {}, headers

    async def pages(self, method: str, args: Mapping[str, Any], what: str, *, most: int) -> list[Mapping[str, Any]]:
        """Read at most so many pages of a listing."""
        found: list[Mapping[str, Any]] = []
        cursor = ""
        for _ in range(most):
            answer = await self.call(method, {**args, "cursor": cursor} if cursor else args, repeat=True)
            found.extend(answer.get(what) or ())
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return found

    async def send(self, url: str, content: bytes) -> None:
        """Send the bytes of a file to the address that Slack gave for them."""
        try:
            async with self._connections().post(url, data=content, timeout=_UPLOAD, proxy=_proxy(url)) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError) as error:
            raise explain(error, method="upload") from error
        if status != 200:
            kind: type[CallError] = TransientError if status >= 500 or status == 429 else PermanentError
            raise kind(f"Slack did not take the file (HTTP {status})")

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        """Post to the address that came with a press. Raises: CallError, also for one that is not Slack's."""
        if not self._is_slacks(url):
            raise PermanentError("the address that came with a press is not Slack's: nothing is sent there")
        try:
            connections = self._connections()
            async with connections.post(url, json=dict(body), proxy=_proxy(url), allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError) as error:
            raise explain(error, method="response_url") from error
        if status != 200:
            raise PermanentError(f"Slack did not take the answer to a press (HTTP {status})")

    def _is_slacks(self, url: str) -> bool:
        """Whether an address is where Slack takes answers, or where the settings say that it is."""
        try:
            there = URL(url)
            return there.user is None and there.origin() in (*_ANSWERS, URL(self._base_url).origin())
        except ValueError:
            return False

    async def _take(self, key: str, rate: Rate, *, who: str, urgent: bool) -> float:
        wait = self.pacer.look(key, rate, urgent=urgent)
        if wait <= 0 and rate.together and self._together is not None:
            said = await self._together.take(key, rate, urgent=urgent)
            if said is not None:
                return self.pacer.settle(key, rate, said, who=who, urgent=urgent)
        return self.pacer.take(key, rate, who=who, urgent=urgent)

    async def _hold(self, key: str, seconds: float, *, together: bool) -> None:
        self.pacer.hold(key, seconds)
        if together and self._together is not None:
            await self._together.hold(key, seconds)

    async def _ask(self, method: str, args: Mapping[str, Any], *, repeat: bool) -> Mapping[str, Any]:
        client = self._client(repeat)
        if method.startswith(_READING):
            answer = await client.api_call(method, http_verb="GET", params=dict(args))
        else:
            answer = await client.api_call(method, json=dict(args))
        return answer.data if isinstance(answer.data, dict) else {}

    def _client(self, repeat: bool) -> AsyncWebClient:
        handlers: list[AsyncRetryHandler] = []
        if repeat:
            handlers = [AsyncConnectionErrorRetryHandler(), AsyncServerErrorRetryHandler()]
        client = AsyncWebClient(
            self._token, base_url=self._base_url, session=self._connections(), retry_handlers=handlers
        )
        client.proxy = self._proxy  # the SDK's own reading of the environment passes over NO_PROXY
        return client

    def _connections(self) -> aiohttp.ClientSession:
        """Our own session: with one the SDK ignores its `timeout=`, without one it shakes hands for every call."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_CALL)
        return self._session
