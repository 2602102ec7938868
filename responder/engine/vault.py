"""
Secrets that people gave to this process for an action: in memory alone, for a short while, and never written down.

They are known by tickets that say nothing of them.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from responder.errors import ResponderError
from responder.model.secrecy import Held

LONGEST = timedelta(minutes=15)
"""That a secret is held."""
SETTLED = timedelta(minutes=1)
"""After this the answer that gave it has been taken in."""
MOST = 100


class VaultFull(ResponderError):
    """As many secrets are held as fit: give it again in some minutes."""


@dataclass(frozen=True, slots=True)
class Entrusted:
    """One secret, for an attempt of an incident."""

    incident: int
    attempt: int
    given_at: datetime
    until: datetime
    value: str = field(repr=False)


@dataclass(slots=True)
class Vault:
    """Holds secrets. `owner` is the name of this process in the store."""

    owner: str
    now: Callable[[], datetime]
    _held: dict[str, Entrusted] = field(default_factory=dict, repr=False)

    def hold(self, value: str, *, incident: int, attempt: int) -> Held:
        """Hold a secret for a while. Raises: VaultFull."""
        self._expire()
        if len(self._held) >= MOST:
            raise VaultFull
        now = self.now()
        ticket, until = secrets.token_hex(16), now + LONGEST
        self._held[ticket] = Entrusted(incident, attempt, now, until, value)
        return Held(ticket, self.owner, until)

    def values(self, tickets: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets that are still held, by the names that come with the tickets."""
        self._expire()
        return {name: self._held[ticket].value for name, ticket in tickets.items() if ticket in self._held}

    def lacks(self, tickets: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of those that are held no more, or never were."""
        held = self.values(tickets)
        return tuple(name for name in tickets if name not in held)

    def forget(self, tickets: Iterable[str]) -> None:
        """Forget secrets."""
        for ticket in tickets:
            self._held.pop(ticket, None)

    def entrusted(self) -> Sequence[tuple[str, Entrusted]]:
        """List what is held, by ticket."""
        self._expire()
        return tuple(self._held.items())

    def _expire(self) -> None:
        now = self.now()
        self.forget([ticket for ticket, one in self._held.items() if one.until <= now])
