"""
An API server of Kubernetes that speaks HTTP on loopback, no more forgiving than kube-apiserver 1.32.

It stores objects, checks and refuses as the real one does, and answers with real Status bodies. Nothing runs behind it
unless `controllers` is set; logs, pods' own HTTP and usage come from `kubelet`.
"""

import asyncio
import json
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_access import Access, Attempt, review
from tests.servers.kubernetes_controllers import Controllers
from tests.servers.kubernetes_eviction import evict
from tests.servers.kubernetes_exec import serve
from tests.servers.kubernetes_kinds import BY_PLURAL, KINDS, METRICS, Kind
from tests.servers.kubernetes_kubelet import Kubelet, Sent
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_patching import apply_patch
from tests.servers.kubernetes_proxy import behind
from tests.servers.kubernetes_queries import field_predicate, label_predicate, page

Object = dict[str, Any]

TOKEN = "the-administrator"
"""The bearer token that may do everything."""
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass
class Fault:
    """What goes wrong for requests whose path contains `path`: a status, silence, or a broken connection."""

    path: str
    status: int = 0
    retry_after: int | None = None
    hang: bool = False
    drop: bool = False
    times: int = 1_000_000


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    accept: str = ""
    media: str = ""
    body: bytes = b""


class KubernetesServer:
    """
    The server. `url` is set once it runs; `requests` are those that came in, oldest first.

    A write whose path contains one of `lost` is carried out, and its answer never arrives.
    """

    def __init__(self, *, controllers: bool = False, metrics: bool = False) -> None:
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.objects = Objects(self.now)
        self.kubelet = Kubelet()
        self.access = Access({TOKEN: "admin"})
        self.controllers = Controllers(self.objects, self.kubelet) if controllers else None
        self.metrics = metrics
        self.faults: list[Fault] = []
        self.lost: list[str] = []
        self.requests: list[Asked] = []
        self.oldest_list = 0
        self.url = ""

    def now(self) -> datetime:
        """Tell the server's time; replace `clock` to be at another."""
        return self.clock()

    def seed(self, *found: Object | str) -> None:
        """Put objects in, as dicts or as YAML text with one or more documents, status included."""
        for item in found:
            documents = yaml.safe_load_all(item) if isinstance(item, str) else [item]
            for document in documents:
                self.objects.seed(document)
        self._settle()

    def kubeconfig(self, folder: Path, *, token: str = TOKEN, server: str = "") -> Path:
        """Write a kubeconfig for this server."""
        path = folder / f"kubeconfig-{len(list(folder.iterdir()))}"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server or self.url}}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def asked(self, method: str, part: str) -> list[Asked]:
        """Return the requests of a method whose path contains the part."""
        return [request for request in self.requests if request.method == method and part in request.path]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["KubernetesServer"]:
        """Serve on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=3 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path, accept = request.raw_path.partition("?")[0], request.headers.get("Accept", "")
        body = await request.read() if request.can_read_body else b""
        self.requests.append(Asked(request.method, path, dict(request.query), accept, request.content_type, body))
        fault = next((f for f in self.faults if f.path in request.raw_path and f.times > 0), None)
        try:
            if fault is not None:
                await self._break(request, fault)
            user = self.access.identify(request.headers.get("Authorization", ""))
            return await self._route(request, user)
        except errors.Refusal as refusal:
            headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after is not None else {}
            if refusal.text is not None:
                return web.Response(status=refusal.code, text=refusal.text, headers=headers)
            return web.json_response(refusal.status, status=refusal.code, headers=headers)

    async def _break(self, request: web.Request, fault: Fault) -> None:
        fault.times -= 1
        if fault.hang:
            await asyncio.sleep(3600)
        if fault.drop and request.transport is not None:
            request.transport.abort()
        reasons = {429: "TooManyRequests", 503: "ServiceUnavailable", 504: "Timeout", 500: "InternalError"}
        reason = reasons.get(fault.status, "Unknown")
        raise errors.Refusal(fault.status or 500, reason, "the server is out of order", retry_after=fault.retry_after)

    async def _route(self, request: web.Request, user: str) -> web.StreamResponse:
        parts = [urllib.parse.unquote(part) for part in request.raw_path.partition("?")[0].split("/")[1:]]
        if parts[0] in ("", "api", "apis", "version") and len(parts) < (3 if parts[0] == "api" else 4):
            return web.json_response(self._discover(parts))
        if parts == ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] and request.method == "POST":
            return web.json_response(review(self.access, user, await _json(request)), status=201)
        if parts[0] == "api":
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis":
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            raise errors.no_such_path()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        kind = BY_PLURAL.get((group, version, rest[0]))
        name, subresource = (*rest[1:3], "", "")[:2]
        tail = "/".join(rest[3:])
        attempt = Attempt(user, request.method, kind, group, rest[0], subresource, namespace, name)
        self.access.check(attempt)
        if kind is None or (kind in METRICS and not self.metrics) or (namespace and not kind.namespaced):
            raise errors.no_such_path()
        return await self._answer(request, kind, namespace, name, subresource, tail)

    def _discover(self, parts: list[str]) -> Object:
        kinds = [*KINDS, *(METRICS if self.metrics else ())]
        match [part for part in parts if part]:
            case ["version"]:
                return {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"]}
            case ["apis"]:
                groups = sorted({kind.group for kind in kinds if kind.group})
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(kinds, g) for g in groups]}
            case ["api", version]:
                return _resources(kinds, "", version)
            case ["apis", group]:
                return {"kind": "APIGroup", "apiVersion": "v1", **_group(kinds, group)}
            case ["apis", group, version]:
                return _resources(kinds, group, version)
        raise errors.no_such_path()

    async def _answer(
        self, request: web.Request, kind: Kind, namespace: str, name: str, subresource: str, tail: str
    ) -> web.StreamResponse:
        match request.method:
            case "GET" if not name:
                return self._list(request, kind, namespace)
            case "GET" if subresource == "exec" and kind.kind == "Pod":
                return await serve(request, self.objects.get(kind, namespace, name), self.kubelet.programs)
            case "POST" | "PUT" | "PATCH" | "DELETE" if subresource == "proxy":
                sent = Sent(request.method, f"/{tail}", dict(request.headers), await request.read())
                self.kubelet.sent.append(sent)
                return self._stream(request, kind, namespace, name, subresource, tail)
            case "GET" if subresource in ("log", "proxy"):
                return self._stream(request, kind, namespace, name, subresource, tail)
            case "GET" if kind in METRICS:
                return self._measure(kind, namespace, name)
            case "GET":
                return _shaped(request, self._one(kind, namespace, name, subresource), kind)
        if kind in METRICS or request.method not in ("POST", "PUT", "PATCH", "DELETE"):
            message = "the server does not allow this method on the requested resource"
            raise errors.Refusal(405, "MethodNotAllowed", message)
        answer, status = await self._write(request, kind, namespace, name, subresource)
        self._settle()
        if any(part in request.path for part in self.lost) and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer, status=status)

    def _one(self, kind: Kind, namespace: str, name: str, subresource: str) -> Object:
        found = self.objects.get(kind, namespace, name)
        if subresource in ("", "status"):
            return found
        if subresource == "scale" and kind.scale:
            return _scale_of(found)
        raise errors.no_such_path()

    def _list(self, request: web.Request, kind: Kind, namespace: str) -> web.StreamResponse:
        query = request.query
        by_label = label_predicate(query.get("labelSelector", ""))
        by_field = field_predicate(query.get("fieldSelector", ""), kind)
        source = self._measured(kind, namespace) if kind in METRICS else self.objects.all(kind, namespace)
        items = [found for found in source if by_label(found) and by_field(found)]
        version = self.objects.version
        limit, going_on = query.get("limit", ""), query.get("continue", "")
        items, metadata = page(items, limit, going_on, version=version, oldest=self.oldest_list)
        if query.get("labelSelector") or query.get("fieldSelector"):
            metadata.pop("remainingItemCount", None)
        if kind not in METRICS:
            for item in items:
                del item["kind"], item["apiVersion"]
        listed = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        return web.json_response(listed)

    def _measured(self, kind: Kind, namespace: str) -> Iterable[Object]:
        pods = kind.kind == "PodMetrics"
        source = self.objects.all(BY_PLURAL["", "v1", kind.plural], namespace)
        measure = self.kubelet.pod_metrics if pods else self.kubelet.node_metrics
        return [found for found in (measure(item, kind) for item in source) if found]

    def _measure(self, kind: Kind, namespace: str, name: str) -> web.StreamResponse:
        for found in self._measured(kind, namespace):
            if found["metadata"]["name"] == name:
                return web.json_response(found)
        qualified = f"{namespace}/{name}" if namespace else name
        details = {"name": qualified, "group": kind.group, "kind": kind.kind.lower()}
        message = f'{kind.kind.lower()}.{kind.group} "{qualified}" not found'
        raise errors.Refusal(404, "NotFound", message, details=details)

    def _stream(
        self, request: web.Request, kind: Kind, namespace: str, name: str, subresource: str, tail: str
    ) -> web.StreamResponse:
        if kind.kind != "Pod" and (kind.kind, subresource) != ("Service", "proxy"):
            raise errors.no_such_path()
        if subresource == "log":
            pod = self.objects.get(kind, namespace, name)
            body = self.kubelet.read_log(pod, dict(request.query), self.now())
            return web.Response(body=body, content_type="text/plain")
        named, port = [*name.removeprefix("https:").split(":"), ""][:2]
        found = self.objects.get(kind, namespace, named)
        if kind.kind == "Service":
            found, port = behind(found, port, self.objects.all(BY_PLURAL["", "v1", "pods"], namespace))
        status, text = self.kubelet.proxy(found, port, f"/{tail}")
        return web.Response(status=status, text=text, headers={"Location": text} if 300 <= status < 400 else {})

    async def _write(
        self, request: web.Request, kind: Kind, namespace: str, name: str, subresource: str
    ) -> tuple[Object, int]:
        body = await _json(request)
        # The real server reads a DELETE's options from its body where there is one, and from the query only else.
        dry_run = _dry_run_of(body) if request.method == "DELETE" and body else _dry_run(request.query)
        agent = request.query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]
        if request.method == "POST" and not name:
            return self.objects.create(kind, namespace, body, dry_run=dry_run, agent=agent), 201
        if subresource == "eviction" and kind.kind == "Pod" and request.method == "POST":
            return evict(self.objects, self.objects.get(kind, namespace, name), body, dry_run=dry_run), 201
        if request.content_type == APPLY_PATCH and request.method == "PATCH":
            return self._apply(request, kind, namespace, name, body)
        if not name or subresource not in ("", "status", "scale"):
            raise errors.Refusal(405, "MethodNotAllowed", "the server does not allow this method on this resource")
        stored = self.objects.get(kind, namespace, name)
        if request.method == "DELETE":
            return self.objects.delete(kind, stored, body or {}, dry_run=dry_run), 200
        scaled = subresource == "scale"
        before = _scale_of(stored) if scaled else stored
        after, patched = body, request.method == "PATCH"
        if patched:
            after = apply_patch(before, body, request.content_type, service=kind.kind == "Service")
        if scaled:
            wanted = stored | {"spec": stored["spec"] | {"replicas": after["spec"]["replicas"]}}
            wanted["metadata"] = stored["metadata"] | {"resourceVersion": after["metadata"].get("resourceVersion")}
            after, subresource = wanted, ""
        options = {"subresource": subresource, "patched": patched, "dry_run": dry_run, "agent": agent}
        changed = self.objects.update(kind, stored, after, **options)
        return (_scale_of(changed) if scaled else changed), 200

    def _apply(self, request: web.Request, kind: Kind, namespace: str, name: str, body: Object) -> tuple[Object, int]:
        manager = request.query.get("fieldManager", "")
        if not manager:
            message = (
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
            )
            raise errors.Refusal(422, "Invalid", message, details={})
        if body.get("metadata", {}).get("name", name) != name:
            raise errors.bad_request("the name of the object does not match the name on the URL")
        applied = body | {"metadata": body.get("metadata", {}) | {"name": name}}
        force, dry_run = request.query.get("force") == "true", _dry_run(request.query)
        found, new = self.objects.apply(kind, namespace, applied, manager=manager, force=force, dry_run=dry_run)
        return found, 201 if new else 200

    def settle(self) -> None:
        """Let the controllers look at the world once, as they do after every write."""
        self._settle()

    def _settle(self) -> None:
        if self.controllers is not None:
            self.controllers.run()


def _dry_run(query: Mapping[str, str]) -> bool:
    asked = query.get("dryRun", "")
    if asked not in ("", "All"):
        message = (
            f'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "{asked}": supported values: "All"'
        )
        raise errors.Refusal(422, "Invalid", message, details={})
    return asked == "All"


def _dry_run_of(options: Object) -> bool:
    asked = options.get("dryRun") or []
    return _dry_run({"dryRun": asked[0]}) if asked else False


async def _json(request: web.Request) -> Any:
    text = await request.text()
    if not text and request.method == "DELETE":
        return {}
    try:
        return yaml.safe_load(text) if request.content_type == APPLY_PATCH else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from error


def _shaped(request: web.Request, found: Object, kind: Kind) -> web.Response:
    accept = request.headers.get("Accept", "*/*")
    if "as=PartialObjectMetadata;g=meta.k8s.io;v=v1" in accept:
        shape = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": found["metadata"]}
        return web.json_response(shape)
    if not any(media in accept for media in ("*/*", "application/json", "application/*")):
        message = "only the following media types are accepted: application/json, application/yaml"
        raise errors.Refusal(406, "NotAcceptable", message)
    return web.json_response(found)


def _scale_of(found: Object) -> Object:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: found["metadata"][key] for key in kept},
        "spec": {"replicas": found["spec"].get("replicas", 0)},
        "status": {"replicas": found.get("status", {}).get("replicas", 0)},
    }


def _group(kinds: Iterable[Kind], group: str) -> Object:
    versions = sorted({kind.version for kind in kinds if kind.group == group})
    if not group or not versions:
        raise errors.no_such_path()
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resources(kinds: Iterable[Kind], group: str, version: str) -> Object:
    served = [kind for kind in kinds if (kind.group, kind.version) == (group, version)]
    if not served:
        raise errors.no_such_path()
    verbs = ["create", "delete", "get", "list", "patch", "update"]
    listed = [
        {"name": kind.plural, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs}
        for kind in served
    ]
    group_version = f"{group}/{version}".lstrip("/")
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}
