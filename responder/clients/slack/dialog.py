"""
A dialog in Slack that asks a person for what their answer needs.

Source: docs.slack.dev, "Modals", with Slack's limits on each part.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from responder.clients.render_values import one_line
from responder.clients.slack.markup import escaped_cut
from responder.model.press import Press, press_of

DIALOG = "responder.answer"
"""What our dialogs are called."""
VALUE = "value"
"""What the one element of a field is called."""
MOST_FIELDS = 50
_TITLE = 24
_SHOWN = 2_900
_LABEL = 150
_HINT = 200
_MOST_TYPED = 3_000
_METADATA = 3_000


@dataclass(frozen=True, slots=True)
class Blank:
    """A field to fill in: `name` is ours, `label` and `hint` are shown, `value` stands there already."""

    name: str
    label: str
    hint: str = ""
    value: str = ""
    long: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What a dialog remembers from its opening to its submission."""

    press: Press
    url: str

    @property
    def text(self) -> str:
        """What Slack keeps for us; without the address where that does not fit."""
        whole = json.dumps([self.press.value, self.url])
        return whole if len(whole) <= _METADATA else json.dumps([self.press.value, ""])

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read it again; None for anything else."""
        try:
            value, url = json.loads(text)
            press = press_of(value)
        except (ValueError, TypeError, RecursionError):
            return None
        return cls(press, url) if press is not None and isinstance(url, str) else None


def dialog(memory: Memory, *, title: str, shown: Sequence[str], blanks: Sequence[Blank]) -> dict[str, Any]:
    """Build a dialog that shows some lines and asks for some values."""
    blocks = [_section(line) for line in shown if one_line(line).strip()][:MOST_FIELDS]
    return {
        "type": "modal",
        "callback_id": DIALOG,
        "private_metadata": memory.text,
        "title": _plain(title, _TITLE),
        "submit": _plain("Send", _TITLE),
        "close": _plain("Cancel", _TITLE),
        "blocks": [*blocks, *(_blank(blank) for blank in blanks[:MOST_FIELDS])],
    }


def _blank(blank: Blank) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": blank.long,
        "max_length": _MOST_TYPED,
    }
    if blank.value:
        element["initial_value"] = blank.value[:_MOST_TYPED]
    shown: dict[str, Any] = {
        "type": "input",
        "block_id": blank.name,
        "label": _plain(blank.label, _LABEL),
        "element": element,
    }
    if blank.hint:
        shown["hint"] = _plain(blank.hint, _HINT)
    return shown


def _section(line: str) -> dict[str, Any]:
    text = escaped_cut(one_line(line), _SHOWN)
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _plain(text: str, room: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped_cut(one_line(text).strip(), room) or "–"}
