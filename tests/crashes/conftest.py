"""The platform and the fleets of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.crashes.fleet import Fleet, Launch, rules, running
from tests.crashes.platform import Platform
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database of the test's own."""
    if request.param == "sqlite":
        return "sqlite:///responder.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def platform(web_servers: WebServers) -> AsyncIterator[Platform]:
    """Run a platform."""
    platform = Platform()
    await platform.open(web_servers)
    async with platform.cluster.running():
        yield platform
        for gate in platform.gates:
            gate.opened.set()


@pytest.fixture
def launch(platform: Platform, fake_slack: FakeSlack, tmp_path: Path) -> Launch:
    """Start replicas: `async with launch(database_url) as fleet`; three, or one on SQLite, or `number`."""

    def start(database_url: str, *, number: int = 0, **settings: Any) -> Any:
        fleet = Fleet(tmp_path, platform, fake_slack, database_url, settings, rules(platform.interface))
        return running(fleet, number or (1 if database_url.startswith("sqlite") else 3))

    return start
