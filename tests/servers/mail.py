"""A mail server that speaks SMTP, keeps what it takes, and refuses on demand."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest_asyncio


class FakeMail:
    """Takes mail without asking who sends it. `refuse` maps a command ("RCPT", ...) to the answer it gets."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test ESMTP\r\n")
        while line := await reader.readline():
            verb = line.split(b" ")[0].strip().decode().upper()
            if verb in self.refuse:
                writer.write(f"{self.refuse[verb]}\r\n".encode())
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                text = body[:-3].replace(b"\r\n..", b"\r\n.")
                self.taken.append(message_from_bytes(text, policy=policy.default))  # type: ignore[arg-type]
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")
                if verb == "QUIT":
                    break
        writer.close()


@pytest_asyncio.fixture
async def fake_mail() -> AsyncIterator[FakeMail]:
    """Start a mail server."""
    server = FakeMail()
    await server.start()
    yield server
    await server.stop()
