"""
A message as Slack's blocks, within every limit for any input.

Source: docs.slack.dev, "Block Kit"; that all blocks together must stay under about 13,200 characters is documented
nowhere (slackapi/bolt-js#2509). Lengths are UTF-16 units of the JSON, the strictest reading.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from responder.clients.render_values import code_lines, one_line, printable, units
from responder.clients.render_words import STATUS_WORDS, icon, latest, sparkline
from responder.clients.slack.markup import escape, escaped_cut, mrkdwn
from responder.model.message import (
    Block,
    Button,
    Buttons,
    Chart,
    Code,
    Field,
    Fields,
    Item,
    Listing,
    Message,
    Note,
    Paragraph,
    Purpose,
    plain,
)

MAX_BLOCKS = 48
"""Slack takes 50."""
MAX_CHARACTERS = 12_000
MAX_TEXT = 3_500
"""Of the notification's text; chat.update refuses more than 4,000."""
IN_THE_THREAD = "in the thread"
NOT_SHOWN = "not shown"
_SECTION = 2_900
_CODE = 2_600
_FIELD = 1_900
_FIELD_SHORT = 600
_CONTEXT = 1_500
_HEADER = 150
_ITEM = 700
_ROOM_FOR_THE_END = 400
ACTION = "responder."
"""What the names of our buttons begin with."""
_BUTTONS = 25
"""In one block."""
_LABEL = 75
_CONFIRM = 300
_TICKS = {True: "✅", False: "⬜", None: "•"}

Json: TypeAlias = dict[str, Any]
_Shown: TypeAlias = Paragraph | Fields | Listing | Code | Note | Chart


@dataclass(frozen=True, slots=True)
class Rendering:
    """What Slack gets: the notification's `text`, the blocks; and the blocks of the message that did not fit whole."""

    text: str
    blocks: list[Json]
    rest: tuple[Block, ...]


def render(message: Message, elsewhere: str = IN_THE_THREAD, *, pressed: bool = False) -> Rendering:
    """
    Render a message; what does not fit is cut, said to be `elsewhere`, and returned as the rest.

    `pressed` says that somebody answers when a button is; without it the commands stand in their place.
    """
    shown, rest = _head(message), []
    used = sum(_size(block) for block in shown)
    per_block = 4 if message.purpose is Purpose.EVIDENCE else 1
    full = False
    for block in message.blocks:
        if isinstance(block, Buttons):
            pieces, whole = _buttons(block) if pressed else _commands(block), True
        else:
            pieces, whole = _pieces(block, per_block, elsewhere)
        size = sum(_size(piece) for piece in pieces)
        full = full or used + size > MAX_CHARACTERS - _ROOM_FOR_THE_END or len(shown) + len(pieces) >= MAX_BLOCKS
        if not full:
            shown.extend(pieces)
            used += size
        if full or not whole:
            rest.append(block)
    if full:
        shown.append(_context(f"… {_count(rest)} {elsewhere}"))
    _name(shown)
    return Rendering(_text(message), shown, tuple(rest))


def _name(blocks: list[Json]) -> None:
    """Give every button of the message a name of its own, which Slack asks for."""
    buttons = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    for number, button in enumerate(buttons, start=1):
        button["action_id"] = f"{ACTION}{number}"


def _count(rest: list[Block]) -> str:
    return "one more part is" if len(rest) == 1 else f"{len(rest)} more parts are"


def _text(message: Message) -> str:
    summary = one_line(message.summary) or _title(message)
    return escaped_cut(f"{icon(message)} {summary}", MAX_TEXT)


def _title(message: Message) -> str:
    return one_line(plain(message.title)).strip() or one_line(message.incident) or "Incident"


def _head(message: Message) -> list[Json]:
    if message.purpose is not Purpose.MESSAGE:
        title = mrkdwn(message.title, _ITEM)
        return [_section(f"{icon(message)} {title}" if message.purpose is Purpose.REPLY else title)] if title else []
    severity = one_line(message.severity)
    header = escaped_cut(" · ".join(filter(None, (f"{icon(message)} {severity}".strip(), _title(message)))), _HEADER)
    facts = [f"*{STATUS_WORDS[message.status]}*", escaped_cut(one_line(message.incident), 100)]
    return [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": True}},
        _context("  ·  ".join(filter(None, facts))),
    ]


def _pieces(block: _Shown, sections: int, elsewhere: str) -> tuple[list[Json], bool]:
    """Turn one block into Slack's, and say whether all of it is there."""
    match block:
        case Paragraph(text=text):
            shown = mrkdwn(text, _SECTION, lines=True)
            return _sections([shown]), shown == mrkdwn(text, _SECTION * 40, lines=True)
        case Fields(fields=fields):
            return _fields(fields)
        case Listing():
            return _listing(block, sections, elsewhere)
        case Code():
            return _code(block, sections, elsewhere)
        case Note(text=text):
            shown = mrkdwn(text, _CONTEXT)
            return ([_context(shown)] if shown.strip() else []), True
        case Chart():
            return _chart(block), True


def _sections(texts: list[str]) -> list[Json]:
    return [_section(text) for text in texts if text.strip()]


def _fields(fields: tuple[Field, ...]) -> tuple[list[Json], bool]:
    room = _FIELD if len(fields) <= 4 else _FIELD_SHORT
    cells = [_cell(field, room) for field in fields[:20]]
    rows = [cells[start : start + 10] for start in range(0, len(cells), 10)]
    whole = len(fields) <= 20 and cells == [_cell(field, _FIELD * 40) for field in fields]
    return [{"type": "section", "fields": [_mrkdwn(cell) for cell in row]} for row in rows], whole


def _cell(field: Field, room: int) -> str:
    name = escaped_cut(printable(one_line(field.name)).strip(), 100)
    value = mrkdwn(field.value, room - 110)
    return f"*{name}*\n{value or '–'}" if name else value or "–"


def _listing(listing: Listing, sections: int, elsewhere: str) -> tuple[list[Json], bool]:
    title = escaped_cut(one_line(listing.title).strip(), 200)
    lines = [f"*{title}*{mrkdwn(listing.aside, 200)}"] if title else []
    lines += [_line(listing, index, item, _ITEM) for index, item in enumerate(listing.items)]
    texts, taken = _pack(lines, sections, _SECTION)
    left = len(lines) - taken
    if left:
        texts[-1] += f"\n_… {left} more {elsewhere}_"
    cut_short = any(line.endswith("…") for line in lines[:taken])
    return _sections(texts), not left and not cut_short


def _line(listing: Listing, index: int, item: Item, room: int) -> str:
    mark = {"numbers": f"{index + 1}.", "checks": _TICKS[item.done], "bullets": "•"}[listing.style]
    return f"{mark} {mrkdwn(item.text, room)}"


def _pack(lines: list[str], sections: int, room: int) -> tuple[list[str], int]:
    """Fill at most so many texts with whole lines; returns them and how many lines they took."""
    texts = [""]
    for taken, line in enumerate(lines):
        if texts[-1] and units(texts[-1]) + units(line) + 1 > room:
            if len(texts) == sections:
                return texts, taken
            texts.append("")
        texts[-1] += f"\n{line}" if texts[-1] else line
    return texts, len(lines)


def _code(code: Code, sections: int, elsewhere: str) -> tuple[list[Json], bool]:
    title = escaped_cut(one_line(code.title).strip(), 200)
    raw = [line.replace("```", "ˋˋˋ") for line in code_lines(code.lines, outside=code.value)]
    lines = [escaped_cut(line, _CODE) for line in raw]
    texts, taken = _pack([line or " " for line in lines], sections, _CODE)
    left = len(lines) - taken
    fenced = [f"```\n{text}\n```" for text in texts if text.strip()]
    if title and fenced:
        fenced[0] = f"*{title}*\n{fenced[0]}"
    if left and fenced:
        fenced[-1] += f"\n_… {left} more lines {elsewhere}_"
    return [_section(text) for text in fenced], not left and lines == [escape(line) for line in raw]


def _chart(chart: Chart) -> list[Json]:
    row = sparkline(chart)
    text = f"*{escaped_cut(one_line(chart.title), 300) or 'Chart'}*"
    now = escaped_cut(one_line(latest(chart)), 100)
    return [_context(f"{text}  `{row}`  {now}".rstrip() if row else f"{text}  _no data_")]


def _buttons(block: Buttons) -> list[Json]:
    made = [_button(button) for button in block.buttons]
    rows = [made[start : start + _BUTTONS] for start in range(0, len(made), _BUTTONS)]
    return [{"type": "actions", "elements": row} for row in rows]


def _button(button: Button) -> Json:
    label = escaped_cut(one_line(button.label).strip(), _LABEL) or button.press.word
    shown: Json = {"type": "button", "text": _plain(label), "value": button.press.value}
    if button.style != "plain":
        shown["style"] = button.style
    confirm = escaped_cut(one_line(button.confirm).strip(), _CONFIRM)
    if confirm:
        shown["confirm"] = {
            "title": _plain("Are you sure?"),
            "text": _plain(confirm),
            "confirm": _plain("Yes"),
            "deny": _plain("No"),
            **({"style": button.style} if button.style != "plain" else {}),
        }
    return shown


def _commands(block: Buttons) -> list[Json]:
    lines = [
        f"• {escaped_cut(one_line(button.label).strip(), 100)}: `{escape(button.press.command)}`"
        for button in block.buttons[:_BUTTONS]
    ]
    return _sections(_pack(lines, 1, _SECTION)[0])


def _section(text: str) -> Json:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def _mrkdwn(text: str) -> Json:
    """`verbatim` keeps Slack from making links and mentions out of plain words."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _size(block: Mapping[str, Any]) -> int:
    return units(json.dumps(block, ensure_ascii=False, separators=(",", ":"))) + 1
