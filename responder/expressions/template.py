"""Splits text into literal parts and `${expression | format}` holes; `$${` stands for a literal `${`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from responder.errors import ExpressionError

_OPEN = re.compile(r"\$?\$\{")
_STRING = re.compile(
    r"[rR]?[bB]?[rR]?(?:\"\"\"|'''|\"|')",
)
_QUOTING = "quote the whole string in YAML: an unquoted one ends at ` #`, and inside { } at the first } or comma"


@dataclass(frozen=True, slots=True)
class Hole:
    """One `${...}`: its expression, the format after the bar or "", and where the expression and the format begin."""

    source: str
    form: str
    offset: int
    form_offset: int


Segment = str | Hole


def split(text: str) -> tuple[Segment, ...]:
    """
    Split a template; literal parts are never empty and never adjacent.

    Raises: ExpressionError for a hole that does not end, or is empty.
    """
    return tuple(_merged(_segments(text)))


def _segments(text: str) -> Iterator[Segment]:
    position = 0
    while found := _OPEN.search(text, position):
        yield text[position : found.start()]
        if found[0] == "$${":
            yield "${"
            position = found.end()
            continue
        end, bar = _end(text, found.end())
        yield _hole(text, found.end(), end, bar)
        position = end + 1
    yield text[position:]


def _merged(segments: Iterator[Segment]) -> Iterator[Segment]:
    literal = ""
    for segment in segments:
        if isinstance(segment, str):
            literal += segment
            continue
        if literal:
            yield literal
        literal = ""
        yield segment
    if literal:
        yield literal


def _end(text: str, start: int) -> tuple[int, int]:
    depth, bar, position = 0, -1, start
    while position < len(text):
        char = text[position]
        string = _STRING.match(text, position)
        if string and (char in "\"'" or not _continues_word(text, position)):
            position = _string_end(text, string)
            continue
        if text.startswith("//", position):
            newline = text.find("\n", position)
            position = len(text) if newline < 0 else newline
            continue
        if text.startswith("||", position):
            position += 2
            continue
        if char == "|" and bar < 0:
            bar = position
        elif char == "}" and not depth:
            return position, bar
        depth += (char in "{[(") - (char in "}])")
        position += 1
    raise ExpressionError("${ is not closed by }", offset=start - 2, hint=_QUOTING)


def _continues_word(text: str, position: int) -> bool:
    return text[position - 1].isalnum() or text[position - 1] == "_"


def _string_end(text: str, opening: re.Match[str]) -> int:
    quote = opening[0].lstrip("rRbB")
    raw = "r" in opening[0].lower()
    position = opening.end()
    while position < len(text):
        if text.startswith(quote, position):
            return position + len(quote)
        position += 2 if text[position] == "\\" and not raw else 1
    raise ExpressionError(f"the string is not closed by {quote}", offset=opening.start(), hint=_QUOTING)


def _hole(text: str, start: int, end: int, bar: int) -> Hole:
    inside = text[start : bar if bar >= 0 else end]
    source = inside.strip()
    form = text[bar + 1 : end].strip() if bar >= 0 else ""
    if not source:
        raise ExpressionError("there is nothing in ${}", offset=start, hint="write $${ for a literal ${")
    if bar >= 0 and not form:
        raise ExpressionError("there is no format after the bar", offset=bar)
    return Hole(
        source=source,
        form=form,
        offset=start + len(inside) - len(inside.lstrip()),
        form_offset=bar + 1 + len(text[bar + 1 : end]) - len(text[bar + 1 : end].lstrip()) if bar >= 0 else -1,
    )
