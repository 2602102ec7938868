"""Evidence in a bucket of S3, or of what speaks its protocol. Loads obstore."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from responder.errors import CallError, NotLetIn, PermanentError, TransientError
from responder.model.redaction import redact
from responder.settings.acting import Bucket

DEADLINE = timedelta(seconds=25)
"""For one file of one part, all tries included."""
PART = 8 * 1024 * 1024
"""Bytes that are sent at a time, and of which a file is a large one. S3 takes no fewer than 5 MiB, and 10,000 parts."""
SLOWEST = 4 * 1024 * 1024
"""Bytes a second below which a bucket is too slow for a large file."""
LONGEST = timedelta(minutes=5)
"""For one file, whatever its size: people wait for it."""
_AT_ONCE = 2
"""Parts that are under way, and in memory, at the same time."""
TRIAL = "responder-doctor.txt"
TRIED = b"Responder was here to see whether it may write. This can be deleted.\n"
_NO_BUCKET = "NoSuchBucket"


class BucketShelf:
    """
    A bucket; a file is sent with its checksum, which the server compares: in one piece, or, when large, in parts.

    What was begun lies in the folder for temporary files meanwhile.
    """

    def __init__(self, bucket: Bucket, *, deadline: timedelta = DEADLINE) -> None:
        self._bucket = bucket
        self._deadline = deadline
        self._store: Any = None

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its `s3://` address. Raises: CallError."""
        with suppress(AlreadyExistsError):
            async with self._within(self._deadline):
                await self._opened().put_async(path, content, mode="create", use_multipart=False)
        return self._place(path)

    async def begin(self, folder: str) -> Path:
        """Make an empty file in the folder for temporary files. Raises: TransientError."""
        try:
            descriptor, name = await asyncio.to_thread(tempfile.mkstemp, ".part", "responder-evidence-")
        except OSError as error:
            raise TransientError(f"evidence cannot be gathered in {tempfile.gettempdir()}: {error.strerror}") from error
        os.close(descriptor)
        return Path(name)

    async def take(self, path: str, beginning: Path, sha256: str) -> str:
        """Store a file that was begun, unless it is there; a large one takes as long as its size. Raises: CallError."""
        size = (await asyncio.to_thread(beginning.stat)).st_size
        if size <= PART:
            return await self.put(path, await asyncio.to_thread(beginning.read_bytes), sha256)
        async with self._within(self._deadline):
            if await self._holds(path, size):
                return self._place(path)
        async with self._within(min(self._deadline + timedelta(seconds=size / SLOWEST), LONGEST)):
            await self._opened().put_async(path, beginning, chunk_size=PART, max_concurrency=_AT_ONCE)
        return self._place(path)

    async def _holds(self, path: str, size: int) -> bool:
        """Whether a file of this size is there: its name holds its checksum."""
        try:
            found = await self._opened().head_async(path)
        except FileNotFoundError:
            return False
        return bool(found["size"] == size)

    @asynccontextmanager
    async def _within(self, deadline: timedelta) -> AsyncIterator[None]:
        """Wait for so long, and raise what goes wrong as one of ours."""
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                yield
        except AlreadyExistsError:
            raise
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            raise self._mapped(error, deadline) from (error if not isinstance(error, ValueError) else None)

    def _place(self, path: str) -> str:
        return f"s3://{self._bucket.bucket}/{path}"

    async def try_out(self) -> str:
        """
        Put a small object, read it and take it away; answers what we may not do besides putting, "" for nothing.

        Raises: CallError when it cannot be put, which is all that evidence takes.
        """
        async with self._within(self._deadline):
            await self._opened().put_async(TRIAL, TRIED, use_multipart=False)
        refused = [what for what, does in (("read it", self._reads), ("delete it", self._deletes)) if not await does()]
        return " and ".join(refused)

    async def _reads(self) -> bool:
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                found = await self._opened().get_async(TRIAL)
                return bytes(await found.bytes_async()) == TRIED
        except (BaseError, OSError, TimeoutError):
            return False

    async def _deletes(self) -> bool:
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                await self._opened().delete_async(TRIAL)
        except (BaseError, OSError, TimeoutError):
            return False
        return True

    def _opened(self) -> Any:
        if self._store is None:
            self._store = _open(self._bucket, self._deadline)
        return self._store

    def _mapped(self, error: Exception, deadline: timedelta) -> CallError:
        where = f"the bucket {self._bucket.bucket} (evidence.s3)"
        match error:
            case TimeoutError():
                return TransientError(f"{where}: no answer within {deadline.total_seconds():g}s")
            case PermissionDeniedError() | UnauthenticatedError():
                return NotLetIn(f"{where}: the keys are not accepted, or may not write: {_words(error)}")
            case FileNotFoundError():
                return PermanentError(f"{where}: there is no such bucket")
            case GenericError() if _NO_BUCKET in str(error):
                return PermanentError(f"{where}: there is no such bucket")
            case ValueError():
                return PermanentError(f"{where}: {_words(error)}")
        return TransientError(f"{where}: {_words(error)}")


def _open(bucket: Bucket, deadline: timedelta) -> Any:
    given: dict[str, Any] = {"endpoint": bucket.endpoint} if bucket.endpoint else {}
    if bucket.access_key and bucket.secret_key:
        given["access_key_id"] = bucket.access_key.get_secret_value()
        given["secret_access_key"] = bucket.secret_key.get_secret_value()
    return S3Store(
        bucket.bucket,
        region=bucket.region,
        checksum_algorithm="SHA256",
        client_options={"allow_http": bucket.endpoint.startswith("http://"), "timeout": deadline},
        retry_config={"max_retries": 3, "retry_timeout": deadline},
        **given,
    )


def _words(error: Exception) -> str:
    return redact(" ".join(str(error).split())[:300])
