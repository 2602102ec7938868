"""Templates, compiled: text with `${expression | format}` holes, checked for the place where the text will stand."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from responder.errors import ExpressionError
from responder.expressions import promql, template
from responder.expressions.compiled import Compiled
from responder.expressions.formats import check_format
from responder.expressions.template import Hole
from responder.expressions.urls import names_host
from responder.model.place import Place

_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\(")
_NUMBERS = ("int", "double", "duration", "dyn")


@dataclass(frozen=True, slots=True)
class Gate:
    """A hole, compiled. `where` says for PromQL where it stands; `quote` is of the string literal that it stands in."""

    compiled: Compiled
    form: str = ""
    where: promql.Where = "outside"
    quote: str = ""

    @property
    def own(self) -> bool:
        """Whether the value is the rule author's own words."""
        return self.compiled.own and not self.form


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link, `[label](url)`."""

    label: str
    url: "CompiledTemplate"


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """
    A template that compiles.

    `type` is "string", or, where the text is exactly one `${...}` without a format, the type of that expression.
    `reads` and `labels` as in `Compiled`. The rest is for `Evaluator`.
    """

    text: str
    place: Place
    type: str
    reads: frozenset[str]
    labels: frozenset[str]
    parts: tuple[str | Gate, ...]

    @property
    def only(self) -> Gate | None:
        """The hole, where the text is exactly one hole."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Gate) else None


Compile = Callable[[str, bool], Compiled]
"""Compiles a source; the second argument makes an int result a double."""


def compile_text(text: str, place: Place, compile_source: Compile) -> CompiledTemplate:
    """
    Compile a template.

    Raises: ExpressionError; its offset counts from the start of the template.
    """
    segments = template.split(text)
    if place is Place.SECRET:
        raise ExpressionError("a secret is no text to put together", offset=0, hint='write "${inputs.NAME}" alone')
    if place is Place.FIXED:
        hole = next((s for s in segments if isinstance(s, Hole)), None)
        if hole is not None:
            raise ExpressionError(
                "no value can stand safely in this language", offset=hole.offset - 2, hint="bind a parameter instead"
            )
    parts = tuple(_gated(segments, place, compile_source))
    gates = [part for part in parts if isinstance(part, Gate)]
    only = gates[0] if len(parts) == 1 and gates else None
    return CompiledTemplate(
        text=text,
        place=place,
        type=only.compiled.type if only and not only.form else "string",
        reads=frozenset().union(*(gate.compiled.reads for gate in gates)),
        labels=frozenset().union(*(gate.compiled.labels for gate in gates)),
        parts=parts,
    )


def anchored(text: str, compile_source: Compile) -> tuple[CompiledTemplate | Anchor, ...]:
    """Split a text for people at its links and compile each piece. Raises: ExpressionError."""
    return tuple(_anchored(text, compile_source))


def _anchored(text: str, compile_source: Compile) -> Iterator[CompiledTemplate | Anchor]:
    position = 0
    for found in _LINK.finditer(text):
        end = _url_end(text, found.end())
        if found.start() < position or end < 0 or "${" in found[1]:
            continue
        if position < found.start():
            yield _shifted(text, position, found.start(), Place.PLAIN, compile_source)
        yield Anchor(found[1], _shifted(text, found.end(), end, Place.URL, compile_source))
        position = end + 1
    if position < len(text):
        yield _shifted(text, position, len(text), Place.PLAIN, compile_source)


def _url_end(text: str, start: int) -> int:
    inside = False
    for position in range(start, len(text)):
        if text.startswith("${", position):
            inside = True
        elif inside:
            inside = text[position] != "}"
        elif text[position] == ")":
            return position
        elif text[position].isspace():
            return -1
    return -1


def _shifted(text: str, start: int, end: int, place: Place, compile_source: Compile) -> CompiledTemplate:
    try:
        return compile_text(text[start:end], place, compile_source)
    except ExpressionError as error:
        raise ExpressionError(error.message, offset=_shift(error.offset, start), hint=error.hint) from error


def _shift(offset: int, by: int) -> int:
    return offset + by if offset >= 0 else -1


def _gated(segments: tuple[template.Segment, ...], place: Place, compile_source: Compile) -> Iterator[str | Gate]:
    scanner, literal = promql.Scanner(), ""
    for segment in segments:
        if isinstance(segment, str):
            scanner.read(segment)
            literal += segment
            yield segment
            continue
        gate = _gate(segment, compile_source)
        match place:
            case Place.PROMQL:
                yield _in_promql(gate, segment, scanner)
            case Place.URL:
                _check_host(gate, segment, literal)
                yield gate
            case Place.REGEX:
                _check_regex(gate, segment, literal)
                yield gate
            case _:
                yield gate
        literal += "x"


def _gate(hole: Hole, compile_source: Compile) -> Gate:
    try:
        compiled = compile_source(hole.source, hole.form == "percent")
    except ExpressionError as error:
        raise ExpressionError(error.message, offset=_shift(error.offset, hole.offset), hint=error.hint) from error
    if hole.form:
        check_format(hole.form, compiled.type, offset=hole.form_offset, source_offset=hole.offset)
    return Gate(compiled, hole.form)


def _in_promql(gate: Gate, hole: Hole, scanner: promql.Scanner) -> Gate:
    at = hole.offset
    quote, escaping, touching = scanner.quote, scanner.escaping, scanner.touching
    before = scanner.content
    where = scanner.hole()
    if where in ("comment", "raw string"):
        hint = 'write the string in " instead' if quote else ""
        raise ExpressionError(f"a value cannot stand in a {where}", offset=at, hint=hint)
    if escaping or (where == "regex" and not gate.own and promql.regex_is_open(before)):
        raise ExpressionError("a value cannot stand right behind a backslash, or within \\Q", offset=at)
    if where == "outside" and not gate.own:
        if touching:
            raise ExpressionError("only a value from vars can be part of a name", offset=at)
        if gate.form or gate.compiled.type not in _NUMBERS:
            raise ExpressionError(
                f"only a number can stand outside quotes in PromQL, this is {gate.compiled.type}",
                offset=at,
                hint='put it in quotes, as in {namespace="${labels.namespace}"}, or take a name from vars',
            )
    return Gate(gate.compiled, gate.form, where, quote)


def _check_host(gate: Gate, hole: Hole, literal: str) -> None:
    if not gate.own and names_host(literal):
        raise ExpressionError(
            "the scheme, host and port of a URL can come from vars or be written out, never from a value",
            offset=hole.offset,
            hint="keep the addresses in vars, as in ${vars.urls[labels.name]}",
        )


def _check_regex(gate: Gate, hole: Hole, literal: str) -> None:
    if not gate.own and promql.regex_is_open(literal):
        raise ExpressionError("a value cannot stand right behind a backslash, or within \\Q", offset=hole.offset)
