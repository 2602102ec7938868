"""Which pod answers for a Service at the API server in `kubernetes.py`: one that endpoints would be made of."""

from collections.abc import Iterable
from typing import Any

from tests.servers.kubernetes_errors import Refusal

Object = dict[str, Any]


def behind(service: Object, port: str, pods: Iterable[Object]) -> tuple[Object, str]:
    """
    Return the first ready pod and its port. Raises 503.

    Source: kube-apiserver, `pkg/registry/core/service/storage`, `ResourceLocation`.
    """
    name, ports = service["metadata"]["name"], service["spec"].get("ports", ())
    wanted = next((item for item in ports if port in (str(item["port"]), item.get("name") or "")), None)
    if wanted is None:
        raise _unavailable(f'no service port {port} found for service "{name}"')
    selector = service["spec"].get("selector") or {}
    for pod in pods if selector else ():
        if selector.items() <= pod["metadata"].get("labels", {}).items() and _ready(pod):
            return pod, _target_port(wanted, pod)
    raise _unavailable(f'no endpoints available for service "{name}"')


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _target_port(wanted: Object, pod: Object) -> str:
    target = wanted.get("targetPort", wanted["port"])
    declared = (port for container in pod["spec"]["containers"] for port in container.get("ports", ()))
    return next((str(port["containerPort"]) for port in declared if port.get("name") == target), str(target))


def _unavailable(message: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", message)
