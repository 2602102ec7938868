"""
Secrets that people give at approval: their values stand in no record, only marks that say which process holds them.

A value is kept in the memory of the process that it was given to, for a short while; the mark names it by a ticket that
says nothing of the value.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from responder.model.verdict import Json

SECRET = "secret"  # noqa: S105 - the word of the rules
"""The type of such an input."""
HIDDEN = "(a secret, hidden)"
"""How people see one."""
PLACEHOLDER = "placeholder-of-a-secret"
"""Stands for the value wherever something is only looked at or tried."""

_REFERENCE = re.compile(r"\$\{\s*inputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Held:
    """A secret that a process holds: its ticket there, the owner's name of that process, until when."""

    ticket: str
    held_by: str
    until: datetime

    @property
    def mark(self) -> dict[str, Json]:
        """What stands for it among the inputs."""
        return {"secret": True, "held_by": self.held_by, "ticket": self.ticket, "until": self.until.isoformat()}


def held_of(value: Json) -> Held | None:
    """Read a mark; None for any other value."""
    if not isinstance(value, Mapping) or value.get("secret") is not True:
        return None
    ticket, held_by, until = (value.get(name) for name in ("ticket", "held_by", "until"))
    if not (isinstance(ticket, str) and isinstance(held_by, str) and isinstance(until, str)):
        return None
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return None
    return Held(ticket, held_by, moment) if moment.tzinfo is not None else None


def secrets_in(inputs: Mapping[str, Json]) -> dict[str, Held]:
    """Return the marks among inputs, by name."""
    found = ((name, held_of(value)) for name, value in inputs.items())
    return {name: held for name, held in found if held is not None}


def plain(inputs: Mapping[str, Json]) -> dict[str, Json]:
    """Return the inputs without the marks."""
    return {name: value for name, value in inputs.items() if held_of(value) is None}


def holding(inputs: Mapping[str, Json]) -> tuple[str, dict[str, str]]:
    """Return who holds the secrets among inputs, "" for nobody, and the ticket of each by its name."""
    held = secrets_in(inputs)
    owner = next((one.held_by for one in held.values()), "")
    return owner, {name: one.ticket for name, one in held.items()}


def reference(text: str) -> str:
    """Return the name of the input that a text is, and nothing besides: `${inputs.token}`; "" for any other text."""
    found = _REFERENCE.fullmatch(text)
    return found[1] if found else ""


def references(value: Json) -> Iterator[str]:
    """Yield the names of all inputs that texts within a value are, and nothing besides."""
    match value:
        case str():
            if name := reference(value):
                yield name
        case Mapping():
            for item in value.values():
                yield from references(item)
        case list() | tuple():
            for item in value:
                yield from references(item)
