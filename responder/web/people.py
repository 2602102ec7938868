"""The people who may decide: known by their token at the API, by their member ID in Slack, never by the webhook's."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from responder.settings.acting import Person as PersonSettings


@dataclass(frozen=True, slots=True)
class Person:
    """A named person with the roles that rules ask for."""

    name: str
    roles: tuple[str, ...] = ()


class People:
    """Recognises people. Tokens are kept as digests: they compare in constant time, and cannot be printed."""

    def __init__(self, settings: Mapping[str, PersonSettings]) -> None:
        self._tokens: list[tuple[bytes, Person]] = []
        self._slack: dict[str, Person] = {}
        for name, one in settings.items():
            person = Person(name, tuple(one.roles))
            if one.token is not None:
                self._tokens.append((digest_of(one.token.get_secret_value()), person))
            if one.slack:
                self._slack[one.slack] = person

    @property
    def have_tokens(self) -> bool:
        """Whether anybody at all could be recognised at the API."""
        return bool(self._tokens)

    def by_header(self, header: str) -> Person | None:
        """Recognise who sent this Authorization header; None for nobody."""
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        offered = digest_of(credentials.strip())
        found = None
        for known, person in self._tokens:  # without an early end, so that the time tells nothing
            if hmac.compare_digest(offered, known):
                found = person
        return found

    def by_slack(self, member: str) -> Person | None:
        """Recognise a member of the Slack workspace; None for nobody."""
        return self._slack.get(member)


def digest_of(text: str) -> bytes:
    """Digest what a header held; aiohttp decodes bytes that are not UTF-8 to lone surrogates."""
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
