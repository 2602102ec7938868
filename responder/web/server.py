"""The listening socket: connections, TLS, the time that a request may take to arrive, and a stop that loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from socket import AF_INET6
from typing import cast

from aiohttp import web

from responder.errors import ConfigError
from responder.web.certificate import Certificate

KEEP_ALIVE = 330.0
"""Seconds that an idle connection is kept: longer than the 300 of Alertmanager, so that it is never us who close a
connection at the moment in which it sends."""

SWEEP = 0.5
"""Seconds between two looks for connections whose request does not arrive."""

SHUTDOWN = 0.5
"""Seconds for the last answers to leave, when all handlers have ended."""

RENEWAL = 30.0
"""Seconds between two looks whether the certificate was renewed on disk."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """One connection. `since` is the loop's time at which the request now arriving began; None while one is handled."""

    __slots__ = ("busy", "since")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None is what switches it off
            keepalive_timeout=KEEP_ALIVE,
            auto_decompress=False,
        )
        self.busy = False
        self.since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a connection that says nothing is a request that does not arrive."""
        self.since = self._loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Start the clock at the first byte of a request."""
        if not self.busy and self.since is None:
            self.since = self._loop.time()
        super().data_received(data)

    def close_if_slow(self, oldest: float) -> None:
        """Close if a request began to arrive before `oldest` and is not there yet."""
        if not self.busy and self.since is not None and self.since < oldest:
            self.force_close()


class Listener:
    """
    Serves one handler on one address.

    aiohttp limits neither the time in which the head of a request arrives nor the silence before it; a sweep over the
    connections does. The time for the body is the handler's: `deadline(request)`.
    """

    def __init__(self, handler: Handler, *, read_timeout: timedelta, certificate: Certificate | None = None) -> None:
        self._handler = handler
        self._limit = read_timeout.total_seconds()
        self._certificate = certificate
        self._listening: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._renewer: asyncio.Task[None] | None = None
        self._manager: web.Server | None = None
        self._active = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def start(self, host: str, port: int) -> None:
        """
        Listen; an empty host means every address, port 0 any that is free.

        Raises: ConfigError when the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._manager = manager = web.Server(self._serve)
        try:
            self._listening = await loop.create_server(
                lambda: Connection(manager, loop),
                host or None,
                port,
                ssl=self._certificate.context if self._certificate else None,
                ssl_handshake_timeout=self._limit if self._certificate else None,
                backlog=1024,
            )
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}; change `listen`") from error
        self._sweeper = asyncio.create_task(self._sweep(manager))
        if self._certificate:
            self._renewer = asyncio.create_task(self._renew(self._certificate))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, as URLs."""
        scheme = "https" if self._certificate else "http"
        sockets = self._listening.sockets if self._listening else ()
        names = ((s.family == AF_INET6, *s.getsockname()[:2]) for s in sockets)
        return tuple(f"{scheme}://[{host}]:{port}" if six else f"{scheme}://{host}:{port}" for six, host, port in names)

    async def stop(self, within: timedelta) -> None:
        """
        Take no more connections and close the idle ones; let the requests that have begun arrive and be answered.

        aiohttp's own shutdown drops what is still to come of a body, so it comes last.
        """
        if self._listening is None or self._manager is None or self._sweeper is None:
            return
        self._listening.close()
        self._sweeper.cancel()
        if self._renewer:
            self._renewer.cancel()
        for connection in self._manager.connections:
            if not cast(Connection, connection).busy:
                connection.force_close()
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._quiet.wait()
        await self._manager.shutdown(SHUTDOWN)
        self._listening = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast(Connection, request.protocol)
        connection.busy = True
        self._active += 1
        self._quiet.clear()
        try:
            return await self._handler(request)
        finally:
            connection.busy = False
            connection.since = None
            self._active -= 1
            if not self._active:
                self._quiet.set()

    async def _sweep(self, manager: web.Server) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP)
            oldest = loop.time() - self._limit
            for connection in manager.connections:
                cast(Connection, connection).close_if_slow(oldest)

    async def _renew(self, certificate: Certificate) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            await asyncio.to_thread(certificate.renew)

    def deadline(self, request: web.BaseRequest) -> float:
        """Return the loop's time at which the whole request must have arrived."""
        began = cast(Connection, request.protocol).since
        return (asyncio.get_running_loop().time() if began is None else began) + self._limit
