"""How a store on PostgreSQL is, without changing anything. Loads asyncpg."""

import asyncpg

from responder.errors import ConfigError
from responder.store.condition import Condition, behind, schema
from responder.store.postgres import CONNECT_WITHIN, address_of, mapped

_ASK = """
select clock_timestamp() as at, current_setting('server_version') as version,
       pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
       current_schema() as place, has_schema_privilege(current_schema(), 'CREATE') as creates,
       to_regclass('schema_version') is not null as exists
"""
_MINE = """
select coalesce(bool_and(has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT')
                         and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE')), true)
from pg_class c where c.relkind = 'r' and c.relnamespace = to_regnamespace(current_schema())
  and c.relname in ('inbox', 'incident', 'episode', 'event', 'command', 'schema_version')
"""


async def condition(database_url: str) -> Condition:
    """Look at the database. Raises: StoreUnavailable, ConfigError."""
    url, _ = address_of(database_url)
    with mapped():
        connection = await asyncpg.connect(url, timeout=CONNECT_WITHIN, statement_cache_size=0)
        try:
            (row,) = await connection.fetch(_ASK)
            versions = await _versions(connection) if row["exists"] else {}
            ours = await connection.fetchval(_MINE) if row["exists"] else True
        finally:
            connection.terminate()
    return _judged(row, versions, ours=bool(ours))


async def _versions(connection: asyncpg.Connection) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in await connection.fetch("select part, version from schema_version")}


def _judged(row: asyncpg.Record, versions: dict[str, int], *, ours: bool) -> Condition:
    detail = f"PostgreSQL {row['version']}, {schema(versions)}"

    def broken(trouble: str, cure: str) -> Condition:
        return Condition(detail, trouble=trouble, cure=cure, at=row["at"])

    if row["read_only"]:
        return broken("it can only be read", "let database_url lead to the primary server")
    if row["place"] is None:
        return broken("our login finds no schema", "create one, and set its search_path to it")
    if not ours:
        return broken("our login may not write its tables", "let the owner of the tables log in, or grant it them")
    try:
        late = behind(versions, "postgres")
    except ConfigError as error:
        return broken(str(error), "install that version, or restore a backup")
    if late and not row["creates"]:
        return broken(f"{late}, but our login may not create tables", f"GRANT CREATE ON SCHEMA {row['place']} to it")
    return Condition(f"{detail}; {late}" if late else detail, at=row["at"])
