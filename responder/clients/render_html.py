"""A message as a fragment of HTML that needs nothing else: no scripts, no style sheet, charts as SVG."""

import math
from datetime import UTC, tzinfo
from html import escape

from responder.clients.render_values import code_lines, one_line, printable, some_lines, web_url
from responder.clients.render_words import STATUS_WORDS, latest, moment
from responder.model.message import (
    Block,
    Buttons,
    Chart,
    Code,
    Fields,
    Instant,
    Item,
    Line,
    Link,
    Listing,
    Mention,
    Message,
    Note,
    Own,
    Paragraph,
    Part,
    Point,
    Text,
    Value,
)

_COLOURS = ("#d92d20", "#e8710a", "#d8a200", "#2f6fdb")
_GREEN = "#1a8f4c"
_LINES = ("#2f6fdb", "#e8710a", "#1a8f4c", "#8e44ad", "#d92d20")
_WIDTH, _HEIGHT = 560, 120
_TAGS = {"plain": "", "bold": "strong", "italic": "em", "code": "code"}
_TICKS = {True: "☑", False: "☐", None: "•"}
_PRE = "background:#f4f5f7;border-radius:6px;padding:8px 10px;overflow-x:auto;font-size:13px;line-height:1.45"
_ARTICLE = "padding:4px 16px;font:15px/1.5 system-ui,sans-serif;color:#1d2129;max-width:760px"
_SMALL = "color:#646a73;font-size:13px"


def render(message: Message, zone: tzinfo) -> str:
    """Render as one <article>; the evidence beside it folds away."""
    colour = _GREEN if message.status == "resolved" else _COLOURS[max(0, min(message.rank, len(_COLOURS) - 1))]
    severity = _escape(one_line(message.severity))
    badge = f'<span style="color:{colour}">{severity}</span> · ' if severity else ""
    shown = [
        f'<article class="incident" style="border-left:4px solid {colour};{_ARTICLE}">',
        f'<h2 style="font-size:19px;margin:8px 0 2px">{badge}{inline(message.title, zone)}</h2>',
        (
            f'<p style="{_SMALL};margin:0 0 8px"><strong>{STATUS_WORDS[message.status]}</strong>'
            f" · {_escape(one_line(message.incident))}</p>"
        ),
        *(_block(block, zone) for block in message.blocks),
    ]
    if message.thread:
        shown += ["<details><summary>Evidence</summary>", *(_block(b, zone) for b in message.thread), "</details>"]
    return "\n".join(part for part in [*shown, "</article>"] if part) + "\n"


def _escape(text: str) -> str:
    return escape(text, quote=True)


def inline(text: Text, zone: tzinfo, *, lines: bool = False) -> str:
    """Write text; `lines` keeps the line breaks of values."""
    return "".join(_part(part, zone, lines=lines) for part in text)


def _part(part: Part, zone: tzinfo, *, lines: bool) -> str:
    match part:
        case Own(text=text, style=style):
            return _tagged(_escape(printable(text)), _TAGS[style])
        case Value(text=text, code=code):
            shown = _escape(some_lines(text) if lines else one_line(text)).replace("\n", "<br>")
            return _tagged(shown, "code" if code else "")
        case Instant(at=at):
            stamp = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            return f'<time datetime="{stamp}">{_escape(moment(part, at.astimezone(zone)))}</time>'
        case Link(label=label, url=url):
            address, name = web_url(url), _escape(one_line(label)) or "link"
            if not address:
                return f"{name} ({_escape(one_line(url))})"
            return f'<a href="{_escape(address)}" rel="noopener noreferrer">{name}</a>'
        case Mention(who=who, id=id):
            return _escape(f"@{one_line(id) or who}")


def _tagged(text: str, tag: str) -> str:
    return f"<{tag}>{text}</{tag}>" if tag and text else text


def _block(block: Block, zone: tzinfo) -> str:
    match block:
        case Paragraph(text=text):
            return f"<p>{inline(text, zone, lines=True)}</p>"
        case Note(text=text):
            return f'<p style="{_SMALL}">{inline(text, zone)}</p>'
        case Fields(fields=fields):
            cells = "".join(
                f'<div style="min-width:180px"><dt style="{_SMALL}">{_escape(one_line(f.name))}</dt>'
                f'<dd style="margin:0">{inline(f.value, zone)}</dd></div>'
                for f in fields
            )
            return f'<dl style="display:flex;flex-wrap:wrap;gap:6px 24px;margin:8px 0">{cells}</dl>'
        case Listing():
            return _listing(block, zone)
        case Code(lines=lines, title=title, value=value):
            shown = _escape("\n".join(code_lines(lines, outside=value)))
            return f'{_title(title)}<pre style="{_PRE}"><code>{shown}</code></pre>'
        case Chart():
            return _chart(block)
        case Buttons(buttons=buttons):
            return "".join(
                f'<p style="margin:6px 0">{_escape(one_line(button.label))}: '
                f"<code>{_escape(button.press.command)}</code></p>"
                for button in buttons
            )


def _title(title: str, aside: str = "") -> str:
    name = _escape(one_line(title)).strip()
    return f'<p style="margin:10px 0 2px"><strong>{name}</strong>{aside}</p>' if name else ""


def _listing(listing: Listing, zone: tzinfo) -> str:
    tag = "ol" if listing.style == "numbers" else "ul"
    style = "list-style:none;padding-left:4px" if listing.style == "checks" else "padding-left:22px"
    items = "".join(f"<li>{_tick(listing, item)}{inline(item.text, zone)}</li>" for item in listing.items)
    heading = _title(listing.title, inline(listing.aside, zone))
    return f'{heading}<{tag} style="margin:2px 0 8px;{style}">{items}</{tag}>'


def _tick(listing: Listing, item: Item) -> str:
    return f"{_TICKS[item.done]} " if listing.style == "checks" else ""


def _chart(chart: Chart) -> str:
    name = _escape(" ".join(filter(None, (one_line(chart.title), one_line(latest(chart))))))
    values = [p.value for line in chart.lines for p in line.points if _drawable(p)]
    caption = f'<figcaption style="{_SMALL}">{name}</figcaption>'
    if len(values) < 2:
        return f'<figure style="margin:8px 0">{caption}no data</figure>'
    moments = [p.at.timestamp() for line in chart.lines for p in line.points]
    frame = (min(moments), max(moments), min(0.0, *(v or 0.0 for v in values)), max(v or 0.0 for v in values))
    drawn = "".join(
        f'<path d="{_path(line, frame)}" fill="none" stroke="{_LINES[index % len(_LINES)]}" stroke-width="2"/>'
        for index, line in enumerate(chart.lines[:20])
    )
    marks = "".join(_mark(at.timestamp(), _escape(one_line(text)), frame) for text, at in chart.marks)
    return (
        f'<figure style="margin:8px 0">{caption}<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img"'
        f' aria-label="{name}" style="max-width:{_WIDTH}px;background:#f4f5f7;border-radius:6px">'
        f"{marks}{drawn}</svg></figure>"
    )


_Frame = tuple[float, float, float, float]
"""First and last second, lowest and highest value of what is drawn."""


def _drawable(point: Point) -> bool:
    return point.value is not None and math.isfinite(point.value) and abs(point.value) < 1e300


def _x(second: float, frame: _Frame) -> float:
    return 4 + (second - frame[0]) / ((frame[1] - frame[0]) or 1.0) * (_WIDTH - 8)


def _path(line: Line, frame: _Frame) -> str:
    steps: list[str] = []
    pen = "M"
    for point in line.points:
        if not _drawable(point):
            pen = "M"
            continue
        height = ((point.value or 0.0) - frame[2]) / ((frame[3] - frame[2]) or 1.0) * (_HEIGHT - 16)
        steps.append(f"{pen}{_x(point.at.timestamp(), frame):.1f} {_HEIGHT - 8 - height:.1f}")
        pen = "L"
    return "".join(steps)


def _mark(second: float, name: str, frame: _Frame) -> str:
    if not frame[0] <= second <= frame[1]:
        return ""
    x = _x(second, frame)
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT}" stroke="#98a0ab" stroke-dasharray="3 3"/>'
    return f'{line}<text x="{x + 4:.1f}" y="12" font-size="11" fill="#646a73">{name}</text>'
