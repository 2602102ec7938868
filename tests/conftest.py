"""What every test may ask for: real servers, started once a session and only when asked for."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres, start_postgres
from tests.servers.processes import MISSING, Bench, Server

pytest_plugins: list[str] = [
    "tests.servers.kubernetes_cluster",
    "tests.servers.mail",
    "tests.servers.replicas",
    "tests.servers.responder",
    "tests.servers.slack",
    "tests.servers.web",
]
"""Modules of `tests/servers/` that bring fixtures of their own."""

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[Bench]:
    """Start servers that live as long as the session."""
    yield from _bench()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Start servers of one test's own, to stop, kill or freeze them."""
    yield from _bench()


def _bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="responder-test-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        try:
            yield bench
        finally:
            bench.stop()


@pytest.fixture(scope="session")
def postgres(servers: Bench) -> Postgres:
    """Start the session's PostgreSQL."""
    return start_postgres(servers)


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """Return the address of the session's PostgreSQL: its database `postgres`, shared by all tests."""
    return postgres.url()


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """Return the address of an empty PostgreSQL database of the test's own."""
    name = f"test_{next(_NUMBERS)}"
    yield postgres.create(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def redis_server(servers: Bench) -> Server:
    """Start the session's Redis."""
    return servers.redis()


@pytest.fixture
def redis_url(redis_server: Server) -> str:
    """Return the address of the session's Redis, shared by all tests: use keys of your own."""
    return redis_server.url


@pytest.fixture
def start_redis(bench: Bench) -> Callable[..., Server]:
    """Start a Redis of the test's own: `start_redis(*options)`."""
    return bench.redis


@pytest.fixture
def start_prometheus(bench: Bench) -> Callable[..., Server]:
    """Start a Prometheus of the test's own: `start_prometheus(config=..., rules=..., flags=...)`."""
    return bench.prometheus


@pytest.fixture
def start_alertmanager(bench: Bench) -> Callable[..., Server]:
    """Start an Alertmanager of the test's own: `start_alertmanager(config=..., flags=...)`."""
    return bench.alertmanager


@pytest.fixture(scope="session")
def prometheus_server(servers: Bench) -> Server:
    """Start the session's Prometheus, which scrapes itself each second."""
    return servers.prometheus()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how many tests did not run because a server is not installed."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if MISSING in reason:
            name = reason.split(MISSING, 1)[1].strip()
            counts[name] = counts.get(name, 0) + 1
    if counts:
        total = sum(counts.values())
        terminalreporter.section(f"{total} TESTS DID NOT RUN: SERVERS MISSING", sep="!", red=True, bold=True)
        for name, count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:5d}  {name}", red=True)
