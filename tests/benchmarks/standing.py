"""What it takes to be there: the start, and the memory of an idle server."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from tests.benchmarks.place import Place
from tests.benchmarks.processes import baseline, memory, responder
from tests.benchmarks.table import Row
from tests.servers.kubernetes import KubernetesServer

STARTS = 5
START_AIM = 1.5
"""Seconds."""
IDLE = 5.0
"""Seconds after the start at which memory is read."""
MEMORY_AIM = 100.0
CLUSTER_AIM = 150.0
"""MiB."""
WITHIN = 30.0


async def starting(place: Place) -> AsyncIterator[Row]:
    """Measure from the start of the process to the first 200 of /readyz, the shipped rules loaded."""
    best = statistics.median([await _bare_start() for _ in range(place.times(STARTS))])
    async with AsyncExitStack() as ending:
        for name, settings in (await _houses(place, ending)).items():
            disk = place.disk()
            took = statistics.median([await _start(place, settings) for _ in range(place.times(STARTS))])
            yield Row(
                what=f"start-up until ready, {name}",
                figure=took,
                unit="s",
                baseline=best,
                disk=disk,
                aim=f"< {START_AIM:g} s",
                met=took < START_AIM,
            )


async def idling(place: Place) -> AsyncIterator[Row]:
    """Measure the resident memory of a server that has nothing to do, the shipped rules loaded."""
    async with baseline() as bare:
        best = memory(bare.pid)
    async with AsyncExitStack() as ending:
        for name, settings in (await _houses(place, ending)).items():
            disk, aim = place.disk(), CLUSTER_AIM if "kubernetes" in settings else MEMORY_AIM
            async with responder(place.folder(), **settings) as server:
                await asyncio.sleep(place.seconds(IDLE))
                held = memory(server.pid)
            yield Row(
                what=f"resident memory, idle, {name}",
                figure=held,
                unit="MiB",
                baseline=best,
                disk=disk,
                aim=f"< {aim:g} MiB",
                met=held < aim,
            )


async def _houses(place: Place, ending: AsyncExitStack) -> Mapping[str, Mapping[str, Any]]:
    """Prepare the settings of each: on SQLite, on Postgres, with a cluster."""
    rules = place.rules()
    cluster = await ending.enter_async_context(KubernetesServer(metrics=True).running())
    kubernetes = {"kubernetes": {"kubeconfig": str(cluster.kubeconfig(place.folder()))}}
    return {
        "sqlite": rules,
        "postgres": {**rules, **place.database("postgres")},
        "with a cluster": {**rules, **kubernetes},
    }


async def _bare_start() -> float:
    began = time.perf_counter()
    async with baseline():
        return time.perf_counter() - began


async def _start(place: Place, settings: Mapping[str, Any]) -> float:
    began = time.perf_counter()
    async with responder(place.folder(), **settings) as server, aiohttp.ClientSession() as session:
        async with asyncio.timeout(WITHIN):
            while not await _ready(session, server.url):
                await asyncio.sleep(0.005)
        return time.perf_counter() - began


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    async with session.get(f"{url}/readyz") as answer:
        return answer.status == 200
