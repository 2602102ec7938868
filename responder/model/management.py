"""Who else writes an object: what a person changes by hand there comes back."""

from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]

FIELD_MANAGER = "responder"
"""Who we are to the API server's field management."""
_BUILT_IN = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node", "Pod"})
_FIELD_MANAGERS = (
    ("argocd", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("terraform", "Terraform"),
    ("tofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
)
_HAND = frozenset({"", "kubectl", "kustomize", "manual", "none"})


def managed_by(found: Object) -> str:
    """
    Name the program that keeps an object as it is: Argo CD, Flux, Helm, an operator; "" where nothing tells.

    Source: labels, annotations, the controller in `ownerReferences`, and the managers in `managedFields`.
    """
    metadata = found.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return (
        _operator(metadata)
        or _argo(labels, annotations)
        or _flux(labels)
        or _helm(labels, annotations)
        or _by_fields(metadata)
        or _by_label(labels)
    )[:120]


def _operator(metadata: Object) -> str:
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") not in _BUILT_IN:
            return f"{owner.get('kind')} {owner.get('name')}"
    return ""


def _argo(labels: Object, annotations: Object) -> str:
    tracked = str(annotations.get("argocd.argoproj.io/tracking-id", "")).partition(":")[0]
    name = tracked or str(labels.get("argocd.argoproj.io/instance", ""))
    return f"Argo CD ({name})" if name else ""


def _flux(labels: Object) -> str:
    for kind, group in (("HelmRelease", "helm"), ("Kustomization", "kustomize")):
        if name := labels.get(f"{group}.toolkit.fluxcd.io/name"):
            return f"Flux ({kind} {labels.get(f'{group}.toolkit.fluxcd.io/namespace', '')}/{name})"
    return ""


def _helm(labels: Object, annotations: Object) -> str:
    release = annotations.get("meta.helm.sh/release-name")
    if release:
        return f"Helm ({release})"
    return "Helm" if labels.get("app.kubernetes.io/managed-by") == "Helm" else ""


def _by_fields(metadata: Object) -> str:
    managers = [str(entry.get("manager", "")).lower() for entry in metadata.get("managedFields") or ()]
    for mark, name in _FIELD_MANAGERS:
        if any(mark in manager for manager in managers):
            return name
    return ""


def _by_label(labels: Object) -> str:
    name = str(labels.get("app.kubernetes.io/managed-by", ""))
    return "" if name.casefold() in _HAND else name
