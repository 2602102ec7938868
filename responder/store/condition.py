"""How a store is, without opening it: nothing is made, migrated, locked or written."""

import asyncio
import fcntl
import importlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from responder.errors import ConfigError
from responder.store.opening import path_of
from responder.store.statements import Dialect, migrations

PARTS = ("state", "inbox")
_LEAST_ROOM = 256 * 1024 * 1024
"""Bytes on the disk; a storm of alerts takes some of them in minutes."""
_POSTGRES = "responder.store.condition_postgres"


@dataclass(frozen=True, slots=True)
class Condition:
    """
    What was seen: `trouble` keeps it from working, `warning` may soon; each with its cure.

    `at` is the server's time, None for a file.
    """

    detail: str
    trouble: str = ""
    warning: str = ""
    cure: str = ""
    at: datetime | None = None


async def condition(database_url: str) -> Condition:
    """Look at the store. Raises: ConfigError for an address that is none, StoreUnavailable."""
    path = path_of(database_url)
    if path is not None:
        return await asyncio.to_thread(_of_file, path)
    found: Condition = await importlib.import_module(_POSTGRES).condition(database_url)
    return found


def behind(versions: Mapping[str, int], dialect: Dialect) -> str:
    """Say how far a schema is from ours, "" for not at all. Raises: ConfigError when it is newer."""
    steps = 0
    for part in PARTS:
        newest = len(migrations(part, dialect))
        if versions.get(part, 0) > newest:
            raise ConfigError("it was written by a newer responder")
        steps += newest - versions.get(part, 0)
    return f"{steps} steps of its schema are missing, which the next start adds" if steps else ""


def schema(versions: Mapping[str, int]) -> str:
    """Name the version of a schema, for people: "schema 2.1", of the state and of the inbox."""
    return f"schema {'.'.join(str(versions.get(part, 0)) for part in PARTS)}"


def _of_file(path: Path) -> Condition:
    folder = path.parent
    if not folder.is_dir():
        return _broken(path, f"there is no folder {folder.absolute()}", "make or mount it, or change database_url")
    if not os.access(folder, os.W_OK | os.X_OK):
        return _broken(path, f"we may not write to the folder {folder.absolute()}", "change who may write there")
    if not path.exists():
        return _with_room(path, f"{path}, which the first start makes")
    if not os.access(path, os.R_OK | os.W_OK):
        return _broken(path, "we may not read and write it", "change its owner, or database_url")
    try:
        versions = dict(_versions(path))
        late = behind(versions, "sqlite")
    except sqlite3.DatabaseError as error:
        return _broken(path, f"it cannot be read ({error})", "restore a backup, or change database_url")
    except ConfigError as error:
        return _broken(path, str(error), "install that version, restore a backup, or change database_url")
    owner = _owner(path)
    used = f"{path}, {schema(versions)}, {f'in use by process {owner}' if owner else 'not in use'}"
    return _with_room(path, f"{used}; {late}" if late else used)


def _versions(path: Path) -> Iterator[tuple[str, int]]:
    for part, file in (("state", path), ("inbox", path.with_name(f"{path.name}-inbox"))):
        if not file.exists() or not file.stat().st_size:
            continue
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            if not connection.execute("select 1 from sqlite_master where name = 'schema_version'").fetchone():
                if connection.execute("select 1 from sqlite_master where type = 'table'").fetchone():
                    raise ConfigError(f"{file.name} is somebody else's database")
                continue
            rows = connection.execute("select version from schema_version where part = ?", (part,)).fetchall()
            yield part, int(rows[0][0]) if rows else 0


def _owner(path: Path) -> str:
    """Return the process that has the store open, "" for none."""
    try:
        handle = os.open(path.with_name(f"{path.name}-lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "unknown"
    finally:
        os.close(handle)
    return ""


def _broken(path: Path, trouble: str, cure: str) -> Condition:
    return Condition(str(path), trouble=trouble, cure=cure)


def _with_room(path: Path, detail: str) -> Condition:
    free = shutil.disk_usage(path.parent).free
    if free >= _LEAST_ROOM:
        return Condition(detail)
    warning = f"{free // (1024 * 1024)} MiB are free on its disk"
    return Condition(detail, warning=warning, cure="make room: a full disk keeps deliveries from being accepted")
