"""The contract of a notifier: the code that speaks to one kind of destination."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

from responder.model.message import Message
from responder.model.verdict import Json
from responder.plugins.params import Params
from responder.plugins.tools import NotifierTools

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One sending.

    `ref` is what an earlier sending of the living message answered: edit it, or put a note beside it; None means that
    there was no answer yet. `key` is unique to this sending: it ends with its purpose and a number that counts from 1,
    as `Notify.key` does. `retry` says that an earlier try of it may have reached the destination: look before sending.
    """

    message: Message
    key: str
    ref: Json = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """
    One paging: `dedup_key` is the same for all events of an incident at that receiver.

    An action that went wrong has a key of its own, so that it wakes people anew.
    """

    event: Literal["trigger", "acknowledge", "resolve"]
    message: Message
    dedup_key: str


class Notifier(ABC, Generic[P]):
    """
    A kind of destination. Subclasses set `name` and `Params`, which is what a receiver's entry in the rules takes.

    `pages` says that it wakes people: it takes `page` instead of `notify`. `edits` says that it can edit what it sent;
    one that cannot is told when an incident opened, was diagnosed and was resolved, and whenever people are called.
    """

    name: ClassVar[str]
    Params: ClassVar[type[Params]]
    pages: ClassVar[bool] = False
    edits: ClassVar[bool] = True

    @abstractmethod
    async def notify(self, params: P, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """
        Send, and answer what is needed to edit or answer it later.

        Raises: `TransientError` to be tried again, `PermanentError` when that would not help.
        """

    async def page(self, params: P, alarm: Alarm, tools: NotifierTools) -> None:
        """Send one event to a pager. Raises as `notify`."""
        raise NotImplementedError(f"{self.name} does not page")
