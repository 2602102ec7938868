"""Where in a URL a value may stand, and how it is written there."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a URL; `value` says that it came from outside."""

    text: str
    value: bool = False


def names_host(prefix: str) -> bool:
    """Say whether what follows would still be part of the scheme, host or port."""
    if prefix.startswith("//"):
        rest = prefix[2:]
    else:
        scheme, separator, rest = prefix.partition("://")
        if any(mark in scheme for mark in "/?#"):
            return False
        rest = rest if separator else ""
    return not any(mark in rest for mark in "/?#\\")


def encoded(text: str) -> str:
    """Percent-encode everything that is not unreserved."""
    return quote(text, safe="", encoding="utf-8", errors="replace")


def assemble(pieces: list[Piece]) -> str | None:
    """Put a URL together; None where a value would make a path segment empty, `.` or `..`."""
    url, spots = "", []
    for piece in pieces:
        if piece.value:
            spots.append((len(url), len(url) + len(piece.text)))
        url += piece.text
    end = min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))
    position = _path_start(url)
    for segment in url[position:end].split("/"):
        stop = position + len(segment)
        if segment in ("", ".", "..") and any(position <= first and last <= stop for first, last in spots):
            return None
        position = stop + 1
    return url


def _path_start(url: str) -> int:
    scheme = url.find("://")
    start = scheme + 3 if scheme >= 0 else 2 if url.startswith("//") else 0
    slash = url.find("/", start)
    return slash + 1 if slash >= 0 else len(url)
