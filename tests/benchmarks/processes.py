"""The processes of a run: the server as people run it, the baseline, the load."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.bodies import TOKEN
from tests.servers.processes import free_port
from tests.servers.responder import Responder

_WITHIN = 120.0
"""Seconds until a load is given up."""


@dataclass(frozen=True)
class Figures:
    """What one load saw: answers a second, milliseconds, answers by status, when it began (time.time())."""

    rate: float
    p50: float
    p99: float
    statuses: Mapping[str, int]
    began_at: float

    @property
    def refused(self) -> str:
        """Say what was not answered with 200; nothing, when all is well."""
        others = {status: count for status, count in self.statuses.items() if status != "200"}
        return f" REFUSED {others}" if others else ""


@dataclass(frozen=True)
class Baseline:
    """The bare handler that runs."""

    port: int
    pid: int


@asynccontextmanager
async def baseline(slack: str = "") -> AsyncIterator[Baseline]:
    """Run the bare handler."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.baseline", str(port), slack), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        assert await process.stderr.readline() == b"ready\n"
        yield Baseline(port, process.pid)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def responder(folder: Path, **settings: Any) -> AsyncIterator[Responder]:
    """Run the server, all its loops included."""
    shape = {"listen": "127.0.0.1:0", "webhook": {"bearer_tokens": [TOKEN]}, **settings}
    server = Responder(folder, shape)
    await server.start()
    try:
        yield server
    finally:
        await server.end()


def port_of(server: Responder) -> int:
    """Return the port that it listens on."""
    return int(server.url.rpartition(":")[2])


async def load(port: int, *, connections: int, bodies: Path, seconds: float = 0.0) -> Figures:
    """Post for a while; without `seconds` each body once."""
    arguments = (str(port), str(connections), str(seconds), str(bodies))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.load", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_WITHIN):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Figures(**json.loads(out))


def middle(figures: Sequence[Figures]) -> Figures:
    """Return the medians of several loads, with the answers of all."""
    statuses: Counter[str] = Counter()
    for one in figures:
        statuses.update(one.statuses)
    return Figures(
        rate=median(one.rate for one in figures),
        p50=median(one.p50 for one in figures),
        p99=median(one.p99 for one in figures),
        statuses=statuses,
        began_at=figures[0].began_at,
    )


def memory(pid: int, field: str = "VmRSS") -> float:
    """Return what a process holds in memory, in MiB; `VmHWM` is the most that it ever held."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)
