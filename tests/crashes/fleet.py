"""Replicas of Responder on one store: killed, frozen, thawed and replaced as a test wants it."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg
import pytest
import yaml

from tests.acceptance.house import RULES
from tests.crashes.platform import WANTED, Platform
from tests.servers.responder import TOKEN, Responder
from tests.servers.slack import FakeSlack

T = TypeVar("T")

wide = pytest.mark.skipif("CRASHES" not in os.environ, reason="the whole crash matrix is `make crashes`")
"""Marks cells that differ from others only a little."""

WITHIN = 60.0
"""
Seconds without anything new until a test gives up; nothing here is about how fast it is.

A process that stands still can keep the others from the store: until its lease is over, and five seconds (at most ten)
for each of the transactions, one for each turner, in which it waits for the lock of what is started.
"""
LEASE = "2s"
PEOPLE = {
    name: {"token": f"token-of-{name}", "roles": ["on-call", "admin"], "slack": f"U0{name.upper()}"}
    for name in ("ann", "bob", "cyd")
}

GONE = (aiohttp.ClientError, ConnectionError, TimeoutError)


def rules(interface: str) -> dict[str, Any]:
    """Return rules that propose to scale, one of them where two people agree, or to post to an interface."""
    diagnose = {"rate": {"prometheus.query": {"query": 'errors{namespace="${labels.namespace}"}'}}}
    scale = {
        "kubernetes.scale": {"replicas": WANTED},
        "mode": "approve",
        "guard": {"at_most": {"target": "1 per 1h"}},
        "verify": {"until": "rate.value < 0.01", "hold": "0s", "within": "2m", "otherwise": "escalate"},
    }
    post = {
        "http.request": {"method": "POST", "url": f"{interface}/${{labels.namespace}}", "credentials": "agents"},
        "mode": "approve",
        "guard": {"at_most": {"target": "1 per 1h"}},
    }
    by_two = {**scale, "guard": {"at_most": {"target": "1 per 1h"}, "approvals": 2}}
    alerts = {"TooFewPods": scale, "TooSlow": scale, "TooManyErrors": by_two, "AgentsHang": post}
    return {
        **RULES,
        "rules": [
            {
                "name": name.lower(),
                "match": [f'alertname="{name}"'],
                "correlate_by": ["namespace"],
                "severity": "critical",  # the most severe is told of one by one, however many there are
                "playbook": name.lower(),
            }
            for name in alerts
        ],
        "playbooks": {
            name.lower(): {
                "title": f"{name} in ${{labels.namespace}}",
                "target": {"kind": "Deployment", "namespace": "${labels.namespace}", "name": "api"},
                "diagnose": diagnose,
                "conclude": [{"name": "errors", "when": "rate.value > 0.1", "say": "Errors", "propose": ["act"]}],
                "actions": {"act": action},
            }
            for name, action in alerts.items()
        },
    }


async def until(look: Callable[[], Awaitable[T]], struck: Callable[[], int] = lambda: 0) -> T:
    """
    Look again and again until there is something, and return it; a replica that does not answer is asked again.

    Patience begins anew with every strike: others are held up by who was `struck`.
    """
    strikes, since = struck(), time.monotonic()
    while time.monotonic() - since < WITHIN:
        try:
            if found := await look():
                return found
        except GONE:
            pass
        if struck() != strikes:
            strikes, since = struck(), time.monotonic()
        await asyncio.sleep(0.15)
    raise TimeoutError


@dataclass
class Fleet:
    """Replicas by name. All of them listen, share a store, and see the same platform."""

    folder: Path
    platform: Platform
    slack: FakeSlack
    database_url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    replicas: dict[str, Responder] = field(default_factory=dict)
    made: int = 0
    frozen: set[str] = field(default_factory=set)
    calm: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who ends or freezes somebody, until all are well again."""
    strikes: int = 0
    """How often anything was taken away, or came back."""

    async def until(self, look: Callable[[], Awaitable[T]]) -> T:
        """Look again and again, with new patience after each strike."""
        return await until(look, lambda: self.strikes)

    async def start(self, number: int = 1) -> None:
        """Start so many more."""
        await asyncio.gather(*(self._one() for _ in range(number)))

    async def _one(self) -> None:
        self.made += 1
        name = f"replica-{self.made}"
        folder = self.folder / (name if self.shared else "responder")
        folder.mkdir(parents=True, exist_ok=True)
        rules = folder / "rules.yaml"
        rules.write_text(yaml.safe_dump(dict(self.rules)))
        access = self.platform.cluster.kubeconfig(folder, token=self.platform.cluster.admit(name))
        settings = {
            "listen": "127.0.0.1:0",
            "webhook": {"bearer_tokens": [TOKEN]},
            "stop_within": "5s",
            "lease": LEASE,
            "rules": [str(rules)],
            "database_url": self._store(name),
            "slack": {"bot_token": self.slack.token, "base_url": self.slack.base_url},
            "kubernetes": {"kubeconfig": str(access)},
            "prometheus": {"url": f"{self.platform.prometheus}/{name}"},
            "credentials": {"agents": {"url": self.platform.interface, "bearer_token": name}},
            "automation": "approve",
            "people": PEOPLE,
            **self.settings,
        }
        replica = Responder(folder, settings)
        self.replicas[name] = replica
        await replica.start()
        self.strikes += 1

    @property
    def shared(self) -> bool:
        """Whether several replicas can be on this store."""
        return not self.database_url.startswith("sqlite")

    def _store(self, name: str) -> str:
        return f"{self.database_url}?application_name={name}" if self.shared else self.database_url

    async def kill(self, name: str) -> bool:
        """End one as a crash does; False when that has happened already."""
        if name not in self.replicas:
            return False
        self.strikes += 1
        await self.replicas.pop(name).end()
        return True

    def freeze(self, name: str) -> None:
        """Stop one where it stands, if it lives."""
        if name in self.replicas:
            self.strikes += 1
            self.frozen.add(name)
            self.replicas[name].signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen one go on."""
        self.strikes += 1
        self.frozen.discard(name)
        if name in self.replicas:
            self.replicas[name].signal(signal.SIGCONT)

    async def end(self) -> None:
        """End all."""
        for replica in self.replicas.values():
            replica.signal(signal.SIGCONT)
        await asyncio.gather(*(replica.end() for replica in self.replicas.values()))

    @property
    def doors(self) -> list[Responder]:
        """The replicas that listen."""
        return [one for name, one in self.replicas.items() if one.url and name not in self.frozen]

    async def get(self, path: str) -> Any:
        """Ask whoever answers."""

        async def ask() -> Any:
            for replica in self.doors:
                try:
                    async with asyncio.timeout(3):
                        found = await replica.get(path)
                    if "error" not in found:
                        return found
                except GONE:
                    continue
            return None

        return await self.until(ask)

    async def deliver(self, body: bytes) -> None:
        """Post a delivery as Alertmanager does: again and again, until somebody takes it."""

        async def post() -> bool:
            for replica in self.doors:
                try:
                    async with asyncio.timeout(3):
                        if await replica.post(body) == 200:
                            return True
                except GONE:
                    continue
            return False

        await self.until(post)

    async def count(self, what: str) -> int:
        """Count rows in the store itself, past everybody: `what` is the rest of a query."""
        query = f"select count(*) from {what}"
        if self.shared:
            connection = await asyncpg.connect(self.database_url)
            try:
                return int(await connection.fetchval(query))
            finally:
                await connection.close()
        with closing(sqlite3.connect(f"file:{self.folder}/responder/responder.db?mode=ro", uri=True)) as file:
            return int(file.execute(query).fetchone()[0])

    async def say(self, person: str, path: str, *, door: int = 0, **body: Any) -> tuple[int, Any]:
        """Speak for a person at one of the doors."""
        headers = {"Authorization": f"Bearer token-of-{person}"}
        doors = self.doors
        if not doors:
            raise ConnectionError("nobody listens")
        url = f"{doors[door % len(doors)].url}{path}"
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(10)) as session,
            session.post(url, json=body) as answer,
        ):
            return answer.status, await answer.json()


Launch = Callable[..., AbstractAsyncContextManager[Fleet]]


@asynccontextmanager
async def running(fleet: Fleet, number: int) -> AsyncIterator[Fleet]:
    """Run a fleet, and end it at the end."""
    try:
        await fleet.start(number)
        yield fleet
    finally:
        await fleet.end()
