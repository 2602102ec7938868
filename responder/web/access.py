"""Who may come in: bearer tokens, basic users, client certificates. Compared in constant time, never logged."""

import hmac
from base64 import b64decode
from binascii import Error
from enum import StrEnum

from aiohttp import web

from responder.errors import ConfigError
from responder.settings.process import Settings
from responder.web.answers import Refused
from responder.web.people import People, Person, digest_of

CHALLENGE = 'Bearer realm="responder", Basic realm="responder", charset="UTF-8"'

PERSON_CHALLENGE = 'Bearer realm="responder people"'

_CHALLENGED = {"WWW-Authenticate": CHALLENGE}
_WRONG_SENDER = (
    "wrong or no credentials: set authorization or basic_auth in http_config to what "
    "webhook.bearer_tokens or webhook.basic_users say"
)
_WRONG_READER = (
    "wrong or no credentials: send what webhook.bearer_tokens or webhook.basic_users say, "
    "or a person's own token (people.NAME.token)"
)


class Access(StrEnum):
    """What a route asks of its caller."""

    OPEN = "open"
    """Nothing: probes and scrapers."""
    READER = "reader"
    """A token or user, or a person's token; a client certificate where only those are set up."""
    SENDER = "sender"
    """A token or user, and a client certificate where `tls.client_ca` is set; a person's token is none."""
    PERSON = "person"
    """A person's own token: what the webhook is let in with is nobody's."""
    SIGNED = "signed"
    """Nothing here: the handler checks a signature over the body."""


class Gate:
    """
    Decides who may come in.

    Secrets are kept as digests: they compare in constant time whatever their length, and cannot be printed.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises: ConfigError when nobody is kept out and that is not written out."""
        webhook = settings.webhook
        self.people = People(settings.people)
        self._tokens = tuple(digest_of(token.get_secret_value()) for token in webhook.bearer_tokens)
        self._users = {name: digest_of(secret.get_secret_value()) for name, secret in webhook.basic_users.items()}
        self._certificates = settings.tls.client_ca is not None
        if not (self._tokens or self._users or self._certificates or webhook.allow_anonymous):
            raise ConfigError(
                "the webhook is open to everybody: set webhook.bearer_tokens (or RESPONDER_WEBHOOK__BEARER_TOKENS), "
                "webhook.basic_users or tls.client_ca; or, if you mean it, webhook.allow_anonymous: true"
            )

    def admit(self, request: web.BaseRequest, access: Access) -> None:
        """
        Let a request pass.

        Raises: Refused with 401 (wrong or no credentials) or 403 (no client certificate).
        """
        if access in (Access.OPEN, Access.SIGNED):
            return
        if access is Access.PERSON:
            self.person(request)
            return
        if access is Access.READER and self.people.by_header(_authorization(request)):
            return
        secrets = bool(self._tokens or self._users)
        needs_certificate = self._certificates and (access is Access.SENDER or not secrets)
        if needs_certificate and not _has_certificate(request):
            raise Refused(403, "a client certificate signed by tls.client_ca is needed: set tls_config in http_config")
        if secrets and not self._knows(_authorization(request)):
            raise Refused(401, _WRONG_READER if access is Access.READER else _WRONG_SENDER, headers=_CHALLENGED)

    def person(self, request: web.BaseRequest) -> Person:
        """
        Recognise the person who asks.

        Raises: Refused with 401 (not recognised) or 403 (nobody could be).
        """
        if not self.people.have_tokens:
            raise Refused(403, "nobody may decide here: set people.NAME.token, and the roles that the rules ask for")
        person = self.people.by_header(_authorization(request))
        if person is None:
            raise Refused(
                401,
                "only a person decides: send `Authorization: Bearer` with your own token (people.NAME.token); "
                "what the webhook is let in with is nobody's",
                headers={"WWW-Authenticate": PERSON_CHALLENGE},
            )
        return person

    def _knows(self, header: str) -> bool:
        scheme, _, credentials = header.partition(" ")
        match scheme.lower():
            case "bearer":
                return self._is_token(credentials.strip())
            case "basic":
                return self._is_user(credentials.strip())
        return False

    def _is_token(self, token: str) -> bool:
        offered = digest_of(token)
        return any([hmac.compare_digest(offered, known) for known in self._tokens])  # noqa: C419 (no early end)

    def _is_user(self, encoded: str) -> bool:
        try:
            name, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (Error, ValueError):
            return False
        known = self._users.get(name)
        return hmac.compare_digest(digest_of(password), known or digest_of("")) and known is not None


def _authorization(request: web.BaseRequest) -> str:
    return request.headers.get("Authorization", "")


def _has_certificate(request: web.BaseRequest) -> bool:
    """Say whether the caller showed a certificate; the handshake has verified it."""
    return bool(request.transport and request.transport.get_extra_info("peercert"))
