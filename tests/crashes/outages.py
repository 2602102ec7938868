"""Stores and a Slack that go away, and come back when a test wants it."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import aiohttp

from tests.crashes.case import Case, delivery
from tests.crashes.fleet import Fleet
from tests.servers.postgres import Postgres
from tests.servers.responder import HEADERS
from tests.servers.slack import FakeSlack

_TROUBLES = ({"status": 500}, {"hang": 3.0}, {"drop": "after"})
_FOR_LONG = 1_000_000


class Store(Protocol):
    """A store that goes away: `url` is its address."""

    url: str

    def go(self, fleet: Fleet) -> None:
        """Go away."""

    def come(self) -> None:
        """Come back."""


class PostgresAway:
    """A PostgreSQL of the test's own: `stopped` as an administrator does, `killed` with -9, or all of it `frozen`."""

    def __init__(self, postgres: Postgres, how: Literal["stopped", "killed", "frozen"]) -> None:
        self.url, self.server, self.how = postgres.url(), postgres.server, how
        self.still: list[int] = []

    def go(self, fleet: Fleet) -> None:
        """End, or stand still."""
        match self.how:
            case "stopped":
                self.server.stop()
            case "killed":
                self.server.kill()
            case "frozen":
                children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
                self.still = [self.server.pid, *map(int, children)]
                self._tell(signal.SIGSTOP)

    def come(self) -> None:
        """Start, or go on."""
        if self.how == "frozen":
            self._tell(signal.SIGCONT)
        else:
            self.server.start()

    def _tell(self, number: signal.Signals) -> None:
        for pid in self.still:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


class FilesLocked:
    """SQLite's two files in the hands of another program, which lets nobody else write."""

    url = "sqlite:///responder.db"

    def __init__(self) -> None:
        self.held: list[sqlite3.Connection] = []

    def go(self, fleet: Fleet) -> None:
        """Lock them."""
        for name in ("responder.db", "responder.db-inbox"):
            connection = sqlite3.connect(fleet.folder / "responder" / name, isolation_level=None, timeout=30)
            self.held.append(connection)
            connection.execute("begin immediate")

    def come(self) -> None:
        """Let them go."""
        while self.held:
            self.held.pop().close()


@asynccontextmanager
async def store_away(store: Store, fleet: Fleet) -> AsyncIterator[None]:
    """Let the store be away until that was felt at every door, and what is done meanwhile is begun."""

    async def is_felt() -> bool:
        return not any([await accepts(door.url) for door in fleet.doors])

    async def is_back() -> bool:
        return all([await accepts(door.url) for door in fleet.doors])

    fleet.strikes += 1
    await asyncio.to_thread(store.go, fleet)
    try:
        await fleet.until(is_felt)
        yield
    finally:
        await asyncio.to_thread(store.come)
    fleet.strikes += 1
    await fleet.until(is_back)


async def accepts(url: str) -> bool:
    """Say whether a delivery is taken within a second."""
    limit = aiohttp.ClientTimeout(total=1)
    try:
        async with (
            aiohttp.ClientSession(headers={**HEADERS, "Content-Type": "application/json"}, timeout=limit) as session,
            session.post(f"{url}/v1/webhooks/alertmanager", data=delivery("Probe", "probe")) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@asynccontextmanager
async def slack_away(slack: FakeSlack, case: Case, which: int) -> AsyncIterator[None]:
    """Let Slack be away until a message is missed that is due at the end; then wait until all are told."""
    outage = slack.fail(times=_FOR_LONG, **_TROUBLES[which % len(_TROUBLES)])

    async def is_missed() -> bool:
        return outage.times < _FOR_LONG

    async def is_told() -> bool:
        return not await case.fleet.count(
            f"command where kind = 'notify' and incident = {case.number} and ended_at is null"
        )

    try:
        yield
        await case.fleet.until(is_missed)
    finally:
        outage.times = 0
    await case.fleet.until(is_told)
