"""The helper process that draws: charts come in on standard input, pictures go out on standard output."""

import io
import json
import math
import os
import re
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from responder.model.unit import Scale, scale, significant

SIZE = (9.6, 3.84)
"""Inches; with `DPI` 1200 x 480 pixels."""
DPI = 125
COLOURS = ("#2563eb", "#ea580c", "#0d9488", "#9333ea", "#ca8a04", "#0891b2", "#be185d", "#65a30d", "#475569", "#b45309")
INK, FAINT, ALARM = "#1f2937", "#6b7280", "#dc2626"
DAY = 86_400
"""Seconds in matplotlib's unit of time, counted from 1970."""
LONGEST_NAME = 44
LONGEST_TITLE = 80
_SINGLE = re.compile(r'\{(\w+)="([^"]*)"\}')


def main() -> None:
    """Answer one chart after the other until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    for question in _questions(sys.stdin.buffer):
        try:
            failed, content = 0, picture(json.loads(question))
        except Exception as error:  # noqa: BLE001 - whatever one chart breaks, the next may be drawn
            failed, content = 1, f"{type(error).__name__}: {error}".encode()
        answers.write(struct.pack(">BI", failed, len(content)) + content)
        answers.flush()


def _questions(stream: BinaryIO) -> Iterator[bytes]:
    while len(header := stream.read(4)) == 4:
        yield stream.read(struct.unpack(">I", header)[0])


def picture(chart: dict[str, Any]) -> bytes:
    """Draw one chart, as `charts` writes it, as PNG."""
    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9.5, "text.color": INK, "axes.unicode_minus": True})
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    axes = figure.add_subplot()
    values = [value for line in chart["lines"] for value in line["values"] if value is not None]
    chosen = scale(chart["unit"], max(map(abs, values), default=0.0))
    for number, line in enumerate(chart["lines"]):
        _draw_line(axes, line, colour=COLOURS[number % len(COLOURS)], chosen=chosen, only=len(chart["lines"]) == 1)
    _dress(axes, values=[value / chosen.divisor for value in values], suffix=chosen.suffix)
    _mark(axes, chart["marks"])
    if not values:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=14)
    title = _cut(chart["title"], LONGEST_TITLE)
    figure.text(0.012, 0.955, title, parse_math=False, fontsize=12.5, fontweight="bold", va="top", ha="left")
    _legend(figure, axes, chart)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def _draw_line(axes: Axes, line: dict[str, Any], *, colour: str, chosen: Scale, only: bool) -> None:
    at = [seconds / DAY for seconds in line["at"]]
    values = [math.nan if value is None else value / chosen.divisor for value in line["values"]]
    axes.plot(at, values, color=colour, linewidth=1.9)
    if only:
        axes.fill_between(at, values, color=colour, alpha=0.10, linewidth=0)
    known = [(moment, value) for moment, value in zip(at, values, strict=True) if not math.isnan(value)]
    if not known:
        return
    axes.scatter(*known[-1], s=20, color=colour, clip_on=False, zorder=5)
    if only:
        axes.annotate(
            f"{significant(known[-1][1])} {chosen.suffix}".rstrip(),
            known[-1],
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
            parse_math=False,
        )


def _dress(axes: Axes, *, values: list[float], suffix: str) -> None:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low >= 0 and high - low > 0.2 * high:
        axes.set_ylim(bottom=0)
    if low == high:
        axes.set_ylim(min(0, low * 1.2), max(0, high * 1.2) or 1)
    axes.margins(x=0.0, y=0.12)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    short = suffix if len(suffix) <= 4 else ""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{_compact(value)} {short}".rstrip()))
    if not short:
        axes.annotate(
            _cut(suffix, 30),
            (0.0, 1.0),
            xycoords="axes fraction",
            xytext=(0, 3),
            textcoords="offset points",
            color=FAINT,
            fontsize=8.5,
            parse_math=False,
        )
    axes.xaxis.set_major_locator(dates.AutoDateLocator(tz=UTC, minticks=4, maxticks=9))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(FuncFormatter(_moment(axes)))
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#9ca3af")
    axes.tick_params(axis="both", colors=FAINT, length=0, pad=6)
    axes.tick_params(axis="x", length=3, pad=4)


def _moment(axes: Axes) -> Any:
    def show(value: float, _: int | None = None) -> str:
        left, right = axes.get_xlim()
        at = datetime.fromtimestamp(value * DAY, UTC)
        if right - left < 2 / 24 / 60:
            return f"{at:%H:%M:%S}"
        return f"{at:%b %d}" if right - left > 4 else f"{at:%b %d %H:%M}" if right - left > 1 else f"{at:%H:%M}"

    return show


def _mark(axes: Axes, marks: list[tuple[str, float]]) -> None:
    """Draw moments as vertical lines; the name stands to the right, or to the left where there is no room."""
    ordered = sorted(((seconds / DAY, name) for name, seconds in marks), key=itemgetter(0))
    for at, _ in ordered:
        axes.axvline(at, color=ALARM, linewidth=1.3, linestyle=(0, (4, 3)), zorder=3)
    left, right = axes.get_xlim()
    room = (right - left) * 0.14
    for number, (place, name) in enumerate(ordered):
        following = ordered[number + 1][0] if number + 1 < len(ordered) else right
        leftward = following - place < room and place - left > room
        axes.annotate(
            _cut(name, 30),
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if leftward else 4, 2 + 11 * (number // 2 % 2)),
            textcoords="offset points",
            ha="right" if leftward else "left",
            color=ALARM,
            fontsize=8.5,
            fontweight="bold",
            parse_math=False,
        )


def _legend(figure: Figure, axes: Axes, chart: dict[str, Any]) -> None:
    several = len(chart["lines"]) > 1
    title, names = _shortest([line["name"] for line in chart["lines"]])
    longest = max((len(_cut(name, LONGEST_NAME)) for name in names), default=0)
    width = min(0.07 + longest * 0.0072, 0.40) if several else 0.09
    figure.subplots_adjust(left=0.085, right=1 - width, top=0.80, bottom=0.115)
    figure.text(0.988, 0.025, "UTC", ha="right", va="bottom", color=FAINT, fontsize=8.5)
    if several:
        legend = axes.legend(
            labels=[_cut(name, LONGEST_NAME).replace("$", r"\$") or "value" for name in names],
            handles=axes.get_lines()[: len(names)],
            title=title or None,
            loc="upper left",
            bbox_to_anchor=(1.015, 1.03),
            frameon=False,
            fontsize=8.5,
            handlelength=1.2,
            borderaxespad=0,
            labelcolor=INK,
        )
        legend.set_alignment("left")
        legend.get_title().set(fontsize=8.5, color=FAINT)
    if chart["left_out"]:
        figure.text(0.012, 0.025, f"and {chart['left_out']} more lines", color=FAINT, fontsize=8.5)


def _shortest(names: list[str]) -> tuple[str, list[str]]:
    """Split names that differ in one label only into that label and its values."""
    single = [_SINGLE.fullmatch(name) for name in names]
    labels = {match[1] for match in single if match}
    if len(labels) == 1 and all(single):
        return labels.pop(), [match[2] for match in single if match]
    return "", names


def _compact(value: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:,.4g}{letter}"
    return f"{value:,.6g}"


def _cut(text: str, most: int) -> str:
    clean = " ".join(text.split())
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


if __name__ == "__main__":
    main()
