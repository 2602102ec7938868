"""What the engine shows to the door: which incidents are wanted, what waits, what was refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from responder.model.action import Stop
from responder.model.incident import Status
from responder.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents: None for any. Numbers below `before`, newest first, at most `limit`."""

    status: Status | None = None
    severity: str | None = None
    rule: str | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    A delivery, or one alert of it, that was refused for good.

    `body` is its beginning; `size` counts all of it, in bytes. `times` counts how often the same one came.
    """

    received_at: datetime
    status: int
    reason: str
    sender: str
    size: int
    body: bytes
    id: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What waits and what is open.

    `oldest` is when the oldest delivery that waits came, None when none does. `waiting` are commands not yet done, by
    kind; `rejected` the refused ones kept. `undelivered` counts the alerts, ever, that an Alertmanager held for us
    and did not deliver; `set_aside` those, ever, that could not be read or worked on within an accepted delivery.
    `attempts` counts the attempts at actions that are not over, by state; `approvals` those of them that wait for
    people, the longest since `asked_at`. `stop` is the last one that a person made; it may be over.
    """

    inbox: int
    oldest: datetime | None
    open_by_severity: Mapping[str, int]
    rejected: int
    waiting: Mapping[str, int]
    undelivered: int = 0
    set_aside: int = 0
    attempts: Mapping[str, int] = field(default_factory=dict)
    approvals: int = 0
    asked_at: datetime | None = None
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One stored episode of an alert; `incident` is 0 for one that was only recorded, `id` counts them."""

    fingerprint: str
    started_at: datetime
    ended_at: datetime | None
    labels: Labels
    annotations: Labels
    cluster: str
    rule: str
    incident: int
    id: int = 0
