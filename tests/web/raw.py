"""Speaks HTTP by hand, to send what no client library would."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass
class Raw:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, port: int) -> "Raw":
        """Connect to loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Read one answer: its status, and head and body as they came."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = next(
            (int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length")), 0
        )
        return status, head + await self.reader.readexactly(length)

    async def closed(self) -> bytes:
        """Wait for the other side to close; answers what it still said."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        """Close, from this side."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


Connect = Callable[[int], Awaitable[Raw]]


def post(body: bytes, *headers: str, length: int | None = None, path: str = "/v1/webhooks/alertmanager") -> bytes:
    """Write a POST with the tests' token; `length` lies about the body's."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: responder",
        "Authorization: Bearer token-of-the-tests",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
