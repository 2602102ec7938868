"""What an action needs is away at each step of its life: nothing is done twice, and all goes on once it is back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from typing import Literal

import pytest

from tests.crashes.case import Case
from tests.crashes.fleet import WITHIN, Launch, wide
from tests.crashes.outages import FilesLocked, PostgresAway, Store, slack_away, store_away
from tests.crashes.platform import BEFORE, Away, Gate
from tests.crashes.steps import Match, anything, reads_back, writes
from tests.servers.postgres import start_postgres
from tests.servers.processes import Bench
from tests.servers.slack import FakeSlack

pytestmark = pytest.mark.timeout(300)

REPLICATED = pytest.param("postgres", marks=[pytest.mark.postgres, wide])
"""Three replicas, as against one."""


# --- the API server ---

When = Literal["fires", "approve", "verify", "undo"]
AWAY: Mapping[str, tuple[When, Match]] = {
    "preview": ("fires", anything),
    "check": ("approve", anything),
    "effect": ("approve", writes),
    "follow": ("approve", reads_back),
    "verify": ("verify", anything),
    "undo": ("undo", anything),
}
"""From when on the API server is away at a step, and for which requests."""
HOWS: Mapping[str, tuple[str, ...]] = {"refused": tuple(AWAY), "hangs": tuple(AWAY), "lies": ("effect", "undo")}
"""Ways to be away, and the steps at which each is told from the others."""


@pytest.mark.parametrize("how", ["refused", pytest.param("hangs", marks=wide), pytest.param("lies", marks=wide)])
@pytest.mark.parametrize("database_url", ["sqlite", REPLICATED], indirect=True)
async def test_an_api_server_that_is_away_at_any_step_is_waited_for_or_said(
    launch: Launch, database_url: str, how: str
) -> None:
    async with launch(database_url) as fleet, asyncio.TaskGroup() as cases:
        for step in HOWS[how]:
            cases.create_task(without_api_server(Case(fleet, f"{step}-{how}"), step, how), name=f"{step} {how}")


async def without_api_server(case: Case, step: str, how: str) -> None:
    """Let the API server be away at a step until that is told; then people and time do the rest."""
    platform, name = case.fleet.platform, case.namespace
    since, match = AWAY[step]
    away = Away(lambda it: it.concerns(name) and "/events" not in it.path and match(platform, name, it), how)

    def after(when: When) -> AbstractAsyncContextManager[None]:
        return api_server_away(case, away) if when == since else nullcontext()

    platform.add(name)
    async with after("fires"):
        await case.fires(told=False)
    await case.comes_to("proposed")
    if since == "verify":
        platform.slow.add(name)
        measured = case.gate("verify")
        measured.opened.set()
    async with after("approve"):
        assert await case.says("approve") == 202
    if since == "verify":
        await case.reaches(measured)
    async with after("verify"):
        platform.slow.discard(name)
    if not await came_to(case, "verified"):
        await case.is_over(effects=0)
        return
    case.wanted = BEFORE
    async with after("undo"):
        assert await case.says("undo") == 202
    await case.is_over(effects=2 if await came_to(case, "undone") else 1)


async def came_to(case: Case, state: str) -> bool:
    """Say whether an attempt came to where it was to come; where it failed it says why."""
    ended = await case.comes_to(state, "failed")
    assert ended["state"] == state or ended["why"], ended
    return bool(ended["state"] == state)


@asynccontextmanager
async def api_server_away(case: Case, away: Away) -> AsyncIterator[None]:
    """Let the API server be away until that is felt, and what came of what was asked is told."""
    case.fleet.platform.cluster.away.append(away)

    async def is_told() -> bool:
        answers = await case.entries("previewed", "acted", "followed")
        since = away.felt_at
        return since is not None and any(datetime.fromisoformat(entry["at"]) >= since for entry in answers)

    try:
        yield
        await asyncio.wait_for(away.felt.wait(), WITHIN)
        await case.fleet.until(is_told)
    finally:
        away.over.set()


# --- Slack ---


@pytest.mark.parametrize("shift", [0, pytest.param(1, marks=wide), pytest.param(2, marks=wide)])
@pytest.mark.parametrize("database_url", ["sqlite", REPLICATED], indirect=True)
async def test_without_slack_an_action_goes_on_and_its_message_comes_later(
    launch: Launch, database_url: str, fake_slack: FakeSlack, shift: int
) -> None:
    async with launch(database_url) as fleet:
        case = Case(fleet, "quiet")
        async with slack_away(fake_slack, case, shift):
            await case.fires(told=False)
            await case.attempt("proposed")
        gates = {step: case.gate(step) for step in ("check", "follow", "verify")}
        async with slack_away(fake_slack, case, shift + 1):
            assert await case.says("approve") == 202
            await case.reaches(gates["check"])
        for number, (step, following) in enumerate([("check", "follow"), ("follow", "verify")]):
            async with slack_away(fake_slack, case, shift + 2 + number):
                gates[step].opened.set()
                await case.reaches(gates[following])
        async with slack_away(fake_slack, case, shift + 4):
            gates["verify"].opened.set()
            await case.attempt("verified")
        gate = case.gate("undo", late=True)
        async with slack_away(fake_slack, case, shift + 5):
            assert await case.says("undo") == 202
            await case.reaches(gate)
        async with slack_away(fake_slack, case, shift + 6):
            gate.opened.set()
            await case.attempt("undone")
        await case.is_over(effects=2)
        assert any("undone" in message.shown for message in fake_slack.messages("incidents"))


# --- the store ---


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("killed", marks=pytest.mark.postgres),
        pytest.param("stopped", marks=[pytest.mark.postgres, wide]),
        pytest.param("frozen", marks=[pytest.mark.postgres, wide]),
        pytest.param("locked", marks=wide),
    ],
)
async def test_a_store_that_is_away_at_every_step_delays_an_action_and_repeats_nothing(
    launch: Launch, bench: Bench, how: Literal["killed", "stopped", "frozen", "locked"]
) -> None:
    store = FilesLocked() if how == "locked" else PostgresAway(start_postgres(bench), how)
    async with launch(store.url) as fleet:
        await without_store(Case(fleet, "waits"), store)
        await once_or_in_doubt(Case(fleet, "posts", "AgentsHang"), store)


async def without_store(case: Case, store: Store) -> None:
    """Let the store go at each step of an action, while somebody is at it."""

    async def goes_at(gate: Gate) -> None:
        await case.reaches(gate)
        async with store_away(store, case.fleet):
            gate.opened.set()

    case.fleet.platform.add(case.namespace)
    await beside(case.fires(), goes_at(case.gate("preview")))
    await case.attempt("proposed")
    gates = [case.gate(step) for step in ("check", "effect", "follow", "verify")]
    async with store_away(store, case.fleet):
        approving = asyncio.create_task(case.says("approve"))
    for gate in gates:
        await goes_at(gate)
    assert await approving == 202
    await case.attempt("verified")
    await case.is_sound(effects=1)
    await beside(case.says("undo"), goes_at(case.gate("undo", late=True)))
    await case.attempt("undone")
    await case.is_over(effects=2)


async def once_or_in_doubt(case: Case, store: Store) -> None:
    """Let the store go while what came of a request that cannot be asked after is to be written down."""
    gate = case.fleet.platform.gate(lambda it: it.path == f"/{case.namespace}", late=True)
    await case.fires()
    await case.attempt("proposed")
    assert await case.says("approve") == 202
    await case.reaches(gate)
    async with store_away(store, case.fleet):
        gate.opened.set()
    if (await case.attempt("done", "in doubt"))["state"] == "in doubt":
        assert await case.says("happened") == 202
        await case.attempt("done")
    await case.is_over(effects=1)


async def beside(*doing: Awaitable[object]) -> None:
    """Do things at the same time."""
    await asyncio.gather(*doing)
