"""What a target covers in its cluster: the workload and the pods that a diagnostic about it should look at."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from responder.errors import NoTarget, PermanentError
from responder.model.resource import BY_KIND, VOLUMES
from responder.model.target import Target
from responder.plugins.rights import Verb
from responder.plugins.tools import Kubernetes

Object = Mapping[str, Any]

SCOPE_NEEDS = tuple(
    Verb(resource.group, resource.plural, verb)
    for kind, resource in BY_KIND.items()
    for verb in (("get", "list") if kind in ("Pod", "ReplicaSet", "Job") else ("get",))
)
"""The rights that finding the workload and the pods of any target takes."""
_OF_KIND = {
    "Deployment": (("apps", "deployments", "get"), ("apps", "replicasets", "list"), ("", "pods", "list")),
    "StatefulSet": (("apps", "statefulsets", "get"), ("", "pods", "list")),
    "DaemonSet": (("apps", "daemonsets", "get"), ("", "pods", "list")),
}

_OWN_WORKLOAD = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "HorizontalPodAutoscaler")


def scoped(needs: Sequence[Verb], kind: str) -> tuple[Verb, ...]:
    """Put what a target of a kind takes in the place of SCOPE_NEEDS, where these are among what a plugin needs."""
    if kind not in _OF_KIND or not set(SCOPE_NEEDS) <= set(needs):
        return tuple(needs)
    own = list(needs)
    for verb in SCOPE_NEEDS:  # once each: what a plugin names besides, it needs itself
        own.remove(verb)
    return (*(Verb(*told) for told in _OF_KIND[kind]), *own)


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What there is of a target.

    `target` is what was looked at: the workload of a pod, the claim of a volume. `workload` is the topmost controller,
    with its `kind`; None for a node or where there is none. `pods` are all of its pods, also when the target was one of
    them. `exists` is False where the cluster knows nothing of the target.
    """

    target: Target
    workload: Object | None
    pods: Sequence[Object]
    exists: bool


def known(target: Target) -> Target:
    """
    Return the target if there is an object to look at.

    Raises: NoTarget when the alert names none, PermanentError for a kind that is not read here.
    """
    if not target.known:
        raise NoTarget
    if target.kind not in BY_KIND:
        kinds = ", ".join(BY_KIND)
        raise PermanentError(f"A target of kind {target.kind!r} cannot be read: name one of {kinds}")
    return target


async def scope_of(target: Target, kubernetes: Kubernetes) -> Scope:
    """Find the workload and the pods of a target. Raises as `known` does."""
    match known(target).kind:
        case "Pod":
            return await _of_pod(target, kubernetes)
        case "PersistentVolume":
            target = await _claim_of(target, kubernetes)
        case "Namespace":
            target = replace(target, namespace=target.name)
    workload, pods = await asyncio.gather(kubernetes.workload(target), kubernetes.pods(target))
    exists = bool(workload or pods) or await _exists(target, kubernetes)
    return Scope(target, workload, pods, exists)


def leads_to(service: Object, scope: Scope) -> bool:
    """Say whether a Service is the target or selects its pods; of a workload without pods, its template."""
    if service["spec"].get("type") == "ExternalName":
        return False
    if scope.target.kind == "Service":
        return bool(service["metadata"]["name"] == scope.target.name)
    selector = service["spec"].get("selector") or {}
    return bool(selector) and any(selector.items() <= labels.items() for labels in _labels(scope))


def _labels(scope: Scope) -> Iterable[Mapping[str, str]]:
    for pod in scope.pods:
        yield pod["metadata"].get("labels") or {}
    template = ((scope.workload or {}).get("spec") or {}).get("template") or {}
    yield (template.get("metadata") or {}).get("labels") or {}


async def _of_pod(target: Target, kubernetes: Kubernetes) -> Scope:
    """Look at all the pods of the workload: the others tell whether one pod is ill or all are."""
    workload = await kubernetes.workload(target)
    whole = target
    if workload is not None and workload["kind"] in _OWN_WORKLOAD:
        name = str(workload["metadata"]["name"])
        whole = replace(target, kind=workload["kind"], name=name, workload=name)
    pods = await kubernetes.pods(whole)
    return Scope(whole, workload, pods, exists=workload is not None)


async def _claim_of(target: Target, kubernetes: Kubernetes) -> Target:
    """Take the claim that a volume is bound to, for that is what pods name; an unbound one stands for itself."""
    volume = await kubernetes.get(VOLUMES, "", target.name)
    claim = (volume or {}).get("spec", {}).get("claimRef") or {}
    if not claim:
        return target
    name = str(claim.get("name", ""))
    return replace(target, kind="PersistentVolumeClaim", namespace=str(claim.get("namespace", "")), name=name)


async def _exists(target: Target, kubernetes: Kubernetes) -> bool:
    if target.kind in _OWN_WORKLOAD and target.kind != "HorizontalPodAutoscaler":
        return False
    return await kubernetes.get(BY_KIND[target.kind], target.namespace, target.name) is not None
