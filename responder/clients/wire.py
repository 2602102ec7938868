"""One pool of HTTP connections: one exchange at a time, bounded in time and size, every error mapped."""

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from responder.errors import CallError, PermanentError, TransientError, Unanswered, UntrustedCertificate
from responder.model.duration import format_duration
from responder.model.outside import HttpAnswer

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECTIONS = 64
CONNECTIONS_PER_HOST = 10
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_REFUSED = "the settings refuse this address (http.refuse)"
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_ENCODINGS = {"gzip": 47, "x-gzip": 47, "deflate": 47}
"""zlib's window bits by Content-Encoding; 47 reads gzip and zlib headers alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request: `timeout` spans all of it; the body of the answer is cut at `limit_bytes`."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    tls: ssl.SSLContext | None = None
    timeout: timedelta
    limit_bytes: int

    @property
    def asked(self) -> str:
        """Name the request by its origin alone: secrets stand in paths (incoming webhooks) and queries."""
        return f"{self.method} {self.url.origin()}"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; `cut` says that its body was longer."""

    answer: HttpAnswer
    cut: bool = False


@dataclass(slots=True)
class _Fate:
    """Whether a request has begun to leave us."""

    left: bool = False


class Wire:
    """
    Connections to many hosts; `refuse` are networks that are never connected to.

    With `once` nothing is ever sent a second time, and what may change something and is not answered is told apart.
    """

    def __init__(self, *, refuse: Sequence[Network] = (), once: bool = False) -> None:
        self._refuse = tuple(refuse)
        self._once = once
        self._session: aiohttp.ClientSession | None = None

    async def send(self, exchange: Exchange) -> Received:
        """
        Ask once, without following redirects; any status is an answer.

        Raises: TransientError when there is none, UntrustedCertificate, PermanentError when there can be none; with
        `once` Unanswered when a change was asked for and no answer came.
        """
        fate = _Fate()
        try:
            async with asyncio.timeout(exchange.timeout.total_seconds()):
                return await self._ask(exchange, fate)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            why = _mapped(error, exchange)
            if self._once and fate.left and exchange.method not in _SAFE:
                raise Unanswered(f"{why}; it may have been done") from error
            raise why from error

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, exchange: Exchange, fate: _Fate) -> Received:
        began = time.perf_counter()
        async with self._open().request(
            exchange.method,
            exchange.url,
            headers=exchange.headers,
            data=exchange.body,
            ssl=exchange.tls or True,
            allow_redirects=False,
            trace_request_ctx=fate,
        ) as response:
            body, cut = await _read(response, exchange.limit_bytes)
            answer = HttpAnswer(
                status=response.status,
                headers=CIMultiDictProxy(CIMultiDict(response.headers)),
                body=body,
                took=timedelta(seconds=time.perf_counter() - began),
                tls_expires_at=response.tls_expires_at if isinstance(response, _Response) else None,
            )
            return Received(answer, cut)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS,
                    limit_per_host=CONNECTIONS_PER_HOST,
                    socket_factory=self._socket,
                    force_close=self._once,
                ),
                trace_configs=[_fates()],
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "responder", "Accept-Encoding": "gzip, deflate"},
                auto_decompress=False,
                response_class=_Response,
            )
            self._session._retry_connection = not self._once  # else aiohttp sends PUT and DELETE again by itself
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        """Look at the address that is really connected to, after the name was resolved."""
        family, kind, protocol, _, (host, *_) = address
        reached = ipaddress.ip_address(host.partition("%")[0])
        if any(one in network for one in (reached, *_inside(reached)) for network in self._refuse):
            raise PermissionError(errno.EACCES, _REFUSED)
        return socket.socket(family, kind, protocol)


def _inside(reached: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address leads to: mapped, translated (NAT64) or tunnelled (6to4)."""
    if isinstance(reached, ipaddress.IPv6Address):
        yield from filter(None, (reached.ipv4_mapped, reached.sixtofour))
        if reached in _TRANSLATED:
            yield ipaddress.IPv4Address(int(reached) & 0xFFFF_FFFF)


class _Response(aiohttp.ClientResponse):
    """Remembers the end of the certificate while the connection is still at hand."""

    tls_expires_at: datetime | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        transport = connection.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        if certificate and "notAfter" in certificate:
            self.tls_expires_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        return await super().start(connection)


def _fates() -> aiohttp.TraceConfig:
    """Note when a request begins to leave; nothing before that can have had an effect."""

    async def left(session: Any, context: Any, headers: Any) -> None:
        context.trace_request_ctx.left = True

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(left)
    return config


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """Read at most `limit` bytes as they are after decompression; say whether there was more."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    inflate = zlib.decompressobj(_ENCODINGS[encoding]) if encoding in _ENCODINGS else None
    if inflate is None and encoding not in ("", "identity"):
        raise ValueError(f"the answer is encoded as {encoding[:20]}, which was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_any():
        try:
            body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate else chunk
        except zlib.error as error:
            raise aiohttp.ClientPayloadError(f"bad {encoding} data") from error
        if len(body) > limit:
            response.close()
            return bytes(body[:limit]), True
    return bytes(body), False


def _mapped(error: Exception, exchange: Exchange) -> CallError:
    match error:
        case TimeoutError():
            return TransientError(f"{exchange.asked}: no answer within {format_duration(exchange.timeout)}")
        case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
            why = getattr(reason, "verify_message", "") or str(reason)
            return UntrustedCertificate(f"{exchange.asked}: the TLS certificate is not valid: {why}")
        case aiohttp.ClientConnectorDNSError():
            return TransientError(f"{exchange.asked}: the host name is not known")
        case aiohttp.ClientConnectorError() if _REFUSED in str(error):
            return PermanentError(f"{exchange.asked}: {_REFUSED}")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return PermanentError(f"{exchange.asked}: TLS failed: {_reason(error)}")
        case aiohttp.ClientConnectorError():
            return TransientError(f"{exchange.asked}: cannot connect: {_reason(error)}")
        case aiohttp.InvalidURL() | ValueError():
            return PermanentError(f"{exchange.asked}: cannot be sent: {str(error)[:200]}")
    return TransientError(f"{exchange.asked}: the connection broke: {str(error)[:200] or type(error).__name__}")


def _reason(error: BaseException) -> str:
    inner = getattr(error, "os_error", error)
    return getattr(inner, "reason", None) or getattr(inner, "strerror", None) or type(inner).__name__
