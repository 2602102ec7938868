"""HTTP to the addresses that rules and receivers name: credentials go to their own host only, redirects stay there."""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from yarl import URL

from responder.clients import tls
from responder.clients.wire import Exchange, Network, Wire
from responder.errors import NotConfigured, PermanentError
from responder.model.outside import HttpAnswer
from responder.settings.sections import Endpoint

LINK_LOCAL: tuple[Network, ...] = (
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv6Network("fe80::/10"),
    ipaddress.IPv6Network("fd00:ec2::254/128"),
)
"""Where clouds serve the credentials of the machine; nothing that a rule checks lives there."""
MOST_REDIRECTS = 5
_FOLLOWED_BY_ANY_METHOD = frozenset({307, 308})
_FOLLOWED_BY_GET = frozenset({301, 302, 303, *_FOLLOWED_BY_ANY_METHOD})


@dataclass(frozen=True, slots=True)
class Policy:
    """`refuse` are networks never connected to; `redirects` False follows none, also not within the same host."""

    refuse: Sequence[Network] = LINK_LOCAL
    redirects: bool = True


class Http:
    """
    Asks servers over HTTP; `credentials` are the named logins of the settings, each bound to its URL's origin.

    `once` is for actions: what may change something is never sent a second time, and raises Unanswered when it was sent
    and not answered.
    """

    def __init__(
        self, *, credentials: Mapping[str, Endpoint] | None = None, policy: Policy | None = None, once: bool = False
    ) -> None:
        self._credentials = credentials or {}
        self._policy = policy or Policy()
        self._wire = Wire(refuse=self._policy.refuse, once=once)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials: str = "",
        timeout: timedelta = timedelta(seconds=8),
        limit_bytes: int = 1_000_000,
        redirects: bool = True,
    ) -> HttpAnswer:
        """
        Ask once; redirects are followed within the same host, others are the answer.

        Raises: TransientError when there was no answer, UntrustedCertificate, NotConfigured for unknown credentials,
        PermanentError for a URL that may not be asked.
        """
        address = _address(url)
        endpoint = self._login(credentials, address) if credentials else None
        sent = Exchange(
            method=method.upper(),
            url=address,
            headers={**(headers or {}), **(login_headers(endpoint) if endpoint else {})},
            body=body,
            tls=tls.context(endpoint.tls) if endpoint else None,
            timeout=timeout,
            limit_bytes=limit_bytes,
        )
        if not (redirects and self._policy.redirects):
            return (await self._wire.send(sent)).answer
        return await self._follow(sent, may_upgrade=endpoint is None)

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    async def _follow(self, exchange: Exchange, *, may_upgrade: bool) -> HttpAnswer:
        left = exchange.timeout
        for _ in range(MOST_REDIRECTS + 1):
            answer = (await self._wire.send(exchange)).answer
            target = _redirect(answer, exchange, may_upgrade=may_upgrade)
            if target is None:
                return answer
            left = max(left - answer.took, timedelta(milliseconds=1))
            exchange = replace(exchange, url=target, timeout=left)
        raise PermanentError(f"{exchange.asked}: more than {MOST_REDIRECTS} redirects")

    def _login(self, name: str, address: URL) -> Endpoint:
        endpoint = self._credentials.get(name)
        if endpoint is None:
            known = ", ".join(sorted(self._credentials)) or "none"
            raise NotConfigured(f"credentials.{name} is not in the settings; there are: {known}")
        if _address(endpoint.url).origin() != address.origin():
            raise PermanentError(f"credentials.{name} are for {_address(endpoint.url).origin()} only")
        return endpoint


def login_headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers that let us in."""
    headers = {name: secret.get_secret_value() for name, secret in endpoint.headers.items()}
    if endpoint.bearer_token is not None:
        headers["Authorization"] = f"Bearer {endpoint.bearer_token.get_secret_value()}"
    elif endpoint.username or endpoint.password is not None:
        password = endpoint.password.get_secret_value() if endpoint.password else ""
        headers["Authorization"] = f"Basic {b64encode(f'{endpoint.username}:{password}'.encode()).decode()}"
    return headers


@lru_cache(maxsize=1024)
def _address(url: str) -> URL:
    try:
        address = URL(url)
    except ValueError as error:
        raise PermanentError(f"not a URL: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise PermanentError("only http:// and https:// addresses with a host can be asked")
    if address.user is not None or address.password is not None:
        raise PermanentError("credentials do not belong into a URL: name an entry of `credentials` in the settings")
    return address


def _redirect(answer: HttpAnswer, exchange: Exchange, *, may_upgrade: bool) -> URL | None:
    """
    Find where to ask next; None where the answer stands.

    It stands when the way leads to another host or to less protection, and when following it would turn a POST into a
    GET: an answer of 200 to that GET would pass for the delivery of a body that nobody got.
    """
    followed = _FOLLOWED_BY_GET if exchange.method in ("GET", "HEAD") else _FOLLOWED_BY_ANY_METHOD
    location = answer.headers.get("Location", "")
    if answer.status not in followed or not location:
        return None
    try:
        target = _address(str(exchange.url.join(URL(location))))
    except (ValueError, PermanentError):
        return None
    if target.origin() == exchange.url.origin():
        return target
    upgrade = target.host == exchange.url.host and (exchange.url.scheme, target.scheme) == ("http", "https")
    return target if upgrade and may_upgrade else None
