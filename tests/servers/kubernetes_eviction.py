"""Evictions and PodDisruptionBudgets, for the API server in `kubernetes.py`. Source: `registry/core/pod/rest`."""

import math
from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_queries import matches

Object = dict[str, Any]

_POD = BY_NAME["v1", "Pod"]
_BUDGET = BY_NAME["policy/v1", "PodDisruptionBudget"]
_NO = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(objects: Objects, pod: Object, body: Any, *, dry_run: bool) -> Object:
    """Delete a pod if its budgets let it go. Raises 400, 409 and 429 as the real server."""
    if not isinstance(body, dict) or (body.get("kind"), body.get("apiVersion")) != ("Eviction", "policy/v1"):
        raise errors.bad_request("the object provided is unrecognized: an Eviction of policy/v1 is wanted")
    metadata = pod["metadata"]
    if body.get("metadata", {}).get("name") != metadata["name"]:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    options = dict(body.get("deleteOptions") or {})
    dry_run = dry_run or options.get("dryRun") == ["All"]
    if not _ends_anyway(pod):
        _check_budgets(objects, pod, dry_run=dry_run)
    objects.delete(_POD, pod, options, dry_run=dry_run)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def report(objects: Objects) -> None:
    """Write the status of every budget, as the disruption controller does."""
    for budget in list(objects.all(_BUDGET)):
        pods = [pod for pod in objects.all(_POD, budget["metadata"]["namespace"]) if _covers(budget, pod)]
        healthy = sum(is_ready(pod) for pod in pods if not pod["metadata"].get("deletionTimestamp"))
        wanted = _wanted(budget["spec"], len(pods))
        status = {
            "currentHealthy": healthy,
            "desiredHealthy": wanted,
            "expectedPods": len(pods),
            "disruptionsAllowed": max(0, healthy - wanted) if pods else 0,
            "observedGeneration": budget["metadata"]["generation"],
        }
        if any(budget.get("status", {}).get(key) != value for key, value in status.items()):
            objects.seed(budget | {"status": status})


def is_ready(pod: Object) -> bool:
    """Whether a pod's Ready condition is true."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or ())


def _check_budgets(objects: Objects, pod: Object, *, dry_run: bool) -> None:
    budgets = [b for b in objects.all(_BUDGET, pod["metadata"]["namespace"]) if _covers(b, pod)]
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise errors.Refusal(500, "InternalError", message)
    for budget in budgets:
        status, name = budget.get("status") or {}, budget["metadata"]["name"]
        if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
            raise _refused(f"The disruption budget {name} is still being processed by the server.", retry_after=10)
        healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        if not is_ready(pod):
            always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
            if always or healthy >= wanted > 0:
                continue
        if status.get("disruptionsAllowed", 0) < 1:
            said = f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
            raise _refused(said)
        if not dry_run:
            status = status | {"disruptionsAllowed": status["disruptionsAllowed"] - 1}
            objects.seed(budget | {"status": status})


def _refused(why: str, *, retry_after: int | None = None) -> errors.Refusal:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return errors.Refusal(429, "TooManyRequests", _NO, details=details, retry_after=retry_after)


def _ends_anyway(pod: Object) -> bool:
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed", "Pending")
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def _covers(budget: Object, pod: Object) -> bool:
    return matches(budget["spec"].get("selector"), pod["metadata"].get("labels") or {})


def _wanted(spec: Object, pods: int) -> int:
    if "maxUnavailable" in spec:
        return max(0, pods - _count(spec["maxUnavailable"], pods))
    return _count(spec.get("minAvailable", 1), pods)


def _count(value: Any, pods: int) -> int:
    """Resolve a number or percentage: both are rounded up."""
    return math.ceil(pods * int(value[:-1]) / 100) if isinstance(value, str) and value.endswith("%") else int(value)
