"""Does the workload have the replicas that it should, and if not, what holds it up?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from responder.errors import PermanentError
from responder.model import resource as kinds
from responder.model.finding import Weight
from responder.model.management import managed_by
from responder.model.pod import read_pod
from responder.model.pod_template import images_of
from responder.model.quantity import format_bytes, parse_quantity
from responder.model.redaction import redact
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, Scope, scope_of
from responder.plugins.tools import Kubernetes, Tools

Object = Mapping[str, Any]

_PATIENCE = timedelta(minutes=10)
"""How long a pod may be unready before its rollout counts as stalled; a Deployment's own default deadline."""


class WorkloadState(diagnostic.Result):
    """Replicas, what holds them up, and who or what else changes them."""

    exists: bool = Field(True, description="Whether there is a workload.")
    kind: str = Field("", description="Kind of the workload, such as Deployment.")
    name: str = Field("", description="Name of the workload.")
    wanted: int = Field(description="Replicas asked for; of a Job its completions.")
    ready: int = Field(description="Replicas ready to serve; of a Job those that succeeded.")
    updated: int = Field(description="Replicas of the current revision.")
    available: int = Field(description="Replicas ready for `minReadySeconds`.")
    stalled: bool = Field(description="Whether it does not get to what is wanted by itself.")
    stalled_reason: str = Field(description="Why, in the controller's or a pod's words; empty when not stalled.")
    paused: bool = Field(False, description="Whether rollouts, or a CronJob's runs, are switched off.")
    managed_by: str = Field(description="Argo CD, Flux, Helm or an operator that would undo a change; empty for none.")
    hpa_min: int | None = Field(description="The autoscaler's least replicas; none without one.")
    hpa_max: int | None = Field(description="The autoscaler's most replicas; none without one.")
    hpa_wanted: int | None = Field(None, description="What the autoscaler asks for.")
    at_hpa_max: bool = Field(description="Whether the autoscaler would like more than it may.")
    cpu_limit: float | None = Field(
        None, description="Cores, of the container named like the workload or the only one."
    )
    memory_limit: float | None = Field(None, description="Bytes, of the same container.")
    memory_request: float | None = Field(None, description="Bytes, of the same container.")
    images: tuple[str, ...] = Field((), description="Images of its containers.")
    conditions: tuple[str, ...] = Field((), description="As `Available=False: MinimumReplicasUnavailable`.")
    unread: str = Field("", description="Why the autoscaler could not be looked at; empty when it could.")
    of: str = Field("", description="What was asked for, as `deployment/api in prod`.")

    def headline(self) -> str:
        """Say how many replicas there are, and what holds up the others."""
        if not self.exists:
            return f"{self.of} has no workload"[:150]
        parts = [f"{self.kind.lower()}/{self.name}: {self.ready} of {self.wanted} ready"]
        if self.stalled:
            parts.append(f"stalled: {self.stalled_reason}")
        if self.at_hpa_max:
            parts.append(f"autoscaler at its maximum of {self.hpa_max}")
        if self.paused:
            parts.append("paused")
        if self.managed_by:
            parts.append(f"managed by {self.managed_by}")
        return ", ".join(parts)[:150]

    def evidence(self) -> tuple[str, ...]:
        """Give the conditions, the limits and the images."""
        limit = "none" if self.memory_limit is None else format_bytes(self.memory_limit)
        lines = [f"updated {self.updated}, available {self.available}, memory limit {limit}", *self.conditions]
        if self.hpa_max is not None:
            lines.append(f"autoscaler wants {self.hpa_wanted} of {self.hpa_min} to {self.hpa_max}")
        return (*lines, *(f"image {image}" for image in self.images), *filter(None, (self.unread,)))[:20]

    def weight(self) -> Weight:
        """A stalled workload needs somebody; a short one may be on its way."""
        if not self.exists or self.stalled:
            return Weight.TROUBLE
        return Weight.NOTABLE if self.ready < self.wanted or self.at_hpa_max or self.paused else Weight.NORMAL

    def has_data(self) -> bool:
        """Without a workload there is nothing to count."""
        return self.exists


@dataclass(frozen=True, slots=True)
class _Counts:
    """Replicas, whatever the kind calls them."""

    wanted: int
    ready: int
    updated: int
    available: int


class KubernetesWorkload(diagnostic.Diagnostic["KubernetesWorkload.Params"]):
    """
    Read the workload that owns the target, and the autoscaler that scales it.

    It is stalled when a Deployment passed its progress deadline or may not make pods (quota), a Job failed, or a
    StatefulSet or DaemonSet has a pod that has been unready for over 10 minutes.

    Source: `status` and `status.conditions` of the workload, `autoscaling/v2` HorizontalPodAutoscalers.

    Example:

        diagnose:
          workload: {kubernetes.workload: {}}
    """

    name = "kubernetes.workload"
    needs = (*SCOPE_NEEDS, Verb("autoscaling", "horizontalpodautoscalers", "list"))

    class Params(params.Params):
        """Nothing to choose."""

    Result: ClassVar[type[WorkloadState]] = WorkloadState

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> WorkloadState:
        """Read the workload and its autoscaler."""
        scope, (autoscalers, unread) = await asyncio.gather(
            scope_of(target, tools.kubernetes), _autoscalers(target, tools.kubernetes)
        )
        if scope.workload is None:
            return _none(scope.target)
        workload = scope.workload
        scaler = next((found for found in autoscalers if _scales(found, workload)), None)
        return _state(scope, workload, scaler, tools.now()).model_copy(
            update={"unread": unread, "of": str(scope.target)}
        )


async def _autoscalers(target: Target, kubernetes: Kubernetes) -> tuple[Sequence[Object], str]:
    if not target.namespace:
        return (), ""
    try:
        return await kubernetes.list(kinds.AUTOSCALERS, target.namespace), ""
    except PermanentError as error:
        return (), str(error)


def _scales(autoscaler: Object, workload: Object) -> bool:
    reference = autoscaler["spec"].get("scaleTargetRef") or {}
    return (reference.get("kind"), reference.get("name")) == (workload["kind"], workload["metadata"]["name"])


def _state(scope: Scope, workload: Object, scaler: Object | None, now: datetime) -> WorkloadState:
    counts = _counts(workload)
    reason = _stalled(scope, workload, counts, now)
    template = _template(workload)
    container = _main_container(template, str(workload["metadata"]["name"]))
    limits, requests = container.get("limits") or {}, container.get("requests") or {}
    low, high, wanted = _range(scaler)
    return WorkloadState(
        kind=str(workload["kind"]),
        name=str(workload["metadata"]["name"]),
        wanted=counts.wanted,
        ready=counts.ready,
        updated=counts.updated,
        available=counts.available,
        stalled=bool(reason),
        stalled_reason=redact(reason)[:300],
        paused=bool(workload["spec"].get("paused") or workload["spec"].get("suspend")),
        managed_by=managed_by(workload),
        hpa_min=low,
        hpa_max=high,
        hpa_wanted=wanted,
        at_hpa_max=scaler is not None and _at_maximum(scaler, wanted, high),
        cpu_limit=parse_quantity(limits.get("cpu")),
        memory_limit=parse_quantity(limits.get("memory")),
        memory_request=parse_quantity(requests.get("memory")),
        images=tuple(image[:200] for image in images_of(template))[:10],
        conditions=tuple(map(_condition, _conditions(workload)))[:10],
    )


def _counts(workload: Object) -> _Counts:
    spec, status = workload.get("spec") or {}, workload.get("status") or {}

    def number(name: str) -> int:
        return int(status.get(name) or 0)

    match workload["kind"]:
        case "DaemonSet":
            wanted, updated = number("desiredNumberScheduled"), number("updatedNumberScheduled")
            return _Counts(wanted, number("numberReady"), updated, number("numberAvailable"))
        case "Job":
            wanted = int(spec.get("completions") or 1)
            return _Counts(wanted, number("succeeded"), number("active"), number("ready"))
        case "CronJob":
            running = len(status.get("active") or ())
            return _Counts(0, 0, running, running)
        case "Pod":
            ready = int(read_pod(workload).ready)
            return _Counts(1, ready, 1, ready)
    replicas = spec.get("replicas")
    updated = number("updatedReplicas" if workload["kind"] != "ReplicaSet" else "replicas")
    return _Counts(
        1 if replicas is None else int(replicas), number("readyReplicas"), updated, number("availableReplicas")
    )


def _stalled(scope: Scope, workload: Object, counts: _Counts, now: datetime) -> str:
    by_type = {item.get("type"): item for item in _conditions(workload)}
    for name, status in (("ReplicaFailure", "True"), ("Failed", "True"), ("Progressing", "False")):
        found = by_type.get(name) or {}
        if found.get("status") == status:
            return f"{found.get('reason', name)}: {found.get('message', '')}".removesuffix(": ")
    if workload["kind"] not in ("StatefulSet", "DaemonSet", "ReplicaSet") or counts.ready >= counts.wanted:
        return ""
    for pod in sorted(map(read_pod, scope.pods), key=lambda pod: pod.unready_since or now):
        if pod.active and pod.unready_since is not None and now - pod.unready_since > _PATIENCE:
            return f"{pod.name} is not ready: {pod.reason or pod.phase} {pod.message}".strip()
    return ""


def _conditions(workload: Object) -> Sequence[Object]:
    return (workload.get("status") or {}).get("conditions") or ()


def _condition(found: Object) -> str:
    said = f"{found.get('type')}={found.get('status')}"
    words = ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
    return redact(f"{said}: {words}" if words else said)[:300]


def _template(workload: Object) -> Object:
    if workload["kind"] == "Pod":
        return workload
    spec = workload["spec"]
    if workload["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object = spec.get("template") or {}
    return template


def _main_container(template: Object, name: str) -> Object:
    containers = (template.get("spec") or {}).get("containers") or ()
    named = [container for container in containers if len(containers) == 1 or container.get("name") == name]
    return (named[0].get("resources") or {}) if named else {}


def _range(scaler: Object | None) -> tuple[int | None, int | None, int | None]:
    if scaler is None:
        return None, None, None
    spec, status = scaler["spec"], scaler.get("status") or {}
    return int(spec.get("minReplicas") or 1), int(spec["maxReplicas"]), int(status.get("desiredReplicas") or 0)


def _at_maximum(scaler: Object, wanted: int | None, most: int | None) -> bool:
    """Say whether it is held down: by the controller's word, or where it has said nothing, by the numbers."""
    limited = next((item for item in _conditions(scaler) if item.get("type") == "ScalingLimited"), None)
    if limited is not None and limited.get("reason") == "TooManyReplicas":
        return limited.get("status") == "True"
    return wanted is not None and most is not None and wanted >= most


def _none(target: Target) -> WorkloadState:
    return WorkloadState(
        exists=False,
        wanted=0,
        ready=0,
        updated=0,
        available=0,
        stalled=False,
        stalled_reason="",
        managed_by="",
        hpa_min=None,
        hpa_max=None,
        at_hpa_max=False,
        of=str(target),
    )
