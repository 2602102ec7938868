"""Evidence in a bucket of S3, or of what speaks its protocol. Loads obstore."""

import asyncio
from datetime import timedelta
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
"""For one file, all tries included."""
TRIAL = "responder-doctor.txt"
TRIED = b"Responder was here to see whether it may write. This can be deleted.\n"
_NO_BUCKET = "NoSuchBucket"


class BucketShelf:
    """A bucket; a file is sent in one piece with its checksum, which the server compares."""

    def __init__(self, bucket: Bucket, *, deadline: timedelta = DEADLINE) -> None:
        self._bucket = bucket
        self._deadline = deadline
        self._store: Any = None

    async def put(self, path: str, content: bytes, sha256: str) -> str:
        """Store a file, unless it is there, and return its `s3://` address. Raises: CallError."""
        place = f"s3://{self._bucket.bucket}/{path}"
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                await self._opened().put_async(path, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return place
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            raise self._mapped(error) from (error if not isinstance(error, ValueError) else None)
        return place

    async def try_out(self) -> str:
        """
        Put a small object, read it and take it away; answers what we may not do besides putting, "" for nothing.

        Raises: CallError when it cannot be put, which is all that evidence takes.
        """
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                await self._opened().put_async(TRIAL, TRIED, use_multipart=False)
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            raise self._mapped(error) from (error if not isinstance(error, ValueError) else None)
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

    def _mapped(self, error: Exception) -> CallError:
        where = f"the bucket {self._bucket.bucket} (evidence.s3)"
        match error:
            case TimeoutError():
                return TransientError(f"{where}: no answer within {self._deadline.total_seconds():g}s")
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
