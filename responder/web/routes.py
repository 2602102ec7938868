"""The table of routes and the way from a request to its handler: never a redirect, every refusal with its cure."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

from responder.web.access import Access, Gate
from responder.web.answers import RETRY_AFTER, Refused, document, line
from responder.web.documents import Problem

Handle = Callable[[web.BaseRequest, str], Awaitable[web.Response]]
"""Takes the request and what stands in the place of the path's `{...}`: "" where there is none, `a/b` for two."""

_HOLE = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One method on one path.

    `answers` says for each status what the body is: a document's type, or a media type. `query` are the parameters
    after the question mark; `body` is the document that is sent, or says what it is. Refusals are documents where the
    answer is one, else a line of text.
    """

    method: str
    path: str
    access: Access
    handle: Handle
    summary: str
    answers: Mapping[int, type[BaseModel] | str]
    query: type[BaseModel] | None = None
    body: str | type[BaseModel] = ""

    @property
    def speaks_json(self) -> bool:
        """Whether refusals are documents."""
        return Problem in self.answers.values()


@dataclass(slots=True)
class Router:
    """
    Finds the route, lets the gate decide, and turns refusals into answers.

    `refused` is told the status of each refusal of a sender. While `closing`, all but probes are refused.
    """

    routes: Sequence[Route]
    gate: Gate
    refused: Callable[[int], None]
    closing: bool = False
    _exact: dict[str, dict[str, Route]] = field(default_factory=dict)
    _holed: list[tuple[re.Pattern[str], dict[str, Route]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Sort the routes by path."""
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if _HOLE.search(path):
                pattern = "([^/]+)".join(re.escape(part) for part in _HOLE.split(path))
                self._holed.append((re.compile(pattern), methods))
            else:
                self._exact[path] = methods

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer a request."""
        route: Route | None = None
        try:
            route, part = self._find(request)
            if self.closing and route.access is not Access.OPEN:
                raise Refused(503, "responder is stopping: send it again", headers={"Retry-After": RETRY_AFTER})
            self.gate.admit(request, route.access)
            answer = await route.handle(request, part)
        except Refused as refused:
            answer = _refusal(refused, route)
            if route and route.access is Access.SENDER:
                self.refused(refused.status)
        if self.closing or not request.content.is_eof():
            answer.force_close()
        return answer

    def _find(self, request: web.BaseRequest) -> tuple[Route, str]:
        path = request.rel_url.raw_path
        methods, part = (self._exact[path], "") if path in self._exact else self._match(path)
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise Refused(405, f"{path} takes {allowed}, not {request.method}", headers={"Allow": allowed})
        return methods[method], part

    def _match(self, path: str) -> tuple[dict[str, Route], str]:
        for pattern, methods in self._holed:
            matched = pattern.fullmatch(path)
            if matched:
                return methods, "/".join(matched.groups())
        shorter = path.rstrip("/")
        hint = f"; {shorter} is the address, without a slash at the end" if shorter in self._exact else ""
        raise Refused(404, f"there is nothing at {path[:200]!r}{hint}")


def _refusal(refused: Refused, route: Route | None) -> web.Response:
    if route is None or not route.speaks_json:
        return line(refused.status, refused.message, refused.headers)
    answer = document(Problem(error=refused.message), refused.status)
    answer.headers.update(refused.headers)
    return answer
