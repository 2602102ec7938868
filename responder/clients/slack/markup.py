"""
Text as Slack's mrkdwn.

Only `&`, `<` and `>` carry meaning for Slack's parser, so escaping them is what keeps a label from notifying anybody;
`*_~` and backticks only change how text looks, so a value with them is shown in fixed width instead.
Source: docs.slack.dev, "Formatting message text".
"""

import re
from datetime import UTC

from responder.clients.render_values import cut, one_line, printable, some_lines, units, web_url
from responder.clients.render_words import moment
from responder.model.message import Instant, Link, Mention, Own, Part, Text, Value

_STYLED = re.compile(r"(?:^|\W)[*_~`]|[*_~`](?:\W|$)")
_ID = re.compile(r"[A-Z0-9]{2,32}")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS = {"bold": "*", "italic": "_", "code": "`", "plain": ""}
_MAX_URL = 2000
_LONGEST_ESCAPE = 5


def escape(text: str) -> str:
    """Escape the three characters that Slack reads."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_cut(text: str, room: int) -> str:
    """Escape, cutting so that the result has at most `room` UTF-16 units and no escape is cut in two."""
    if units(text) * _LONGEST_ESCAPE <= room:
        return escape(text)
    whole = escape(text)
    if units(whole) <= room:
        return whole
    kept: list[str] = []
    left = room - 1
    for char in text:
        piece = _ESCAPES.get(char, char)
        left -= units(piece)
        if left < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…" if room > 0 else ""


def mrkdwn(text: Text, room: int, *, lines: bool = False) -> str:
    """
    Write text as mrkdwn of at most `room` UTF-16 units; what does not fit shows as an ellipsis.

    `lines` keeps the line breaks of values.
    """
    written: list[str] = []
    left = room
    for index, part in enumerate(text):
        reserve = 1 if index < len(text) - 1 else 0
        piece, whole = _part(part, left - reserve, lines=lines)
        written.append(piece)
        left -= units(piece)
        if not whole:
            break
    return "".join(written)


def _part(part: Part, room: int, *, lines: bool) -> tuple[str, bool]:
    """Write one part, and say whether it is there as a whole."""
    match part:
        case Own(text=text, style=style):
            return _wrapped(printable(text), _MARKS[style], room)
        case Value(text=text, code=code):
            shown = some_lines(text) if lines and not code else one_line(text)
            fixed = code or (bool(_STYLED.search(shown)) and "\n" not in shown)
            return _wrapped(shown.replace("`", "ˋ"), "`" if fixed else "", room)
        case Instant():
            return _atom(_date(part), room)
        case Link():
            return _link(part, room)
        case Mention():
            return _atom(mention(part), room)


def _wrapped(text: str, mark: str, room: int) -> tuple[str, bool]:
    """Put marks around the text proper: Slack reads none that stand beside a space."""
    core = text.strip() if mark else text
    if not core:
        return (text, True) if units(text) <= room else ("", False)
    before, after = (text[: text.index(core)], text[text.index(core) + len(core) :]) if mark else ("", "")
    inside = escaped_cut(core, room - 2 * len(mark) - units(before + after))
    if not inside:
        return "…" if room > 0 else "", False
    return f"{before}{mark}{inside}{mark}{after}", inside == escape(core)


def _atom(piece: str, room: int) -> tuple[str, bool]:
    if units(piece) <= room:
        return piece, True
    return "…" if room > 0 else "", False


def _date(instant: Instant) -> str:
    form = "{time}" if instant.form == "time" else "{date_short_pretty} {time}"
    return f"<!date^{int(instant.at.timestamp())}^{form}|{moment(instant, instant.at.astimezone(UTC))}>"


def _link(link: Link, room: int) -> tuple[str, bool]:
    url, label = escape(web_url(link.url)), one_line(link.label).replace("|", "∣").strip() or "link"
    if not url or units(url) > _MAX_URL:
        shown = label if url or not link.url else f"{label} ({one_line(link.url)})"
        return _wrapped(shown, "", room)
    return _atom(f"<{url}|{escaped_cut(label, 300)}>", room)


def mention(who: Mention) -> str:
    """Write a mention; an id that cannot be one is text."""
    match who:
        case Mention(who="channel" | "here" as place):
            return f"<!{place}>"
        case Mention(who="user", id=id) if _ID.fullmatch(id):
            return f"<@{id}>"
        case Mention(who="group", id=id) if _ID.fullmatch(id):
            return f"<!subteam^{id}>"
        case _:
            return escape(cut(f"@{one_line(who.id)}", 100))
