"""One cluster's API server, read only, as raw JSON. Importing this module loads kubernetes_asyncio."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl

from responder.clients.kubernetes_answers import (
    document,
    failure,
    message_of,
    object_is_missing,
    status_of,
)
from responder.clients.kubernetes_connection import Call, Connection
from responder.clients.kubernetes_logs import log_call, log_text
from responder.clients.kubernetes_owners import pods_of, workload_of
from responder.clients.kubernetes_paging import pages
from responder.clients.kubernetes_paths import Address, can_exist, proxy_path, valid_namespace
from responder.clients.sharing import Beyond, Sharing
from responder.errors import PermanentError
from responder.model.resource import PODS, SECRETS, SERVICES, Resource
from responder.model.target import Target
from responder.settings.sections import KubernetesAccess

Object = Mapping[str, Any]

DEADLINE = timedelta(seconds=8)
"""For one call, connecting included."""
FRESH_FOR = timedelta(milliseconds=1500)
"""How long identical reads share an answer: the diagnostics of one incident start together."""

_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_PROXY_LIMIT = 1024 * 1024


class Kubernetes:
    """
    Reads one cluster. Satisfies `plugins.tools.Kubernetes`.

    A name that no object can have is never sent: it answers None or an empty list, as for one that does not exist.
    """

    def __init__(
        self,
        access: KubernetesAccess,
        *,
        deadline: timedelta = DEADLINE,
        fresh_for: timedelta = FRESH_FOR,
        clock: Callable[[], float] = time.monotonic,
        beyond: Beyond | None = None,
    ) -> None:
        self._connection = Connection(access, deadline=deadline, clock=clock)
        self._shared: Sharing[Any] = Sharing(fresh_for, clock=clock, beyond=beyond)
        # An annotation may hold the whole of a Secret: such metadata is shared within the process only.
        self._shared_here: Sharing[Any] = Sharing(fresh_for, clock=clock)

    async def close(self) -> None:
        """End what is under way and close the connections."""
        await self._shared.close()
        await self._shared_here.close()
        await self._connection.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read one object; None when there is none."""
        return await self._get(resource, namespace, name, accept="application/json")

    async def metadata(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read an object's metadata only: its content does not leave the API server. None when there is none."""
        return await self._get(resource, namespace, name, accept=_METADATA)

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Sequence[Object]:
        """List objects, at most `limit`; namespace "" lists all. Raises PermanentError if the API is absent."""
        if namespace and not valid_namespace(namespace):
            return []
        address = Address("list", resource, namespace)
        query = {"labelSelector": labels, "fieldSelector": fields}
        asked = {name: value for name, value in query.items() if value}

        async def ask() -> list[Object]:
            return await pages(self._connection, address, asked, limit=limit)

        sharing = self._sharing(resource, metadata_only=False)
        answer: list[Object] = await (sharing.get((address, labels, fields, limit), ask) if sharing else ask())
        return answer

    async def workload(self, target: Target) -> Object | None:
        """Find the object that owns the target, with `kind` and `apiVersion`; None when there is none."""
        return await workload_of(target, self)

    async def pods(self, target: Target) -> Sequence[Object]:
        """List the pods of the target: of the workload by its selector, of a node, or the pod itself; by name."""
        return await pods_of(target, self)

    async def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        tail: int = 500,
        since: timedelta | None = None,
        previous: bool = False,
        timestamps: bool = False,
        limit_bytes: int = 1_000_000,
    ) -> str:
        """
        Read a container's log, newest lines last, the newest bytes of it where it is longer than `limit_bytes`.

        "" when the pod is gone, the container has not started, or no previous one is kept. With `timestamps` each line
        starts with its moment (RFC 3339) and a space.
        """
        if not can_exist(PODS, namespace, pod):
            return ""
        address = Address("get", PODS, namespace, pod, "log")
        call = log_call(
            address,
            container=container,
            tail=tail,
            since=since,
            previous=previous,
            timestamps=timestamps,
            limit_bytes=limit_bytes,
        )

        async def ask() -> str:
            return log_text(await self._connection.ask(call), address)

        answer: str = await self._shared.get((call.path, *sorted(call.query)), ask)
        return answer

    async def pod_http(
        self, namespace: str, pod: str, *, port: int, path: str, scheme: Literal["http", "https"] = "http"
    ) -> tuple[int, str]:
        """
        GET a path of a pod through the API server's proxy; status and body (at most 1 MiB).

        A pod that is gone (404) or cannot be reached (503) answers with the API server's reason. Redirects are not
        followed.
        """
        if not can_exist(PODS, namespace, pod):
            raise PermanentError(f"{pod!r} in {namespace!r} cannot be the name of a pod")
        return await self._proxied(Address("get", PODS, namespace, pod, "proxy"), port=port, path=path, scheme=scheme)

    async def service_http(
        self, namespace: str, service: str, *, port: int, path: str, scheme: Literal["http", "https"] = "http"
    ) -> tuple[int, str]:
        """
        GET a path of a Service, which one of its ready endpoints answers; else as `pod_http`.

        `port` is the Service's. A Service without endpoints, or without that port, answers 503 with the API server's
        reason.
        """
        if not can_exist(SERVICES, namespace, service):
            raise PermanentError(f"{service!r} in {namespace!r} cannot be the name of a Service")
        address = Address("get", SERVICES, namespace, service, "proxy")
        return await self._proxied(address, port=port, path=path, scheme=scheme)

    async def _proxied(
        self, address: Address, *, port: int, path: str, scheme: Literal["http", "https"]
    ) -> tuple[int, str]:
        served, _, query = path.partition("?")
        call = Call(
            proxy_path(address, port=port, scheme=scheme, path=served),
            str(address),
            tuple(parse_qsl(query, keep_blank_values=True)),
            accept="*/*",
            limit_bytes=_PROXY_LIMIT,
        )

        async def ask() -> tuple[int, str]:
            answer = await self._connection.ask(call)
            if answer.status in (401, 403) and status_of(answer) is not None:
                raise failure(answer, address)
            own = answer.status >= 400 and status_of(answer) is not None
            return answer.status, message_of(answer) if own else answer.body.decode(errors="replace")

        status, body = await self._shared.get((call.path, call.query), ask)
        return status, body

    async def _get(self, resource: Resource, namespace: str, name: str, *, accept: str) -> Object | None:
        if not can_exist(resource, namespace, name):
            return None
        address = Address("get", resource, namespace if resource.namespaced else "", name)

        async def ask() -> Object | None:
            answer = await self._connection.ask(Call(address.path, str(address), accept=accept))
            return None if object_is_missing(answer) else document(answer, address)

        sharing = self._sharing(resource, metadata_only=accept == _METADATA)
        return await (sharing.get((address, accept), ask) if sharing else ask())

    def _sharing(self, resource: Resource, *, metadata_only: bool) -> Sharing[Any] | None:
        """Say who may have the answer too; None for what is secret: that stays no longer than one call needs it."""
        if resource != SECRETS:
            return self._shared
        return self._shared_here if metadata_only else None
