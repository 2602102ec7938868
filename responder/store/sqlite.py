"""The embedded store: one SQLite file for the state, one beside it for the inbox, one process at a time."""

import asyncio
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from responder.errors import ConfigError
from responder.store import sqlite_files
from responder.store.rows import compact
from responder.store.sqlite_connection import Connection, execute, execute_each
from responder.store.statements import migrations, statements
from responder.store.store import Call, Rows, Topic, Transaction, Waiting

T = TypeVar("T")


class SqliteTransaction:
    """One transaction on the writing connection; it begins with the first statement that is carried out."""

    def __init__(self, connection: Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql
        self._notes: list[Callable[[sqlite3.Connection], object]] = []
        self._begun = False

    async def fetch(self, name: str, *args: object) -> Rows:
        """Carry out a statement and return all its rows."""
        text = self._sql[name]
        return await self._carry_out(lambda connection: execute(connection, text, args))

    async def fetch_each(self, name: str, calls: Iterable[Sequence[object]]) -> Rows:
        """Carry out one statement for each of the arguments and return the rows of all, in order."""
        text, each = self._sql[name], list(calls)
        return await self._carry_out(
            lambda connection: [row for args in each for row in execute(connection, text, args)]
        )

    async def fetch_all(self, *calls: Call) -> Sequence[Rows]:
        """Carry out several statements, in order, and return the rows of each."""
        texts = [(self._sql[name], args) for name, *args in calls]
        return await self._carry_out(lambda connection: [execute(connection, text, args) for text, args in texts])

    def run(self, name: str, *args: object) -> None:
        """Note a statement whose rows nobody wants."""
        text = self._sql[name]
        self._notes.append(lambda connection: execute(connection, text, args))

    def run_each(self, name: str, calls: Iterable[Sequence[object]]) -> None:
        """Note one statement for each of the arguments."""
        text, each = self._sql[name], list(calls)
        if each:
            self._notes.append(lambda connection: execute_each(connection, text, each))

    def hint(self, topic: Topic) -> None:
        """Do nothing: there is no other process."""

    async def commit(self) -> None:
        """Carry out the notes and commit."""
        if self._notes or self._begun:
            await self._carry_out(lambda connection: connection.execute("commit"))

    async def roll_back(self) -> None:
        """Undo everything."""
        self._notes.clear()
        if self._begun:
            await self._connection.call(lambda connection: connection.rollback())

    async def _carry_out(self, last: Callable[[sqlite3.Connection], T]) -> T:
        notes, self._notes = self._notes, []
        if not self._begun:
            notes.insert(0, lambda connection: connection.execute("begin immediate"))
            self._begun = True

        def work(connection: sqlite3.Connection) -> T:
            for note in notes:
                note(connection)
            return last(connection)

        return await self._connection.call(work)


class SqliteInbox:
    """
    The inbox in its own file, so that accepting never waits for correlating.

    What is correlated is noted in the other file, with the work itself; the rows are removed later.
    """

    def __init__(self, path: Path, sql: Mapping[str, str], state: "SqliteStore") -> None:
        self.path = path
        self._writing = Connection(path)
        self._reading = Connection(path, reading=True)
        self._sql = sql
        self._state = state
        self._name = ""
        self._swept = 0

    async def open(self) -> None:
        """Bring the schema up to date and learn the name that the watermark is kept under."""
        await self._writing.call(lambda connection: migrate(connection, "inbox", self._sql))
        rows = await self._writing.call(lambda connection: execute(connection, self._sql["inbox_name_read"], ()))
        self._name = rows[0][0] if rows else str(uuid.uuid4())
        if not rows:
            await self._writing.call(
                lambda connection: execute(connection, self._sql["inbox_name_write"], (self._name,))
            )

    async def add(self, rows: Sequence[tuple[bytes, str, int]]) -> None:
        """
        Commit deliveries, all in one statement.

        A thread lets go of the interpreter at each statement, and has to wait for it while the door is busy.
        """
        places: list[tuple[int, int, str, int]] = []
        first = 1
        for body, source, at in rows:
            places.append((first, len(body), source, at))
            first += len(body)
        text, args = self._sql["inbox_add"], (b"".join(body for body, *_ in rows), compact(places))
        await self._writing.call(lambda connection: execute(connection, text, args))

    async def waiting(self, tx: Transaction, limit: int) -> Sequence[Waiting]:
        """List the oldest that wait."""
        first, done = self._mark(await tx.fetch("watermark_read", self._name))
        text = self._sql["inbox_list"]
        rows = await self._reading.call(lambda connection: execute(connection, text, (first, limit)))
        found = [Waiting(*row) for row in rows]
        if found and found[0].id == first and done:
            found[0] = Waiting(first, found[0].size, found[0].source, found[0].received_at, done)
        return found

    async def bodies(self, tx: Transaction, ids: Sequence[int]) -> dict[int, bytes]:
        """Read their bodies."""
        text = self._sql["inbox_body"]
        rows = await self._reading.call(
            lambda connection: [row for key in ids for row in execute(connection, text, (key,))]
        )
        return dict(rows)

    def settle(self, tx: Transaction, finished: Sequence[int], partly: tuple[int, int] | None) -> None:
        """Note what is correlated."""
        if partly is not None:
            tx.run("watermark_write", self._name, *partly)
        elif finished:
            tx.run("watermark_write", self._name, finished[-1] + 1, 0)

    async def count(self) -> tuple[int, int | None]:
        """Count those that wait."""
        first, _ = self._mark(await self._state.read("watermark_read", self._name))
        text = self._sql["inbox_count"]
        ((count, oldest),) = await self._reading.call(lambda connection: execute(connection, text, (first,)))
        return count, oldest

    async def probe(self) -> None:
        """Commit a change without effect."""
        text = self._sql["inbox_probe"]
        await self._writing.call(lambda connection: execute(connection, text, ()))

    async def sweep(self) -> None:
        """Remove what is correlated and cut the journal back."""
        first, _ = self._mark(await self._state.read("watermark_read", self._name))
        if first == self._swept:
            return
        text = self._sql["inbox_sweep"]
        await self._writing.call(lambda connection: execute(connection, text, (first,)))
        self._swept = first

    async def tidy(self) -> None:
        """Cut the journal back."""
        await self._writing.call(_truncate)

    async def close(self) -> None:
        """Let go of the file."""
        await self._writing.close()
        await self._reading.close()

    @staticmethod
    def _mark(rows: Rows) -> tuple[int, int]:
        return (rows[0][0], rows[0][1]) if rows else (0, 0)


class SqliteStore:
    """The store on SQLite."""

    shared = False
    writers = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sql = statements("sqlite")
        self._lock: int | None = None
        self._turn = asyncio.Lock()
        self._writing = Connection(path)
        self._reading = Connection(path, reading=True)
        self._inbox = SqliteInbox(path.with_name(f"{path.name}-inbox"), self._sql, self)

    @property
    def inbox(self) -> SqliteInbox:
        """The inbox."""
        return self._inbox

    async def open(self) -> None:
        """
        Lock the file and bring the schema up to date.

        Raises: StoreLocked when another process has it, ConfigError when the folder or a file cannot be used.
        """
        self._lock = sqlite_files.lock(self.path)
        for path in (self.path, self._inbox.path):
            await asyncio.to_thread(sqlite_files.make, path)
        await self._writing.call(lambda connection: migrate(connection, "state", self._sql))
        await self._inbox.open()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        """Begin a transaction."""
        async with self._turn:
            tx = SqliteTransaction(self._writing, self._sql)
            try:
                yield tx
                await tx.commit()
            except BaseException:
                await tx.roll_back()
                raise

    async def read(self, name: str, *args: object) -> Rows:
        """Carry out one reading statement outside any transaction."""
        text = self._sql[name]
        return await self._reading.call(lambda connection: execute(connection, text, args))

    def listen(self, heard: Callable[[str], None]) -> None:
        """Do nothing: there is no other process."""

    async def tidy(self) -> None:
        """Cut the journals back."""
        async with self._turn:
            await self._writing.call(_truncate)
        await self._inbox.tidy()

    async def close(self) -> None:
        """Let go of the files."""
        await self._inbox.close()
        await self._reading.close()
        await self._writing.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def migrate(connection: sqlite3.Connection, part: str, sql: Mapping[str, str]) -> None:
    """
    Apply the migrations that are missing, each in a transaction.

    Raises: ConfigError when the file was written by a newer version.
    """
    connection.execute(sql["schema_table"])
    rows = execute(connection, sql["schema_read"], (part,))
    version = rows[0][0] if rows else 0
    scripts = migrations(part, "sqlite")
    if version > len(scripts):
        raise ConfigError("The database was written by a newer responder: install that version, or restore a backup")
    for number, script in enumerate(scripts[version:], start=version + 1):
        values = f"('{part}', {number}) on conflict (part) do update set version = excluded.version"
        connection.executescript(
            f"begin immediate;\n{script}\ninsert into schema_version (part, version) values {values};\ncommit;"
        )


def _truncate(connection: sqlite3.Connection) -> None:
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
