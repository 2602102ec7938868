"""What the checker says against an expression, in words for its author, with the place and what may have been meant."""

import re
from collections.abc import Iterator
from typing import Final

from responder.errors import ExpressionError
from responder.expressions import operators
from responder.expressions.analysis import no_field
from responder.expressions.schema import Schema, most_like

_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_NO_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_NO_SELECT = re.compile(r"expression of type '([^']*)' cannot be the operand of a select operation")
_EXPECTING = re.compile(r"(?:mismatched|extraneous) input '(.*?)' expecting .*")
_FUNCTIONS: Final = (
    *("has", "size", "exists", "all", "exists_one", "map", "filter", "contains", "startsWith", "endsWith", "matches"),
    *("duration", "timestamp", "int", "double", "string", "bool", "getHours", "getMinutes", "getSeconds", "getDate"),
    *("getDayOfWeek", "getDayOfMonth", "getDayOfYear", "getMonth", "getFullYear", "lowerAscii", "upperAscii", "split"),
    *("join", "replace", "trim", "substring", "indexOf", "format", "charAt", "math.abs", "math.ceil", "math.floor"),
    *("math.round", "math.greatest", "math.least", *operators.QUESTIONS),
)
_WORDS = {
    "_<_": "compare",
    "_<=_": "compare",
    "_>_": "compare",
    "_>=_": "compare",
    "_==_": "compare",
    "_!=_": "compare",
    "_+_": "add",
    "_-_": "subtract",
    "_*_": "multiply",
    "_/_": "divide",
    "_%_": "take the remainder of",
    "_&&_": "combine by &&",
    "_||_": "combine by ||",
    "!_": "negate by !",
    "-_": "negate",
    "_[_]": "look up",
    "@in": "look up by `in`",
    "_?_:_": "choose by ?:",
}


def complain(error: Exception, source: str, schema: Schema) -> ExpressionError:
    """Return the first thing that the checker found."""
    text = str(error)
    found = _ERROR.search(text)
    if found is None or int(found[1]) > len(source) + 1:
        return ExpressionError(_plain(text), offset=0)
    offset = _offset(source, int(found[1]), int(found[2]))
    return _explain(found[3].removesuffix(" [INVALID_ARGUMENT]"), source, offset, schema)


def _explain(message: str, source: str, offset: int, schema: Schema) -> ExpressionError:
    if undeclared := _UNDECLARED.search(message):
        return _unknown(undeclared[1], source, offset, schema)
    if (missing := _NO_FIELD.search(message)) and (shape := schema.messages.by_name.get(missing[2])):
        return no_field(shape, missing[1], max(source.find(missing[1], offset), 0))
    if overload := _OVERLOAD.search(message):
        return _no_overload(overload[1], list(_types(overload[2], schema)), offset)
    if select := _NO_SELECT.search(message):
        return ExpressionError(f"{_article(schema.messages.named(select[1]))} has no fields", offset=offset)
    if syntax := _EXPECTING.search(message):
        what = "it ends too early" if syntax[1] == "<EOF>" else f"{syntax[1]!r} was not expected here"
        return ExpressionError(f"the expression cannot be read: {what}", offset=min(offset, len(source)))
    return ExpressionError(_plain(message), offset=offset)


def _unknown(name: str, source: str, offset: int, schema: Schema) -> ExpressionError:
    if source[offset : offset + 1] == "(":
        start = offset - len(name) if source[:offset].endswith(name) else offset
        like = most_like(name, _FUNCTIONS)
        if name in _FUNCTIONS:
            return ExpressionError(f"{name}() does not take that many arguments", offset=start)
        return ExpressionError(
            f"there is no function {name}", offset=start, hint=f"did you mean {like}?" if like else ""
        )
    root = name.partition(".")[0]
    places = [m.start() for m in re.finditer(rf"(?<![\w.]){re.escape(root)}\b", source[: offset + len(root)])]
    like = schema.like(root)
    known = ", ".join(sorted(schema.shapes))
    return ExpressionError(
        f"{root} is not known here",
        offset=places[-1] if places else offset,
        hint=(f"did you mean {like}? " if like else "") + f"There are: {known}",
    )


def _no_overload(function: str, types: list[str], offset: int) -> ExpressionError:
    shown = " and ".join(_article(t) for t in types)
    hint = ""
    if "null" in types:
        hint = "a value that is not known makes the condition undecided; ask for it by has(...)"
    elif function in ("_&&_", "_||_", "!_", "_?_:_") and types and types[0] != "bool":
        hint = "a condition is true or false: compare with something, as in `> 0`"
    elif function == "_+_" and "string" in types:
        hint = "make it a string by string(...)"
    elif "string" in types and {"int", "double"} & set(types):
        hint = "write a number without quotes, or make the string one by double(...)"
    elif "duration" in types:
        hint = 'write a span as duration("5m")'
    what = _WORDS.get(function, f"call {function}() with" if types else f"call {function}() on nothing")
    return ExpressionError(f"cannot {what} {shown}".rstrip(), offset=offset, hint=hint)


def _types(written: str, schema: Schema) -> Iterator[str]:
    depth, start = 0, 0
    for index, char in enumerate(written):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield schema.messages.named(written[start:index].strip())
            start = index + 1
    if written.strip():
        yield schema.messages.named(written[start:].strip())


def _article(what: str) -> str:
    return f"an {what}" if what[:1] in "aeiou" else f"a {what}"


def _plain(text: str) -> str:
    first = text.partition("\n")[0].strip()
    first = re.sub(r"^[A-Z_]+: |ERROR: <input>:\d+:\d+: | \[[A-Z_]+\]$", "", first)
    return re.sub(r"ERROR: <input>:\d+:\d+: | \[[A-Z_]+\]$", "", first) or "the expression cannot be read"


def _offset(source: str, line: int, column: int) -> int:
    lines = source.split("\n")
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return min(before + column - 1, len(source))
