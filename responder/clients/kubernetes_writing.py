"""One cluster's API server for actions: fresh reads, and writes that say who made them. Loads kubernetes_asyncio."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote

import orjson

from responder.clients.kubernetes_answers import document, object_is_missing, status_of
from responder.clients.kubernetes_connection import Call, Connection
from responder.clients.kubernetes_events import event_of
from responder.clients.kubernetes_exec import Channels, run
from responder.clients.kubernetes_logs import log_call, log_text
from responder.clients.kubernetes_owners import pods_of, workload_of
from responder.clients.kubernetes_paging import pages
from responder.clients.kubernetes_paths import Address, Verb, can_exist, valid_name, valid_namespace
from responder.clients.kubernetes_refusals import Form, changed, refusal
from responder.errors import CallError, PermanentError
from responder.model.management import FIELD_MANAGER
from responder.model.outside import Executed, HttpAnswer
from responder.model.resource import EVENTS, PODS, Resource
from responder.model.target import Target
from responder.model.verdict import Json
from responder.settings.sections import KubernetesAccess

Object = Mapping[str, Any]

DEADLINE = timedelta(seconds=15)
"""For one call: admission may take 10 s for each of its webhooks."""

_MEDIA = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", namespaced=False)
_PROXY_LIMIT = 1024 * 1024
_ASKS_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})
_STRICT = ("fieldValidation", "Strict")
"""An unknown field is refused and not dropped in silence, as kubectl asks too."""


class KubernetesWriter:
    """
    Reads and changes one cluster. Satisfies `plugins.acting.Cluster`.

    A name that no object can have is never sent: it reads as absent, and cannot be written.
    """

    def __init__(
        self,
        access: KubernetesAccess,
        *,
        deadline: timedelta = DEADLINE,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connection = Connection(access, deadline=deadline, clock=clock)
        self._clock = clock
        self._now = now

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read one object; None when there is none."""
        if not can_exist(resource, namespace, name):
            return None
        address = Address("get", resource, namespace if resource.namespaced else "", name)
        answer = await self._connection.ask(Call(address.path, str(address)))
        return None if object_is_missing(answer) else document(answer, address)

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Sequence[Object]:
        """List objects, at most `limit`; namespace "" lists all."""
        if namespace and not valid_namespace(namespace):
            return []
        query = {"labelSelector": labels, "fieldSelector": fields}
        asked = {name: value for name, value in query.items() if value}
        return await pages(self._connection, Address("list", resource, namespace), asked, limit=limit)

    async def workload(self, target: Target) -> Object | None:
        """Find the topmost controller of the target, with `kind` and `apiVersion`; None when there is none."""
        return await workload_of(target, self)

    async def pods(self, target: Target) -> Sequence[Object]:
        """List the pods of the target, by name."""
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
        """Read a container's log; "" when there is none."""
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
        return log_text(await self._connection.ask(call), address)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Json,
        *,
        form: Literal["json", "merge", "apply"] = "json",
        dry_run: bool = False,
    ) -> Object:
        """Change an object: a JSON patch, a merge patch, or server-side apply, which takes no field from others."""
        address = _named("patch", resource, namespace, name)
        query = [("fieldManager", FIELD_MANAGER), *((_STRICT,) if form == "apply" else ())]
        return await self._write("PATCH", address, body, query, form=form, media=_MEDIA[form], dry_run=dry_run)

    async def create(self, resource: Resource, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        """Create an object of the name that it carries."""
        name = str((body.get("metadata") or {}).get("name", ""))
        named = _named("create", resource, namespace, name)
        address = Address("create", resource, named.namespace)
        query = [("fieldManager", FIELD_MANAGER), _STRICT]
        return await self._write("POST", address, dict(body), query, dry_run=dry_run)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str,
        grace: timedelta | None = None,
        dry_run: bool = False,
    ) -> None:
        """Delete the object that has this uid, and no other of its name (Conflict); its dependents go too."""
        address = _named("delete", resource, namespace, name)
        # With a body the server reads no option from the query, dryRun neither.
        options: dict[str, Json] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        options["preconditions"] = {"uid": _uid(uid)}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace.total_seconds())
        if dry_run:
            options["dryRun"] = ["All"]
        await self._write("DELETE", address, options, [], dry_run=dry_run)

    async def evict(self, namespace: str, pod: str, *, uid: str, dry_run: bool = False) -> None:
        """Ask for a pod to be evicted: PodDisruptionBudgets are heard."""
        named = _named("create", PODS, namespace, pod)
        address = Address("create", PODS, namespace, named.name, "eviction")
        options: dict[str, Json] = {"preconditions": {"uid": _uid(uid)}}
        if dry_run:
            options["dryRun"] = ["All"]
        body: dict[str, Json] = {"kind": "Eviction", "apiVersion": "policy/v1", "deleteOptions": options}
        body["metadata"] = {"name": pod, "namespace": namespace}
        await self._write("POST", address, body, [("fieldManager", FIELD_MANAGER)], dry_run=dry_run)

    async def execute(
        self,
        namespace: str,
        pod: str,
        argv: Sequence[str],
        *,
        container: str = "",
        timeout: timedelta = timedelta(seconds=30),
        limit_bytes: int = 1_000_000,
        into: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> Executed:
        """Run a program in a container; its exit code, and its output as bytes, cut at the limit, or passed `into`."""
        named = _named("create", PODS, namespace, pod)
        if not argv or any("\x00" in word for word in argv):
            raise PermanentError("A program and its arguments are needed, none with a NUL byte")
        address = Address("create", PODS, namespace, named.name, "exec")
        outputs = Channels(limit_bytes, into)
        return await run(self._connection, address, argv, outputs, container=container, timeout=timeout)

    async def proxy(
        self,
        method: str,
        namespace: str,
        service: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: timedelta = DEADLINE,
    ) -> HttpAnswer:
        """Call a Service ("name:port") through the API server's proxy; whatever it answers, at most 1 MiB."""
        address, where = _service(method, namespace, service, path)
        call = Call(
            where,
            f"{method} {service} in {namespace}",
            tuple(parse_qsl(path.partition("?")[2], keep_blank_values=True)),
            accept="*/*",
            limit_bytes=_PROXY_LIMIT,
            method=method,
            body=body,
            headers=tuple(headers.items()),
            writes=method not in _ASKS_ONLY,
            deadline=timeout,
        )
        began = self._clock()
        answer = await self._connection.ask(call)
        if status_of(answer) is not None and answer.status >= 400:
            raise refusal(answer, address, dry_run=not call.writes)
        return HttpAnswer(answer.status, answer.headers, answer.body, timedelta(seconds=self._clock() - began))

    async def may(self, verb: str, resource: Resource, namespace: str, *, subresource: str = "", name: str = "") -> str:
        """Ask whether we may (SelfSubjectAccessReview): "" for yes, else why not."""
        wanted = {
            "namespace": namespace,
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
            "subresource": subresource,
            "name": name,
        }
        attributes: dict[str, Json] = {key: value for key, value in wanted.items() if value}
        body: dict[str, Json] = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        body |= {"spec": {"resourceAttributes": attributes}}
        answer = await self._write("POST", Address("create", _REVIEWS), body, [], asks=True)
        status = answer.get("status") or {}
        if status.get("allowed") is True:
            return ""
        right = f"{resource.plural}/{subresource}" if subresource else resource.plural
        where = f"in {namespace}" if namespace else "in the cluster"
        why = str(status.get("reason") or status.get("evaluationError") or "")[:300]
        return f"no `{verb}` on `{right}` {where}" + (f": {why}" if why else "")

    async def tell(self, regarding: Object, *, reason: str, note: str, key: str) -> None:
        """Write a Kubernetes Event on an object (with its kind and apiVersion); `key` makes it one. Never raises."""
        name = f"responder.{hashlib.sha256(key.encode()).hexdigest()[:20]}"
        event = event_of(regarding, name=name, reason=reason, note=note, now=self._now())
        try:
            await self.create(EVENTS, event["metadata"]["namespace"], event)
        except CallError:
            return

    async def _write(
        self,
        method: str,
        address: Address,
        body: Json,
        query: Sequence[tuple[str, str]],
        *,
        form: Form = "",
        media: str = "application/json",
        dry_run: bool = False,
        asks: bool = False,
    ) -> dict[str, Any]:
        """Send one write; `asks` for one that changes nothing."""
        dry = (("dryRun", "All"),) if dry_run and method != "DELETE" else ()
        harmless = dry_run or asks
        call = Call(
            address.path,
            str(address),
            (*query, *dry),
            method=method,
            body=orjson.dumps(body),
            headers=(("Content-Type", media),),
            writes=not harmless,
        )
        return changed(await self._connection.ask(call), address, form=form, dry_run=harmless)


def _named(verb: Verb, resource: Resource, namespace: str, name: str) -> Address:
    if not can_exist(resource, namespace, name):
        where = f" in {namespace!r}" if resource.namespaced else ""
        raise PermanentError(f"{name!r}{where} cannot be the name of an object: nothing was sent")
    return Address(verb, resource, namespace if resource.namespaced else "", name)


def _uid(uid: str) -> str:
    if not uid:
        raise PermanentError("Without its uid no object is deleted: another may have its name by now")
    return uid


def _service(method: str, namespace: str, service: str, path: str) -> tuple[Address, str]:
    name, _, port = service.removeprefix("https:").partition(":")
    sound = valid_namespace(namespace) and valid_name(name) and valid_name(port)
    if not sound or any(unquote(segment) in (".", "..") for segment in path.partition("?")[0].split("/")):
        raise PermanentError(f"{method} {path!r} of {service!r} in {namespace!r} is no address of a Service")
    services = Resource("", "v1", "services")
    address = Address("get" if method in _ASKS_ONLY else "create", services, namespace, name, "proxy")
    scheme = "https:" if service.startswith("https:") else ""
    below = quote(path.partition("?")[0].lstrip("/"), safe="/:@!$&'()*+,;=-._~%")
    return address, f"{Address('list', services, namespace).path}/{scheme}{name}:{port}/proxy/{below}"
