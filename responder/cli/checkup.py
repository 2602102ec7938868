"""How things are examined: many checks at once, each with a deadline, each outcome with its cure."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from responder.errors import CallError, NotLetIn, PermanentError, TransientError, UntrustedCertificate, WrongSettings
from responder.model.redaction import MARK, redact

CLOCK_OFF = timedelta(seconds=5)
"""Beyond it times in messages contradict one another, and windows and deadlines are missed."""
DEADLINE = timedelta(seconds=20)
_SHORTEST_SECRET = 4
"""Characters; hiding every "x" would leave nothing readable."""


class State(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, and what to do where it is not well."""

    what: str
    state: State
    detail: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at; `setting` is where it is set, for cures."""

    what: str
    look: Callable[[], Awaitable[Sequence[Finding]]]
    setting: str = ""
    deadline: timedelta = DEADLINE


async def examine(checks: Sequence[Check], told: Callable[[int], None] = lambda done: None) -> list[Finding]:
    """Look at everything at once; answers in the order of the checks. `told` hears how many have ended."""
    done = 0

    async def one(check: Check) -> Sequence[Finding]:
        nonlocal done
        try:
            return await _look(check)
        finally:
            done += 1
            told(done)

    outcomes = await asyncio.gather(*map(one, checks), return_exceptions=True)
    found: list[Finding] = []
    for check, outcome in zip(checks, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            what = f"{type(outcome).__name__}: {str(outcome)[:200]}"
            found.append(Finding(check.what, State.FAILED, what, "a defect of Responder: please report it"))
        else:
            found += outcome
    return found


async def _look(check: Check) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(check.deadline.total_seconds()):
            return await check.look()
    except TimeoutError:
        detail = f"no answer within {check.deadline.total_seconds():g} s"
        return (
            Finding(check.what, State.FAILED, detail, f"see that it is up, and that we reach it ({check.setting})"),
        )
    except CallError as error:
        return (failed(check.what, error, check.setting),)


def failed(what: str, error: CallError, setting: str) -> Finding:
    """Say what is wrong with a system that could not be asked, and what cures it."""
    match error:
        case NotLetIn():
            cure = f"correct the login: {setting}"
        case UntrustedCertificate():
            cure = f"renew the certificate there, or name its authority: {setting}"
        case WrongSettings():
            cure = f"correct {setting}"
        case TransientError():
            cure = f"see that it is up, and that we reach it: {setting}"
        case PermanentError():
            cure = f"correct what it refuses, or {setting}"
        case _:
            cure = f"look at {setting}"
    return Finding(what, State.FAILED, str(error), cure)


@dataclass(slots=True)
class Watch:
    """Compares another clock with ours; `now` is ours, read before the question and after the answer."""

    now: Callable[[], datetime]
    asked: datetime

    @classmethod
    def start(cls, now: Callable[[], datetime]) -> "Watch":
        """Begin just before the question."""
        return cls(now, now())

    def off(self, theirs: datetime | str | float | None) -> timedelta | None:
        """
        Say how far the other clock is ahead of ours, at the least; None where the answer tells no time.

        The time may be a text as HTTP writes it, or seconds since 1970.
        """
        at = _moment(theirs)
        if at is None:
            return None
        answered = self.now()
        grain = timedelta(seconds=1) if isinstance(theirs, str) else timedelta(0)
        if at + grain < self.asked:
            return at + grain - self.asked
        return max(at - answered, timedelta(0))


def _moment(theirs: datetime | str | float | None) -> datetime | None:
    if isinstance(theirs, datetime):
        return theirs
    try:
        if isinstance(theirs, int | float):
            return datetime.fromtimestamp(theirs, UTC)
        return parsedate_to_datetime(theirs).astimezone(UTC) if theirs else None
    except (ValueError, OverflowError, OSError):
        return None


def timed(finding: Finding, off: timedelta | None) -> Finding:
    """Add to a finding that the clocks differ, where they do too much."""
    if off is None or abs(off) <= CLOCK_OFF or finding.state is State.FAILED:
        return finding
    direction = "ahead of" if off > timedelta(0) else "behind"
    said = f"its clock is {abs(off.total_seconds()):.0f} s {direction} ours"
    return replace(
        finding,
        state=State.FAILED,
        detail=f"{finding.detail}; {said}" if finding.detail else said,
        cure="set both clocks by NTP (chrony, systemd-timesyncd): timedatectl shows whether ours is",
    )


def without_secrets(findings: Iterable[Finding], settings: BaseModel) -> list[Finding]:
    """Take out of every text each secret of the settings, and whatever looks like one."""
    known = sorted({text for text in _secrets(settings) if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(text: str) -> str:
        return pattern.sub(MARK, text) if pattern else text

    # A cure is our own text, and may name settings that look like secrets.
    return [replace(one, detail=redact(clean(one.detail)), cure=clean(one.cure)) for one in findings]


def _secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield from _parts(value.get_secret_value())
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name))
        case dict():
            for each in value.values():
                yield from _secrets(each)
        case list() | tuple():
            for each in value:
                yield from _secrets(each)


def _parts(secret: str) -> Iterator[str]:
    """Of an address of a database only the password is secret; of any other, its path and query."""
    parts = urlsplit(secret) if "://" in secret else None
    if parts is None:
        yield secret
        return
    if parts.password:
        yield from (parts.password, unquote(parts.password))
    if parts.scheme in ("http", "https"):
        yield from (secret, parts.path.strip("/"), parts.query)
