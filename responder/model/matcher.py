"""Label matchers with Alertmanager's syntax and meaning."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import re2

from responder.model.labels import Labels


class MatchOp(StrEnum):
    """How a label's value is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label condition. A missing label equals ""; a regular expression is RE2 and anchored at both ends."""

    name: str
    op: MatchOp
    value: str

    def matches(self, labels: Labels) -> bool:
        """Say whether the label set meets the condition."""
        actual = labels.get(self.name, "")
        match self.op:
            case MatchOp.EQUAL:
                return actual == self.value
            case MatchOp.NOT_EQUAL:
                return actual != self.value
            case MatchOp.REGEX:
                return _compiled(self.value).fullmatch(actual) is not None
            case MatchOp.NOT_REGEX:
                return _compiled(self.value).fullmatch(actual) is None

    def __str__(self) -> str:
        """Show as Alertmanager writes it."""
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op.value}"{escaped}"'


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _options())


@lru_cache(maxsize=1)
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options
