"""Speaks to a running Responder: posts deliveries to it as Alertmanager does, reads its API, says what people say."""

import json
from types import TracebackType
from typing import Any, ClassVar, Self

import aiohttp

from responder.errors import ConfigError, PermanentError, TransientError

WEBHOOK = "/v1/webhooks/alertmanager"
_WITHIN = aiohttp.ClientTimeout(total=10)
_OK = range(200, 300)
_SHOWN = 300


class _Connection:
    """A connection that is kept; `token` "" sends no credentials."""

    agent: ClassVar[str] = "responder"

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": self.agent}
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
        status, said = await self._exchange(method, url, body)
        if status in _OK:
            return said
        message = f"{url} answered {status}: {_reason(said)}"
        if status in (401, 403):
            raise ConfigError(message)
        raise TransientError(message) if status >= 500 else PermanentError(message)

    async def _exchange(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        """Answer the status and the body. Raises: TransientError without an answer, PermanentError for no address."""
        if self._session is None:
            raise PermanentError("the connection is not open")
        try:
            async with self._session.request(method, url, data=body, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except aiohttp.InvalidURL as error:
            raise PermanentError(f"{url!r} is no address: write it as http://127.0.0.1:8080") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TransientError(f"{url}: no answer: {str(error) or 'it took too long'}") from error


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


class Door(_Connection):
    """The API of a server as a person uses it, with their own token."""

    agent = "responder-cli"

    async def say(self, method: str, path: str, body: Any = None) -> Any:
        """
        Ask for a document, or say something and return what was taken down.

        Raises: NotKnown when nobody has that token, TransientError when the server does not answer, PermanentError
        when it refuses; all say why.
        """
        url = f"{self._url.rstrip('/')}{path}"
        status, said = await self._exchange(method, url, None if body is None else json.dumps(body).encode())
        if status not in _OK:
            if status == 401:
                raise NotKnown(_reason(said))
            raise TransientError(f"{self._url}: {_reason(said)}") if status >= 500 else PermanentError(_reason(said))
        try:
            return json.loads(said)
        except ValueError as error:
            raise PermanentError(f"{url}: the answer is no document: is this a Responder?") from error


class NotKnown(ConfigError):
    """The server does not know whose token this is."""


def _reason(said: bytes) -> str:
    text = said[: 4 * _SHOWN].decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["error"])[:_SHOWN]
    except (ValueError, KeyError, TypeError):
        return text[:_SHOWN]
