"""Incidents, events, commands, playbooks and messages as JSON, for the store and the API; reads older versions too."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, TypeAdapter

from responder.model.action import Stop
from responder.model.alert import Alert
from responder.model.command import Command
from responder.model.incident import Incident
from responder.model.message import Message
from responder.model.playbook import Playbook
from responder.model.timeline import Happening

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Turns values of one type into JSON text and back. A field that is missing takes its default."""

    adapter: TypeAdapter[T]

    def dump(self, value: T) -> str:
        """Write as compact JSON."""
        return self.adapter.dump_json(value).decode()

    def load(self, text: str | bytes) -> T:
        """Read from JSON."""
        return self.adapter.validate_json(text)

    def digest(self, value: T) -> str:
        """Return 16 hexadecimal digits that change when the value does."""
        return sha256(self.adapter.dump_json(value)).hexdigest()[:16]


def _codec(type_: Any) -> Codec[Any]:
    return Codec(TypeAdapter(type_))


ALERT: Codec[Alert] = _codec(Alert)
INCIDENT: Codec[Incident] = _codec(Incident)
HAPPENING: Codec[Happening] = _codec(Annotated[Happening, Field(discriminator="kind")])
COMMAND: Codec[Command] = _codec(Annotated[Command, Field(discriminator="kind")])
PLAYBOOK: Codec[Playbook] = _codec(Playbook)
MESSAGE: Codec[Message] = _codec(Message)
STOP: Codec[Stop] = _codec(Stop)
