"""Every test of the engine runs on both stores."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.engine.world import World, build

structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
)

Build = Callable[..., Awaitable[World]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/responder.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def start(database_url: str, tmp_path: Path) -> AsyncIterator[Build]:
    """Build worlds, and close them at the end."""
    built: list[World] = []

    async def start(**settings: Any) -> World:
        world = await build(database_url, tmp_path / "channel", **settings)
        built.append(world)
        return world

    yield start
    for world in built:
        await world.store.close()


@pytest.fixture
async def world(start: Build) -> World:
    """Build a world with the usual rules."""
    return await start()
