"""A door on loopback, with what stands behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.web.house import House
from tests.web.house import open_house as house_of
from tests.web.raw import Connect, Raw

Open = Callable[..., Awaitable[House]]

TOKEN = "token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Open]:
    """Open a door with the given settings: `await open_house(webhook={...})`."""
    numbers = count()
    async with AsyncExitStack() as stack:

        async def open_one(**settings: Any) -> House:
            settings.setdefault("webhook", {"bearer_tokens": [TOKEN]})
            house = await house_of(tmp_path / f"house-{next(numbers)}", **settings)
            stack.push_async_callback(house.store.close)
            stack.push_async_callback(house.close)
            return house

        yield open_one


@pytest.fixture
async def house(open_house: Open) -> House:
    """Open a door that takes one bearer token."""
    return await open_house()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect to a port of loopback: `await connect(house.port)`."""
    async with AsyncExitStack() as stack:

        async def connect_one(port: int) -> Raw:
            raw = await Raw.connect(port)
            stack.push_async_callback(raw.close)
            return raw

        yield connect_one


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask as Alertmanager would: with the token, and without following anything."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield session


@pytest.fixture
async def stranger() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask without credentials."""
    async with aiohttp.ClientSession() as session:
        yield session
