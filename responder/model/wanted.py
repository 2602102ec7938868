"""Inputs: what a person is asked for when approving, typed from what the rules carry, and their values checked."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from responder.model.duration import parse_duration
from responder.model.regex import compile_regex
from responder.model.secrecy import SECRET
from responder.model.verdict import Json

_LIST = re.compile(r"list\((.*)\)")
_MOST_ITEMS = 200
_LONGEST = 1_000
"""Characters of one value."""
_LONGEST_SECRET = 16_384
"""Characters of a secret: a certificate with its chain."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One input: its type, what is meant, the pattern (RE2) of the whole value, expressions for what is refused."""

    type: str = "string"
    describe: str = ""
    suggest: str = ""
    pattern: str = ""
    refuse: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether its value must be shown and stored nowhere."""
        return self.type == SECRET


def wanted_of(written: Json) -> Wanted:
    """Type an input as a playbook carries it. Raises: ValueError."""
    if not isinstance(written, Mapping):
        raise ValueError("its declaration cannot be read")
    texts = {name: written.get(name, "") for name in ("describe", "suggest", "pattern")}
    refuse = written.get("refuse", [])
    kind = written.get("type", "string")
    unknown = set(written) - {"type", "refuse", *texts}
    fitting = all(isinstance(text, str) for text in (kind, *texts.values(), *(refuse or [])))
    if unknown or not isinstance(refuse, list | tuple) or not fitting:
        raise ValueError("its declaration cannot be read")
    if texts["pattern"]:
        compile_regex(texts["pattern"])
    return Wanted(kind, refuse=tuple(refuse), **texts)


def typed(wanted: Wanted, value: Json) -> Json:
    """
    Type a value that a person gave, as JSON or as text; refusals by expressions are not looked at here.

    Raises: ValueError, which says what is wanted.
    """
    if wanted.secret:
        raise ValueError("a secret is no value among others")
    listed = _LIST.fullmatch(wanted.type)
    if listed is None:
        return _one(wanted.type, wanted.pattern, value)
    items = [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("a list is wanted")
    if len(items) > _MOST_ITEMS:
        raise ValueError(f"at most {_MOST_ITEMS} are taken")
    return [_one(listed[1], wanted.pattern, item) for item in items]


def secret_of(wanted: Wanted, value: Json) -> str:
    """Check a secret that a person gave. Raises: ValueError, which never repeats it."""
    if not isinstance(value, str) or not value:
        raise ValueError("a text is wanted that is not empty")
    if len(value) > _LONGEST_SECRET or "\0" in value:
        raise ValueError(f"at most {_LONGEST_SECRET} characters of text are taken")
    if wanted.pattern and not compile_regex(wanted.pattern).fullmatch(value):
        raise ValueError(f"it has to match {wanted.pattern}")
    return value


def suggested(wanted: Wanted, value: Json) -> Json:
    """
    Type a value that an expression suggests; of a list what does not fit is left out.

    Raises: ValueError where nothing is left to suggest.
    """
    if not _LIST.fullmatch(wanted.type) or not isinstance(value, list | tuple):
        return typed(wanted, value)
    fitting: list[Json] = []
    for item in value[:_MOST_ITEMS]:
        try:
            fitting += typed(wanted, [item])
        except ValueError:
            continue
    if not fitting:
        raise ValueError("there is nothing to suggest")
    return fitting


def _one(kind: str, pattern: str, value: Json) -> Json:
    if isinstance(value, str) and (len(value) > _LONGEST or not value.isprintable()):
        raise ValueError("it is too long, or has characters that are no text")
    made = _made(kind, value)
    if pattern and not compile_regex(pattern).fullmatch(str(made)):
        raise ValueError(f"it has to match {pattern}")
    return made


def _made(kind: str, value: Json) -> Json:
    match kind:
        case "int":
            return _int(value)
        case "double":
            return _double(value)
        case "bool":
            return _bool(value)
    if not isinstance(value, str):
        raise ValueError(f"a {kind} is wanted")
    match kind:
        case "string":
            return value
        case "duration":
            parse_duration(value)
            return value
        case "cidr":
            return str(ipaddress.ip_network(value))
        case "uuid":
            return str(UUID(value))
    raise ValueError(f"there is no type {kind}")


def _int(value: Json) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number is wanted")
    return value


def _double(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number is wanted")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number is wanted")
    return number


def _bool(value: Json) -> bool:
    known = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in known:
        return known[value]
    raise ValueError("true or false is wanted")
