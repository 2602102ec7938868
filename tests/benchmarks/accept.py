"""Deliveries accepted durably a second, all loops running, against a bare handler that only parses the JSON."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

from tests.benchmarks.bodies import write
from tests.benchmarks.place import Place
from tests.benchmarks.processes import Figures, baseline, load, middle, port_of, responder
from tests.benchmarks.table import Row

ROUNDS = 5
SECONDS = 1.5
"""Of each load; the bare handler and ours take turns, because others may use the machine too."""
WARM_UP = 1.5
AIMS = {16: 0.4, 64: 0.6}
"""Of the bare handler, by connections, where the disk is fast."""
FAST_DISK = 0.3
"""Milliseconds of fdatasync."""


async def accepting(place: Place) -> AsyncIterator[Row]:
    """Measure with one alert a delivery: 1,000 alerts in 50 groups, again and again, as Alertmanager repeats them."""
    bodies = write(place.folder() / "bodies", deliveries=1000, alerts=1, groups=50)
    rules = place.rules(severity="P3")
    for connections, aim in AIMS.items():
        for kind in ("sqlite", "postgres"):
            disk = place.disk()
            async with baseline() as bare, responder(place.folder(), **place.database(kind), **rules) as server:
                run = partial(load, connections=connections, bodies=bodies)
                ports = (bare.port, port_of(server))
                await asyncio.gather(*(run(port, seconds=WARM_UP) for port in ports))
                rounds = [[await run(port, seconds=SECONDS) for port in ports] for _ in range(place.times(ROUNDS))]
            best, seen = (middle(figures) for figures in zip(*rounds, strict=True))
            for row in _rows(f"{kind}, {connections} connections{seen.refused}", seen, best, disk=disk, aim=aim):
                yield row


def _rows(what: str, seen: Figures, bare: Figures, *, disk: float, aim: float) -> Iterator[Row]:
    met = seen.rate >= aim * bare.rate if disk < FAST_DISK else None
    wanted = f"ratio >= {aim}" if met is not None else f"ratio >= {aim} if disk < {FAST_DISK}"
    yield Row(
        what=f"accepted durably, {what}",
        figure=seen.rate,
        unit="deliveries/s",
        baseline=bare.rate,
        disk=disk,
        aim=wanted,
        met=met,
    )
    yield Row(what=f"  answer p50, {what}", figure=seen.p50, unit="ms", baseline=bare.p50, disk=disk)
    yield Row(what=f"  answer p99, {what}", figure=seen.p99, unit="ms", baseline=bare.p99, disk=disk)
