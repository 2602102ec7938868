"""Reading log lines: what many of them have in common, how often words stand in them, without the values that vary."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_VARYING = re.compile(
    r"(?P<colour>\x1b\[[0-9;]{0,10}m)"
    r"|(?P<time>\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b)"
    r"|(?P<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b)"
    r"|(?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,}\b)"
    r"|(?P<n>\d+(?:\.\d+)?)",
    re.ASCII,
)
"""What varies, the longest shapes first; no part of it can backtrack over more than one word."""
_LONGEST = 400
"""Characters of a line that its pattern is made of."""


_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_KEY_BODY = re.compile(r"[\w+/=.:,\- ]{0,200}", re.ASCII)
_KEY_LINES = 120
"""Lines of the longest key that is printed: RSA with 8192 bits has 100."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lines that differ only in numbers, ids and times; `example` is the last of them."""

    text: str
    count: int
    example: str


def without_keys(lines: Sequence[str], mark: str) -> list[str]:
    """Return one container's lines with the mark in place of every line of a private key, whole or cut off."""
    hidden = list(lines)
    inside = 0
    for place, line in enumerate(lines):
        if _KEY_BEGINS.search(line):
            inside = _KEY_LINES
        if _KEY_ENDS.search(line) and not inside:
            # The tail began in the middle of a key.
            start = max(0, place - _KEY_LINES)
            body = [at for at in range(start, place) if _KEY_BODY.fullmatch(lines[at])]
            for at in (*body, place):
                hidden[at] = mark
        if inside:
            hidden[place] = mark
            inside = 0 if _KEY_ENDS.search(line) else inside - 1
    return hidden


def pattern_of(line: str) -> str:
    """Replace what varies between lines of one kind: times, ids, addresses, numbers."""
    return " ".join(_VARYING.sub(_mark, line[:_LONGEST]).split())


def _mark(hit: re.Match[str]) -> str:
    return "" if hit.lastgroup == "colour" else f"<{hit.lastgroup}>"


def top_patterns(lines: Sequence[str], limit: int) -> list[Pattern]:
    """Count the lines by pattern, the most frequent first; of equals the newest, which stand last."""
    counts: Counter[str] = Counter()
    last: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        pattern = pattern_of(line)
        counts[pattern] += 1
        last[pattern] = (place, line)
    ranked = sorted(counts, key=lambda pattern: (-counts[pattern], -last[pattern][0]))
    return [Pattern(pattern, counts[pattern], last[pattern][1]) for pattern in ranked[:limit]]


def top_values(values: Iterable[str], limit: int) -> list[tuple[str, int]]:
    """Count equal values, the most frequent first, of equals the first in order."""
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[:limit]
