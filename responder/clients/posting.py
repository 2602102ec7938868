"""Posts deliveries to a running Responder, as Alertmanager does."""

from types import TracebackType
from typing import Self

import aiohttp

from responder.errors import PermanentError, TransientError

_WITHIN = aiohttp.ClientTimeout(total=10)
_OK = range(200, 300)


class Webhook:
    """One webhook's address; `token` "" sends no credentials."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "responder"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open a connection that is kept."""
        self._session = aiohttp.ClientSession(timeout=_WITHIN, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def post(self, body: bytes) -> None:
        """
        Post one delivery.

        Raises: TransientError when it may be posted again, PermanentError when that would not help; both say why.
        """
        if self._session is None:
            raise PermanentError("the connection is not open")
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False) as answer:
                said = (await answer.text())[:300].strip()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TransientError(f"{self._url}: no answer: {error}") from error
        if answer.status in _OK:
            return
        message = f"{self._url} answered {answer.status}: {said}"
        raise TransientError(message) if answer.status >= 500 else PermanentError(message)
