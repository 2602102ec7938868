"""Destinations that go nowhere."""

from pydantic import Field

from responder.model.verdict import Json
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.params import Params
from responder.plugins.tools import NotifierTools


class ChatParams(Params):
    """Where."""

    channel: str = Field(pattern="^#", description="Channel.")


class Chat(Notifier[ChatParams]):
    """A chat."""

    name = "chat"
    Params = ChatParams

    async def notify(self, params: ChatParams, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Send nothing."""
        return None


class NoParams(Params):
    """None."""


class Console(Notifier[NoParams]):
    """A terminal."""

    name = "console"
    Params = NoParams

    async def notify(self, params: NoParams, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Send nothing."""
        return None
