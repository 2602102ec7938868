"""A line to a server that is cut in the moment in which a certain word passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class Line:
    """
    A line on its own port. The first time that `word` passes it is cut: before the word arrives, or with `late` once
    the server has answered it. With `for_good` nobody gets through any more.
    """

    host: str
    target: int
    word: bytes
    late: bool = False
    for_good: bool = False
    port: int = 0
    cuts: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """Listen."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.for_good and self.cuts:
            writer.transport.abort()
            return
        theirs_reader, theirs = await asyncio.open_connection(self.host, self.target)
        muted = asyncio.Event()
        back = asyncio.create_task(self._back(theirs_reader, writer, muted))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.word in data and not self.cuts:
                    self.cuts += 1
                    if self.late:
                        muted.set()
                        theirs.write(data)
                        await back
                    break
                theirs.write(data)
        writer.transport.abort()
        theirs.transport.abort()
        await back

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, muted: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if muted.is_set():
                    return
                writer.write(data)
