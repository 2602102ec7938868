"""Mail, as text and as HTML."""

import re
from typing import Annotated

from pydantic import Field

from responder.model.message import plain
from responder.model.outside import Letter
from responder.model.redaction import redact
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.tools import NotifierTools

Address = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}$")]
"""A mail address without a name."""

_NUMBER = re.compile(r"/[a-z]+/\d+$")


class Email(Notifier["Email.Params"]):
    """
    Send mail: when an incident opens, when it has been diagnosed, when it is over; one conversation an incident.

    The mail server is in the settings: `mail.host`, `mail.port`, `mail.tls`, `mail.username`, `mail.password`,
    `mail.sender`.

    Source: RFC 5321, RFC 5322.

    Example:

        leadership: {email: {to: [leads@example.com]}}
    """

    name = "email"
    edits = False

    class Params(params.Params):
        """What a receiver's entry takes."""

        to: tuple[Address, ...] = Field(min_length=1, max_length=50, description="Addresses.")

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Send a mail; one whose answer was lost goes out again, under the same Message-ID."""
        message = outgoing.message
        over = "Resolved: " if message.status == "resolved" else ""
        letter = Letter(
            to=params.to,
            subject=f"{over}[{message.severity}] {redact(plain(message.title))} ({message.incident})",
            text=tools.render(message, "text"),
            html=tools.render(message, "html"),
            key=outgoing.key,
            thread=_NUMBER.sub("", outgoing.key),
        )
        await tools.mail.send(letter)
        return {"sent": outgoing.key}
