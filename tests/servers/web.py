"""Small HTTP servers on loopback: one of handlers, and one that sends whatever bytes a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.servers.certificates import Authority

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServers:
    """Starts servers and ends them with the test."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], Awaitable[object]]] = []

    async def serve(self, handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> str:
        """Answer every request with the handler; returns the address, such as http://127.0.0.1:4711."""
        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
        await runner.setup()
        self._ends.append(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        return f"{'https' if tls else 'http'}://{host}:{port}"

    async def send(self, *pieces: bytes, stay: bool = False) -> str:
        """Send these bytes to whoever connects, then close, or `stay` silent; returns the address."""
        gone = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if stay:
                    await gone.wait()
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)

        async def end() -> None:
            gone.set()
            server.close()
            await server.wait_closed()

        self._ends.append(end)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End all servers."""
        while self._ends:
            await self._ends.pop()()


@pytest.fixture
async def web_servers() -> AsyncIterator[WebServers]:
    """Start small HTTP servers."""
    servers = WebServers()
    yield servers
    await servers.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make a certificate authority."""
    return Authority(tmp_path)
