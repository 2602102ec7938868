"""Opens the store that an address names."""

import importlib
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import unquote

from responder.errors import ConfigError
from responder.store.sqlite import SqliteStore
from responder.store.store import Store

_SQLITE = "sqlite:///"
_POSTGRES = "responder.store.postgres"
"""Loaded by name: its driver costs time and memory that only those pay who use it."""


class Openable(Store, Protocol):
    """A store that is not open yet."""

    async def open(self) -> None:
        """Connect, and bring the schema up to date. Raises: StoreLocked, StoreUnavailable, ConfigError."""


async def open_store(database_url: str) -> Store:
    """
    Open the store, its schema up to date: `sqlite:///PATH` (relative, or absolute with a fourth slash) or
    `postgresql://...`, where `?statement_cache_size=0` makes it work behind PgBouncer.

    Raises: StoreLocked, StoreUnavailable, ConfigError.
    """
    store = _choose(database_url)
    try:
        await store.open()
    except BaseException:
        await store.close()
        raise
    return store


def _choose(database_url: str) -> Openable:
    path = path_of(database_url)
    if path is not None:
        return SqliteStore(path)
    return cast(Openable, importlib.import_module(_POSTGRES).PostgresStore(database_url))


def path_of(database_url: str) -> Path | None:
    """Return the file that an address names, None for one of PostgreSQL. Raises: ConfigError for any other."""
    if database_url.startswith(_SQLITE):
        path = unquote(database_url.removeprefix(_SQLITE).partition("?")[0])
        if not path or path.startswith(":"):
            raise ConfigError("database_url: sqlite:/// needs the path of a file, such as sqlite:///responder.db")
        return Path(path)
    if database_url.startswith(("postgresql://", "postgres://")):
        return None
    raise ConfigError("database_url must begin with sqlite:/// or postgresql://")
