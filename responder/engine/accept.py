"""
Takes deliveries in: the answer comes after the commit.

All that arrive while one commit runs share the next, so that the disk is asked once for many.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from responder.engine.views import Rejected
from responder.errors import IntakeFull, StoreUnavailable
from responder.model.labels import clean
from responder.model.redaction import redact
from responder.store.rows import micros
from responder.store.store import Store

LARGEST_COMMIT = 8 * 1024 * 1024
"""Bytes that go into one commit, unless a single delivery is larger."""
MOST_IN_COMMIT = 500
KEPT_BODY = 64 * 1024
"""Bytes of a rejected body that are kept."""

DELIVERY = "delivery"
"""The source of what Alertmanager posted; other sources are ours."""

_Waiting = tuple[bytes, str, int, "asyncio.Future[None]"]


class Intake:
    """The way in. `committed` is called after each commit; `capacity` counts the bytes that may wait for one."""

    def __init__(
        self, store: Store, *, now: Callable[[], datetime], committed: Callable[[], None], capacity: int, kept: int
    ) -> None:
        self._store = store
        self._now = now
        self._committed = committed
        self._capacity = capacity
        self._kept = kept
        self._queue: deque[_Waiting] = deque()
        self._held = 0
        self._flushing: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why the last commit failed, "" when it did not."""

    @property
    def held(self) -> int:
        """Bytes that wait for their commit."""
        return self._held

    async def accept(self, body: bytes, source: str = DELIVERY) -> None:
        """
        Return when the delivery is committed.

        Raises: IntakeFull, or StoreUnavailable; the sender keeps it and sends it again.
        """
        if self._held + len(body) > self._capacity and self._held:
            raise IntakeFull
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((body, source, micros(self._now()), done))
        self._held += len(body)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="accept")
        await done

    async def probe(self) -> str:
        """Commit something without effect, and say why that cannot be done; "" when it can."""
        try:
            await self._store.inbox.probe()
        except StoreUnavailable as error:
            self.trouble = str(error)
        else:
            self.trouble = ""
        return self.trouble

    async def reject(self, rejected: Rejected) -> None:
        """Keep a delivery that can never be accepted, among a bounded number. Raises: StoreUnavailable."""
        async with self._store.transaction() as tx:
            tx.run("rejected_add", *rejected_row(rejected))
            tx.run("rejected_trim", self._kept)

    async def close(self) -> None:
        """Wait until everything that was taken in is committed, or refused."""
        while self._flushing is not None:
            await asyncio.wait({self._flushing})

    async def _flush(self) -> None:
        try:
            while self._queue:
                await self._commit(self._batch())
        finally:
            self._flushing = None
            self._give_up(list(self._queue), StoreUnavailable("the intake has stopped"))
            self._queue.clear()

    def _batch(self) -> list[_Waiting]:
        size = 0
        batch: list[_Waiting] = []
        while self._queue and len(batch) < MOST_IN_COMMIT:
            size += len(self._queue[0][0])
            if batch and size > LARGEST_COMMIT:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        failed: BaseException = StoreUnavailable("the intake has stopped")
        try:
            await self._store.inbox.add([(body, source, at) for body, source, at, _ in batch])
        except StoreUnavailable as error:
            failed = error
            self.trouble = str(error)
        else:
            self.trouble = ""
            self._held -= sum(len(body) for body, *_ in batch)
            for *_, done in batch:
                if not done.done():
                    done.set_result(None)
            batch.clear()
            self._committed()
        finally:
            self._give_up(batch, failed)

    def _give_up(self, batch: list[_Waiting], error: BaseException) -> None:
        for body, _, _, done in batch:
            self._held -= len(body)
            if not done.done():
                done.set_exception(error)


def rejected_row(rejected: Rejected) -> tuple[object, ...]:
    """Make the arguments of `rejected_add`: secrets taken out, cut, the same body under the same digest."""
    shown = redact(clean(rejected.body[:KEPT_BODY].decode("utf-8", "replace"))).encode()
    reason, sender = clean(rejected.reason[:1000]), clean(rejected.sender[:300])
    digest = sha256(b"%d\0%d\0" % (rejected.status, rejected.size) + rejected.body).hexdigest()
    return (digest, micros(rejected.received_at), rejected.status, reason, sender, rejected.size, shown)
