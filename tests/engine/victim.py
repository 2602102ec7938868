"""
A process that runs an engine, to be killed or frozen: `python -m tests.engine.victim URL FOLDER LEASE LOAD START`.

It posts deliveries, LOAD at a time, numbered from START, and writes the number of each that was accepted.
"""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from responder.engine.runtime import Limits
from tests.engine.world import World, alert, build, delivery

NAMESPACES = 9


async def load(world: World, numbers: Iterator[int]) -> None:
    """Post one delivery after the other."""
    for number in numbers:
        body = delivery(alert(pod=f"p{number}", namespace=f"n{number % NAMESPACES}"))
        await world.engine.intake.accept(body)
        os.write(1, b"%d\n" % number)


async def main(url: str, folder: str, lease: str, at_once: str, start: str) -> None:
    """Run until killed, or told to stop."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    limits = Limits(lease=timedelta(seconds=float(lease)), poll=timedelta(seconds=0.1))
    world = await build(url, Path(folder), now=lambda: datetime.now(UTC), limits=limits)
    await world.engine.start()
    os.write(1, b"ready\n")
    numbers = itertools.count(int(start))
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    loading = [asyncio.create_task(load(world, numbers)) for _ in range(int(at_once))]
    await told.wait()
    for task in loading:
        task.cancel()
    await world.engine.stop()
    await world.store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
