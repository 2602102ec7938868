"""HTTP for diagnostics: identical GETs of a moment share one answer."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from responder.clients.http import Http
from responder.clients.sharing import Sharing
from responder.model.outside import HttpAnswer


class ReadingHttp:
    """Asks as `Http` does; what has a body, or may change something, is asked each time."""

    def __init__(self, http: Http, sharing: Sharing[Any]) -> None:
        self._http = http
        self._sharing = sharing

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials: str = "",
        timeout: timedelta = timedelta(seconds=8),
        limit_bytes: int = 1_000_000,
        redirects: bool = True,
    ) -> HttpAnswer:
        """Ask once, or have the answer of who just asked the same. Raises: as `Http.request`."""

        async def ask() -> HttpAnswer:
            return await self._http.request(
                method,
                url,
                headers=headers,
                body=body,
                credentials=credentials,
                timeout=timeout,
                limit_bytes=limit_bytes,
                redirects=redirects,
            )

        if method.upper() not in ("GET", "HEAD") or body is not None:
            return await ask()
        sent = tuple(sorted((headers or {}).items()))
        answer: HttpAnswer = await self._sharing.get(
            (method.upper(), url, sent, credentials, timeout, limit_bytes, redirects), ask
        )
        return answer
