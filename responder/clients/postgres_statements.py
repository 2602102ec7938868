"""What can be told of a statement of SQL by its words: which of its arguments it uses, and that it stays inside."""

import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([A-Za-z_]\w*|)\$.*?\$\1\$"
    r"|[A-Za-z_][\w$]*|\$(\d+)",
    re.DOTALL,
)
_ENDS = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"})
_ESCAPED = 'U&"'
_OUTSIDE = re.compile(
    r"pg_(terminate|cancel)_backend|pg_reload_conf|pg_promote|pg_switch_wal|pg_rotate_logfile|dblink\w*|lo_export"
    r"|setval|pg_advisory_lock\w*|pg_drop_replication_slot|pg_create_\w+_slot|pg_stat\w*_reset\w*|pg_wal_replay_\w+"
    r"|pg_create_restore_point|query_to_xml\w*|ts_stat",
    re.IGNORECASE,
)


def refusal(sql: str) -> str:
    """Say why a statement cannot be part of a transaction that is rolled back on trial; "" when nothing is known."""
    words = list(_words(sql))
    if not words:
        return "there is no statement"
    if words[0].lower() == "do":
        return "DO runs a program that nobody can look through: write its statements instead"
    if _ESCAPED in words:
        return 'a name written as U&"..." cannot be read: write it as it is'
    if words[0].lower() in _ENDS:
        return f"{words[0].upper()} is not for actions: all statements are one transaction already"
    outside = next((word for word in words if _OUTSIDE.fullmatch(word)), "")
    if outside:
        return f"{outside} acts outside of the transaction: it could not be tried and rolled back"
    lowered = [word.lower() for word in words]
    return "COPY of files and programs acts outside of the database" if lowered[0] == "copy" else ""


def _words(sql: str) -> Iterator[str]:
    """Yield the names and key words outside of texts and comments, those in quotes too: they are the same names."""
    for found in _TOKEN.finditer(sql):
        word = found.group()
        if word[0] == '"':
            before = sql[max(found.start() - 2, 0) : found.start()].lower()
            yield _ESCAPED if before == "u&" else word[1:-1].replace('""', '"')
        elif (word[0].isalpha() and "'" not in word) or word[0] == "_":
            yield word


def numbered(sql: str, args: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """Return the statement with its own placeholders counted from 1, and the arguments in that order."""
    used = sorted({int(found.group(2)) for found in _TOKEN.finditer(sql) if found.group(2)})
    if used and (used[-1] > len(args) or used[0] < 1):
        raise ValueError(f"${used[-1]} is used, and there are {len(args)} arguments")
    places = {number: place for place, number in enumerate(used, start=1)}

    def renumber(found: re.Match[str]) -> str:
        return f"${places[int(found.group(2))]}" if found.group(2) else found.group()

    return _TOKEN.sub(renumber, sql), tuple(args[number - 1] for number in used)
