"""
What every renderer does to text before its own escaping: secrets out, control characters out, lengths kept.

A value can hold terminal escapes, or characters that turn the direction of writing so that a command looks harmless.
"""

import re
from urllib.parse import urlsplit

from responder.model.labels import clean
from responder.model.redaction import redact, redact_url

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BREAKS = re.compile(r"\s*(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])\s*")
_RAW_LIMIT = 100_000
"""Characters of one value that are looked at, so that a monstrous one does not cost seconds."""


def one_line(text: str) -> str:
    """Return outside text as one harmless line: redacted, without control characters."""
    return _CONTROL.sub("", _BREAKS.sub(" ", redact(clean(text[:_RAW_LIMIT])))).replace("\t", " ")


def some_lines(text: str) -> str:
    """Return outside text harmless as `one_line` does, its line breaks kept as newlines."""
    return _CONTROL.sub("", redact(clean(text[:_RAW_LIMIT])).replace("\r\n", "\n").replace("\t", "    "))


def printable(text: str) -> str:
    """Return words of ours without control characters; nothing is redacted in them."""
    return _CONTROL.sub("", clean(text))


def code_lines(lines: tuple[str, ...], *, outside: bool) -> list[str]:
    """Return the lines of a code block, harmless; a line of outside text that holds several becomes several."""
    whole = "\n".join(lines)
    return (some_lines(whole) if outside else printable(redact(clean(whole)))).split("\n")


def web_url(url: str) -> str:
    """Return the URL if it is http(s) and has a host, redacted and without what could end it early; "" otherwise."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        return ""
    return "".join(_encode(char) for char in redact_url(clean(url.strip())))


def _encode(char: str) -> str:
    if char in "<>|\"'`\\^{} " or ord(char) < 0x21 or _CONTROL.match(char):
        return "".join(f"%{byte:02X}" for byte in char.encode())
    return char


def units(text: str) -> int:
    """Count UTF-16 code units: what JavaScript, and so many an API, calls the length."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def cut(text: str, room: int) -> str:
    """Return the text with at most `room` UTF-16 units; what was cut shows as an ellipsis."""
    if units(text) <= room:
        return text
    used, kept = 1, 0
    for char in text:
        used += 2 if char > "\uffff" else 1
        if used > room:
            break
        kept += 1
    return text[:kept].rstrip() + "…" if room > 0 else ""
