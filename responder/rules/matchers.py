"""
Reads Alertmanager's matchers: `alertname="HighErrorRate"`, `namespace=~"pay-.*"`.

Accepted is what the classic and the UTF-8 parser of Alertmanager both understand, and understand alike.

Source: prometheus/alertmanager, `pkg/labels/parse.go` and `matcher/parse/lexer.go`.
"""

import re
from collections.abc import Iterator

import re2

from responder.errors import ExpressionError
from responder.model.matcher import Matcher, MatchOp

_SPACE = re.compile(r"[ \t]*")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OP = re.compile(r"=~|!~|!=|=")
_BARE = re.compile(r"[^\s{}!=~,\\\"'`]+")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}


def parse_matcher(text: str) -> Matcher:
    """
    Read exactly one matcher.

    Raises: ExpressionError with the offset and the cure.
    """
    found = parse_matchers(text)
    if len(found) != 1:
        raise ExpressionError("one matcher is wanted here", offset=0, hint='write each as its own item: name="value"')
    return found[0]


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """
    Read matchers separated by commas, with or without braces around them.

    Raises: ExpressionError with the offset and the cure.
    """
    return tuple(_Reader(text).matchers())


class _Reader:
    """Goes through one text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0
        self.end = len(text)

    def matchers(self) -> Iterator[Matcher]:
        self._space()
        self._braces()
        while self.index < self.end:
            yield self._matcher()
            self._space()
            if self.index < self.end and not self._take(","):
                raise self._error("`,` or the end is wanted here", 'put such a value in quotes: name="value"')
            self._space()

    def _braces(self) -> None:
        stripped = self.text.rstrip(" \t")
        opened = self._take("{")
        if opened != stripped.endswith("}"):
            raise self._error("braces stand on both sides or on none", 'write name="value"')
        if opened:
            self.end = len(stripped) - 1

    def _matcher(self) -> Matcher:
        name = self._name()
        self._space()
        found = _OP.match(self.text, self.index, self.end)
        if not found:
            raise self._error("one of = != =~ !~ is wanted here", 'write name="value"')
        self.index = found.end()
        self._space()
        start = self.index
        matcher = Matcher(name, MatchOp(found.group()), self._value())
        _try(matcher, start)
        return matcher

    def _name(self) -> str:
        if self.text.startswith('"', self.index):
            return self._string()
        found = _NAME.match(self.text, self.index, self.end)
        if not found:
            raise self._error("a label name is wanted here", "one with other characters needs quotes")
        self.index = found.end()
        return found.group()

    def _value(self) -> str:
        if self.text.startswith('"', self.index):
            return self._string()
        found = _BARE.match(self.text, self.index, self.end)
        if not found:
            raise self._error("a value is wanted here", 'put it in double quotes: name="value", or name="" for none')
        self.index = found.end()
        return found.group()

    def _string(self) -> str:
        found = _QUOTED.match(self.text, self.index, self.end)
        if not found:
            raise self._error("the quoted string does not end", 'inside it write \\" for a quote, \\n for a new line')
        for escape in _ESCAPE.finditer(found.group(1)):
            if escape.group(1) not in _ESCAPES:
                self.index += 1 + escape.start()
                raise self._error(f"Alertmanagers disagree about `{escape.group()}`", "write the backslash twice")
        self.index = found.end()
        return _ESCAPE.sub(lambda escape: _ESCAPES[escape.group(1)], found.group(1))

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.index, self.end)
        self.index = found.end() if found else self.index

    def _take(self, char: str) -> bool:
        taken = self.text.startswith(char, self.index) and self.index < self.end
        self.index += taken
        return taken

    def _error(self, message: str, hint: str) -> ExpressionError:
        return ExpressionError(message, offset=self.index, hint=hint)


def _try(matcher: Matcher, offset: int) -> None:
    try:
        matcher.matches({})
    except re2.error as error:
        reason = error.args[0] if error.args else error
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(
            f"not a regular expression of RE2: {shown}", offset=offset, hint="RE2 knows no lookaround and no \\1"
        ) from error
