"""What can be told of a statement of SQL by its words: which of its arguments it uses, and that it stays inside."""

import re
from collections.abc import Sequence

_TOKEN = re.compile(
    r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([A-Za-z_]\w*)?\$.*?\$\1?\$"
    r"|[A-Za-z_][\w$]*|\$(\d+)",
    re.DOTALL,
)
_ENDS = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"})
_OUTSIDE = re.compile(
    r"pg_(terminate|cancel)_backend|pg_reload_conf|pg_promote|pg_switch_wal|pg_rotate_logfile|dblink\w*|lo_export"
    r"|setval|pg_advisory_lock\w*|pg_drop_replication_slot|pg_create_\w+_slot",
    re.IGNORECASE,
)


def refusal(sql: str) -> str:
    """Say why a statement cannot be part of a transaction that is rolled back on trial; "" when nothing is known."""
    words = [found.group() for found in _TOKEN.finditer(sql) if found.group()[0].isalpha() or found.group()[0] == "_"]
    if not words:
        return "there is no statement"
    if words[0].lower() in _ENDS:
        return f"{words[0].upper()} is not for actions: all statements are one transaction already"
    outside = next((word for word in words if _OUTSIDE.fullmatch(word)), "")
    if outside:
        return f"{outside} acts outside of the transaction: it could not be tried and rolled back"
    lowered = [word.lower() for word in words]
    return "COPY of files and programs acts outside of the database" if lowered[0] == "copy" else ""


def numbered(sql: str, args: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """Return the statement with its own placeholders counted from 1, and the arguments in that order."""
    used = sorted({int(found.group(2)) for found in _TOKEN.finditer(sql) if found.group(2)})
    if used and (used[-1] > len(args) or used[0] < 1):
        raise ValueError(f"${used[-1]} is used, and there are {len(args)} arguments")
    places = {number: place for place, number in enumerate(used, start=1)}

    def renumber(found: re.Match[str]) -> str:
        return f"${places[int(found.group(2))]}" if found.group(2) else found.group()

    return _TOKEN.sub(renumber, sql), tuple(args[number - 1] for number in used)
