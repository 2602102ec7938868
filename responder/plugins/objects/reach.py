"""What an object that is to be made reaches: the pods that it selects, counted and named before anybody is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from responder.model.action import Preview
from responder.model.resource import BY_KIND, PODS
from responder.model.target import Target
from responder.plugins.acting import Cluster, Object
from responder.plugins.objects.creation import Creation
from responder.plugins.objects.pod import workload_locks
from responder.plugins.objects.seen import Place
from responder.plugins.rights import Verb
from responder.plugins.rollout.disruption import pod_names, selects
from responder.plugins.rollout.workload import ready_count

MOST_PODS = 2000
"""Pods of a namespace that are looked at."""
_SCALED = ("Deployment", "StatefulSet", "ReplicaSet")
_SELECTED = (Verb("", "pods", "list"),)
_SCALES = (
    Verb("", "pods", "list"),
    Verb("apps", "deployments", "get"),
    Verb("apps", "statefulsets", "get"),
    Verb("apps", "replicasets", "get"),
    Verb("apps", "replicasets", "list"),
)
REACH_NEEDS: Mapping[str, tuple[Verb, ...]] = {
    "NetworkPolicy": (*_SELECTED, Verb("apps", "replicasets", "get")),
    "Service": _SELECTED,
    "PodDisruptionBudget": _SELECTED,
    "HorizontalPodAutoscaler": _SCALES,
}
"""The rights that looking takes, by the kind of the object."""


async def with_reach(preview: Preview, creation: Creation, cluster: Cluster) -> Preview:
    """Say in a preview which pods the object selects, and which of them it disturbs. Raises: CallError."""
    spec = creation.manifest.get("spec")
    fields = spec if isinstance(spec, Mapping) else {}
    match creation.place.kind:
        case "NetworkPolicy":
            return await _policy(preview, fields, creation.place, cluster)
        case "Service":
            return await _service(preview, fields, creation.place, cluster)
        case "PodDisruptionBudget":
            pods = await selected_by(fields.get("selector"), creation.place.namespace, cluster)
            said = f"none: whoever evicts one of the {len(pods)} pods that it selects has to keep to it"
            return replace(preview, disruption=said, warnings=(*preview.warnings, *_nobody(pods)))
        case "HorizontalPodAutoscaler":
            return await _scaling(preview, fields, creation.place, cluster)
    return preview


async def selected_by(selector: Any, namespace: str, cluster: Cluster) -> list[Object]:
    """List the pods of a namespace that a selector chooses: an empty one all, none nothing. Raises: CallError."""
    if not isinstance(selector, Mapping):
        return []
    pods = await cluster.list(PODS, namespace, limit=MOST_PODS)
    return [pod for pod in pods if selects(selector, pod["metadata"].get("labels") or {})]


async def _policy(preview: Preview, spec: Object, place: Place, cluster: Cluster) -> Preview:
    ways = _cut_off(spec)
    if not ways:
        return replace(preview, disruption="none: it lets everything through")
    pods = await selected_by(spec.get("podSelector"), place.namespace, cluster)
    more = f"{len(pods)} pods run on, cut off from {' and '.join(ways)}, but for what it allows"
    return replace(
        preview,
        beside=(*preview.beside, *await workload_locks(pods, place, cluster)),
        touches=pod_names(pods),
        pods=len(pods),
        ready=ready_count(pods),
        replicas=len(pods),
        disruption=more,
        warnings=(*preview.warnings, *_nobody(pods)),
    )


def _cut_off(spec: Object) -> tuple[str, ...]:
    """Name the ways in which a policy lets not everything through. Source: networking.k8s.io/v1, `policyTypes`."""
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    said = {"Ingress": ("ingress", "what comes in"), "Egress": ("egress", "what goes out")}
    return tuple(words for way, (field, words) in said.items() if way in types and {} not in (spec.get(field) or ()))


async def _service(preview: Preview, spec: Object, place: Place, cluster: Cluster) -> Preview:
    labels = spec.get("selector")
    if not labels:
        return replace(preview, disruption="none: it selects no pods")
    pods = await selected_by({"matchLabels": labels}, place.namespace, cluster)
    said = f"none: the {len(pods)} pods that it selects can be reached by this name too, {ready_count(pods)} are ready"
    return replace(preview, disruption=said, warnings=(*preview.warnings, *_nobody(pods)))


async def _scaling(preview: Preview, spec: Object, place: Place, cluster: Cluster) -> Preview:
    scaled = spec.get("scaleTargetRef")
    kind, name = (str((scaled if isinstance(scaled, Mapping) else {}).get(key, "")) for key in ("kind", "name"))
    found = await cluster.get(BY_KIND[kind], place.namespace, name) if kind in _SCALED else None
    if found is None:
        warning = f"How many pods it would end is not known: there is no {kind.lower()}/{name} to look at"
        return replace(preview, pods=None, warnings=(*preview.warnings, warning))
    replicas, least = int((found.get("spec") or {}).get("replicas", 1)), int(spec.get("minReplicas") or 1)
    pods = await cluster.pods(Target(place.cluster, kind, place.namespace, name, name))
    gone = max(0, replicas - least)
    lock = Place(place.cluster, BY_KIND[kind], kind, place.namespace, name).lock
    return replace(
        preview,
        beside=(*preview.beside, lock),
        touches=(*preview.touches, *pod_names(pods)),
        pods=gone,
        ready=ready_count(pods),
        replicas=replicas,
        disruption=f"its {replicas} pods become what the load asks for, {least} at least: up to {gone} of them end",
    )


def _nobody(pods: Sequence[Object]) -> tuple[str, ...]:
    return () if pods else ("It selects no pod as things are",)
