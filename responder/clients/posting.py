"""Speaks to a running Responder: posts deliveries to it as Alertmanager does, and reads its API."""

import json
from types import TracebackType
from typing import Any, Self

import aiohttp

from responder.errors import ConfigError, PermanentError, TransientError

WEBHOOK = "/v1/webhooks/alertmanager"
_WITHIN = aiohttp.ClientTimeout(total=10)
_OK = range(200, 300)
_SHOWN = 300


class _Connection:
    """A connection that is kept; `token` "" sends no credentials."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "responder"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open it."""
        self._session = aiohttp.ClientSession(timeout=_WITHIN, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, url: str, body: bytes | None = None) -> bytes:
        if self._session is None:
            raise PermanentError("the connection is not open")
        try:
            async with self._session.request(method, url, data=body, allow_redirects=False) as answer:
                said = await answer.read()
        except aiohttp.InvalidURL as error:
            raise PermanentError(f"{url!r} is no address: write it as http://127.0.0.1:8080") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TransientError(f"{url}: no answer: {str(error) or 'it took too long'}") from error
        if answer.status in _OK:
            return said
        message = f"{url} answered {answer.status}: {_reason(said)}"
        if answer.status in (401, 403):
            raise ConfigError(message)
        raise TransientError(message) if answer.status >= 500 else PermanentError(message)


class Webhook(_Connection):
    """One webhook's address."""

    async def post(self, body: bytes) -> None:
        """
        Post one delivery.

        Raises: TransientError when it may be posted again, PermanentError when that would not help, ConfigError when
        the credentials are not taken; all say why.
        """
        await self._ask("POST", self._url, body)


class Api(_Connection):
    """The API of a server, by the server's address."""

    async def get(self, path: str) -> Any:
        """
        Read one document.

        Raises: TransientError when it may be asked again, PermanentError when that would not help or what came is no
        document, ConfigError when the credentials are not taken; all say why.
        """
        url = f"{self._url.rstrip('/')}{path}"
        try:
            return json.loads(await self._ask("GET", url))
        except ValueError as error:
            raise PermanentError(f"{url}: the answer is no document: is this a Responder?") from error


def _reason(said: bytes) -> str:
    text = said[: 4 * _SHOWN].decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["error"])[:_SHOWN]
    except (ValueError, KeyError, TypeError):
        return text[:_SHOWN]
