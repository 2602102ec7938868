"""The webhook: a delivery is committed, then answered; what can never work is kept, and answered with its cure."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from responder.engine.views import Rejected
from responder.errors import IntakeFull, RejectedDelivery, StoreUnavailable
from responder.web.answers import RETRY_AFTER, Refused, answer
from responder.web.body import Room, announced, read_body
from responder.web.delivery import check
from responder.web.metrics import Metrics
from responder.web.ports import Intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Answers POST /v1/webhooks/alertmanager. `deadline` says by when, in the loop's time, a body must be there."""

    intake: Intake
    room: Room
    metrics: Metrics
    max_body: int
    deadline: Callable[[web.BaseRequest], float]
    now: Callable[[], datetime]

    async def receive(self, request: web.BaseRequest, _: str) -> web.Response:
        """Take one delivery in; the answer comes after the commit. Raises: Refused."""
        body = b""
        try:
            with self.room.hold(announced(request, self.max_body)):
                body = await read_body(request, limit=self.max_body, deadline=self.deadline(request))
                check(request, body)
                await self.intake.accept(body)
        except RejectedDelivery as rejected:
            await self._keep(request, rejected, body)
            raise Refused(rejected.status, str(rejected)) from None
        except StoreUnavailable as error:
            wait = str(error.retry_after) if isinstance(error, IntakeFull) else RETRY_AFTER
            raise Refused(503, str(error), headers={"Retry-After": wait}) from None
        self.metrics.accepted()
        return answer(b"accepted\n", "text/plain; charset=utf-8")

    async def _keep(self, request: web.BaseRequest, why: RejectedDelivery, body: bytes) -> None:
        """Keep it where that is possible: the sender is told either way."""
        with suppress(StoreUnavailable):
            await self.intake.reject(
                Rejected(
                    received_at=self.now(),
                    status=why.status,
                    reason=str(why),
                    sender=f"{request.remote or 'unknown'} {request.headers.get('User-Agent', '')[:200]}".strip(),
                    size=len(body) or request.content_length or 0,
                    body=body,
                )
            )
