"""
Whoever is at an action is killed, or frozen until others go on without it, at each point of the action's life.

What was held on its way to the API server arrives late: when others have taken over, or all is over.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Literal

import pytest

from tests.crashes.case import Case
from tests.crashes.fleet import WITHIN, Fleet, Launch, until, wide
from tests.crashes.holding import POINTS, Holder, hold
from tests.crashes.platform import Gate, Platform, Request

Signal = Literal["kill", "freeze"]
Match = Callable[[Platform, str, Request], bool]

AT_THE_WORLD: Mapping[str, tuple[Match, bool]] = {
    "check": (lambda platform, name, it: it.method == "PATCH" and it.dry_run, False),
    "before": (lambda platform, name, it: it.method == "PATCH" and it.writes, False),
    "after": (lambda platform, name, it: it.method == "PATCH" and it.writes, True),
    "follow": (lambda platform, name, it: it.method == "GET" and platform.writes(name) == 1, False),
    "verify": (lambda platform, name, it: it.server == "prometheus" and platform.writes(name) == 1, False),
    "undo-before": (lambda platform, name, it: it.method == "PATCH" and it.writes, False),
    "undo-after": (lambda platform, name, it: it.method == "PATCH" and it.writes, True),
}
"""Where it is held: before the claim of the effect, at the effect, behind it; and whether its answer is held."""


async def test_who_is_at_an_action_may_die_at_any_point(launch: Launch, database_url: str) -> None:
    await struck(launch, database_url, "kill")


@pytest.mark.parametrize("database_url", [pytest.param("sqlite", marks=wide), "postgres"], indirect=True)
async def test_who_is_at_an_action_may_stand_still_at_any_point(launch: Launch, database_url: str) -> None:
    await struck(launch, database_url, "freeze")


@wide
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_who_is_in_a_transaction_about_an_action_may_stand_still(launch: Launch, database_url: str) -> None:
    # With a lease longer than the server lets a transaction stand still, nobody is given up for lost meanwhile.
    async with launch(database_url, lease="6s") as fleet, asyncio.TaskGroup() as cases:
        for point in POINTS:
            cases.create_task(at_the_store(Case(fleet, f"store-{point}"), point, "freeze"), name=f"store {point}")


async def struck(launch: Launch, database_url: str, how: Signal) -> None:
    """Let incidents live side by side, each of them struck at another point."""
    async with launch(database_url) as fleet, asyncio.TaskGroup() as cases:
        for point in AT_THE_WORLD:
            cases.create_task(at_the_world(Case(fleet, point), point, how), name=point)
        for point in ("before", "after"):
            cases.create_task(in_doubt(Case(fleet, f"post-{point}", "AgentsHang"), point, how), name=f"post {point}")
        for point in POINTS if fleet.shared and how == "kill" else ():
            cases.create_task(at_the_store(Case(fleet, f"store-{point}"), point, how), name=f"store {point}")


async def at_the_world(case: Case, point: str, how: Signal) -> None:
    """Strike whoever asks the API server or Prometheus at that point; the action is done, helps, and is taken back."""
    match, late = AT_THE_WORLD[point]
    platform = case.fleet.platform

    def arrives(request: Request) -> bool:
        return request.concerns(case.namespace) and match(platform, case.namespace, request)

    await case.fires()
    await case.attempt("proposed")
    if not point.startswith("undo"):
        gate = platform.gate(arrives, late=late)
        assert await case.says("approve") == 202
        await strike(case, gate, how)
    else:
        assert await case.says("approve") == 202
    await case.attempt("verified")
    await case.is_sound(effects=1)
    if point.startswith("undo"):
        gate = platform.gate(arrives, late=late)
    assert await case.says("undo") == 202
    if point.startswith("undo"):
        await strike(case, gate, how)
    await case.attempt("undone")
    gate.opened.set()
    await case.is_sound(effects=2)


async def in_doubt(case: Case, point: str, how: Signal) -> None:
    """Strike whoever posts to an interface that cannot be asked whether it happened: a person settles it."""
    path = f"/{case.namespace}"
    gate = case.fleet.platform.gate(lambda request: request.path == path, late=point == "after")
    await case.fires()
    await case.attempt("proposed")
    assert await case.says("approve") == 202
    await strike(case, gate, how)
    if how == "kill" or case.fleet.shared:
        await case.attempt("in doubt")
    gate.opened.set()
    ended = await case.attempt("in doubt", "done")
    await until(lambda: posted(case))
    if ended["state"] == "in doubt":
        assert await case.says("happened") == 202
        await case.attempt("done")
    await case.is_sound(effects=1)


async def posted(case: Case) -> bool:
    return f"/{case.namespace}" in case.fleet.platform.posted


async def at_the_store(case: Case, point: str, how: Signal) -> None:
    """Strike whoever waits for the store in a transaction."""
    await case.fires()
    await case.attempt("proposed")
    async with hold(case.fleet.database_url, case.number, point) as holder:
        assert await case.says("approve") == 202
        name = await holder.reached()
        async with case.fleet.calm:
            if how == "kill":
                killed = await case.fleet.kill(name)
                await holder.open()
                if killed:
                    await case.fleet.start()
            else:
                await stand_still(case, name, holder)
                case.fleet.thaw(name)
    await case.attempt("verified")
    await case.is_sound(effects=1)


async def strike(case: Case, gate: Gate, how: Signal) -> None:
    """Strike whoever is held at a gate, once it is there, until others have gone on."""
    try:
        await asyncio.wait_for(gate.reached.wait(), WITHIN)
    except TimeoutError:
        raise AssertionError(f"nobody came to {case.namespace}: {await case.detail()}") from None
    assert gate.held is not None
    fleet, name = case.fleet, gate.held.replica
    async with fleet.calm:
        if how == "kill":
            if await fleet.kill(name):
                await fleet.start()
            return
        await stand_still(case, name, gate)
        gate.opened.set()
        fleet.thaw(name)


async def stand_still(case: Case, name: str, held: Gate | Holder) -> None:
    """Freeze a replica until another asks after the same things, or its lease is over where there is none."""
    fleet = case.fleet
    fleet.freeze(name)
    heard = fleet.platform.heard
    seen = len(heard)
    if isinstance(held, Holder):
        await held.open()
    else:  # it may have stood still before, for another's sake, and others may have gone on since
        seen = next(place for place, one in enumerate(heard) if one is held.held)

    async def others() -> bool:
        if not fleet.shared:
            return lease_is_over(fleet, case.number)
        if case.alert == "AgentsHang":
            return (await case.detail())["actions"][-1]["state"] == "in doubt"
        return any(one.concerns(case.namespace) and one.replica != name for one in heard[seen:])

    await until(others)


def lease_is_over(fleet: Fleet, incident: int) -> bool:
    """Look into the file of a process that stands still."""
    query = "select 1 from command where incident = ? and status = 'running' and due_at > ?"
    with closing(sqlite3.connect(f"file:{fleet.folder}/responder/responder.db?mode=ro", uri=True)) as connection:
        return not connection.execute(query, (incident, time.time() * 1_000_000)).fetchone()
