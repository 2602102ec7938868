"""A message as plain text: mail, logs, a terminal without colours."""

from datetime import tzinfo

from responder.clients.render_values import code_lines, one_line, printable, some_lines, units, web_url
from responder.clients.render_words import STATUS_WORDS, latest, moment, sparkline
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

_TICKS = {True: "[x]", False: "[ ]", None: " - "}
_WIDEST_NAME = 20


def render(message: Message, zone: tzinfo) -> str:
    """Render as plain text, blocks parted by empty lines; the evidence beside it comes last."""
    severity = one_line(message.severity)
    head = f"[{severity}] " if severity else ""
    title = f"{head}{inline(message.title, zone)}\n{STATUS_WORDS[message.status]}, {one_line(message.incident)}"
    shown = [title, *(_block(block, zone) for block in message.blocks)]
    if message.thread:
        shown += ["-- evidence --", *(_block(block, zone) for block in message.thread)]
    return "\n\n".join(text for text in shown if text.strip()) + "\n"


def inline(text: Text, zone: tzinfo, *, lines: bool = False) -> str:
    """Write text; `lines` keeps the line breaks of values."""
    return "".join(_part(part, zone, lines=lines) for part in text)


def _part(part: Part, zone: tzinfo, *, lines: bool) -> str:
    match part:
        case Own(text=text):
            return printable(text)
        case Value(text=text):
            return some_lines(text) if lines else one_line(text)
        case Instant(at=at):
            return moment(part, at.astimezone(zone))
        case Link(label=label, url=url):
            address, name = web_url(url) or one_line(url), one_line(label)
            return name if not address or address == name else f"{name} <{address}>"
        case Mention(who=who, id=id):
            return f"@{one_line(id) or who}"


def _block(block: Block, zone: tzinfo) -> str:
    match block:
        case Paragraph(text=text):
            return inline(text, zone, lines=True)
        case Note(text=text):
            return inline(text, zone)
        case Fields():
            return _fields(block, zone)
        case Listing(title=title, items=items):
            lines = [_item(block, number, item, zone) for number, item in enumerate(items, 1)]
            return "\n".join([*([f"{one_line(title)}{inline(block.aside, zone)}:"] if title else []), *lines])
        case Code(lines=lines, title=title, value=value):
            shown = [f"    {line}" for line in code_lines(lines, outside=value)]
            return "\n".join([*([f"{one_line(title)}:"] if title else []), *shown])
        case Chart(title=title):
            return f"{one_line(title)}: {sparkline(block) or 'no data'} {one_line(latest(block))}".rstrip()
        case Buttons(buttons=buttons):
            return "\n".join(f"{one_line(button.label)}:\n    {button.press.command}" for button in buttons)


def _fields(fields: Fields, zone: tzinfo) -> str:
    named = [(one_line(field.name), inline(field.value, zone)) for field in fields.fields]
    width = min(max((units(name) for name, _ in named), default=0), _WIDEST_NAME)
    return "\n".join(f"{name + ':':<{width + 2}}{value}" for name, value in named)


def _item(listing: Listing, number: int, item: Item, zone: tzinfo) -> str:
    mark = {"numbers": f"{number:>3}.", "checks": _TICKS[item.done], "bullets": " -"}[listing.style]
    return f"{mark} {inline(item.text, zone)}"
