"""The one table that says which HTTP answers are worth another try."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from responder.errors import CallError, NotLetIn, PermanentError, TransientError
from responder.model.redaction import redact

TRANSIENT = frozenset({408, 425, 429})
"""Refusals of a client's request that end by waiting; every 5xx does too, but for those in `FINAL`."""
FINAL = frozenset({501, 505})
"""Answers of a server that will not change by waiting."""
NOT_LET_IN = frozenset({401, 403})
"""Refusals of whoever asks, not of what was asked."""
LONGEST_WAIT = timedelta(hours=1)
LONGEST_QUOTE = 300
"""Characters of the other side's own words that an error carries."""

_CURES = {
    401: "check the credentials in the settings",
    403: "the credentials in the settings lack the right",
    404: "check the address in the settings",
    413: "the request is too large",
}


def worth_retrying(status: int) -> bool:
    """Say whether the same request may succeed later."""
    return status in TRANSIENT or (status >= 500 and status not in FINAL)


def error_of(status: int, *, asked: str, said: str = "", headers: Mapping[str, str] | None = None) -> CallError | None:
    """
    Turn an answer into the error that it means; None for a 2xx.

    `asked` names the request without secrets; `said` is the other side's own explanation.
    """
    if 200 <= status < 300:
        return None
    message = f"{asked} answered {status}{_phrase(status)}{_explanation(status, said)}"
    if worth_retrying(status):
        return TransientError(message, delay=retry_after(headers or {}))
    return NotLetIn(message) if status in NOT_LET_IN else PermanentError(message)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """Read Retry-After, seconds or a date, at most `LONGEST_WAIT`; None where it is missing or senseless."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - (now or datetime.now(UTC)), timedelta(0)), LONGEST_WAIT)


def quote(said: str) -> str:
    """Cut and redact words of the other side, on one line."""
    return redact(" ".join(said.split())[: 4 * LONGEST_QUOTE])[:LONGEST_QUOTE]


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _explanation(status: int, said: str) -> str:
    words = quote(said) or _CURES.get(status, "")
    if not words and 300 <= status < 400:
        words = "a redirect, which is not followed here: check the address in the settings"
    return f": {words}" if words else ""
