"""The console of the process: for trials, the demonstration and replays."""

from typing import Literal

from pydantic import Field

from responder.model.codec import MESSAGE
from responder.model.message import Message, Purpose
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.tools import NotifierTools


class Console(Notifier["Console.Params"]):
    """
    Print each message as a card; what an edit brought is marked.

    Example:

        incidents: {console: {}}
    """

    name = "console"

    class Params(params.Params):
        """What a receiver's entry takes."""

        form: Literal["ansi", "text", "markdown"] = Field("ansi", description="How it looks; ansi is for a terminal.")

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Print; answers what was printed, against which the next is compared."""
        before = _shown(outgoing.ref)
        living = outgoing.message.purpose is Purpose.MESSAGE
        tools.print(tools.render(outgoing.message, params.form, before if living else None))
        return {"shown": MESSAGE.dump(outgoing.message)} if living or before is None else outgoing.ref


def _shown(ref: Json) -> Message | None:
    text = ref.get("shown") if isinstance(ref, dict) else None
    return MESSAGE.load(text) if isinstance(text, str) else None
