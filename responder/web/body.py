"""Reading the body of a request within its limits: bytes, time, and the room that all requests share."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from responder.errors import RejectedDelivery
from responder.web.answers import RETRY_AFTER, Refused


@dataclass(slots=True)
class Room:
    """Counts the bytes of all deliveries between their arrival and their commit."""

    limit: int
    held: int = 0

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """
        Keep room for `size` bytes.

        Raises: Refused with 503 when there is none now.
        """
        if self.held + size > self.limit:
            raise Refused(503, "the intake is full: send it again", headers={"Retry-After": RETRY_AFTER})
        self.held += size
        try:
            yield
        finally:
            self.held -= size


def announced(request: web.BaseRequest, limit: int) -> int:
    """
    Return the bytes to keep room for: what Content-Length says, or `limit` for a body sent in chunks.

    Raises: RejectedDelivery with 413 when it is more than `limit`.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise too_large(length, limit)
    chunked = "Transfer-Encoding" in request.headers
    return limit if chunked else length or 0


def too_large(size: int, limit: int) -> RejectedDelivery:
    """Say that a body is larger than we take."""
    return RejectedDelivery(
        413,
        f"the body has {size} bytes or more and at most {limit} are taken: set max_alerts on the receiver, split the "
        "group by more labels in group_by, or raise webhook.max_body",
    )


async def read_body(request: web.BaseRequest, *, limit: int, deadline: float) -> bytes:
    """
    Read the whole body; `deadline` is in the loop's time.

    Raises: RejectedDelivery with 413 or 400; Refused with 503 when it does not arrive in time; ConnectionError when
    the sender is gone.
    """
    await _continue(request)
    content = request.content
    if content.is_eof() and content.total_bytes <= limit:
        return content.read_nowait()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(deadline):
            while part := await content.readany():
                size += len(part)
                if size > limit:
                    raise too_large(size, limit)
                parts.append(part)
    except TimeoutError:
        raise Refused(
            503, "the body did not arrive in time: send it again", headers={"Retry-After": RETRY_AFTER}
        ) from None
    except RequestPayloadError as error:
        raise RejectedDelivery(400, f"the body is not framed as HTTP wants it: {error}") from None
    return b"".join(parts)


async def _continue(request: web.BaseRequest) -> None:
    """Send `100 Continue` where it is waited for, which is only now: a refused sender keeps its body."""
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise Refused(417, "the only expectation understood is 100-continue: leave the header Expect out")
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
