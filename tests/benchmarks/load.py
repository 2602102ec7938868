"""
Posts deliveries as fast as they are answered: `python -m tests.benchmarks.load PORT CONNECTIONS SECONDS FILE`.

A process of its own, so that it takes nothing from the server's; each connection waits for its answer before it posts
again. FILE has one body a line: they are posted over and over for SECONDS, or each once where SECONDS is 0. Prints what
happened as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop

from tests.benchmarks.bodies import TOKEN

_HEAD = (
    "POST /v1/webhooks/alertmanager HTTP/1.1\r\nHost: responder\r\nUser-Agent: Alertmanager/0.34.0\r\n"
    f"Content-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {{}}\r\n\r\n"
)
_LONGEST = 60.0
"""Seconds after which a load ends whatever is left."""


class Run:
    """One run: what is to be posted, and what came back. `times` are seconds."""

    def __init__(self, bodies: list[bytes], connections: int, seconds: float) -> None:
        requests = [_HEAD.format(len(body)).encode() + body for body in bodies]
        self.requests: Iterator[bytes] = cycle(requests) if seconds else iter(requests)
        self.left = connections
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.until = time.perf_counter() + (seconds or _LONGEST)
        self.ended = asyncio.Event()

    def next(self) -> bytes | None:
        """Return the next request, None when it is enough."""
        return next(self.requests, None) if time.perf_counter() < self.until else None


class Client(asyncio.Protocol):
    """One connection that posts, waits for the answer, and posts again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.began = 0.0
        self.answer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Post the first."""
        self.transport = cast(asyncio.Transport, transport)
        self.post()

    def post(self) -> None:
        """Post the next, or end."""
        assert self.transport is not None
        request = self.run.next()
        if request is None:
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note the answer and post the next."""
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if found else 0
        if not found or len(body) < length:
            return
        self.run.times.append(time.perf_counter() - self.began)
        self.run.statuses[int(self.answer[9:12])] += 1
        self.answer = b""
        self.post()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count down."""
        self.run.left -= 1
        if not self.run.left:
            self.run.ended.set()


async def main(port: int, connections: int, seconds: float, path: Path) -> None:
    """Post, and print what happened."""
    run = Run(path.read_bytes().splitlines(), connections, seconds)
    loop = asyncio.get_running_loop()
    began, began_at = time.perf_counter(), time.time()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(run), "127.0.0.1", port)
    await asyncio.wait_for(run.ended.wait(), 2 * _LONGEST)
    took = time.perf_counter() - began
    times = sorted(run.times)
    figures = {
        "rate": len(times) / took,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[int(len(times) * 0.99)] * 1000,
        "statuses": run.statuses,
        "began_at": began_at,
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
