"""The store as one process sees it: real, with a point before and after everything, and away when the story says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from responder.errors import StoreUnavailable
from responder.store.store import Call, Rows, Store, Topic, Transaction, Waiting
from tests.simulation.points import BEGIN, Points, Process, check_up

T = TypeVar("T")
Written = tuple[str, tuple[Any, ...]]


@dataclass
class Database:
    """What all processes share: the store, who holds it, what was committed by whom."""

    store: Store
    points: Points
    rng: Random
    committed: Callable[[Process, "SeenTransaction"], None]
    shared: bool = False
    fine: bool = False
    """Whether there is a point at every statement of a transaction too."""
    unsure: float = 0.0
    """How often the answer to a commit is lost."""
    open: list["SeenTransaction"] = field(default_factory=list)
    commits: int = 0

    async def asking(self, doing: Awaitable[T]) -> T:
        """Ask the real store."""
        self.points.under_way += 1
        try:
            return await doing
        finally:
            self.points.under_way -= 1


class SeenTransaction:
    """A transaction of one process, begun `after` so many commits; once the database has ended it, it is over."""

    def __init__(self, database: Database, process: Process) -> None:
        self.process = process
        self.written: list[Written] = []
        self.ended = False
        self.under_way = False
        self.after = database.commits
        self._database = database
        self._real: Transaction | None = None
        self._context: AbstractAsyncContextManager[Transaction] | None = None

    @property
    def real(self) -> Transaction:
        """Return the real one. Raises: StoreUnavailable when it has ended."""
        if self.ended or self._real is None:
            raise StoreUnavailable("the database has ended this transaction")
        check_up(self.process)
        return self._real

    async def begin(self) -> None:
        """Begin."""
        self._context = self._database.store.transaction()
        self._real = await self._database.asking(self._context.__aenter__())
        self._database.open.append(self)

    async def end(self, error: BaseException | None) -> None:
        """Commit, or with an error roll back."""
        if self.ended or self._context is None or self not in self._database.open:
            return
        self.ended = True
        try:
            kind = type(error) if error is not None else None
            await self._database.asking(self._context.__aexit__(kind, error, None))
        except BaseException as raised:
            if raised is not error:
                raise
        finally:
            self._database.open.remove(self)

    async def fetch(self, name: str, *args: object) -> Rows:
        """Carry out a statement."""
        await self._point(name)
        self.written.append((name, args))
        return await self._asking(self.real.fetch(name, *args))

    async def fetch_each(self, name: str, calls: Iterable[Sequence[object]]) -> Rows:
        """Carry out a statement for each."""
        await self._point(name)
        each = list(calls)
        self.written.extend((name, tuple(args)) for args in each)
        return await self._asking(self.real.fetch_each(name, each))

    async def fetch_all(self, *calls: Call) -> Sequence[Rows]:
        """Carry out several statements."""
        await self._point(calls[0][0])
        self.written.extend((name, tuple(args)) for name, *args in calls)
        return await self._asking(self.real.fetch_all(*calls))

    def run(self, name: str, *args: object) -> None:
        """Note a statement."""
        self.written.append((name, args))
        self.real.run(name, *args)

    def run_each(self, name: str, calls: Iterable[Sequence[object]]) -> None:
        """Note a statement for each."""
        each = list(calls)
        self.written.extend((name, tuple(args)) for args in each)
        self.real.run_each(name, each)

    def command(self) -> int:
        """Return the command whose effect it begins."""
        return next(args[0] for name, args in self.written if name == "effect_begin")

    def hint(self, topic: Topic) -> None:
        """Tell nobody: the story wakes everybody by and by."""

    async def _asking(self, doing: Awaitable[T]) -> T:
        """Wait for the database; a process that was frozen meanwhile hears its answer when its transaction is over."""
        self.under_way = True
        try:
            answer = await self._database.asking(doing)
        finally:
            self.under_way = False
        if self.process.frozen:
            await self.end(StoreUnavailable("frozen within a statement"))
            await self._database.points.reach(self.process, "answered")
        return answer

    async def _point(self, label: str) -> None:
        if self._database.fine:
            await self._database.points.reach(self.process, label)


class SeenInbox:
    """The inbox of one process."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database, self._process = database, process

    async def add(self, rows: Sequence[tuple[bytes, str, int]]) -> None:
        """Commit deliveries."""
        database = self._database
        await database.points.reach(self._process, "accept")
        check_up(self._process)
        await database.asking(database.store.inbox.add(rows))
        await database.points.reach(self._process, "accepted")
        if database.rng.random() < database.unsure:
            raise StoreUnavailable("the answer was lost")

    async def waiting(self, tx: Transaction, limit: int) -> Sequence[Waiting]:
        """List those that wait."""
        return await self._database.asking(self._database.store.inbox.waiting(_real(tx), limit))

    async def bodies(self, tx: Transaction, ids: Sequence[int]) -> dict[int, bytes]:
        """Read bodies."""
        return await self._database.asking(self._database.store.inbox.bodies(_real(tx), ids))

    def settle(self, tx: Transaction, finished: Sequence[int], partly: tuple[int, int] | None) -> None:
        """Note what is done."""
        self._database.store.inbox.settle(_real(tx), finished, partly)

    async def count(self) -> tuple[int, int | None]:
        """Count those that wait."""
        return await self._database.store.inbox.count()

    async def probe(self) -> None:
        """Try it."""
        check_up(self._process)

    async def sweep(self) -> None:
        """Remove what is done."""
        await self._database.store.inbox.sweep()


class SeenStore:
    """The store of one process."""

    writers = 2

    def __init__(self, database: Database, process: Process) -> None:
        self._database, self._process = database, process
        self.shared = database.shared
        self.inbox = SeenInbox(database, process)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SeenTransaction]:
        """Begin a transaction."""
        database, process = self._database, self._process
        await database.points.reach(process, BEGIN)
        check_up(process)
        tx = SeenTransaction(database, process)
        await tx.begin()
        try:
            yield tx
            await database.points.reach(process, "commit")
            assert tx.real
        except BaseException as error:
            await tx.end(error)
            raise
        await tx.end(None)
        database.commits += 1
        database.committed(process, tx)
        await database.points.reach(process, "committed")
        if database.rng.random() < database.unsure:
            raise StoreUnavailable("the answer was lost")

    async def read(self, name: str, *args: object) -> Rows:
        """Read."""
        await self._database.points.reach(self._process, f"read {name}")
        check_up(self._process)
        return await self._database.asking(self._database.store.read(name, *args))

    def listen(self, heard: Callable[[str], None]) -> None:
        """Hear nothing."""

    async def tidy(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Leave it to the story."""
        await asyncio.sleep(0)


def _real(tx: Transaction) -> Transaction:
    assert isinstance(tx, SeenTransaction)
    return tx.real
