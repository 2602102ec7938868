"""What a store can do, whichever database is behind it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Row: TypeAlias = Any
"""The columns of one row, by position."""
Rows: TypeAlias = Sequence[Row]
Call: TypeAlias = tuple[Any, ...]
"""A statement's name and its arguments."""

Topic: TypeAlias = Literal["correlate", "turn", "perform"]


class Transaction(Protocol):
    """
    One transaction: committed when its block ends, rolled back when the block raises.

    `run` only notes the statement; notes are carried out, in order, before the next fetch and before the commit. An
    error of theirs is raised there.
    """

    async def fetch(self, name: str, *args: object) -> Rows:
        """Carry out a statement and return all its rows."""

    async def fetch_each(self, name: str, calls: Iterable[Sequence[object]]) -> Rows:
        """Carry out one statement for each of the arguments and return the rows of all, in order."""

    async def fetch_all(self, *calls: Call) -> Sequence[Rows]:
        """Carry out several statements, in order, and return the rows of each."""

    def run(self, name: str, *args: object) -> None:
        """Note a statement whose rows nobody wants."""

    def run_each(self, name: str, calls: Iterable[Sequence[object]]) -> None:
        """Note one statement for each of the arguments."""

    def hint(self, topic: Topic) -> None:
        """Tell the other processes, after the commit, that there is work of that kind."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery in the inbox without its body; `size` is in bytes; `done` of its alerts are correlated already."""

    id: int
    size: int
    source: str
    received_at: int
    done: int


class Inbox(Protocol):
    """Deliveries between their acceptance and their correlation, in the order of their arrival."""

    async def add(self, rows: Sequence[tuple[bytes, str, int]]) -> None:
        """Commit deliveries: body, source, received_at. Raises: StoreUnavailable."""

    async def waiting(self, tx: Transaction, limit: int) -> Sequence[Waiting]:
        """List the oldest that wait, at most `limit`."""

    async def bodies(self, tx: Transaction, ids: Sequence[int]) -> dict[int, bytes]:
        """Read their bodies."""

    def settle(self, tx: Transaction, finished: Sequence[int], partly: tuple[int, int] | None) -> None:
        """
        Note, with the transaction's other work, what is correlated.

        `finished` are the oldest, without a gap; `partly` is the one after them, with how many of its alerts are done.
        """

    async def count(self) -> tuple[int, int | None]:
        """Count those that wait, and say since when the oldest does."""

    async def probe(self) -> None:
        """Commit a change without effect: that the inbox can be read does not say that it can be written."""

    async def sweep(self) -> None:
        """Remove what is correlated, where that did not happen with it."""


class Store(Protocol):
    """The database. Every method raises StoreUnavailable when it does not answer."""

    @property
    def inbox(self) -> Inbox:
        """The inbox."""

    @property
    def writers(self) -> int:
        """How many transactions are worth having at the same time."""

    @property
    def shared(self) -> bool:
        """Whether other processes may work on it too."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction. Raises: StoreRefused when a value cannot be stored."""

    async def read(self, name: str, *args: object) -> Rows:
        """Carry out one reading statement outside any transaction."""

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call back with the topic of every hint of another process; none may ever come."""

    async def tidy(self) -> None:
        """Do what the database needs now and then."""

    async def close(self) -> None:
        """Let go of everything."""
