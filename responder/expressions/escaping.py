"""Writes a template's values into the language of its place; what cannot stand there is refused."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from responder.errors import ExpressionError, ResponderError
from responder.expressions import promql, urls
from responder.expressions.formats import exact
from responder.expressions.interpolation import CompiledTemplate, Gate
from responder.expressions.urls import Piece
from responder.model.place import Place

_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_LONGEST_SHOWN = 60


class Refused(ResponderError):
    """A value that cannot stand in its place; the message says why."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A hole with its value; `text` is set where a format has been applied."""

    gate: Gate
    value: Any
    text: str | None = None

    def written(self) -> str:
        """Return the value as text, losing nothing. Raises: Refused for one that has none."""
        text = self.text if self.text is not None else exact(self.value)
        if text is None or (isinstance(self.value, float) and not math.isfinite(self.value)):
            raise Refused(f"{self.gate.compiled.source} has no value that can be written here")
        return text


def write(parts: Sequence[str | Filled], place: Place) -> str:
    """
    Put the text together, every value escaped for the place.

    Raises: Refused.
    """
    match place:
        case Place.PROMQL:
            return "".join(part if isinstance(part, str) else _in_promql(part) for part in parts)
        case Place.URL:
            return _url(parts)
        case Place.SELECTOR:
            return "".join(part if isinstance(part, str) else _label_value(part) for part in parts)
        case Place.NAME:
            return _name(parts)
        case Place.REGEX:
            return "".join(part if isinstance(part, str) else _in_regex(part) for part in parts)
        case Place.ARGUMENT:
            return _argument(parts)
        case Place.FIXED if not all(isinstance(part, str) for part in parts):
            raise Refused("no value can stand safely in this language")
    return _plain(parts)


def check_own(gate: Gate, value: Any, compiled: CompiledTemplate) -> None:
    """Raise ExpressionError where the rule author's own word cannot stand where it is put, whatever happens."""
    try:
        if compiled.place is Place.PROMQL:
            _in_promql(Filled(gate, value))
            if gate.where == "regex":
                _check_pattern(Filled(gate, value).written())
    except Refused as refused:
        offset = compiled.text.find(gate.compiled.source)
        raise ExpressionError(str(refused), offset=offset, hint="a name, a number or a span can") from refused


def _check_pattern(pattern: str) -> None:
    answer = promql.flaw(pattern)
    if answer:
        raise Refused(f"{_cut(pattern)} is no regular expression: {answer}")


def _plain(parts: Sequence[str | Filled]) -> str:
    return "".join(part if isinstance(part, str) else part.written() for part in parts)


def _in_promql(filled: Filled) -> str:
    gate = filled.gate
    match gate.where:
        case "outside":
            written = None if filled.text is not None else promql.word(filled.value, own=gate.own)
            if written is None or (isinstance(filled.value, float) and not math.isfinite(filled.value)):
                raise Refused(f"{_shown(filled)} cannot stand outside quotes in PromQL")
            return written
        case "regex" if not gate.own:
            return promql.in_string(promql.quoted(filled.written()), gate.quote)
        case "replacement" if not gate.own:
            return promql.in_string(promql.replacement(filled.written()), gate.quote)
        case "comment" | "raw string":
            raise Refused(f"a value cannot stand in a {gate.where}")
    return promql.in_string(filled.written(), gate.quote)


def _in_regex(filled: Filled) -> str:
    return filled.written() if filled.gate.own else promql.quoted(filled.written())


def _url(parts: Sequence[str | Filled]) -> str:
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(Piece(part))
        elif part.gate.own:
            pieces.append(Piece(part.written()))
        elif urls.names_host("".join(piece.text for piece in pieces)):
            raise Refused(f"{_shown(part)} cannot name the host of a URL")
        else:
            pieces.append(Piece(urls.encoded(part.written()), value=True))
    url = urls.assemble(pieces)
    if url is None:
        raise Refused("a value would change the path of the URL")
    return url


def _label_value(filled: Filled) -> str:
    written = filled.written()
    if not filled.gate.own and not _LABEL_VALUE.fullmatch(written):
        raise Refused(f"{_shown(filled)} is not a valid label value")
    return written


def _name(parts: Sequence[str | Filled]) -> str:
    written = _plain(parts)
    if any(isinstance(part, Filled) for part in parts) and not _OBJECT_NAME.fullmatch(written):
        raise Refused(f"{_cut(written)} is not a valid name of an object")
    return written


def _argument(parts: Sequence[str | Filled]) -> str:
    argument = ""
    for part in parts:
        written = part if isinstance(part, str) else part.written()
        if isinstance(part, Filled):
            if not argument and written.startswith("-") and not part.gate.own:
                raise Refused(f"{_shown(part)} would be taken for a flag")
            if "\x00" in written:
                raise Refused(f"{_shown(part)} holds a NUL")
        argument += written
    return argument


def _shown(filled: Filled) -> str:
    return _cut(filled.text if filled.text is not None else exact(filled.value) or filled.gate.compiled.source)


def _cut(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")
