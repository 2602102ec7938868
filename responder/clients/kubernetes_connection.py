"""
The way to one API server: configuration, credentials, deadline. What an answer means is said elsewhere.

Importing kubernetes_asyncio costs a third of a second and 40 MiB: only where a cluster is configured is this module
loaded. Its ApiClient brings credentials and TLS; requests go through its session as raw bytes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import yaml
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
from yarl import URL

from responder.errors import CallError, TransientError, Unanswered, UntrustedCertificate, WrongSettings
from responder.settings.sections import KubernetesAccess

USER_AGENT = "alertmanager-responder"
RENEW_EVERY = 30.0
"""Seconds between two readings of the credentials; longer than any call, so that a retired session is idle."""

_UNREADABLE = (
    ConfigException,
    OSError,
    yaml.YAMLError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    AssertionError,
)


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request. `path` is encoded already. `what` names it in errors.

    At most `limit_bytes` of the answer are kept: the last ones with `newest`, else the first ones. `writes` says that
    the server may have done something when its answer is lost. `deadline` replaces that of the connection.
    """

    path: str
    what: str
    query: tuple[tuple[str, str], ...] = ()
    accept: str = "application/json"
    limit_bytes: int = 64 * 1024 * 1024
    newest: bool = False
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    writes: bool = False
    deadline: timedelta | None = None


class Sent(aiohttp.BytesPayload):
    """A body that counts how often it went out: without it no server acts, twice means that one answer was lost."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.times = 0

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        """Write the body."""
        self.times += 1
        await super().write_with_length(writer, content_length)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `cut` says that bytes of the body were left out."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: bool = False


class Connection:
    """One API server. Connects at the first call; a refused credential is read again from its source, once."""

    def __init__(
        self, access: KubernetesAccess, *, deadline: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._deadline = deadline.total_seconds()
        self._clock = clock
        self._api: ApiClient | None = None
        self._retired: ApiClient | None = None
        self._read_at = 0.0
        self._opening = asyncio.Lock()

    async def ask(self, call: Call) -> Answer:
        """
        Ask, whatever the status that comes back.

        Raises: TransientError when nothing came within the deadline, Unanswered when that was a write that had gone
        out, WrongSettings when the access cannot work.
        """
        sent = Sent(call.body or b"")
        seconds = call.deadline.total_seconds() if call.deadline else self._deadline
        try:
            async with asyncio.timeout(seconds):
                api = await self._open()
                answer = await self._once(api, call, sent)
                if answer.status == 401 and await self._renew(api):
                    sent = Sent(call.body or b"")
                    answer = await self._once(await self._open(), call, sent)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise unreachable(error, call.what, seconds, doubtful=call.writes and bool(sent.times)) from error
        if call.writes and sent.times > 1 and answer.status >= 400:
            raise Unanswered(f"The API server broke the connection when asked to {call.what}: it may have done it")
        return answer

    async def session(self) -> tuple[ApiClient, dict[str, str]]:
        """Return the session's client and the headers that let us in, for what is no plain request."""
        api = await self._open()
        headers = {"User-Agent": USER_AGENT}
        await api.update_params_for_auth(headers, [], ["BearerToken"])
        return api, headers

    async def close(self) -> None:
        """Close the sessions."""
        clients, self._api, self._retired = (self._api, self._retired), None, None
        for api in clients:
            if api is not None:
                await api.close()

    async def _open(self) -> ApiClient:
        async with self._opening:
            if self._api is None:
                self._api = await self._read()
            return self._api

    async def _renew(self, refused: ApiClient) -> bool:
        async with self._opening:
            if self._api is not refused:
                return True
            if self._clock() - self._read_at < RENEW_EVERY:
                return False
            fresh = await self._read()
            if self._retired is not None:
                await self._retired.close()
            self._retired, self._api = self._api, fresh
            return True

    async def _read(self) -> ApiClient:
        configuration = Configuration()
        self._read_at = self._clock()
        try:
            if self._access.kubeconfig is not None:
                self._access.kubeconfig.stat()  # of a missing file the library says that it lacks a context
                await load_kube_config(
                    config_file=str(self._access.kubeconfig),
                    context=self._access.context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
            else:
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            return ApiClient(configuration)
        except TimeoutError:
            raise
        except _UNREADABLE as error:
            source = self._access.kubeconfig or "the pod's service account"
            raise WrongSettings(f"No access to the cluster from {source}: {_reason(error)}") from error

    async def _once(self, api: ApiClient, call: Call, sent: Sent) -> Answer:
        headers = {"Accept": call.accept, "User-Agent": USER_AGENT, **dict(call.headers)}
        await api.update_params_for_auth(headers, [], ["BearerToken"])
        rest = api.rest_client
        url = URL(f"{api.configuration.host}{call.path}", encoded=True).with_query(call.query)
        # A redirect could come from a pod behind the proxy and would lead our request anywhere.
        async with rest.pool_manager.request(
            call.method,
            url,
            data=None if call.body is None and not call.writes else sent,
            headers=headers,
            allow_redirects=False,
            proxy=rest.proxy,
            proxy_headers=rest.proxy_headers,
            server_hostname=rest.server_hostname,
        ) as response:
            body, cut = await _body(response.content, call)
            return Answer(response.status, response.headers, body, cut)


async def _body(stream: aiohttp.StreamReader, call: Call) -> tuple[bytes, bool]:
    kept = bytearray()
    cut = False
    async for chunk in stream.iter_any():
        kept += chunk
        if len(kept) <= call.limit_bytes:
            continue
        cut = True
        if not call.newest:
            return bytes(kept[: call.limit_bytes]), cut
        del kept[: len(kept) - call.limit_bytes]
    return bytes(kept), cut


def unreachable(error: BaseException, what: str, seconds: float, *, doubtful: bool) -> CallError:
    """Say what became of a request that has no answer; `doubtful` where the server may have acted on it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return UntrustedCertificate(
            "The API server's certificate is not trusted: check certificate-authority in the kubeconfig"
        )
    if isinstance(error, TimeoutError):
        said = f"The API server did not {what} within {seconds:g} s"
    else:
        said = f"The API server cannot be reached to {what}: {_reason(error)}"
    return Unanswered(f"{said}; it may have done it") if doubtful else TransientError(said)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
