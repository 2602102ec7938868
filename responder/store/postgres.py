"""The shared store: one PostgreSQL for several processes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from responder.errors import ConfigError, StoreRefused, StoreUnavailable
from responder.store.statements import migrations, statements
from responder.store.store import Call, Rows, Topic, Transaction, Waiting

_log = structlog.get_logger()

CONNECT_WITHIN = 5.0
"""Seconds until a connection must be had: the sender of a delivery waits for it."""
ANSWER_WITHIN = 15.0
"""Seconds until a statement must be answered."""
FROZEN = 5.0
"""Seconds after which a process that stands still inside a transaction loses it, and others get its rows."""
CHANNEL = "responder"
CONNECTIONS = 10

_BEGIN = f"begin; set local idle_in_transaction_session_timeout = '{FROZEN:g}s'"

_Connection = asyncpg.Connection | PoolConnectionProxy

_GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What asyncpg raises when the server, or the way to it, is not there any more."""


class _Unreset(asyncpg.Connection):
    """A connection on which nothing is left behind that would have to be reset when it goes back to the pool."""

    def get_reset_query(self) -> str:
        """Spare a round trip for each transaction."""
        return ""


class PostgresTransaction:
    """One transaction on a connection of the pool."""

    def __init__(self, connection: _Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql
        self._notes: list[tuple[str, list[Sequence[object]]]] = []
        self._topics: set[Topic] = set()

    async def fetch(self, name: str, *args: object) -> Rows:
        """Carry out a statement and return all its rows."""
        with mapped():
            await self._flush()
            return await self._connection.fetch(self._sql[name], *args)

    async def fetch_each(self, name: str, calls: Iterable[Sequence[object]]) -> Rows:
        """Carry out one statement for each of the arguments and return the rows of all, in order."""
        each = list(calls)
        with mapped():
            await self._flush()
            return await self._connection.fetchmany(self._sql[name], each) if each else []

    async def fetch_all(self, *calls: Call) -> Sequence[Rows]:
        """Carry out several statements, in order, and return the rows of each."""
        with mapped():
            await self._flush()
            return [await self._connection.fetch(self._sql[name], *args) for name, *args in calls]

    def run(self, name: str, *args: object) -> None:
        """Note a statement whose rows nobody wants."""
        self._notes.append((name, [args]))

    def run_each(self, name: str, calls: Iterable[Sequence[object]]) -> None:
        """Note one statement for each of the arguments."""
        self._notes.append((name, list(calls)))

    def hint(self, topic: Topic) -> None:
        """Tell the other processes after the commit."""
        self._topics.add(topic)

    async def commit(self) -> None:
        """Carry out the notes and commit."""
        self._notes.extend(("notify", [(topic,)]) for topic in sorted(self._topics))
        with mapped():
            await self._flush()
            await self._connection.execute("commit")

    async def roll_back(self) -> None:
        """Undo everything; a connection that is gone has done so by itself."""
        with suppress(*_GONE):
            await self._connection.execute("rollback")

    async def _flush(self) -> None:
        notes, self._notes = self._notes, []
        for name, calls in notes:
            if len(calls) == 1:
                await self._connection.execute(self._sql[name], *calls[0])
            elif calls:
                await self._connection.executemany(self._sql[name], calls)


class PostgresInbox:
    """The inbox as a table beside the others: what is correlated is removed with the work itself."""

    def __init__(self, store: "PostgresStore") -> None:
        self._store = store

    async def add(self, rows: Sequence[tuple[bytes, str, int]]) -> None:
        """Commit deliveries."""
        async with self._store.transaction() as tx:
            tx.run_each("inbox_add", rows)
            tx.hint("correlate")

    async def waiting(self, tx: Transaction, limit: int) -> Sequence[Waiting]:
        """List the oldest that wait."""
        return [Waiting(*row) for row in await tx.fetch("inbox_list", 0, limit)]

    async def bodies(self, tx: Transaction, ids: Sequence[int]) -> dict[int, bytes]:
        """Read their bodies."""
        rows = await tx.fetch_each("inbox_body", [(key,) for key in ids])
        return dict(rows)

    def settle(self, tx: Transaction, finished: Sequence[int], partly: tuple[int, int] | None) -> None:
        """Remove what is correlated."""
        tx.run_each("inbox_drop", [(key,) for key in finished])
        if partly is not None:
            tx.run("inbox_progress", *partly)

    async def count(self) -> tuple[int, int | None]:
        """Count those that wait."""
        ((count, oldest),) = await self._store.read("inbox_count", 0)
        return count, oldest

    async def probe(self) -> None:
        """Commit a change without effect."""
        async with self._store.transaction() as tx:
            tx.run("inbox_probe")

    async def sweep(self) -> None:
        """Do nothing: they were removed with the work."""


class PostgresStore:
    """The store on PostgreSQL."""

    shared = True
    writers = 4

    def __init__(self, url: str) -> None:
        self._url, self._cache = address_of(url)
        self._sql = statements("postgres")
        self._pool: asyncpg.Pool | None = None
        self._inbox = PostgresInbox(self)
        self._heard: list[Callable[[str], None]] = []
        self._listening: asyncio.Task[None] | None = None

    @property
    def inbox(self) -> PostgresInbox:
        """The inbox."""
        return self._inbox

    async def open(self) -> None:
        """
        Connect and bring the schema up to date.

        Raises: StoreUnavailable; ConfigError when the database was written by a newer version.
        """
        with mapped():
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_WITHIN,
                command_timeout=ANSWER_WITHIN,
                statement_cache_size=self._cache,
                connection_class=_Unreset,
            )
            async with self._pool.acquire() as connection:
                await self._migrate(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Begin a transaction."""
        async with self._acquired() as connection:
            tx = PostgresTransaction(connection, self._sql)
            try:
                with mapped():
                    await connection.execute(_BEGIN)
                yield tx
                await tx.commit()
            except BaseException:
                await tx.roll_back()
                raise

    async def read(self, name: str, *args: object) -> Rows:
        """Carry out one reading statement outside any transaction."""
        async with self._acquired() as connection:
            with mapped():
                return await connection.fetch(self._sql[name], *args)

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call back with the topic of every hint of another process."""
        self._heard.append(heard)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="store hints")

    async def tidy(self) -> None:
        """Do nothing: the server has its own housekeeping."""

    async def close(self) -> None:
        """Let go of every connection."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), CONNECT_WITHIN)
            except TimeoutError:
                pool.terminate()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[_Connection]:
        pool = self._pool
        if pool is None:
            raise StoreUnavailable("the store is closed")
        with mapped():
            connection = await pool.acquire(timeout=CONNECT_WITHIN)
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def _migrate(self, connection: _Connection) -> None:
        scripts = {part: migrations(part, "postgres") for part in ("state", "inbox")}
        if not await self._behind(connection, scripts):
            return
        async with connection.transaction():
            await connection.execute(self._sql["lock_migrations"])
            await connection.execute(self._sql["schema_table"])
            for part, number in await self._behind(connection, scripts):
                await connection.execute(scripts[part][number - 1])
                await connection.execute(self._sql["schema_write"], part, number)

    async def _behind(self, connection: _Connection, scripts: Mapping[str, list[str]]) -> list[tuple[str, int]]:
        """List the migrations that are missing. Raises: ConfigError when the schema is newer than we are."""
        exists = await connection.fetchval("select to_regclass('schema_version')")
        missing: list[tuple[str, int]] = []
        for part, all_of_part in scripts.items():
            version = (await connection.fetchval(self._sql["schema_read"], part) if exists else None) or 0
            if version > len(all_of_part):
                raise ConfigError("The database was written by a newer responder: install that version")
            missing.extend((part, number) for number in range(version + 1, len(all_of_part) + 1))
        return missing

    async def _listen(self) -> None:
        """Hold a connection that hears hints and frees rows; without one the others find their work by asking."""
        while True:
            with suppress(*_GONE):
                await self._hear()
            await asyncio.sleep(CONNECT_WITHIN)

    async def _hear(self) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._url, timeout=CONNECT_WITHIN, statement_cache_size=self._cache)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._tell)
            while not lost.is_set():
                await self._free(connection)
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), FROZEN)
        finally:
            connection.terminate()

    async def _free(self, connection: _Connection) -> None:
        """End who holds others up and stands still where the server does not count it as idle: amid a statement."""
        for (pid,) in await connection.fetch(self._sql["frozen_end"], FROZEN, timeout=ANSWER_WITHIN):
            _log.warning("store.freed", backend=pid)

    def _tell(self, _: Any, pid: int, __: str, payload: Any) -> None:
        for heard in self._heard:
            heard(str(payload))


def address_of(url: str) -> tuple[str, int]:
    """
    Take our own parameter out of the address: `statement_cache_size=0` is for PgBouncer.

    Raises: ConfigError.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    cache = query.pop("statement_cache_size", "200")
    if not cache.isdigit():
        raise ConfigError(f"database_url: statement_cache_size={cache!r} is not a number; behind PgBouncer write 0")
    return urlunsplit(parts._replace(query=urlencode(query))), int(cache)


_REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    UnicodeError,
    OverflowError,
)


@contextmanager
def mapped() -> Iterator[None]:
    """Turn PostgreSQL's errors into ours: a value that does not fit, or everything else."""
    try:
        yield
    except _REFUSED as error:
        raise StoreRefused(f"PostgreSQL does not take this: {error}") from error
    except _GONE as error:
        raise StoreUnavailable(
            f"PostgreSQL does not answer ({type(error).__name__}: {error}): check database_url and the server"
        ) from error
