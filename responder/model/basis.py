"""What no longer is as it was when people agreed to it, in words for them."""

from collections.abc import Iterator, Mapping

from responder.model.verdict import Json

DIGEST = "#"
"""Before a value of which only a digest is kept: it tells one from another, and is not shown."""
_LONGEST = 100


def moved(
    was: Mapping[str, Json], now: Mapping[str, Json], *, when: str = "", by: Mapping[str, str] | None = None
) -> Iterator[str]:
    """
    Yield a sentence for each fact that is another one now; `when` is that of the first ("ann approved").

    `by` tells who changed what a fact tells of: "kubectl-edit at 12:03 UTC". Of a fact that has parts, only those that
    differ are told.
    """
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            who = (by or {}).get(name, "")
            parts = ", ".join(_parts(before, after))
            yield f"{name} was changed{_after(' by ', who)}{_after(' since ', when)} ({parts})"
        else:
            yield f"{name} was {_shown(before)}{_after(' when ', when)}, is {_shown(after)} now"


def since(was: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """
    Return who wrote each fact last, where that is somebody else or a later time than before.

    Who takes a field away is named by nothing that stays: then it is not who wrote it before that did.
    """
    return {name: who for name, who in now.items() if who and who != was.get(name)}


def _parts(was: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before != after:
            told = _is_told(before) and _is_told(after)
            yield f"{name} {_shown(before)} -> {_shown(after)}" if told else name


def _is_told(value: Json) -> bool:
    return value is not None and not str(value).startswith(DIGEST)


def _shown(value: Json) -> str:
    if value is None:
        return "not there"
    return "there" if isinstance(value, Mapping) else str(value)[:_LONGEST]


def _after(word: str, text: str) -> str:
    return f"{word}{text}" if text else ""
