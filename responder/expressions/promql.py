"""Where in a PromQL query a hole stands, and what is written there. Source: Prometheus, `promql/parser/lex.go`."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import re2

_OWN_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*|-?[0-9.]+(?:[eE][+-]?[0-9]+)?|(?:[0-9]+(?:ms|[smhdwy]))+", re.ASCII)

Where = Literal["outside", "string", "regex", "replacement", "comment", "raw string"]


@dataclass(slots=True)
class Scanner:
    """
    Reads the literal parts of a query, in order, and says where each hole between them stands.

    `content` is what the open string literal holds so far; `escaping` says that a backslash in it waits for its
    character.
    """

    quote: str = ""
    escaping: bool = False
    content: str = ""
    comment: bool = False
    last: str = ""
    _word: str = ""
    _regex: bool = False
    _calls: list[tuple[str, int]] = field(default_factory=list)

    def read(self, literal: str) -> None:
        """Read on."""
        for char in literal:
            if self.quote:
                self._in_string(char)
            elif self.comment:
                self.comment = char != "\n"
            else:
                self._outside(char)

    def hole(self) -> Where:
        """Say where a hole would stand now, and go on behind it."""
        if self.comment:
            return "comment"
        if not self.quote:
            self.last = "x"
            return "outside"
        self.content += "x"
        if self.quote == "`":
            return "raw string"
        function, argument = self._calls[-1] if self._calls else ("", 0)
        if self._regex or (function == "label_replace" and argument == 4):
            return "regex"
        return "replacement" if function == "label_replace" and argument == 2 else "string"

    @property
    def touching(self) -> bool:
        """Whether the text right before would run together with a word."""
        return not self.quote and (_is_word(self.last) or self.last == ".")

    def _in_string(self, char: str) -> None:
        if self.escaping:
            self.escaping = False
            self.content += char if char in "\\\"'" else "x"
        elif char == "\\" and self.quote != "`":
            self.escaping = True
        elif char == self.quote:
            self.quote = ""
            self.last = char
        else:
            self.content += char

    def _outside(self, char: str) -> None:
        if _is_word(char):
            self._word = self._word + char if _is_word(self.last) else char
        elif not char.isspace():
            self._punctuation(char)
        if not char.isspace() and char not in "\"'`":
            self._regex = char == "~" and self.last in ("=", "!")
        self.last = char

    def _punctuation(self, char: str) -> None:
        if char in "\"'`":
            self.quote, self.content = char, ""
        elif char == "#":
            self.comment = True
        elif char in "({[":
            self._calls.append((self._word if char == "(" else char, 0))
        elif char in ")}]" and self._calls:
            self._calls.pop()
        elif char == "," and self._calls:
            function, argument = self._calls[-1]
            self._calls[-1] = (function, argument + 1)
        self._word = ""


def _is_word(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in "_:")


def in_string(text: str, quote: str) -> str:
    """Escape for the inside of a string literal in these quotes."""
    written = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return "".join(_escaped(char) for char in written)


def _escaped(char: str) -> str:
    if char == "\ufffd" or not (char.isprintable() or ord(char) > 0xFFFF):  # Prometheus takes a bare one for bad UTF-8
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{ord(char):04x}")
    return char


def quoted(text: str) -> str:
    """Quote as RE2, so that the text matches itself only."""
    return str(re2.escape(text))


def replacement(text: str) -> str:
    """Write for the replacement of `label_replace`, where `$1` would be a group."""
    return text.replace("$", "$$")


def word(value: object, *, own: bool) -> str | None:
    """Write for a place outside any string: a number or a span; of the author's own words also a name. Else None."""
    match value:
        case bool():
            return None
        case int():
            return str(value)
        case float():
            return repr(value)
        case timedelta() if value >= timedelta(0):
            return f"{value // timedelta(milliseconds=1)}ms"
        case str() if own and _OWN_WORD.fullmatch(value):
            return value
    return None


def regex_is_open(prefix: str) -> bool:
    """Say whether a quoted value would be misread after this: behind a lone backslash, or within `\\Q`."""
    return (len(prefix) - len(prefix.rstrip("\\"))) % 2 == 1 or "\\Q" in prefix


def flaw(pattern: str) -> str:
    """Return what is wrong with a regular expression, "" when nothing is."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        return str(error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error)
    return ""
