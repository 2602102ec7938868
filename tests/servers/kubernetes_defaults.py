"""What the API server in `kubernetes.py` fills in, forgets and refuses, by kind."""

import base64
import re
from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_kinds import Kind

Object = dict[str, Any]

_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII
)
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_TEMPLATED = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")


def fill(kind: Kind, found: Object) -> None:
    """Set the defaults that our code may meet."""
    match kind.kind:
        case "Namespace":
            found.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            found.setdefault("status", {}).setdefault("phase", "Active")
        case "Node":
            found.setdefault("spec", {})
            found.setdefault("status", {})
        case "Pod":
            _fill_pod(found["spec"])
            found.setdefault("status", {}).setdefault("phase", "Pending")
            found["status"].setdefault("qosClass", "BestEffort")
        case "Service":
            found.setdefault("spec", {}).setdefault("type", "ClusterIP")
            found.setdefault("status", {"loadBalancer": {}})
        case "Job":
            _fill_job(found)
        case "CronJob":
            found["spec"].setdefault("suspend", False)
            found.setdefault("status", {})
        case "NetworkPolicy":
            egress = ["Egress"] if found["spec"].get("egress") is not None else []
            found["spec"].setdefault("policyTypes", ["Ingress", *egress])
        case "HorizontalPodAutoscaler":
            found["spec"].setdefault("minReplicas", 1)
            found.setdefault("status", {"desiredReplicas": 0, "currentMetrics": None})
    _fill_workload(kind, found)


def _fill_workload(kind: Kind, found: Object) -> None:
    if kind.kind in _TEMPLATED:
        _fill_pod(found["spec"].setdefault("template", {}).setdefault("spec", {}))
    if kind.kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        found["spec"].setdefault("replicas", 1)
    if kind.kind == "Deployment":
        found["spec"].setdefault("progressDeadlineSeconds", 600)
        found["spec"].setdefault("revisionHistoryLimit", 10)
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
        found["spec"].setdefault("strategy", rolling)
    if kind.kind in ("StatefulSet", "DaemonSet"):
        rolling = {"partition": 0} if kind.kind == "StatefulSet" else {"maxUnavailable": 1, "maxSurge": 0}
        found["spec"].setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": rolling})
        found["spec"].setdefault("revisionHistoryLimit", 10)
    if kind.kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"):
        found.setdefault("status", {} if kind.kind == "Deployment" else {"replicas": 0})


def _fill_pod(spec: Object) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        container.setdefault("resources", {})
        container.setdefault("imagePullPolicy", "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")


def _fill_job(found: Object) -> None:
    """Generate the selector, as the Job's strategy does."""
    spec, metadata = found["spec"], found["metadata"]
    spec.setdefault("completions", 1)
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    found.setdefault("status", {})
    if spec.get("selector") or spec.get("manualSelector"):
        return
    uid, name = metadata["uid"], metadata["name"]
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    labels |= {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    labels |= {"controller-uid": uid, "job-name": name}


def forget_status(kind: Kind, found: Object) -> None:
    """Drop the status of a new object: only the subresource writes it."""
    if kind.status:
        found.pop("status", None)


def check(kind: Kind, found: Object, before: Object | None) -> None:
    """Refuse what the real server refuses and our code could get wrong. Raises 422."""
    name = found["metadata"]["name"]
    _check_metadata(kind, name, found["metadata"])
    match kind.kind:
        case "Pod":
            _check_containers(kind, name, found["spec"], "spec")
            if before is not None:
                _check_pod_update(kind, name, found["spec"], before["spec"])
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            _check_templated(kind, name, found["spec"], before)
        case "Job":
            _check_containers(kind, name, found["spec"]["template"]["spec"], "spec.template.spec")
            if found["spec"]["template"]["spec"].get("restartPolicy") not in ("Never", "OnFailure"):
                why = 'Required value: valid values: "OnFailure", "Never"'
                raise errors.invalid(kind, name, "spec.template.spec.restartPolicy", why)
        case "ConfigMap" | "Secret":
            _check_data(kind, name, found)
            if before is not None and before.get("immutable") and found.get("data") != before.get("data"):
                why = "Forbidden: field is immutable when `immutable` is set"
                raise errors.invalid(kind, name, "data", why)
        case "EndpointSlice" if found.get("addressType") not in ("IPv4", "IPv6", "FQDN"):
            raise errors.invalid(kind, name, "addressType", "Required value")
        case "ControllerRevision" if not isinstance(found.get("revision"), int):
            raise errors.invalid(kind, name, "revision", "Required value")
        case "ControllerRevision" if before is not None and found.get("data") != before.get("data"):
            raise errors.invalid(kind, name, "data", "Invalid value: field is immutable")


def _check_containers(kind: Kind, name: str, spec: Object, path: str) -> None:
    containers = spec.get("containers")
    if not containers:
        raise errors.invalid(kind, name, f"{path}.containers", "Required value")
    seen: set[str] = set()
    for index, container in enumerate(containers):
        for field in ("name", "image"):
            if not container.get(field):
                raise errors.invalid(kind, name, f"{path}.containers[{index}].{field}", "Required value")
        if container["name"] in seen:
            raise errors.invalid(kind, name, f"{path}.containers[{index}].name", "Duplicate value")
        seen.add(container["name"])


def _check_pod_update(kind: Kind, name: str, spec: Object, before: Object) -> None:
    def fixed(value: Object) -> Object:
        containers = [{k: v for k, v in c.items() if k != "image"} for c in value["containers"]]
        changeable = ("containers", "activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
        return {k: v for k, v in value.items() if k not in changeable} | {"containers": containers}

    if fixed(spec) != fixed(before):
        why = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
        raise errors.invalid(kind, name, "spec", why)


def _check_templated(kind: Kind, name: str, spec: Object, before: Object | None) -> None:
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not spec.get("selector"):
        raise errors.invalid(kind, name, "spec.selector", "Required value")
    if any(labels.get(key) != value for key, value in selector.items()):
        why = f"Invalid value: {labels}: `selector` does not match template `labels`"
        raise errors.invalid(kind, name, "spec.template.metadata.labels", why)
    _check_containers(kind, name, spec["template"]["spec"], "spec.template.spec")
    if before is not None and spec["selector"] != before["spec"]["selector"]:
        raise errors.invalid(kind, name, "spec.selector", "Invalid value: field is immutable")
    if spec.get("replicas", 0) < 0:
        why = f"Invalid value: {spec['replicas']}: must be greater than or equal to 0"
        raise errors.invalid(kind, name, "spec.replicas", why)


def _check_data(kind: Kind, name: str, found: Object) -> None:
    for key, value in (found.get("data") or {}).items():
        if not isinstance(value, str):
            message = f'{kind.kind} in version "v1" cannot be handled as a {kind.kind}: json: cannot unmarshal '
            raise errors.bad_request(
                f"{message}{type(value).__name__} into Go struct field {kind.kind}.data of type string"
            )
        if not _DATA_KEY.fullmatch(key):
            raise errors.invalid(kind, name, f"data[{key}]", "Invalid value: a valid config key must consist of")
        if kind.kind == "Secret" and not _is_base64(value):
            message = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
            raise errors.bad_request(message)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _check_metadata(kind: Kind, name: str, metadata: Object) -> None:
    for field in ("labels", "annotations"):
        for key, value in (metadata.get(field) or {}).items():
            if not isinstance(value, str):
                raise errors.bad_request(f"json: cannot unmarshal {type(value).__name__} into a string of {field}")
            if not _LABEL_KEY.fullmatch(key.lower() if field == "annotations" else key):
                raise errors.invalid(kind, name, f"metadata.{field}", f'Invalid value: "{key}": name part must consist')
            if field == "labels" and not _LABEL_VALUE.fullmatch(value):
                why = f'Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric'
                raise errors.invalid(kind, name, "metadata.labels", why)
