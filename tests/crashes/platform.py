"""A cluster, its Prometheus and an HTTP interface that let a test stop whoever asks at a certain point, and count."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.servers.kubernetes import TOKEN, Asked, KubernetesServer
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.web import WebServers

Object = dict[str, Any]

DEPLOYMENT = BY_NAME["apps/v1", "Deployment"]
WANTED, BEFORE = 5, 3
"""Replicas with which requests succeed, and before."""
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Request:
    """A request of a replica: `server` is kubernetes, prometheus or http."""

    server: str
    replica: str
    method: str
    path: str
    dry_run: bool = False
    query: str = ""

    def concerns(self, namespace: str) -> bool:
        """Whether it is about that namespace."""
        return f"/namespaces/{namespace}/" in self.path or f'namespace="{namespace}"' in self.query

    @property
    def writes(self) -> bool:
        """Whether it would change something."""
        return self.method in _WRITES and not self.dry_run


@dataclass
class Gate:
    """Holds the first request that matches up, before it is served, or `late`: between its effect and its answer."""

    matches: Callable[[Request], bool]
    late: bool = False
    held: Request | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    served: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def holding(self, request: Request) -> AsyncIterator[None]:
        """Hold a request up until the gate is opened."""
        self.held = request
        if not self.late:
            await self.opened.wait()
        yield
        if self.late:
            await self.opened.wait()
        self.served.set()

    async def lets_go(self) -> None:
        """Open, and wait until what was held has arrived."""
        self.opened.set()
        await asyncio.wait_for(self.served.wait(), 30)


@dataclass
class Away:
    """
    What is wrong with requests that match, until it is over: `refused`, `hangs` (then the line is cut), or `lies`.

    Who lies carries a write out, and answers 500.
    """

    matches: Callable[[Request], bool]
    how: str
    felt: asyncio.Event = field(default_factory=asyncio.Event)
    felt_at: datetime | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def feel(self) -> None:
        """Note that somebody has asked."""
        self.felt_at = self.felt_at or datetime.now(UTC)
        self.felt.set()


@dataclass(frozen=True)
class Written:
    """A write that was carried out."""

    replica: str
    method: str
    path: str


class Cluster(KubernetesServer):
    """An API server with gates. `written` are the writes that were carried out, dry runs aside."""

    def __init__(self, gates: list[Gate], heard: list[Request]) -> None:
        super().__init__(controllers=True)
        self.gates, self.heard = gates, heard
        self.written: list[Written] = []
        self.away: list[Away] = []

    def admit(self, replica: str) -> str:
        """Return a token by which a replica is told from the others."""
        self.access.tokens[replica] = self.access.tokens[TOKEN]
        return replica

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        replica = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body = await request.read()  # now: whoever sent it may be killed before it is served
        dry = "dryRun" in request.query or b'"dryRun"' in body
        asked = Request("kubernetes", replica, request.method, request.path, dry, request.query_string)
        self.heard.append(asked)
        async with _held(self.gates, asked):
            return await self._reached(request, asked)

    async def _reached(self, request: web.Request, asked: Request) -> web.StreamResponse:
        away = next((one for one in self.away if not one.over.is_set() and one.matches(asked)), None)
        if away and away.how != "lies":
            return await _stay_away(request, away)
        answer = await super()._serve(request)
        if asked.writes and answer.status < 300 and "selfsubject" not in request.path:
            self.written.append(Written(asked.replica, request.method, request.path))
            if away:
                away.feel()
                answer = web.json_response({"kind": "Status", "code": 500, "message": "etcd timed out"}, status=500)
        return answer


@dataclass
class Platform:
    """Deployments called `api`, one in each namespace; while one has fewer than WANTED replicas, its requests fail."""

    gates: list[Gate] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    """Paths of the HTTP interface that were posted to, once for each request that was carried out."""
    heard: list[Request] = field(default_factory=list)
    """All requests of replicas, oldest first."""
    slow: set[str] = field(default_factory=set)
    """Namespaces in which requests fail as before although there are enough replicas."""
    prometheus: str = ""
    interface: str = ""

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.gates, self.heard)

    async def open(self, servers: WebServers) -> None:
        """Begin to measure, and to listen."""
        self.prometheus = await servers.serve(self._measure)
        self.interface = await servers.serve(self._take)

    def add(self, namespace: str) -> None:
        """Roll out a Deployment."""
        labels = {"app": "api"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "api", "image": "example/api:1"}]}}
        self.cluster.seed(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "api", "namespace": namespace, "labels": labels},
                "spec": {"replicas": BEFORE, "selector": {"matchLabels": labels}, "template": template},
            }
        )

    def gate(self, matches: Callable[[Request], bool], *, late: bool = False) -> Gate:
        """Hold the next request that matches up."""
        self.gates.append(Gate(matches, late))
        return self.gates[-1]

    def replicas(self, namespace: str) -> int:
        """Return how many replicas a Deployment has."""
        return int(self.cluster.objects.get(DEPLOYMENT, namespace, "api")["spec"]["replicas"])

    def writes(self, namespace: str) -> int:
        """Count the writes to a Deployment that were carried out."""
        path = f"/namespaces/{namespace}/deployments/"
        return len([one for one in self.cluster.written if path in one.path])

    def asked(self, path: str) -> list[Asked]:
        """List the requests for a path of the API server."""
        return [one for one in self.cluster.requests if path in one.path]

    async def _measure(self, request: web.BaseRequest) -> web.StreamResponse:
        form = request.query if request.method == "GET" else await request.post()
        query, replica = str(form.get("query", "")), request.path.split("/")[1]
        asked = Request("prometheus", replica, "GET", request.path, query=query)
        self.heard.append(asked)
        async with _held(self.gates, asked):
            rate = self._rate(query.partition('namespace="')[2].partition('"')[0])
        now, matrix = time.time(), request.path.endswith("query_range")
        series = {"metric": {}, **({"values": [[now, rate]]} if matrix else {"value": [now, rate]})}
        data = {"resultType": "matrix" if matrix else "vector", "result": [series]}
        return web.json_response({"status": "success", "data": data})

    def _rate(self, namespace: str) -> str:
        helps = self.replicas(namespace) == WANTED and namespace not in self.slow
        return "0.001" if helps else "0.2"

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        replica = request.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = Request("http", replica, request.method, request.path)
        self.heard.append(asked)
        async with _held(self.gates, asked):
            self.posted.append(request.path)
        return web.Response(text=json.dumps({"ok": True}), content_type="application/json")


async def _stay_away(request: web.Request, away: Away) -> web.StreamResponse:
    away.feel()
    if away.how == "hangs":
        await away.over.wait()
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


def _held(gates: list[Gate], asked: Request) -> AbstractAsyncContextManager[None]:
    gate = next((gate for gate in gates if gate.held is None and gate.matches(asked)), None)
    return gate.holding(asked) if gate else nullcontext()
