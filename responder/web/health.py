"""Health for probes and scrapers; none of it needs credentials or a client certificate, none of it calls outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from responder.errors import StoreUnavailable
from responder.web.answers import answer, document, line
from responder.web.body import Room
from responder.web.documents import Dependency, Readiness
from responder.web.metrics import CONTENT_TYPE, Metrics
from responder.web.ports import Health, Reader, Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPages:
    """Answers /healthz, /readyz and /metrics. `closing` says that we are stopping."""

    vitals: Vitals
    reader: Reader
    metrics: Metrics
    room: Room
    now: Callable[[], datetime]
    closing: Callable[[], bool]

    async def healthz(self, _: web.BaseRequest, __: str) -> web.Response:
        """Say that the loop runs; a restart would not mend anything else."""
        return line(200, "ok")

    async def readyz(self, _: web.BaseRequest, __: str) -> web.Response:
        """Say whether deliveries can be taken, and how the things are that we use."""
        store, rules = await self.vitals.store(), self.vitals.rules()
        ready = store.ok and not self.closing()
        readiness = Readiness(
            ready=ready,
            store=_show(store),
            rules=_show(rules),
            dependencies={name: _show(health) for name, health in self.vitals.dependencies().items()},
        )
        return document(readiness, 200 if ready else 503)

    async def metrics_page(self, _: web.BaseRequest, __: str) -> web.Response:
        """Write the metrics, also while the store is down."""
        try:
            counts = await self.reader.counts()
        except StoreUnavailable:
            counts = None
        writable = (await self.vitals.store()).ok
        body = self.metrics.write(counts, self.room.held, self.now(), writable=writable)
        return answer(body, CONTENT_TYPE)


def _show(health: Health) -> Dependency:
    return Dependency(ok=health.ok, detail=health.detail)
