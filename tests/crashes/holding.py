"""Holds up at the store whoever writes a certain row: PostgreSQL waits for a lock that the test has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tests.crashes.fleet import until

POINTS = {
    "start": "insert on run for each row when (new.incident = {0})",
    "begin": "update on command for each row when (new.incident = {0} and old.begun = 0 and new.begun = 1)",
    "finish": (
        "update on command for each row when (new.incident = {0} and new.kind = 'act'"
        " and old.ended_at is null and new.ended_at is not null)"
    ),
}
"""Of the transaction that starts an action, that which begins an effect, that which writes down what came of it."""

_FUNCTION = """
create or replace function held() returns trigger language plpgsql as $$
begin perform pg_advisory_xact_lock_shared(4711, new.incident::int); return new; end $$
"""
_WAITING = """
select application_name from pg_stat_activity join pg_locks using (pid)
where locktype = 'advisory' and classid = 4711 and objid = $1 and not granted
"""


@dataclass
class Holder:
    """Holds writes about one incident up until `open`."""

    connection: asyncpg.Connection
    incident: int

    async def reached(self) -> str:
        """Wait until a replica is held up, and return its name."""

        async def look() -> str:
            return str(await self.connection.fetchval(_WAITING, self.incident) or "")

        return await until(look)

    async def open(self) -> None:
        """Let everybody through."""
        await self.connection.close()


@asynccontextmanager
async def hold(database_url: str, incident: int, point: str) -> AsyncIterator[Holder]:
    """Hold up who comes to a point with an incident."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("select pg_advisory_lock(4711, $1)", incident)
        async with connection.transaction():  # PostgreSQL lets nobody replace a function that another replaces
            await connection.execute("select pg_advisory_xact_lock(4712)")
            await connection.execute(_FUNCTION)
        where = POINTS[point].format(incident)
        await connection.execute(f"create trigger held_{incident} before {where} execute function held()")
        yield Holder(connection, incident)
    finally:
        await connection.close()
