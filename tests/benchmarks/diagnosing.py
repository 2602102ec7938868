"""The total time of five diagnostics of one second each."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from aiohttp import web

from tests.benchmarks.bodies import alert, delivery
from tests.benchmarks.place import Place
from tests.benchmarks.processes import responder
from tests.benchmarks.table import Row
from tests.servers.responder import HEADERS, Responder

DIAGNOSTICS = 5
TAKES = 1.0
"""Seconds of each."""
AIM = 1.15
"""Seconds of all together."""
INCIDENTS = 6
WITHIN = 30.0


async def diagnosing(place: Place) -> AsyncIterator[Row]:
    """Measure from the POST to the last result in the store, one incident after the other; no two ask the same."""
    async with _slow() as url:
        best = statistics.median([await _asked_directly(url) for _ in range(3)])
        checks = {
            f"check{number}": {"http.check": {"url": f"{url}/{number}/${{labels.container}}"}}
            for number in range(DIAGNOSTICS)
        }
        settings = place.rules(diagnose=checks, severity="P3")
        for kind in ("sqlite", "postgres"):
            disk = place.disk()
            async with responder(place.folder(), **place.database(kind), **settings) as server:
                took = [await _diagnosed(server, number) for number in range(place.times(INCIDENTS))]
            yield Row(
                what=f"{DIAGNOSTICS} diagnostics of {TAKES:g} s, {kind} (baseline: {DIAGNOSTICS} GETs at once)",
                figure=statistics.median(took),
                unit="s",
                baseline=best,
                disk=disk,
                aim=f"< {AIM:g} s",
                met=TAKES <= statistics.median(took) < AIM,
            )


@asynccontextmanager
async def _slow() -> AsyncIterator[str]:
    """Run a server that takes its time; gives its address."""

    async def handle(_: web.BaseRequest) -> web.Response:
        await asyncio.sleep(TAKES)
        return web.Response(text="ok\n")

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _asked_directly(url: str) -> float:
    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(_get(session, f"{url}/{number}") for number in range(DIAGNOSTICS)))
    return time.perf_counter() - began


async def _get(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()


async def _diagnosed(server: Responder, number: int) -> float:
    """Post an alert and wait for its diagnosis; returns seconds."""
    body = delivery([alert(number, 0, container=f"c{number}")], 0)
    began = time.time()
    async with aiohttp.request("POST", f"{server.url}/v1/webhooks/alertmanager", json=body, headers=HEADERS) as answer:
        assert answer.status == 200
    async with asyncio.timeout(WITHIN):
        while True:
            found = await server.get(f"/v1/incidents/INC-{number + 1}")
            events = [event for event in found.get("timeline", ()) if event["what"]["kind"] == "diagnosed"]
            results = [event for event in events if event["what"]["name"].startswith("check")]
            if len(results) == DIAGNOSTICS:
                return max(datetime.fromisoformat(event["at"]).timestamp() for event in results) - began
            await asyncio.sleep(0.2)
