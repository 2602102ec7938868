"""Alerts a second with 50 alerts a delivery: accepted, and correlated into incidents."""

import asyncio
import time
from collections.abc import AsyncIterator

from tests.benchmarks.bodies import write
from tests.benchmarks.place import Place
from tests.benchmarks.processes import baseline, load, port_of, responder
from tests.benchmarks.table import Row
from tests.servers.responder import Responder

ALERTS = 50
DELIVERIES = 600
GROUPS = 200
CONNECTIONS = 16
PEERS = 1085
"""Alerts a second of the best peer, measured without durability."""
ACCEPTED_AIM = 20 * PEERS
CORRELATED_AIM = 5000
WITHIN = 120.0
"""Seconds until the inbox must be empty."""
_BEAT = 0.05


async def batching(place: Place) -> AsyncIterator[Row]:
    """Measure with alerts that are all new, posted once each."""
    deliveries = place.times(DELIVERIES)
    alerts = deliveries * ALERTS
    bodies = write(place.folder() / "bodies", deliveries=deliveries, alerts=ALERTS, groups=GROUPS)
    rules = place.rules(severity="P3")
    async with baseline() as bare:
        best = await load(bare.port, connections=CONNECTIONS, bodies=bodies)
    for kind in ("sqlite", "postgres"):
        disk = place.disk()
        async with responder(place.folder(), **place.database(kind), **rules) as server:
            seen = await load(port_of(server), connections=CONNECTIONS, bodies=bodies)
            ended = await emptied(server)
            known = await alerts_known(server)
        took = ended - seen.began_at
        lost = f" LOST {alerts - known}" if known != alerts else ""
        yield Row(
            what=f"accepted, {ALERTS} alerts a delivery, {kind}{seen.refused}",
            figure=seen.rate * ALERTS,
            unit="alerts/s",
            baseline=best.rate * ALERTS,
            disk=disk,
            aim=f">= {ACCEPTED_AIM:,} alerts/s",
            met=seen.rate * ALERTS >= ACCEPTED_AIM,
        )
        yield Row(
            what=f"  and correlated into {GROUPS} incidents, {kind}{lost}",
            figure=alerts / took,
            unit="alerts/s",
            baseline=best.rate * ALERTS,
            disk=disk,
            aim=f">= {CORRELATED_AIM:,} alerts/s",
            met=alerts / took >= CORRELATED_AIM,
        )


async def emptied(server: Responder) -> float:
    """Wait until everything accepted is correlated; returns when that was (time.time())."""
    async with asyncio.timeout(WITHIN):
        while await gauge(server, "responder_inbox_deliveries") > 0:
            await asyncio.sleep(_BEAT)
    return time.time()


async def gauge(server: Responder, name: str) -> float:
    """Read one of its metrics."""
    for line in (await server.text("/metrics")).splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    raise LookupError(name)


async def alerts_known(server: Responder) -> int:
    """Count the alerts that stand in incidents, once all turns are taken."""
    async with asyncio.timeout(WITHIN):
        before, count = -1, await _count(server)
        while count != before:
            await asyncio.sleep(1)
            before, count = count, await _count(server)
    return count


async def _count(server: Responder) -> int:
    count, after = 0, ""
    while True:
        page = await server.get(f"/v1/incidents?limit=50{after}")
        count += sum(incident["alerts_total"] for incident in page["incidents"])
        if not page["next"]:
            return count
        after = f"&after={page['next']}"
