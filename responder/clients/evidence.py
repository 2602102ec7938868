"""Where evidence is kept: in a folder, each file under the incident with its fingerprint in the name."""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from responder.errors import PermanentError, TransientError
from responder.model.action import Kept
from responder.model.quantity import format_bytes

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 120
_INCIDENT = re.compile(r"INC-\d+", re.ASCII)
_OURS = re.compile(r"[0-9a-f]{16}-.+|\.[0-9a-f]{16}\.part", re.ASCII)


class Shelf(Protocol):
    """A place for files that are never changed."""

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its place. Raises: PermanentError, TransientError."""


class EvidenceRoom:
    """The evidence of one incident. Satisfies `plugins.acting.Evidence`."""

    def __init__(self, shelf: Shelf, incident: str, max_size: int) -> None:
        self._shelf = shelf
        self._incident = incident
        self._max_size = max_size

    @property
    def max_size(self) -> int:
        """The largest file that is kept, in bytes."""
        return self._max_size

    async def keep(self, name: str, content: bytes, *, cut: bool = False) -> Kept:
        """
        Keep a file of this incident, and say where; the same content under the same name is kept once.

        Raises: PermanentError beyond the size limit or where it cannot be written, TransientError.
        """
        if len(content) > self._max_size:
            raise PermanentError(
                f"{name} has {format_bytes(len(content))}, more than evidence.max_size ({format_bytes(self._max_size)})"
            )
        sha256 = await asyncio.to_thread(_fingerprint, content)
        path = f"{safe(self._incident)}/{sha256[:16]}-{safe(name)}"
        return Kept(name, sha256, len(content), await self._shelf.put(path, content, sha256), cut)


class Folder:
    """A folder, readable by nobody but us; a file is there whole or not at all, also after a crash."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its path. Raises: PermanentError, TransientError."""
        place = self._directory / path
        try:
            await asyncio.to_thread(_store, place, content, sha256)
        except (FileNotFoundError, PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
            raise PermanentError(f"evidence cannot be written to {place}: {error.strerror}") from error
        except OSError as error:
            raise TransientError(f"evidence could not be written to {place}: {error.strerror}") from error
        return str(place)

    async def sweep(self, before: datetime, spared: Collection[str]) -> int:
        """
        Remove the files kept before a moment, except those of the `spared` incidents; returns how many.

        What is not ours is left alone. Raises: PermanentError when the folder cannot be read, or nothing removed there.
        """
        try:
            return await asyncio.to_thread(_sweep, self._directory, before.timestamp(), frozenset(map(safe, spared)))
        except OSError as error:
            raise PermanentError(f"old evidence cannot be removed from {self._directory}: {error.strerror}") from error


def safe(name: str) -> str:
    """Return a name that is one harmless part of a path: letters, digits, dots, dashes and underscores."""
    cleaned = _UNSAFE.sub("_", name).strip("._")
    return cleaned[-_LONGEST:].lstrip("._-") or "file"


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _store(place: Path, content: bytes, sha256: str) -> None:
    if place.exists() and _fingerprint(place.read_bytes()) == sha256:
        return
    for folder in (place.parent.parent, place.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beginning = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beginning.rename(place)
    finally:
        beginning.unlink(missing_ok=True)
    for folder in (place.parent, place.parent.parent):
        _settle(folder)


def _sweep(directory: Path, before: float, spared: Collection[str]) -> int:
    removed = 0
    folders = [place for place in _entries(directory) if _INCIDENT.fullmatch(place.name) and place.name not in spared]
    for folder in (place for place in folders if place.is_dir(follow_symlinks=False)):
        files = [file for file in _entries(Path(folder.path)) if file.is_file(follow_symlinks=False)]
        for file in files:
            if _OURS.fullmatch(file.name) and file.stat(follow_symlinks=False).st_mtime < before:
                Path(file.path).unlink(missing_ok=True)
                removed += 1
        with suppress(OSError):  # there is something left in it
            Path(folder.path).rmdir()
    return removed


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return list(entries)


def _settle(folder: Path) -> None:
    """Make a new name in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
