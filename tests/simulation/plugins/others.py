"""How engines look at the world of a story, and whom they tell."""

from typing import Any

from pydantic import Field

from responder.errors import TransientError
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.params import Params


class Health(Result):
    """How ill the world is."""

    value: float = Field(description="0 is well.")

    def headline(self) -> str:
        """Show the value."""
        return f"it is {self.value}"


class Nothing(Params):
    """Nothing to say."""


class Feel(Diagnostic[Nothing]):
    """Say how ill the world is."""

    name = "sim.feel"
    Params = Nothing
    Result = Health

    async def diagnose(self, params: Nothing, target: Target, tools: Any) -> Health:
        """Look."""
        await tools.point("diagnose")
        tools.world.ask()
        return Health(value=tools.world.sick)


class Chat(Notifier[Nothing]):
    """Post."""

    name = "sim.chat"
    Params = Nothing

    async def notify(self, params: Nothing, outgoing: Outgoing, tools: Any) -> Json:
        """Post, or edit."""
        await tools.point("chat")
        if tools.world.chat_away:
            raise TransientError("the chat is away")
        return outgoing.ref or outgoing.key


class Bell(Notifier[Nothing]):
    """Ring."""

    name = "sim.bell"
    Params = Nothing
    pages = True

    async def notify(self, params: Nothing, outgoing: Outgoing, tools: Any) -> Json:
        """Refuse: it takes no messages."""
        raise TransientError("it rings only")

    async def page(self, params: Nothing, alarm: Alarm, tools: Any) -> None:
        """Ring."""
        await tools.point("bell")
        if tools.world.chat_away:
            raise TransientError("the bell is away")
