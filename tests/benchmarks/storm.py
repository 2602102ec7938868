"""Ten thousand alerts at once: nothing lost, Slack asked no more than it allows, memory bounded."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from tests.benchmarks.batches import alerts_known, emptied
from tests.benchmarks.bodies import write
from tests.benchmarks.place import Place
from tests.benchmarks.processes import load, memory, port_of, responder
from tests.benchmarks.table import Row
from tests.servers.slack import FakeSlack

ALERTS = 10_000
GROUPS = 200
A_DELIVERY = 50
CONNECTIONS = 16
WATCHED = 15.0
"""Seconds after the last delivery for which Slack is watched."""
MEMORY_AIM = 300.0
"""MiB."""
POSTS = (1.0, 7)
"""What Slack allows one channel: posts a second, and at once, urgent ones included."""
EDITS = (50 / 60, 50)
"""What Slack allows of chat.update: a second, and at once."""


@dataclass(frozen=True)
class Storm:
    """What came of it. `asked` are the requests to Slack in `seconds`, `allowed` is how many may be."""

    correlated: float
    known: int
    asked: int
    limited: int
    allowed: float
    seconds: float
    most: float


async def storming(place: Place) -> AsyncIterator[Row]:
    """Let one channel take it all; a Slack that answers 429 beyond what it allows."""
    bodies = write(place.folder() / "bodies", deliveries=ALERTS // A_DELIVERY, alerts=A_DELIVERY, groups=GROUPS)
    for kind in ("sqlite", "postgres"):
        disk = place.disk()
        async with FakeSlack(burst=POSTS[1]) as slack:
            slack.channel("incidents")
            settings = {"slack": {"bot_token": slack.token, "base_url": slack.base_url}, **place.rules()}
            async with responder(place.folder(), **place.database(kind), **settings) as server:
                seen = await load(port_of(server), connections=CONNECTIONS, bodies=bodies)
                correlated = await emptied(server) - seen.began_at
                await asyncio.sleep(place.seconds(WATCHED))
                seconds = time.time() - seen.began_at
                asked = [call for call in slack.calls if call.method in {"chat.postMessage", "chat.update"}]
                limited = sum(call.status == 429 for call in asked)
                allowed = sum(rate * seconds + burst for rate, burst in (POSTS, EDITS))
                known = await alerts_known(server)
                most = memory(server.pid, "VmHWM")
        storm = Storm(correlated, known, len(asked), limited, allowed, seconds, most)
        for row in _rows(kind, storm, disk):
            yield row


def _rows(kind: str, storm: Storm, disk: float) -> Iterator[Row]:
    name = f"storm of {ALERTS:,} alerts, {GROUPS} groups, {kind}"
    yield Row(what=f"{name}: until correlated", figure=storm.correlated, unit="s", disk=disk)
    yield Row(
        what="  alerts lost",
        figure=ALERTS - storm.known,
        unit="alerts",
        disk=disk,
        aim="0",
        met=storm.known == ALERTS,
    )
    yield Row(
        what=f"  Slack requests in {storm.seconds:.0f} s, {storm.limited} refused by it (baseline: it allows)",
        figure=storm.asked,
        unit="requests",
        baseline=storm.allowed,
        disk=disk,
        aim="<= what Slack allows",
        met=storm.asked <= storm.allowed,
    )
    yield Row(
        what="  most resident memory",
        figure=storm.most,
        unit="MiB",
        disk=disk,
        aim=f"< {MEMORY_AIM:g} MiB",
        met=storm.most < MEMORY_AIM,
    )
