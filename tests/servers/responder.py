"""Responder as a process of its own, on loopback, as people run it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

TOKEN = "token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
START_WITHIN = 90.0
"""Seconds for a crowd on few cores; one that ends before it listens is noticed at once."""


@dataclass
class Responder:
    """
    One process. `settings` go into its file; `url` is where it listens, once started; `log` what it has written.

    `flags` are given to `responder serve`.
    """

    folder: Path
    settings: Mapping[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    log: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    url: str = ""
    process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    async def launch(self) -> None:
        """Start the process without waiting for anything."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "responder.yaml"
        config.write_text(yaml.safe_dump(dict(self.settings)))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "responder", "serve", "--config", str(config), *self.flags),
            cwd=self.folder,
            env={**{k: v for k, v in os.environ.items() if not k.startswith("RESPONDER_")}, **self.environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def start(self) -> None:
        """Start, and wait until it listens."""
        await self.launch()
        async with asyncio.timeout(START_WITHIN):
            serving = await self.said("serving")
        self.url = serving["addresses"][0]

    async def said(self, event: str) -> dict[str, Any]:
        """Wait until it logs an event, and return it."""
        while True:
            found = next((line for line in self.log if line["event"] == event), None)
            if found:
                return found
            if self._reading is None or self._reading.done():
                raise AssertionError(f"it ended without saying {event}: {self.errors} {self.log}")
            self._heard.clear()
            await self._heard.wait()

    async def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        assert self.process is not None
        assert self._reading is not None
        status = await self.process.wait()
        await self._reading
        return status

    async def stop(self) -> int:
        """Ask it to stop, and wait until it has."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self) -> None:
        """End it at once, if it still runs."""
        if self.process is not None and self.process.returncode is None:
            self.signal(signal.SIGKILL)
            await self.ended()

    async def get(self, path: str) -> Any:
        """Ask its API."""
        async with aiohttp.ClientSession(headers=HEADERS) as session, session.get(f"{self.url}{path}") as answer:
            return await answer.json()

    async def text(self, path: str) -> str:
        """Ask it for text."""
        async with aiohttp.request("GET", f"{self.url}{path}", headers=HEADERS) as answer:
            return await answer.text()

    async def post(self, body: bytes) -> int:
        """Post a delivery; returns the status."""
        headers = {**HEADERS, "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.url}/v1/webhooks/alertmanager", data=body) as answer,
        ):
            return answer.status

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            try:
                self.log.append(json.loads(text))
            except ValueError:
                self.errors.append(text)
            self._heard.set()
        self._heard.set()


Run = Callable[..., Responder]


@pytest.fixture
async def run_responder(tmp_path: Path) -> AsyncIterator[Run]:
    """Prepare processes in a folder of the test's own: `responder = run_responder(rules=[...])`, then `start()`."""
    made: list[Responder] = []

    def prepare(*, environ: Mapping[str, str] | None = None, **settings: Any) -> Responder:
        chosen = {"listen": "127.0.0.1:0", "webhook": {"bearer_tokens": [TOKEN]}, "stop_within": "5s", **settings}
        made.append(Responder(tmp_path / "responder", chosen, environ or {}))
        return made[-1]

    yield prepare
    for one in made:
        await one.end()
