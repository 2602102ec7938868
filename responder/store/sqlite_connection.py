"""One SQLite connection with a thread of its own, so that the disk never holds up the loop."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from responder.errors import StoreRefused, StoreUnavailable
from responder.store.store import Rows

T = TypeVar("T")

_SETUP = (
    "pragma journal_mode = wal",
    "pragma synchronous = full",
    "pragma busy_timeout = 5000",
    "pragma temp_store = memory",
    "pragma wal_autocheckpoint = 4000",
)


_BATCHES = (64, 16, 4)
"""Rows of one insert, the largest first: few sizes, so that their statements stay prepared."""

_PLAIN_INSERT = re.compile(r"(insert into \w+ \([\w\s,]+\))\s+values \(\$1(?:, \$\d+)*\)")


class Connection:
    """
    Carries out work in one thread, in the order in which it was asked for.

    Work that nobody waits for any more is carried out all the same: what is asked for next finds it done.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self._path = path
        self._reading = reading
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite {path.name}")
        self._connection: sqlite3.Connection | None = None

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """
        Carry out `work` in the thread.

        Raises: StoreUnavailable, or StoreRefused when a value does not fit.
        """
        try:
            begun = asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)
        except RuntimeError as error:
            raise StoreUnavailable("the store is closed") from error
        return await asyncio.shield(begun)

    async def close(self) -> None:
        """Close, after what was asked for is done."""
        await asyncio.to_thread(self._thread.shutdown)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with mapped():
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=256, check_same_thread=False)
        for statement in _SETUP:
            connection.execute(statement)
        if self._reading:
            connection.execute("pragma query_only = on")
        return connection


def execute(connection: sqlite3.Connection, sql: str, args: Sequence[object]) -> Rows:
    """Carry out one statement and read its rows to the end."""
    return connection.execute(sql, bound(args)).fetchall()


def execute_each(connection: sqlite3.Connection, sql: str, calls: Sequence[Sequence[object]]) -> None:
    """
    Carry out one statement for each of the arguments; a plain insert for many at once.

    Each statement gives the interpreter's lock away and waits to have it back, which a busy loop makes slow.
    """
    left = list(calls)
    plain = _PLAIN_INSERT.fullmatch(sql)
    for size in _BATCHES if plain else ():
        while plain and len(left) >= size:
            some, left = left[:size], left[size:]
            row = f"({', '.join('?' * len(some[0]))})"
            many = f"{plain[1]} values {', '.join([row] * size)}"
            connection.execute(many, [value for args in some for value in args])
    connection.executemany(sql, (bound(args) for args in left))


def bound(args: Sequence[object]) -> Mapping[str, object]:
    """Name arguments as the placeholders `$1`, `$2`, ... are named."""
    return {str(place): value for place, value in enumerate(args, start=1)}


@contextmanager
def mapped() -> Iterator[None]:
    """Turn SQLite's errors into ours: a value that does not fit, or everything else."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise StoreRefused(f"SQLite does not take this: {error}") from error
    except (UnicodeError, OverflowError) as error:
        raise StoreRefused(f"SQLite does not take this: {error}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"SQLite does not answer: {error}. Check the disk that database_url names.") from error
