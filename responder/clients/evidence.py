"""Where evidence is kept: in a folder, each file under the incident with its fingerprint in the name."""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from responder.errors import PermanentError, TransientError
from responder.model.action import Kept
from responder.model.quantity import format_bytes

BLOCK = 1024 * 1024
"""Bytes of a file in memory before they are written."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 120
_INCIDENT = re.compile(r"INC-\d+", re.ASCII)
_OURS = re.compile(r"[0-9a-f]{16}-.+|\.[0-9a-f]{16}\.part", re.ASCII)


class Shelf(Protocol):
    """A place for files that are never changed."""

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its place. Raises: PermanentError, TransientError."""

    async def begin(self, folder: str) -> Path:
        """Make an empty file for pieces that are to come, ours alone. Raises: PermanentError, TransientError."""

    async def take(self, path: str, beginning: Path, sha256: str) -> str:
        """Store the file that was begun as `put` does; where it was begun it may be gone then. Raises as `put`."""


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
        return Kept(name, sha256, len(content), await self._shelf.put(self._path(name, sha256), content, sha256), cut)

    @asynccontextmanager
    async def begin(self, name: str) -> AsyncIterator["Draft"]:
        """
        Begin a file that is never whole in memory; what is not kept is gone when it is left.

        Raises: PermanentError where it cannot be written, TransientError.
        """
        beginning = await self._shelf.begin(safe(self._incident))
        try:
            yield Draft(self, name, beginning)
        finally:
            await asyncio.to_thread(beginning.unlink, missing_ok=True)

    async def take(self, name: str, beginning: Path, sha256: str) -> str:
        """Store a file that was begun, and return its place. Raises: PermanentError, TransientError."""
        return await self._shelf.take(self._path(name, sha256), beginning, sha256)

    def _path(self, name: str, sha256: str) -> str:
        return f"{safe(self._incident)}/{sha256[:16]}-{safe(name)}"


class Draft:
    """A file that comes piece by piece; a block of it at a time is in memory. Satisfies `plugins.acting.Draft`."""

    def __init__(self, room: EvidenceRoom, name: str, beginning: Path) -> None:
        self._room = room
        self._name = name
        self._beginning = beginning
        self._sha256 = hashlib.sha256()
        self._block = bytearray()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that were written so far."""
        return self._size

    async def write(self, piece: bytes) -> None:
        """Add a piece. Raises: PermanentError beyond the size limit or where it cannot be written, TransientError."""
        self._size += len(piece)
        if self._size > self._room.max_size:
            limit = format_bytes(self._room.max_size)
            raise PermanentError(f"{self._name} has more than evidence.max_size ({limit})")
        self._block += piece
        if len(self._block) >= BLOCK:
            await self._flush()

    async def keep(self, *, cut: bool = False) -> Kept:
        """Keep it, and say where. Raises: PermanentError, TransientError."""
        await self._flush()
        sha256 = self._sha256.hexdigest()
        return Kept(self._name, sha256, self._size, await self._room.take(self._name, self._beginning, sha256), cut)

    async def _flush(self) -> None:
        block, self._block = self._block, bytearray()
        with _writing(self._beginning):
            await asyncio.to_thread(self._append, block)

    def _append(self, block: bytearray) -> None:
        self._sha256.update(block)
        with self._beginning.open("ab") as file:
            file.write(block)


class Folder:
    """A folder, readable by nobody but us; a file is there whole or not at all, also after a crash."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its path. Raises: PermanentError, TransientError."""
        place = self._directory / path
        with _writing(place):
            await asyncio.to_thread(_store, place, content, sha256)
        return str(place)

    async def begin(self, folder: str) -> Path:
        """Make an empty file beside those that are kept. Raises: PermanentError, TransientError."""
        with _writing(self._directory / folder):
            return await asyncio.to_thread(_begin, self._directory / folder)

    async def take(self, path: str, beginning: Path, sha256: str) -> str:
        """Give a file that was begun its name, unless it is there. Raises: PermanentError, TransientError."""
        place = self._directory / path
        with _writing(place):
            await asyncio.to_thread(_settle_as, beginning, place, sha256)
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


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Raise what keeps a file from being written as one of ours."""
    try:
        yield
    except (FileNotFoundError, PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise PermanentError(f"evidence cannot be written to {place}: {error.strerror}") from error
    except OSError as error:
        raise TransientError(f"evidence could not be written to {place}: {error.strerror}") from error


def _store(place: Path, content: bytes, sha256: str) -> None:
    if _is_there(place, sha256):
        return
    beginning = _begin(place.parent)
    try:
        beginning.write_bytes(content)
        _settle_as(beginning, place, sha256)
    finally:
        beginning.unlink(missing_ok=True)


def _begin(folder: Path) -> Path:
    for each in (folder.parent, folder):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    beginning = folder / f".{secrets.token_hex(8)}.part"
    os.close(os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return beginning


def _is_there(place: Path, sha256: str) -> bool:
    if not place.exists():
        return False
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _settle_as(beginning: Path, place: Path, sha256: str) -> None:
    """Give a written file its name, so that both outlive a loss of power."""
    if _is_there(place, sha256):
        return
    _settle(beginning)
    beginning.rename(place)
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


def _settle(place: Path) -> None:
    """Make what is in a file, or a new name in a folder, outlive a loss of power."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
