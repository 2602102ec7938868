"""
Whoever is at an action is killed, or frozen until others go on without it, at each point of the action's life.

What was held on its way to the API server arrives late: when others have taken over, or all is over.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Literal

import pytest

from tests.crashes.case import Case
from tests.crashes.fleet import Launch, wide
from tests.crashes.holding import POINTS, Holder, hold
from tests.crashes.platform import Gate

pytestmark = pytest.mark.timeout(300)

MOSTLY_REPLICATED = pytest.mark.parametrize(
    "database_url",
    [pytest.param("sqlite", marks=wide), pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
Signal = Literal["kill", "freeze"]

AT_THE_WORLD: Mapping[str, tuple[str, bool]] = {
    "check": ("check", False),
    "before": ("effect", False),
    "after": ("effect", True),
    "follow": ("follow", False),
    "verify": ("verify", False),
    "undo-before": ("undo", False),
    "undo-after": ("undo", True),
}
"""At which step it is held: before the claim of the effect, at the effect, behind it; and whether its answer is."""


@MOSTLY_REPLICATED
async def test_who_is_at_an_action_may_die_at_any_point(launch: Launch, database_url: str) -> None:
    await struck(launch, database_url, "kill")


@MOSTLY_REPLICATED
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
        for point in ("before", "after"):  # alone: struck for another's sake they are in doubt before anything is held
            await in_doubt(Case(fleet, f"post-{point}", "AgentsHang"), point, how)
        for point in AT_THE_WORLD:
            cases.create_task(at_the_world(Case(fleet, point), point, how), name=point)
        for point in POINTS if fleet.shared and how == "kill" else ():
            cases.create_task(at_the_store(Case(fleet, f"store-{point}"), point, how), name=f"store {point}")


async def at_the_world(case: Case, point: str, how: Signal) -> None:
    """Strike whoever asks the API server or Prometheus at that point; the action is done, helps, and is taken back."""
    step, late = AT_THE_WORLD[point]
    await case.fires()
    await case.attempt("proposed")
    gates: list[Gate] = []
    for word, end, effects in (("approve", "verified", 1), ("undo", "undone", 2)):
        if struck_here := (step == "undo") == (word == "undo"):
            gates.append(case.gate(step, late=late))
        assert await case.says(word) == 202
        if struck_here:
            name = (await case.reaches(gates[0])).replica
            async with case.fleet.calm:
                await strike(case, name, gates[0], how)
        await case.attempt(end)
        await case.is_sound(effects=effects)
    await gates[0].lets_go()
    await case.is_over(effects=2)


async def in_doubt(case: Case, point: str, how: Signal) -> None:
    """Strike whoever posts to an interface that cannot be asked whether it happened: a person settles it."""
    path = f"/{case.namespace}"
    gate = case.fleet.platform.gate(lambda request: request.path == path, late=point == "after")
    await case.fires()
    await case.attempt("proposed")
    async with (
        case.fleet.calm
    ):  # whoever is struck on the way there, for another's sake, leaves a doubt and nothing held
        assert await case.says("approve") == 202
        await strike(case, (await case.reaches(gate)).replica, gate, how)
    if how == "kill" or case.fleet.shared:
        await case.attempt("in doubt")
    gate.opened.set()
    ended = await case.attempt("in doubt", "done")
    await case.fleet.until(lambda: posted(case))
    if ended["state"] == "in doubt":
        assert await case.says("happened") == 202
        await case.attempt("done")
    await case.is_over(effects=1)


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
    await case.is_over(effects=1)


async def strike(case: Case, name: str, gate: Gate, how: Signal) -> None:
    """Strike who is held at a gate, until others have gone on."""
    fleet = case.fleet
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
    seen, asked = len(heard), None
    if isinstance(held, Holder):
        await held.open()
    else:  # meanwhile others may have gone on, or it has waited too long for an answer and asked again
        asked = held.held
        seen = next(place for place, one in enumerate(heard, start=1) if one is asked)

    async def others() -> bool:
        if not fleet.shared:
            lease = f"status = 'running' and due_at > {int(time.time() * 1_000_000)}"
            return not await fleet.count(f"command where incident = {case.number} and {lease}")
        if case.alert == "AgentsHang":
            return bool((await case.detail())["actions"][-1]["state"] == "in doubt")
        return any(one == asked or (one.replica != name and one.concerns(case.namespace)) for one in heard[seen:])

    await fleet.until(others)
