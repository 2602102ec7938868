"""What the API server in `kubernetes.py` fills in, forgets and refuses, by kind."""

from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_kinds import Kind

Object = dict[str, Any]

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
        case "HorizontalPodAutoscaler":
            found["spec"].setdefault("minReplicas", 1)
            found.setdefault("status", {"desiredReplicas": 0, "currentMetrics": None})
    if kind.kind in _TEMPLATED:
        _fill_pod(found["spec"].setdefault("template", {}).setdefault("spec", {}))
    if kind.kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        found["spec"].setdefault("replicas", 1)
    if kind.kind == "Deployment":
        found["spec"].setdefault("progressDeadlineSeconds", 600)
        found["spec"].setdefault("revisionHistoryLimit", 10)
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
        found["spec"].setdefault("strategy", rolling)
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
        case "EndpointSlice" if found.get("addressType") not in ("IPv4", "IPv6", "FQDN"):
            raise errors.invalid(kind, name, "addressType", "Required value")
        case "ControllerRevision" if not isinstance(found.get("revision"), int):
            raise errors.invalid(kind, name, "revision", "Required value")


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
        if not key:
            raise errors.invalid(kind, name, "data", "Invalid value: a valid config key must consist of")
