"""What only a kubelet, a container or metrics-server could answer: logs, pods' own HTTP, usage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.servers.kubernetes_errors import Refusal, bad_request
from tests.servers.kubernetes_exec import Programs
from tests.servers.kubernetes_kinds import Kind

Object = dict[str, Any]
Line = tuple[datetime, str]


@dataclass(frozen=True)
class Sent:
    """A request that changes something, as it came through the API server's proxy."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Kubelet:
    """
    Logs by (namespace, pod, container), of the running and of the previous container; pods' HTTP answers by
    (namespace, pod, port) and path; usage as {container: (cpu, memory)} by (namespace, pod), and by node.
    """

    logs: dict[tuple[str, str, str], list[Line]] = field(default_factory=dict)
    previous: dict[tuple[str, str, str], list[Line]] = field(default_factory=dict)
    http: dict[tuple[str, str, int], dict[str, tuple[int, str]]] = field(default_factory=dict)
    usage: dict[tuple[str, str], dict[str, tuple[str, str]]] = field(default_factory=dict)
    node_usage: dict[str, tuple[str, str]] = field(default_factory=dict)
    raw: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    programs: Programs = field(default_factory=Programs)
    sent: list[Sent] = field(default_factory=list)

    def read_log(self, pod: Object, query: Mapping[str, str], now: datetime) -> bytes:
        """Answer as the API server and the kubelet behind it do. Raises 400."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        container = _container(pod, query.get("container", ""))
        if not pod["spec"].get("nodeName"):
            return b""
        key = (namespace, name, container)
        previous = query.get("previous") in ("true", "1")
        _check_started(pod, container, previous=previous)
        if previous and key not in self.previous:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        if key in self.raw and not previous:
            return _limited(self.raw[key], query)
        lines = _recent(self.previous[key] if previous else self.logs.get(key, []), query, now)
        stamped = query.get("timestamps") in ("true", "1")
        text = "".join((f"{_nano(at)} " if stamped else "") + line + "\n" for at, line in lines)
        return _limited(text.encode(errors="surrogateescape"), query)

    def proxy(self, pod: Object, port: str, path: str) -> tuple[int, str]:
        """Answer with what the pod would. Raises 400 and 503."""
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"], int(port or 80))
        served = self.http.get(key)
        if served is None:
            address = f"{pod.get('status', {}).get('podIP', '10.0.0.1')}:{port}"
            message = f"error trying to reach service: dial tcp {address}: connect: connection refused"
            raise Refusal(503, "ServiceUnavailable", message)
        return served.get(path, (404, "not found"))

    def pod_metrics(self, pod: Object, kind: Kind) -> Object | None:
        """Say what a pod uses; None for one that was not measured."""
        metadata = pod["metadata"]
        used = self.usage.get((metadata["namespace"], metadata["name"]))
        if used is None:
            return None
        containers = [{"name": name, "usage": {"cpu": cpu, "memory": memory}} for name, (cpu, memory) in used.items()]
        return _measured(kind, metadata) | {"containers": containers}

    def node_metrics(self, node: Object, kind: Kind) -> Object | None:
        """Say what a node uses; None for one that was not measured."""
        used = self.node_usage.get(node["metadata"]["name"])
        if used is None:
            return None
        return _measured(kind, node["metadata"]) | {"usage": {"cpu": used[0], "memory": used[1]}}


def _measured(kind: Kind, metadata: Object) -> Object:
    kept = {key: metadata[key] for key in ("name", "namespace", "labels") if key in metadata}
    stamp = metadata["creationTimestamp"]
    return {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        "metadata": kept | {"creationTimestamp": stamp},
        "timestamp": stamp,
        "window": "15s",
    }


def _container(pod: Object, wanted: str) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [container["name"] for container in spec["containers"]]
    inits = [container["name"] for container in spec.get("initContainers", ())]
    if not wanted:
        if len(names) == 1 and not inits:
            return str(names[0])
        also = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]{also}"
        )
    if wanted not in (*names, *inits):
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def _check_started(pod: Object, container: str, *, previous: bool) -> None:
    status = pod.get("status", {})
    statuses = (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ()))
    found = next((entry for entry in statuses if entry["name"] == container), None)
    waiting = ((found or {}).get("state") or {}).get("waiting")
    ended = ((found or {}).get("lastState") or {}).get("terminated")
    if previous or not waiting or ended:
        return
    reason = waiting.get("reason", "ContainerCreating")
    said = "trying and failing to pull image" if reason in ("ErrImagePull", "ImagePullBackOff") else reason
    name = pod["metadata"]["name"]
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {said}')


def _recent(lines: list[Line], query: Mapping[str, str], now: datetime) -> list[Line]:
    if "sinceSeconds" in query:
        seconds = _number(query["sinceSeconds"], "sinceSeconds", least=1)
        lines = [line for line in lines if line[0] >= now - timedelta(seconds=seconds)]
    if "tailLines" in query:
        tail = _number(query["tailLines"], "tailLines", least=0)
        lines = lines[-tail:] if tail else []
    return lines


def _limited(text: bytes, query: Mapping[str, str]) -> bytes:
    limit = _number(query["limitBytes"], "limitBytes", least=1) if "limitBytes" in query else len(text)
    return text[:limit]


def _number(text: str, name: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise bad_request(f"strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax") from None
    if number < least:
        message = (
            f'PodLogOptions "" is invalid: {name}: Invalid value: {number}: must be greater than or equal to {least}'
        )
        raise Refusal(422, "Invalid", message, details={})
    return number


def _nano(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
