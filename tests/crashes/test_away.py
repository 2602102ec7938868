"""What an action needs is away at each step of its life: nothing is done twice, and all goes on once it is back."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.crashes.case import Case, delivery
from tests.crashes.fleet import Fleet, Launch, until, wide
from tests.crashes.platform import BEFORE, Away, Platform, Request
from tests.servers.postgres import Postgres, start_postgres
from tests.servers.processes import Bench
from tests.servers.slack import FakeSlack, Outage

ENDS = ("verified", "failed", "ineffective", "escalated")
Match = Callable[[Platform, str, Request], bool]
STEPS: dict[str, Match] = {
    "preview": lambda platform, name, it: True,
    "check": lambda platform, name, it: True,
    "effect": lambda platform, name, it: it.writes,
    "follow": lambda platform, name, it: it.method == "GET" and platform.writes(name) == 1,
    "undo": lambda platform, name, it: True,
}
"""Where the API server is asked, and by which requests."""


# --- the API server ---


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_api_server_that_is_away_at_any_step_is_waited_for_or_said(launch: Launch, database_url: str) -> None:
    async with launch(database_url) as fleet, asyncio.TaskGroup() as cases:
        for how in ("refused", "hangs", "lies"):
            for step in STEPS:
                if how != "lies" or step in ("effect", "undo"):
                    cases.create_task(without_api_server(Case(fleet, f"{step}-{how}"), step, how), name=f"{step} {how}")


async def without_api_server(case: Case, step: str, how: str) -> None:
    """Let the API server be away from a step on until that is felt; then people and time do the rest."""
    platform, name = case.fleet.platform, case.namespace
    match = STEPS[step]
    away = Away(lambda it: it.concerns(name) and "/events" not in it.path and match(platform, name, it), how)
    platform.add(name)
    if step == "preview":
        platform.cluster.away.append(away)
    await case.fires(told=False)
    if step == "preview":
        await felt(away)
    await case.comes_to("proposed")
    if step in ("check", "effect", "follow"):
        platform.cluster.away.append(away)
        assert await case.says("approve") == 202
        await felt(away)
    ended = await case.comes_to(*ENDS)
    assert platform.writes(name) == (1 if ended["state"] == "verified" else 0), ended
    if ended["state"] != "verified":
        return
    if step == "undo":
        platform.cluster.away.append(away)
    case.wanted = BEFORE
    assert await case.says("undo") == 202
    if step == "undo":
        await felt(away)
    ended = await case.comes_to("undone", "failed")
    assert platform.writes(name) == (2 if ended["state"] == "undone" else 1), ended


async def felt(away: Away) -> None:
    """Wait until somebody has asked, and let it be over."""
    await asyncio.wait_for(away.felt.wait(), 60)
    away.over.set()


# --- Slack ---

TROUBLES = ({"status": 500}, {"hang": 3.0}, {"drop": "after"})


@pytest.mark.parametrize("shift", [0, pytest.param(1, marks=wide), pytest.param(2, marks=wide)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_slack_an_action_goes_on_and_its_message_comes_later(
    launch: Launch, database_url: str, fake_slack: FakeSlack, shift: int
) -> None:
    async with launch(database_url) as fleet:
        case = Case(fleet, "quiet")
        with slack_away(fake_slack, shift) as outage:
            await case.fires(told=False)
            await case.attempt("proposed")
            await missed(outage)
        with slack_away(fake_slack, shift + 1) as outage:
            assert await case.says("approve") == 202
            await case.attempt("running", "verifying", "verified")
            await missed(outage)
        with slack_away(fake_slack, shift + 2) as outage:
            await case.attempt("verified")
            await missed(outage)
        with slack_away(fake_slack, shift) as outage:
            assert await case.says("undo") == 202
            await case.attempt("undone")
            await missed(outage)
        await until(lambda: shows(case, "taken back"))
        await case.is_sound(effects=2)


@contextmanager
def slack_away(slack: FakeSlack, which: int) -> Iterator[Outage]:
    """Let Slack be away."""
    outage = slack.fail(times=1_000_000, **TROUBLES[which % len(TROUBLES)])
    try:
        yield outage
    finally:
        outage.times = 0


async def missed(outage: Outage) -> None:
    """Wait until somebody has asked it."""

    async def look() -> bool:
        return outage.times < 1_000_000

    await until(look)


async def shows(case: Case, words: str) -> bool:
    """Say whether the message of a case shows some words."""
    return any(words in message.shown for message in case.fleet.slack.messages("incidents"))


# --- the store ---


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["killed", pytest.param("frozen", marks=wide)])
async def test_a_store_that_is_away_at_every_step_delays_an_action_and_repeats_nothing(
    launch: Launch, bench: Bench, how: str
) -> None:
    postgres = start_postgres(bench)
    async with launch(postgres.url(), number=2) as fleet:
        case = Case(fleet, "waits")
        name, platform = case.namespace, fleet.platform
        store = Store(postgres, how)

        async def through(matches: Callable[[Request], bool], *, late: bool = False) -> None:
            gate = platform.gate(lambda it: it.concerns(name) and matches(it), late=late)
            await asyncio.wait_for(gate.reached.wait(), 60)
            await store.leaves(fleet)
            gate.opened.set()
            await store.comes_back(fleet)

        async def approve() -> None:
            assert await case.says("approve") == 202

        async def undo() -> None:
            assert await case.says("undo") == 202

        platform.add(name)
        await beside(case.fires(), through(lambda it: it.dry_run))
        await case.attempt("proposed")
        await store.leaves(fleet)
        approving = asyncio.create_task(approve())
        await store.comes_back(fleet)
        await beside(approving, through(lambda it: it.dry_run))
        await through(lambda it: it.writes and it.method == "PATCH")
        await through(lambda it: it.method == "GET" and platform.writes(name) == 1)
        await through(lambda it: it.server == "prometheus")
        await case.comes_to("verified")
        await case.is_sound(effects=1)
        await beside(undo(), through(lambda it: it.writes and it.method == "PATCH", late=True))
        case.wanted = BEFORE
        await case.comes_to("undone")
        await case.is_sound(effects=2)
        await once_or_in_doubt(Case(fleet, "posts", "AgentsHang"), store)


async def once_or_in_doubt(case: Case, store: "Store") -> None:
    """Let the store go while what came of a request that cannot be asked after is to be written down."""
    await case.fires()
    await case.attempt("proposed")
    gate = case.fleet.platform.gate(lambda it: it.path == f"/{case.namespace}", late=True)
    assert await case.says("approve") == 202
    await asyncio.wait_for(gate.reached.wait(), 60)
    await store.leaves(case.fleet)
    gate.opened.set()
    await store.comes_back(case.fleet)
    await case.attempt("done", "in doubt")
    await case.is_sound(effects=1)


async def beside(*doing: Awaitable[object]) -> None:
    """Do things at the same time."""
    await asyncio.gather(*doing)


class Store:
    """A PostgreSQL that goes away: `killed`, or with all its processes standing still."""

    def __init__(self, postgres: Postgres, how: str) -> None:
        self.server, self.how = postgres.server, how
        self.still: list[int] = []

    async def leaves(self, fleet: Fleet) -> None:
        """Go away, and wait until that is felt at the doors."""
        if self.how == "killed":
            self.server.kill()
        else:
            children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
            self.still = [self.server.pid, *map(int, children)]
            self._tell(signal.SIGSTOP)

        async def is_felt() -> bool:
            return not any([await accepts(door.url) for door in fleet.doors])

        await until(is_felt)

    async def comes_back(self, fleet: Fleet) -> None:
        """Come back, and wait until deliveries are taken."""
        if self.how == "killed":
            await asyncio.to_thread(self.server.start)
        else:
            self._tell(signal.SIGCONT)
        await until(lambda: accepts(fleet.doors[0].url))

    def _tell(self, number: signal.Signals) -> None:
        for pid in self.still:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


async def accepts(url: str) -> bool:
    """Say whether a delivery is taken within a second."""
    limit = aiohttp.ClientTimeout(total=1)
    headers = {"Authorization": "Bearer token-of-the-tests", "Content-Type": "application/json"}
    body = delivery("Probe", "probe")
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=limit) as session,
            session.post(f"{url}/v1/webhooks/alertmanager", data=body) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
