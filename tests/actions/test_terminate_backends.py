"""`postgres.terminate_backends` on a real PostgreSQL: those that were shown are ended, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from responder.actions.terminate_backends import TerminateBackends
from responder.errors import NoRoom, NotAsked, Unanswered
from tests.actions.steps import HOSTILE, Build, Step, step
from tests.servers.cutting import Line

pytestmark = pytest.mark.postgres

Connect = Callable[..., Awaitable[Any]]
PASSWORD = "app"


def login(url: str, user: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{parts.hostname}:{parts.port}"))


@pytest.fixture
async def roles(postgres_database: str) -> AsyncIterator[str]:
    """Make the roles of an application, of ours, and one that replicates; returns the database's address."""
    owner = await asyncpg.connect(postgres_database)
    made = {"t_app": "", "t_other": "", "t_copy": "REPLICATION", "t_ours": "", "t_blind": ""}
    for role, more in made.items():
        await owner.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN {more} PASSWORD '{PASSWORD}'")
    await owner.execute("GRANT pg_monitor, pg_signal_backend TO t_ours; GRANT pg_signal_backend TO t_blind")
    yield postgres_database
    for role in made:
        await owner.execute(f"DROP ROLE {role}")
    await owner.close()


@pytest.fixture
async def connect(roles: str) -> AsyncIterator[Connect]:
    opened: list[Any] = []

    async def build(user: str, application: str = "", database: str = roles) -> Any:
        url = database if user == "postgres" else login(database, user)
        opened.append(await asyncpg.connect(url, server_settings={"application_name": application}))
        await opened[-1].fetchval("SELECT 1")
        return opened[-1]

    yield build
    for connection in opened:
        connection.terminate()


@pytest.fixture
def ending(steps: Build, roles: str) -> Callable[..., Step]:
    def build(user: str = "t_ours", **params: Any) -> Step:
        sources = {"main": {"url": "postgresql://nobody@127.0.0.1:1/x", "action_url": login(roles, user)}}
        tools = steps(datasources={"postgres": sources})
        return step(TerminateBackends(), tools, **({"source": "main", "idle_for": "0s"} | params))

    return build


async def until_busy(ending: Callable[..., Step]) -> None:
    """Wait until the server says that a session runs a statement."""
    async with asyncio.timeout(30):
        while not (await ending(idle_for=None, active_for="0s").preview()).among:
            await asyncio.sleep(0.01)


async def alive(connection: Any) -> bool:
    try:
        return bool(await connection.fetchval("SELECT true"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


async def test_only_sessions_of_clients_are_shown_and_ended(
    ending: Callable[..., Step], connect: Connect, postgres_url: str
) -> None:
    idle, other = await connect("t_app", "worker"), await connect("t_other")
    spared = [
        await connect("postgres", "psql"),
        await connect("t_copy", "walreceiver"),
        await connect("t_ours", "responder"),
        await connect("t_app", "elsewhere", postgres_url),
    ]
    found = ending()
    preview = await found.preview()
    assert preview.summary == "end 2 sessions of the database main: 1 of worker, 1 of t_other"
    assert [line.split(" (")[0].partition(": ")[2] for line in preview.touches] == ["worker", "no application name"]
    assert preview.lock == "default/postgres/main"
    done = await found.act(preview)
    assert (done.status, done.say) == ("done", "2 sessions ended: 1 of worker, 1 of t_other")
    assert "worker (t_app from 127.0.0.1), idle for 0s" in done.details[0]
    assert [await alive(one) for one in (idle, other)] == [False, False]
    assert [await alive(one) for one in spared] == [True] * 4


async def test_whoever_came_after_the_preview_or_is_at_work_again_is_left_alone(
    ending: Callable[..., Step], connect: Connect
) -> None:
    idle, busy = await connect("t_app", "idle"), await connect("t_app", "busy")
    found = ending()
    preview = await found.preview()
    later = await connect("t_app", "later")
    await busy.execute("BEGIN; SELECT 1")
    done = await found.act(preview)
    assert done.say == "1 session ended; 1 at work again and left alone: 1 of idle"
    assert [await alive(one) for one in (idle, busy, later)] == [False, True, True]


async def test_a_session_that_took_over_a_process_id_is_another_one(
    ending: Callable[..., Step], connect: Connect
) -> None:
    idle = await connect("t_app", "idle")
    found = ending()
    preview = await found.preview()
    (seen,) = preview.among
    earlier = replace(preview, among=(seen.replace("@20", "@19"),))
    done = await found.act(earlier)
    assert done.status == "not_done"
    assert await alive(idle)


async def test_a_second_try_finds_them_gone_and_ends_nobody_else(ending: Callable[..., Step], connect: Connect) -> None:
    await connect("t_app", "idle")
    found = ending()
    preview = await found.preview()
    await found.act(preview)
    later = await connect("t_app", "idle")
    again = await found.act(preview, retry=True)
    assert (again.status, again.say) == ("done", "0 sessions ended; 1 had gone before, or in an earlier try")
    assert (await found.act(preview)).status == "not_done"
    assert await alive(later)


ENDS, LOOKS = (1000).to_bytes(4), b"SELECT pid, backend_start FROM pg_stat_activity WHERE"
"""What passes with the ending itself, once its statement was prepared (Execute, at most 1000 rows), and behind it."""


@pytest.mark.parametrize(("word", "late"), [(ENDS, True), (LOOKS, False)])
async def test_a_lost_answer_may_have_ended_sessions_and_the_second_try_says_so(
    steps: Build, roles: str, connect: Connect, word: bytes, late: bool
) -> None:
    idle = await connect("t_app", "worker")
    parts = urlsplit(login(roles, "t_ours"))
    async with Line(str(parts.hostname), parts.port or 0, b"no word", late=late).open() as line:
        url = urlunsplit(parts._replace(netloc=f"t_ours:{PASSWORD}@127.0.0.1:{line.port}"))
        tools = steps(datasources={"postgres": {"main": {"url": url}}})
        found = step(TerminateBackends(), tools, source="main", idle_for="0s")
        preview = await found.preview()
        line.word = word
        with pytest.raises(Unanswered, match="may have been ended"):
            await found.act(preview)
        again = await found.act(preview, retry=True)
    assert line.cuts == 1
    assert (again.status, again.say) == ("done", "0 sessions ended; 1 had gone before, or in an earlier try")
    assert not await alive(idle)


async def test_where_nobody_could_be_asked_nothing_is_in_doubt(
    steps: Build, ending: Callable[..., Step], roles: str, connect: Connect
) -> None:
    idle = await connect("t_app", "worker")
    preview = await ending().preview()
    owner = await connect("postgres")
    await owner.execute("ALTER ROLE t_ours CONNECTION LIMIT 0")
    with pytest.raises(NoRoom):
        await ending().act(preview)
    tools = steps(datasources={"postgres": {"main": {"url": "postgresql://nobody@127.0.0.1:1/x"}}})
    nowhere = step(TerminateBackends(), tools, source="main", idle_for="0s")
    with pytest.raises(NotAsked, match="cannot connect"):
        await nowhere.act(preview)
    assert await alive(idle)


async def test_only_those_are_counted_that_the_server_ended(
    ending: Callable[..., Step], connect: Connect, roles: str
) -> None:
    idle, owner = await connect("t_app", "idle"), await connect("postgres", database=roles)
    await owner.execute(
        "CREATE FUNCTION public.pg_terminate_backend(integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
        "ALTER ROLE t_ours SET search_path = public, pg_catalog"
    )
    found = ending()
    preview = await found.preview()
    assert (await found.act(preview)).status == "not_done"
    assert await alive(idle)


@pytest.mark.parametrize("params", [{"idle_in_transaction_for": "0s"}, {"active_for": "0s"}])
async def test_a_session_is_ended_for_what_it_is_at(
    ending: Callable[..., Step], connect: Connect, params: dict[str, str]
) -> None:
    idle, inside, busy = [await connect("t_app", name) for name in ("idle", "inside", "busy")]
    await inside.execute("BEGIN; SELECT 1")
    sleeping = asyncio.create_task(busy.execute("SELECT pg_sleep(60)"))
    await until_busy(ending)
    found = ending(idle_for=None, **params)
    preview = await found.preview()
    done = await found.act(preview)
    wanted, spared = (busy, inside) if "active_for" in params else (inside, busy)
    assert done.say.startswith("1 session ended: 1 of ")
    assert [await alive(idle), await alive(wanted)] == [True, False]
    if spared is inside:
        assert await alive(inside)
        with pytest.raises(asyncpg.PostgresError):
            await sleeping
    else:
        assert not sleeping.done()
        sleeping.cancel()


@pytest.mark.parametrize("params", [{"idle_in_transaction_for": "1h"}, {"active_for": "1h"}, {"idle_for": "1h"}])
async def test_a_session_that_has_not_been_at_it_for_so_long_is_left_alone(
    ending: Callable[..., Step], connect: Connect, params: dict[str, str]
) -> None:
    idle, inside, busy = [await connect("t_app", name) for name in ("idle", "inside", "busy")]
    await inside.execute("BEGIN; SELECT 1")
    sleeping = asyncio.create_task(busy.execute("SELECT pg_sleep(60)"))
    await until_busy(ending)
    assert (await ending(**{"idle_for": None, **params}).preview()).among == ()
    assert [await alive(idle), await alive(inside), sleeping.done()] == [True, True, False]
    sleeping.cancel()


async def test_its_own_session_and_what_copies_the_database_are_never_chosen(
    ending: Callable[..., Step], connect: Connect, roles: str
) -> None:
    owner = await connect("postgres", database=roles)
    await owner.execute("ALTER ROLE t_app REPLICATION")
    walsender = await asyncpg.connect(login(roles, "t_app"), server_settings={"replication": "database"})
    await owner.execute("ALTER ROLE t_app NOREPLICATION")
    try:
        kinds = await owner.fetch("SELECT backend_type FROM pg_stat_activity WHERE usename = 't_app'")
        assert [row["backend_type"] for row in kinds] == ["walsender"]
        found = ending(idle_for="0s", active_for="0s", idle_in_transaction_for="0s")
        assert (await found.preview()).refusal == "there is no such session: nothing would change"
    finally:
        walsender.terminate()


async def test_the_cap_takes_the_longest_first(ending: Callable[..., Step], connect: Connect) -> None:
    for name in ("first", "second", "third"):
        await connect("t_app", name)
    preview = await ending(cap=2).preview()
    assert [line.split(" (")[0].partition(": ")[2] for line in preview.touches] == ["first", "second"]


async def test_nothing_to_end_is_said_before_anybody_is_asked(ending: Callable[..., Step]) -> None:
    found = ending(idle_for=None, active_for="1h")
    preview = await found.preview()
    assert preview.refusal == "there is no such session: nothing would change"
    assert (await found.act(preview)).status == "not_done"


async def test_a_missing_right_is_named_with_its_grant(ending: Callable[..., Step], connect: Connect) -> None:
    await connect("t_app", "idle")
    assert "cannot see what 2 sessions do: GRANT pg_monitor" in (await ending("t_blind").preview()).refusal
    await (await connect("postgres")).execute("REVOKE pg_signal_backend FROM t_ours")
    refusal = (await ending().preview()).refusal
    assert refusal.startswith("our login may not end sessions of t_app: GRANT pg_signal_backend")


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_application_name_ends_nobody(
    ending: Callable[..., Step], connect: Connect, value: str
) -> None:
    idle = await connect("t_app", "idle")
    assert (await ending(application=value[:63]).preview()).among == ()
    assert await alive(idle)
