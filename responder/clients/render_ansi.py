"""A message for a terminal: one framed card, what is new since the last one marked at its left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from io import StringIO
from typing import TypeAlias

from rich.box import ROUNDED
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text as Styled

from responder.clients.render_plot import plot
from responder.clients.render_values import code_lines, one_line, printable, some_lines, web_url
from responder.clients.render_words import STATUS_WORDS, icon, latest, moment
from responder.model.message import (
    Block,
    Button,
    Buttons,
    Chart,
    Code,
    Field,
    Fields,
    Instant,
    Link,
    Listing,
    Mention,
    Message,
    Note,
    Own,
    Paragraph,
    Part,
    Purpose,
    Text,
    Value,
)

WIDTH = 92
"""Columns of a card; narrower where the terminal is."""
_COLOURS = ("red", "dark_orange", "yellow3", "dodger_blue2")
_GREEN = "green3"
_STYLES = {"plain": "", "bold": "bold", "italic": "italic", "code": "cyan"}
_TICKS = {True: ("✓", "green3"), False: ("○", "yellow3"), None: ("·", "dim")}
_EVIDENCE_LINES = 6
_SHORT_URL = 56


@dataclass(frozen=True, slots=True)
class _Look:
    colour: str
    zone: tzinfo
    width: int


_Mark: TypeAlias = tuple[str, str]
"""A sign and its style."""


def render(message: Message, zone: tzinfo, *, width: int = WIDTH, previous: Message | None = None) -> str:
    """
    Render as lines for a terminal with 256 colours.

    What `previous`, the message as it was shown before, did not have is marked; without it nothing is.
    """
    colour = _GREEN if message.status == "resolved" else _COLOURS[max(0, min(message.rank, len(_COLOURS) - 1))]
    look = _Look(colour, zone, min(width, WIDTH))
    card = Panel(
        Group(*_body(message, previous, look)),
        box=ROUNDED,
        border_style=colour,
        title=_title(message, look),
        title_align="left",
        subtitle=_status(message, colour, updated=previous is not None),
        subtitle_align="right",
        padding=(1, 1),
        width=look.width,
    )
    out = StringIO()
    console = Console(
        file=out, width=look.width, force_terminal=True, color_system="256", legacy_windows=False, highlight=False
    )
    console.print(card)
    return out.getvalue()


class _Guttered:
    """A block with a gutter at its left, in which a bar says that it is new."""

    def __init__(self, inner: RenderableType, *, fresh: bool) -> None:
        self._inner = inner
        self._fresh = fresh

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bar = Segment("▌ ", Style.parse(_GREEN)) if self._fresh else Segment("  ")
        for line in console.render_lines(self._inner, options.update(width=options.max_width - 2)):
            yield bar
            yield from line
            yield Segment.line()


def _body(message: Message, previous: Message | None, look: _Look) -> Iterator[RenderableType]:
    before = set(previous.blocks) if previous else set(message.blocks)
    brief = message.purpose is Purpose.EVIDENCE
    shown = [_Guttered(_block(b, look, brief=brief), fresh=b not in before) for b in message.blocks]
    if message.thread:
        shown.append(_Guttered(Styled("In the thread", "dim bold"), fresh=False))
        shown.extend(_Guttered(_block(b, look, brief=True), fresh=False) for b in message.thread)
    for index, block in enumerate(shown):
        if index:
            yield Styled("")
        yield block


def _title(message: Message, look: _Look) -> Styled:
    severity = one_line(message.severity)
    head = Styled(f"{icon(message)} {severity}", f"bold {look.colour}")
    text = _inline(message.title, look)
    text.stylize("bold")
    title = Styled.assemble(head, Styled(" · " if severity else "", "dim"), text)
    title.truncate(look.width - 6, overflow="ellipsis")
    return title


def _status(message: Message, colour: str, *, updated: bool) -> Styled:
    edit = Styled("↻ updated · ", _GREEN) if updated else Styled("")
    state = Styled(f"{STATUS_WORDS[message.status]}", f"bold {colour}")
    return Styled.assemble(edit, state, Styled(f" · {one_line(message.incident)}", "dim"))


def _inline(text: Text, look: _Look, *, lines: bool = False) -> Styled:
    return Styled.assemble(*(_part(part, look, lines=lines) for part in text))


def _part(part: Part, look: _Look, *, lines: bool) -> Styled:
    match part:
        case Own(text=text, style=style):
            return Styled(printable(text), _STYLES[style])
        case Value(text=text, code=code):
            return Styled(some_lines(text) if lines else one_line(text), "cyan" if code else "")
        case Instant(at=at):
            return Styled(moment(part, at.astimezone(look.zone)), "bold")
        case Link(label=label, url=url):
            return _link(one_line(label), web_url(url), one_line(url))
        case Mention(who=who, id=id):
            return Styled(f"@{one_line(id) or who}", "bold magenta")


def _link(label: str, url: str, raw: str) -> Styled:
    if not url:
        return Styled(f"{label} ({raw})" if raw else label)
    shown = Styled(label, Style(underline=True, color="dodger_blue2", link=url))
    return shown if label == url or len(url) > _SHORT_URL else Styled.assemble(shown, Styled(f" {url}", "dim"))


def _block(block: Block, look: _Look, *, brief: bool = False) -> RenderableType:
    match block:
        case Paragraph(text=text):
            return _inline(text, look, lines=True)
        case Note(text=text):
            note = _inline(text, look)
            note.stylize("dim")
            return note
        case Fields(fields=fields):
            return _fields(fields, look)
        case Listing():
            return _listing(block, look)
        case Code():
            return _code(block, most=_EVIDENCE_LINES if brief else 0)
        case Chart():
            return _chart(block, look)
        case Buttons(buttons=buttons):
            return Group(*(_button(button) for button in buttons))


def _button(button: Button) -> Styled:
    return Styled.assemble((f"{one_line(button.label)}: ", "bold"), (button.press.command, "cyan"))


def _fields(fields: tuple[Field, ...], look: _Look) -> RenderableType:
    columns = 2 if look.width >= 80 and len(fields) > 1 else 1
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for _ in range(columns):
        table.add_column(style="dim", no_wrap=True, max_width=20)
        table.add_column(ratio=1, overflow="fold")
    cells = [cell for field in fields for cell in (Styled(one_line(field.name)), _inline(field.value, look))]
    for start in range(0, len(cells), columns * 2):
        table.add_row(*cells[start : start + columns * 2])
    return table


def _listing(listing: Listing, look: _Look) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for number, item in enumerate(listing.items, 1):
        sign, style = _mark(listing, number, item.done, look.colour)
        table.add_row(Styled(f" {sign}", style), _inline(item.text, look))
    if not listing.title:
        return table
    return Group(Styled.assemble(_heading(listing.title), _inline(listing.aside, look)), table)


def _mark(listing: Listing, number: int, done: bool | None, colour: str) -> _Mark:
    if listing.style == "checks":
        return _TICKS[done]
    return (f"{number}.", "dim") if listing.style == "numbers" else ("•", colour)


def _heading(title: str) -> Styled:
    return Styled(one_line(title), "bold")


def _code(code: Code, *, most: int = 0) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    sign, style = ("│", "") if code.value else ("$", "bold cyan")
    lines = code_lines(code.lines, outside=code.value)
    shown = lines[:most] if most else lines
    for line in shown:
        table.add_row(Styled(f" {sign}", "dim"), Styled(line, style))
    if len(shown) < len(lines):
        table.add_row("", Styled(f"… {len(lines) - len(shown)} more lines", "dim"))
    return Group(_heading(code.title), table) if code.title else table


def _chart(chart: Chart, look: _Look) -> RenderableType:
    head = Styled.assemble(
        _heading(chart.title or "Chart"), "  ", Styled(one_line(latest(chart)) or "no data", f"bold {look.colour}")
    )
    rows = plot(chart, columns=look.width - 24, zone=look.zone)
    return Group(head, *(Styled.assemble((f"{row.label:>10} ", "dim"), (row.line, look.colour)) for row in rows))
