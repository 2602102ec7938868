"""A configured HTTP API that answers JSON: Prometheus, Alertmanager and their like, with prefix, login and TLS."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from yarl import URL

from responder.clients import tls
from responder.clients.http import login_headers
from responder.clients.wire import Exchange, Wire
from responder.errors import PermanentError, TransientError, WrongSettings
from responder.model.answers import error_of, quote
from responder.model.outside import HttpAnswer
from responder.settings.sections import Endpoint

_ELSEWHERE = frozenset({301, 302, 303, 307, 308, 404})
"""What no API answers to a question at its own path: the address is of a login page, or lacks a prefix."""

Query = Sequence[tuple[str, str]] | Mapping[str, str]


class Api:
    """One API at one address; `name` is what errors call it. Redirects are never followed. `once` as in `Wire`."""

    def __init__(
        self, endpoint: Endpoint, *, name: str, timeout: timedelta, limit_bytes: int, once: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._base = endpoint.url.rstrip("/")
        self._name = name
        self._timeout = timeout
        self._limit = limit_bytes
        self._wire = Wire(once=once)

    @property
    def host(self) -> str:
        """The host and port, for people."""
        return URL(self._base).authority

    async def get(self, path: str, query: Query = ()) -> HttpAnswer:
        """Ask; any status is an answer. Raises: CallError when there is none, or one that is too long."""
        return await self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    async def post_form(self, path: str, form: Query) -> HttpAnswer:
        """Ask with a form, which has room for long queries. Raises: CallError as `get`."""
        return await self._send("POST", path, urlencode(form).encode(), "application/x-www-form-urlencoded")

    async def post_json(self, path: str, body: Any) -> HttpAnswer:
        """Send JSON. Raises: CallError as `get`, Unanswered where nothing may be sent twice."""
        return await self._send("POST", path, orjson.dumps(body), "application/json")

    async def delete(self, path: str) -> HttpAnswer:
        """Delete what is at a path. Raises: as `post_json`."""
        return await self._send("DELETE", path)

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    async def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> HttpAnswer:
        headers = {"Accept": "application/json", **login_headers(self._endpoint)}
        if kind:
            headers["Content-Type"] = kind
        received = await self._wire.send(
            Exchange(
                method=method,
                url=URL(self._base + path, encoded=True),
                headers=headers,
                body=body,
                tls=tls.context(self._endpoint.tls),
                timeout=self._timeout,
                limit_bytes=self._limit,
            )
        )
        if received.cut:
            raise PermanentError(f"{self._name} answered more than {self._limit:,} bytes: narrow the question")
        return received.answer

    def read(self, answer: HttpAnswer) -> Any:
        """Read the JSON of a 2xx. Raises: CallError for any other status, TransientError for what is not JSON."""
        error = error_of(
            answer.status, asked=self._name, said=answer.body[:2000].decode(errors="replace"), headers=answer.headers
        )
        if error is not None:
            raise WrongSettings(str(error)) if answer.status in _ELSEWHERE else error
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as reason:
            raise TransientError(
                f"{self._name} answered no JSON: {quote(answer.body[:300].decode(errors='replace'))}"
            ) from reason
