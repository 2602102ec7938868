"""What stands behind the door in these tests: enough of an engine to see what reached it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.engine.views import Counts, Rejected, Wanted
from responder.errors import StoreUnavailable
from responder.model.incident import Incident
from responder.model.severity import DEFAULT_SCALE
from responder.model.timeline import Event
from responder.settings.process import Settings
from responder.web.door import Behind, Door
from responder.web.metrics import Metrics
from responder.web.ports import Health

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class House:
    """A door and, behind it, everything in memory. With `down` the store does not answer."""

    def __init__(self, **settings: Any) -> None:
        self.down = False
        self.accepted: list[bytes] = []
        self.kept: list[Rejected] = []
        self.stored: list[Incident] = []
        self.events: dict[int, list[Event]] = {}
        behind = Behind(
            intake=self,
            reader=self,
            vitals=self,
            metrics=Metrics("1.2.3"),
            scale=lambda: DEFAULT_SCALE,
            now=lambda: NOW,
            version="1.2.3",
        )
        self.door = Door(Settings.model_validate({"listen": "127.0.0.1:0", **settings}), behind)

    async def open(self) -> None:
        """Listen on a free port."""
        await self.door.open()

    async def close(self) -> None:
        """Close the door."""
        await self.door.close(timedelta(seconds=5))

    @property
    def url(self) -> str:
        """Where the door is."""
        return self.door.listener.addresses[0]

    @property
    def webhook(self) -> str:
        """Where Alertmanager posts to."""
        return f"{self.url}/v1/webhooks/alertmanager"

    @property
    def port(self) -> int:
        """The port alone."""
        return int(self.url.rsplit(":", 1)[1])

    def _answering(self) -> None:
        if self.down:
            raise StoreUnavailable

    async def accept(self, body: bytes) -> None:
        self._answering()
        self.accepted.append(body)

    async def reject(self, rejected: Rejected) -> None:
        self._answering()
        self.kept.append(replace(rejected, id=len(self.kept) + 1))

    async def incidents(self, wanted: Wanted) -> Sequence[Incident]:
        self._answering()
        found = [i for i in self.stored if wanted.before is None or i.number < wanted.before]
        found = [i for i in found if wanted.status in (None, i.status) and wanted.severity in (None, i.severity)]
        return sorted(found, key=lambda i: -i.number)[: wanted.limit]

    async def incident(self, number: int) -> Incident | None:
        self._answering()
        return next((i for i in self.stored if i.number == number), None)

    async def timeline(self, number: int) -> Sequence[Event]:
        return self.events.get(number, [])

    async def counts(self) -> Counts:
        self._answering()
        return Counts(
            inbox=3,
            oldest=NOW - timedelta(seconds=7),
            open_by_severity={"critical": 2},
            rejected=len(self.kept),
            waiting={"diagnose": 4},
        )

    async def rejected(self, limit: int) -> tuple[Sequence[Rejected], int]:
        return self.kept[::-1][:limit], len(self.kept)

    async def store(self) -> Health:
        return Health(not self.down, "does not answer" if self.down else "")

    def rules(self) -> Health:
        return Health(True, "version 1")

    def dependencies(self) -> Mapping[str, Health]:
        return {"slack": Health(False, "refused")}
