"""The files of the embedded store: whose they are, who may read them, and what is said when they cannot be used."""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from responder.errors import ConfigError, StoreLocked
from responder.store.sqlite_connection import mapped

_OURS_ALONE = 0o600
"""Alerts, logs and addresses lie in them."""

_CURE = "move it away, or change database_url"


def lock(path: Path) -> int:
    """
    Lock the store at a path for this process; returns the handle that holds the lock.

    A folder that is not there is not made: where a volume was not mounted, the data would lie on the wrong disk.

    Raises: StoreLocked, ConfigError.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent.absolute()}: make or mount it, or change database_url")
    place = path.with_name(f"{path.name}-lock")
    handle = _open(place)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
        os.close(handle)
        raise StoreLocked(
            f"Another responder process{f' (pid {owner})' if owner else ''} uses {path}: "
            "stop it, or give this one its own database_url"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def make(path: Path) -> None:
    """
    Make the file of a database where there is none, for nobody else to read; SQLite gives its journals the same mode.

    One that is there is looked at before anything is written: a mistyped name may be of somebody else's file.

    Raises: ConfigError when it cannot be used, StoreUnavailable when it cannot be used now.
    """
    os.close(_open(path))
    with mapped(), closing(sqlite3.connect(path)) as connection:
        try:
            foreign = _is_foreign(connection)
        except sqlite3.DatabaseError as error:
            raise _refusal(path, error) or error from None
    if foreign:
        raise ConfigError(f"{path} is not a database of ours, but somebody else's: {_CURE}")


def _is_foreign(connection: sqlite3.Connection) -> bool:
    columns = {row[1] for row in connection.execute("pragma table_info(schema_version)")}
    if columns >= {"part", "version"}:
        return False
    return connection.execute("select 1 from sqlite_master where type = 'table'").fetchone() is not None


def _refusal(path: Path, error: sqlite3.DatabaseError) -> ConfigError | None:
    """Say what is wrong with a file that can never be opened as it is; None where another try may do."""
    code = error.sqlite_errorcode & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return ConfigError(f"{path} is not a database of ours: {_CURE}")
    if code == sqlite3.SQLITE_CORRUPT:
        return ConfigError(f"{path} is damaged ({error}): restore a backup, or {_CURE}")
    return None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OURS_ALONE)
    except OSError as error:
        raise ConfigError(f"cannot write to {path}: {error.strerror}; change database_url, or who may write") from error
