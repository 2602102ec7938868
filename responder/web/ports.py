"""What the door needs of the rooms below, as Protocols: the engine satisfies them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from responder.engine.views import Counts, Rejected, SeenAlert, Wanted
from responder.model.incident import Incident
from responder.model.timeline import Event


@dataclass(frozen=True, slots=True)
class Health:
    """Whether something works, and one line about it."""

    ok: bool
    detail: str = ""


class Intake(Protocol):
    """Takes deliveries in."""

    async def accept(self, body: bytes) -> None:
        """
        Return when the delivery is committed.

        Raises: RejectedDelivery when it can never be accepted; IntakeFull and StoreUnavailable when not now.
        """

    async def reject(self, rejected: Rejected) -> None:
        """Keep a delivery that can never be accepted, among a bounded number. Raises StoreUnavailable."""


class Reader(Protocol):
    """Reads what the store holds. Every method raises StoreUnavailable."""

    async def incidents(self, wanted: Wanted) -> Sequence[Incident]:
        """List incidents, newest first."""

    async def incident(self, number: int) -> Incident | None:
        """Load one."""

    async def timeline(self, number: int, *, after: int = 0, limit: int = 10_000) -> Sequence[Event]:
        """List an incident's events in the order in which they were written, those after the one with that id."""

    async def alerts(
        self, *, fingerprint: str | None = None, rule: str | None = None, before: int | None = None, limit: int = 50
    ) -> Sequence[SeenAlert]:
        """List stored episodes, newest first; also those that were only recorded."""

    async def counts(self) -> Counts:
        """Count, for the metrics."""

    async def rejected(self, limit: int) -> tuple[Sequence[Rejected], int]:
        """List rejected deliveries, newest first, and count all that are kept."""


class Vitals(Protocol):
    """Says how things are."""

    async def store(self) -> Health:
        """Ask the store."""

    def rules(self) -> Health:
        """Say which rules are in use, and what is wrong with newer ones."""

    def dependencies(self) -> Mapping[str, Health]:
        """Say how the last calls to each dependency went; nothing is called for it."""
