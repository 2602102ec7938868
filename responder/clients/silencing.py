"""Alertmanager's API v2 for actions: silences of a cluster are made, listed and ended at the first that answers."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from responder.clients.alertmanager import TIMEOUT, Alertmanager
from responder.clients.api import Api
from responder.errors import (
    CallError,
    NotLetIn,
    PermanentError,
    TransientError,
    Unanswered,
    UntrustedCertificate,
    WrongSettings,
)
from responder.model.answers import error_of
from responder.model.outside import AmAlert, AmSilence
from responder.settings.sections import AlertmanagerEndpoint

T = TypeVar("T")

_LARGEST = 1024 * 1024
_NOT_THIS_ONE = (TransientError, NotLetIn, UntrustedCertificate, WrongSettings)
"""What another Alertmanager of the cluster may not have; a refusal of the silence itself they would all repeat."""
_MATCHER = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(=~|!~|!=|=)"((?:[^"\\\n]|\\["\\n])*)"', re.ASCII)
_ESCAPE = re.compile(r"\\(.)")


class Silencing:
    """
    The Alertmanagers of one cluster, of which any may be asked: they tell each other.

    Satisfies `plugins.acting.Silences`.
    """

    def __init__(self, endpoints: Sequence[AlertmanagerEndpoint]) -> None:
        self._members = [_Member(endpoint) for endpoint in endpoints]

    async def silence(
        self, matchers: Sequence[str], *, starts_at: datetime, ends_at: datetime, by: str, comment: str
    ) -> str:
        """
        Create a silence and return its id.

        Raises: PermanentError for matchers that are none, Unanswered when it may have been created, CallError.
        """
        body = {
            "matchers": [_wire(matcher) for matcher in matchers],
            "startsAt": _moment(starts_at),
            "endsAt": _moment(ends_at),
            "createdBy": by,
            "comment": comment,
        }
        return await self._first(lambda member: member.create(body))

    async def silences(self) -> Sequence[AmSilence]:
        """List the silences there are, expired ones too. Raises: CallError."""
        return await self._first(lambda member: member.reading.silences())

    async def alerts(self) -> Sequence[AmAlert]:
        """List the alerts there are. Raises: CallError."""
        return await self._first(lambda member: member.reading.alerts())

    async def expire(self, silence: str) -> None:
        """End a silence; one that has ended already, or is not there, is no error. Raises: CallError, Unanswered."""
        await self._first(lambda member: member.expire(silence))

    async def close(self) -> None:
        """Close every connection."""
        for member in self._members:
            await member.close()

    async def _first(self, ask: Callable[["_Member"], Awaitable[T]]) -> T:
        """Ask one after the other until one answers; a change that may have been made is asked for nowhere else."""
        for member in self._members[:-1]:
            try:
                return await ask(member)
            except Unanswered:
                raise
            except _NOT_THIS_ONE:
                continue
        return await ask(self._members[-1])


class _Member:
    """One Alertmanager."""

    def __init__(self, endpoint: AlertmanagerEndpoint) -> None:
        self.reading = Alertmanager(endpoint)
        self._api = Api(endpoint, name="Alertmanager", timeout=TIMEOUT, limit_bytes=_LARGEST, once=True)

    async def create(self, body: Mapping[str, Any]) -> str:
        answer = await self._api.post_json("/api/v2/silences", body)
        if answer.status >= 500:
            raise Unanswered(f"Alertmanager answered {answer.status}; the silence may have been made")
        return str(self._api.read(answer)["silenceID"])

    async def expire(self, silence: str) -> None:
        answer = await self._api.delete(f"/api/v2/silence/{quote(silence, safe='')}")
        error: CallError | None = error_of(
            answer.status, asked="Alertmanager", said=answer.body[:2000].decode(errors="replace")
        )
        if error is not None and await self._stands(silence):
            raise error

    async def _stands(self, silence: str) -> bool:
        known = await self.reading.silences()
        return any(one.id == silence and one.state != "expired" for one in known)

    async def close(self) -> None:
        await self.reading.close()
        await self._api.close()


def _wire(matcher: str) -> dict[str, Any]:
    """Take a matcher apart as it is written: `alertname="A \\"quoted\\" name"`."""
    found = _MATCHER.fullmatch(matcher)
    if found is None:
        raise PermanentError(f'{matcher[:200]!r} is not a matcher: write name="value"')
    name, operator, value = found.groups()
    unescaped = _ESCAPE.sub(lambda escape: {"n": "\n"}.get(escape[1], escape[1]), value)
    return {"name": name, "value": unescaped, "isRegex": "~" in operator, "isEqual": operator in ("=", "=~")}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
