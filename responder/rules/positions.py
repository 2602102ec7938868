"""From a character of a value back to its place in the file, over quotes, escapes and folded lines."""

from collections.abc import Iterator

from responder.rules.nodes import Scalar, Spot

_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}
_BLANK_ESCAPES = frozenset("nrtvfNLP_ \n")


def spot_of(scalar: Scalar, offset: int) -> Spot:
    """
    Find the place of the character at the offset of the decoded text; the value's start when it cannot be told.

    White space is folded and indented, so it is the visible characters that are counted.
    """
    if offset <= 0:
        offset = 0
    wanted = sum(1 for char in scalar.text[:offset] if not char.isspace())
    last = scalar.spot
    for seen, spot in enumerate(_visible(scalar)):
        if seen == wanted:
            return spot
        last = spot
    return last


def _visible(scalar: Scalar) -> Iterator[Spot]:
    lines = scalar.spot.document.lines
    block = scalar.style in ("|", ">")
    first = scalar.spot.line + 1 if block else scalar.spot.line
    for number in range(first, min(scalar.end.line, len(lines)) + 1):
        begin = scalar.spot.column - 1 if number == scalar.spot.line else 0
        end = scalar.end.column - 1 if number == scalar.end.line else len(lines[number - 1])
        if scalar.style in ("'", '"'):
            begin += number == scalar.spot.line
            end -= number == scalar.end.line
        for column in _units(lines[number - 1][begin:end], scalar.style):
            yield Spot(scalar.spot.document, number, begin + column + 1)


def _units(text: str, style: str) -> Iterator[int]:
    index = 0
    while index < len(text):
        length, visible = _unit(text, index, style)
        if visible:
            yield index
        index += length


def _unit(text: str, index: int, style: str) -> tuple[int, bool]:
    char = text[index]
    if style == '"' and char == "\\":
        kind = text[index + 1 : index + 2] or "\n"
        return _ESCAPE_LENGTHS.get(kind, 2), kind not in _BLANK_ESCAPES
    if style == "'" and char == "'":
        return 2, True
    return 1, not char.isspace()
