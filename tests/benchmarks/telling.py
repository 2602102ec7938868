"""From the POST to the first request at Slack."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiohttp

from tests.benchmarks.bodies import alert, delivery
from tests.benchmarks.place import Place
from tests.benchmarks.processes import baseline, responder
from tests.benchmarks.table import Row
from tests.servers.responder import HEADERS
from tests.servers.slack import FakeSlack

FIRST_AIM = 15.0
"""Milliseconds."""
MESSAGES = 60
CHANNELS = 20
"""So many that the pace of a channel, one post a second after four, holds up none."""
REST = 0.1
"""Seconds between two alerts, for the diagnosis and the edit of the one before to end."""
SETTLED = 2.0
"""Seconds after the start, for all playbooks to be compiled."""
WITHIN = 30.0


async def first_message(place: Place) -> AsyncIterator[Row]:
    """Measure one connection: from the POST to the arrival of its chat.postMessage."""
    count = place.times(MESSAGES)
    teams = {f"team-{n}": _team(f"team-{n}") for n in range(CHANNELS)}
    for kind in ("sqlite", "postgres"):
        async with FakeSlack() as slack:
            for name in teams:
                slack.channel(name)
            async with baseline(slack.base_url) as bare:
                best = await _until_told(slack, f"http://127.0.0.1:{bare.port}", count)
            disk = place.disk()
            settings = {"slack": {"bot_token": slack.token, "base_url": slack.base_url}, **place.rules(teams=teams)}
            async with responder(place.folder(), **place.database(kind), **settings) as server:
                await asyncio.sleep(SETTLED)
                seen = await _until_told(slack, server.url, count)
        p50, best_p50 = statistics.median(seen), statistics.median(best)
        yield Row(
            what=f"POST to first Slack request, p50, 1 connection, {kind}",
            figure=p50,
            unit="ms",
            baseline=best_p50,
            disk=disk,
            aim=f"< {FIRST_AIM:g} ms",
            met=p50 < FIRST_AIM,
        )
        yield Row(what=f"  p90, {kind}", figure=_p90(seen), unit="ms", baseline=_p90(best), disk=disk)


def _team(name: str) -> dict[str, Any]:
    return {"namespaces": [name], "receivers": {"incidents": {"slack": {"channel": f"#{name}"}}}}


async def _until_told(slack: FakeSlack, url: str, count: int) -> list[float]:
    """Post one alert after the other, each a new incident; the first few only warm up. Returns milliseconds."""
    took: list[float] = []
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        for number in range(-CHANNELS, count):
            group = number % CHANNELS
            known = len(slack.requests("chat.postMessage"))
            one = alert(number + CHANNELS, group, container=f"c{number + CHANNELS}")
            began = time.monotonic()
            async with session.post(f"{url}/v1/webhooks/alertmanager", json=delivery([one], group)) as answer:
                assert answer.status == 200
            await _until(partial(_more_than, slack, known))
            await asyncio.sleep(REST)
            took.append((slack.requests("chat.postMessage")[known].at - began) * 1000)
    return took[CHANNELS:]


def _more_than(slack: FakeSlack, known: int) -> bool:
    return len(slack.requests("chat.postMessage")) > known


async def _until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not look():
            await asyncio.sleep(0.002)


def _p90(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[-1]
