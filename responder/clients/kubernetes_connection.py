"""
The way to one API server: configuration, credentials, deadline. What an answer means is said elsewhere.

Importing kubernetes_asyncio costs a third of a second and 40 MiB: only where a cluster is configured is this module
loaded. Its ApiClient brings credentials and TLS; requests go through its session as raw bytes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import yaml
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
from yarl import URL

from responder.errors import TransientError, UntrustedCertificate, WrongSettings
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

    At most `limit_bytes` of the body are kept: the last ones with `newest`, else the first ones.
    """

    path: str
    what: str
    query: tuple[tuple[str, str], ...] = ()
    accept: str = "application/json"
    limit_bytes: int = 64 * 1024 * 1024
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `cut` says that bytes of the body were left out."""

    status: int
    headers: Mapping[str, str]
    body: bytes
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
        GET, whatever the status.

        Raises: TransientError when nothing came within the deadline, WrongSettings when the access cannot work.
        """
        try:
            async with asyncio.timeout(self._deadline):
                api = await self._open()
                answer = await self._once(api, call)
                if answer.status == 401 and await self._renew(api):
                    answer = await self._once(await self._open(), call)
                return answer
        except TimeoutError as error:
            raise TransientError(f"The API server did not {call.what} within {self._deadline:g} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise UntrustedCertificate(
                "The API server's certificate is not trusted: check certificate-authority in the kubeconfig"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"The API server cannot be reached to {call.what}: {_reason(error)}") from error

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

    async def _once(self, api: ApiClient, call: Call) -> Answer:
        headers = {"Accept": call.accept, "User-Agent": USER_AGENT}
        await api.update_params_for_auth(headers, [], ["BearerToken"])
        rest = api.rest_client
        url = URL(f"{api.configuration.host}{call.path}", encoded=True).with_query(call.query)
        # A redirect could come from a pod behind the proxy and would lead our request anywhere.
        async with rest.pool_manager.get(
            url,
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


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
