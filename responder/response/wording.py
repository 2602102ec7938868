"""Small pieces of text: outside words redacted and cut, numbers with their plural."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from responder.model.message import Instant, Link, Own, Part, Text, Value
from responder.model.redaction import redact, redact_url

LONGEST = 600
"""Characters of one outside text in a message; renderers cut further where they must."""


def outside(text: str, *, code: bool = False, limit: int = LONGEST) -> Value:
    """Take text from outside into a message: without secrets, and cut."""
    return Value(clipped(_redacted(text), limit), code)


def safe(text: Text) -> Text:
    """Take secrets out of the values of a text."""
    return tuple(_safe(part) for part in text)


def _safe(part: Part) -> Part:
    match part:
        case Value(text=text, code=code):
            return outside(text, code=code)
        case Link(label=label, url=url):
            return Link(_redacted(label), redact_url(url))
        case _:
            return part


def one_line(text: str, limit: int = 150) -> str:
    """Fold white space, take secrets out, and cut."""
    return clipped(_redacted(" ".join(text.split())), limit)


def clipped(text: str, limit: int) -> str:
    """Cut with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def link(label: str, url: str) -> Link:
    """Make a link; a secret in its address is taken out."""
    return Link(label, redact_url(url))


def bold(text: str) -> Own:
    """Our own words, to be seen first."""
    return Own(text, "bold")


def as_of(moment: datetime | None, section: datetime | None = None) -> Text:
    """Say how old a fact is, unless its section says so already; to the minute, as more would change all the time."""
    if moment is None or minute(moment) == section:
        return ()
    return (Own(" (as of "), Instant(minute(moment)), Own(")"))


def shared_minute(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the minute that most of a section's facts are of, the latest of several; None when none has an age."""
    counted = Counter(minute(moment) for moment in moments if moment)
    return max(counted, key=lambda each: (counted[each], each), default=None)


def minute(moment: datetime) -> datetime:
    """Leave out what is less than a minute."""
    return moment.replace(second=0, microsecond=0)


def count(number: int, word: str) -> str:
    """Write a number with its noun: "1 alert", "3 alerts"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def listed(parts: Iterable[Part], separator: str = ", ") -> Text:
    """Put a separator between parts."""
    text: list[Part] = []
    for part in parts:
        text += [Own(separator), part] if text else [part]
    return tuple(text)


@lru_cache(maxsize=8192)
def _redacted(text: str) -> str:
    return redact(text)
