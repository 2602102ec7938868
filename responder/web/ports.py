"""What the door needs of the rooms below, as Protocols: the engine satisfies them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from responder.engine.views import Counts, Rejected, SeenAlert, Wanted
from responder.model.action import Stop
from responder.model.incident import Incident
from responder.model.playbook import Playbook
from responder.model.secrecy import Held
from responder.model.timeline import ActionAsked, Answered, Event


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

    async def acting(self) -> Sequence[Incident]:
        """List the incidents with actions that are not over, or that are reminded of, newest first."""

    async def playbook(self, incident: Incident) -> Playbook | None:
        """Load the playbook that an incident goes by, None where it has none."""

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


class Answers(Protocol):
    """Takes what people say about actions; what counts is decided in the incident's next turn."""

    async def ask(self, number: int, asked: ActionAsked) -> bool:
        """Note that a person asks for an action; False when there is no such incident. Raises: StoreUnavailable."""

    async def answer(self, number: int, answered: Answered) -> bool:
        """Note a person's word on an attempt; False when there is no such incident. Raises: StoreUnavailable."""


class Vault(Protocol):
    """Holds the secrets that people give, in the memory of this process, for the actions that it will run."""

    def hold(self, value: str, *, incident: int, attempt: int) -> Held:
        """Hold a secret for a while. Raises: VaultFull."""

    def forget(self, tickets: Iterable[str]) -> None:
        """Forget secrets."""


class Controls(Protocol):
    """Stops all automation and lets it go on. Every method raises StoreUnavailable."""

    async def standing(self) -> Stop | None:
        """Return the stop that stands by the hand of a person, None for none."""

    async def stop(self, by: str, *, until: datetime | None = None, why: str = "") -> Stop:
        """Stop all automation, until a moment or until it is lifted; returns the stop that lasts the longest."""

    async def lift(self, by: str, *, why: str = "") -> bool:
        """Let automation go on; False when nobody had stopped it."""


class Workspace(Protocol):
    """The Slack workspace whose people press buttons. Every method raises CallError."""

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Show a dialog to the person whose press gave the trigger, which is good for 3 seconds and once."""

    async def respond(self, url: str, text: str) -> None:
        """Tell something to the person alone whose press gave the address, in markup."""


class Vitals(Protocol):
    """Says how things are."""

    async def store(self) -> Health:
        """Ask the store."""

    def rules(self) -> Health:
        """Say which rules are in use, and what is wrong with newer ones."""

    def dependencies(self) -> Mapping[str, Health]:
        """Say how the last calls to each dependency went; nothing is called for it."""
