"""Runs stories: on SQLite in a loop with a time of its own, on PostgreSQL in a real one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from responder.store.opening import open_store
from responder.store.sqlite import SqliteStore
from tests.simulation.clockwork import HandClock, LoopClock, VirtualLoop, inline, remembering
from tests.simulation.plan import Plan, Told
from tests.simulation.story import Story

_MEMORY = Path("/dev/shm")
"""Where files cost least; any other folder does."""


def tell(plan: Plan) -> Told:
    """Tell a story on SQLite; the same plan is the same story."""
    with _silence(), remembering(), TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        loop = VirtualLoop()
        try:
            return loop.run_until_complete(_on_sqlite(plan, Path(folder)))
        finally:
            loop.close()


async def tell_on_postgres(plan: Plan, url: str) -> Told:
    """Tell a story on an empty PostgreSQL database; who waits there for a lock makes no two stories quite the same."""
    with _silence():
        store = await open_store(url)
        try:
            return await Story(plan, store, HandClock(), shared=True).run()
        finally:
            await store.close()


async def _on_sqlite(plan: Plan, folder: Path) -> Told:
    store = await inline(SqliteStore(folder / "responder.db"))
    try:
        return await Story(plan, store, LoopClock()).run()
    finally:
        await store.close()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the log of engines that die by the dozen to themselves."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio_log = logging.getLogger("asyncio")
    level = asyncio_log.level
    asyncio_log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        asyncio_log.setLevel(level)
        structlog.configure(**before)
