"""A message in any form, by name: what `NotifierTools.render` answers."""

import importlib
import json
from collections.abc import Callable
from zoneinfo import ZoneInfo

from responder.clients import render_html, render_markdown, render_text
from responder.clients.slack import blocks
from responder.errors import PermanentError
from responder.model.message import Message

_ANSI = "responder.clients.render_ansi"
"""Loaded by name: what it draws with costs time and memory that only a terminal is worth."""
FORMS = ("text", "markdown", "html", "ansi", "slack")


def render(
    message: Message,
    form: str,
    timezone: str = "UTC",
    *,
    width: int = 0,
    previous: Message | None = None,
) -> str:
    """
    Render as one of FORMS, times in a zone by its IANA name (Slack shows each reader's own).

    `width` in columns, 0 for the usual one, and `previous`, against which news are marked, count for "ansi" only.

    Raises: PermanentError for a form that there is not.
    """
    zone = ZoneInfo(timezone)
    match form:
        case "text":
            return render_text.render(message, zone)
        case "markdown":
            return render_markdown.render(message, zone)
        case "html":
            return render_html.render(message, zone)
        case "ansi":
            drawn: str = importlib.import_module(_ANSI).render(
                message, zone, previous=previous, **({"width": width} if width else {})
            )
            return drawn
        case "slack":
            rendering = blocks.render(message, blocks.NOT_SHOWN)
            return json.dumps({"text": rendering.text, "blocks": rendering.blocks})
        case _:
            raise PermanentError(f"there is no form {form!r} of a message; there are: {', '.join(FORMS)}")


def renderer(timezone: str, *, terminal: bool, width: int = 0) -> Callable[..., str]:
    """Return `NotifierTools.render` for a zone; without a `terminal` what would be coloured is plain text."""

    def answer(message: Message, form: str, previous: Message | None = None) -> str:
        shown = "text" if form == "ansi" and not terminal else form
        return render(message, shown, timezone, previous=previous, width=width)

    return answer
