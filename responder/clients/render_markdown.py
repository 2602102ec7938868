"""A message as Markdown: tickets, postmortems."""

import re
from datetime import tzinfo

from responder.clients.render_values import code_lines, one_line, printable, some_lines, web_url
from responder.clients.render_words import STATUS_WORDS, icon, latest, moment, sparkline
from responder.model.message import (
    Block,
    Buttons,
    Chart,
    Code,
    Fields,
    Instant,
    Item,
    Link,
    Listing,
    Mention,
    Message,
    Note,
    Own,
    Paragraph,
    Part,
    Text,
    Value,
)

_MARKS = {"bold": "**", "italic": "*", "plain": "", "code": ""}
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_AT_LINE_START = re.compile(r"(?m)^(\s*)([#+=-]|\d{1,9}(?=[.)](?:\s|$)))")
_TICKS = {True: "- [x]", False: "- [ ]", None: "-"}


def render(message: Message, zone: tzinfo) -> str:
    """Render as Markdown (CommonMark with GitHub's task lists); the evidence beside it comes last."""
    severity = escape(one_line(message.severity))
    title = f"## {icon(message)} {severity + ' · ' if severity else ''}{inline(message.title, zone)}"
    status = f"**{STATUS_WORDS[message.status]}** · {escape(one_line(message.incident))}"
    shown = [title, status, *(_block(block, zone) for block in message.blocks)]
    if message.thread:
        shown += ["### Evidence", *(_block(block, zone) for block in message.thread)]
    return "\n\n".join(text for text in shown if text.strip()) + "\n"


def escape(text: str) -> str:
    """Escape everything that Markdown, or HTML within it, could read; nor does an @name notify anybody."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return _AT_LINE_START.sub(_defuse, _SPECIAL.sub(r"\\\1", text))


def _defuse(start: re.Match[str]) -> str:
    return f"{start[1]}{start[2]}\\" if start[2].isdigit() else f"{start[1]}\\{start[2]}"


def inline(text: Text, zone: tzinfo, *, lines: bool = False) -> str:
    """Write text; `lines` keeps the line breaks of values."""
    return "".join(_part(part, zone, lines=lines) for part in text)


def _part(part: Part, zone: tzinfo, *, lines: bool) -> str:
    match part:
        case Own(text=text, style=style):
            return _fixed(printable(text)) if style == "code" else _styled(printable(text), _MARKS[style])
        case Value(text=text, code=code):
            if code:
                return _fixed(one_line(text))
            return escape(some_lines(text) if lines else one_line(text)).replace("\n", "  \n")
        case Instant(at=at):
            return moment(part, at.astimezone(zone))
        case Link(label=label, url=url):
            address, name = web_url(url).replace("(", "%28").replace(")", "%29"), escape(one_line(label)) or "link"
            return f"[{name}]({address})" if address else f"{name} ({escape(one_line(url))})"
        case Mention(who=who, id=id):
            return escape(f"@{one_line(id) or who}")


def _styled(text: str, mark: str) -> str:
    """Put marks around the text proper: none is read beside a space."""
    core = text.strip()
    if not core or not mark:
        return escape(text)
    before, _, after = text.partition(core)
    return f"{before}{mark}{escape(core)}{mark}{after}"


def _fixed(text: str) -> str:
    """Write inline code, fenced by more backticks than the text has in a row."""
    text = text.replace("\n", " ")
    if not text.strip():
        return ""
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _block(block: Block, zone: tzinfo) -> str:
    match block:
        case Paragraph(text=text):
            return inline(text, zone, lines=True)
        case Note(text=text):
            return inline(text, zone)
        case Fields(fields=fields):
            return "\n".join(f"- **{escape(one_line(f.name)).strip()}:** {inline(f.value, zone)}" for f in fields)
        case Listing(title=title, items=items):
            lines = [_item(block, number, item, zone) for number, item in enumerate(items, 1)]
            heading = _title(title)
            return "\n\n".join(filter(None, [heading and heading + inline(block.aside, zone), "\n".join(lines)]))
        case Code(lines=lines, title=title, value=value):
            shown = "\n".join(code_lines(lines, outside=value))
            fence = "`" * max(3, _longest_run(shown) + 1)
            return "\n\n".join(filter(None, [_title(title), f"{fence}\n{shown}\n{fence}"]))
        case Chart(title=title):
            row = sparkline(block)
            return f"**{escape(one_line(title))}:** {f'`{row}`' if row else 'no data'} {escape(latest(block))}".rstrip()
        case Buttons(buttons=buttons):
            return "\n".join(f"- {escape(one_line(b.label)).strip()}: {_fixed(b.press.command)}" for b in buttons)


def _title(title: str) -> str:
    name = escape(one_line(title)).strip()
    return f"**{name}**" if name else ""


def _item(listing: Listing, number: int, item: Item, zone: tzinfo) -> str:
    mark = {"numbers": f"{number}.", "checks": _TICKS[item.done], "bullets": "-"}[listing.style]
    return f"{mark} {inline(item.text, zone)}"
