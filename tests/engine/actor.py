"""
A process that carries an action out, to be killed or frozen: `python -m tests.engine.actor URL FOLDER ACTION`.

The files in FOLDER hold it up before the effect or behind it. It writes every state of the attempt that it sees.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from responder.engine.runtime import Limits
from tests.engine.acting import Tools, rules_of
from tests.engine.world import World, build

LEASE = timedelta(seconds=1)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def world_of(url: str, folder: Path, action: str) -> World:
    """Build the world of such processes."""
    limits = Limits(lease=LEASE, poll=timedelta(seconds=0.1))
    return await build(
        url,
        folder,
        rules=rules_of(action, mode="auto"),
        now=now,
        limits=limits,
        automation="auto",
        action_tools=lambda incident, context: Tools(context, now),
    )


async def watch(world: World) -> None:
    """Write down how the attempt stands, whenever that changes."""
    before = ""
    while True:
        for incident in await world.incidents():
            state = incident.attempts[-1].state.value if incident.attempts else ""
            if state != before:
                os.write(1, state.encode() + b"\n")
            before = state
        await asyncio.sleep(0.05)


async def main(url: str, folder: str, action: str) -> None:
    """Run until killed, or told to stop."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    world = await world_of(url, Path(folder), action)
    await world.engine.start()
    os.write(1, b"ready\n")
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    watching = asyncio.create_task(watch(world))
    await told.wait()
    watching.cancel()
    await world.engine.stop()
    await world.store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
