"""Who else writes an object: what a person changes by hand there comes back."""

import re
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
_CONTROLLERS = re.compile(r"(?i).*(operator|controller).*|manager|cert-manager.*")
"""Operators are called so; the usual frameworks name the program just `manager`. A `release-manager` is somebody's."""
_PLATFORM = re.compile(rf"{FIELD_MANAGER}|kube-controller-manager|(.*-)?cloud-controller-manager")
"""Controllers that write what a cluster itself keeps; none of them decides what is wanted."""


def managed_by(found: Object) -> str:
    """
    Name the program that keeps an object as it is: Argo CD, Flux, Helm, an operator; "" where nothing tells.

    A node has many who write it, each a part; of all that is changed there, only who writes `unschedulable` tells.

    Source: labels, annotations, the controller in `ownerReferences`, and the managers in `managedFields`.
    """
    metadata = found.get("metadata") or {}
    if found.get("kind") == "Node":
        return _by_fields(metadata, "unschedulable")[:120]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    # Who delivers a chart is asked for before Helm: every chart bears Helm's label, whoever renders it.
    return (
        _operator(metadata)
        or _argo(labels, annotations)
        or _flux(labels)
        or _delivered(metadata, labels)
        or _helm(labels, annotations)
        or _by_label(labels)
        or _by_fields(metadata)
    )[:120]


def _operator(metadata: Object) -> str:
    for owner in metadata.get("ownerReferences") or ():
        controls = owner.get("controller") and owner.get("kind") not in _BUILT_IN
        if controls or _is_custom(str(owner.get("apiVersion", ""))):
            return f"{owner.get('kind')} {owner.get('name')}"
    return ""


def _is_custom(api_version: str) -> bool:
    """Whether a kind is none of Kubernetes' own: its group is a domain of somebody else's."""
    group = api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def _argo(labels: Object, annotations: Object) -> str:
    tracked = str(annotations.get("argocd.argoproj.io/tracking-id", "")).partition(":")[0]
    name = tracked or str(labels.get("argocd.argoproj.io/instance", ""))
    return f"Argo CD ({name})" if name else ""


def _delivered(metadata: Object, labels: Object) -> str:
    managers = [str(entry.get("manager", "")).lower() for entry in metadata.get("managedFields") or ()]
    for mark, name in _FIELD_MANAGERS:
        if any(mark in manager for manager in managers):
            # Argo CD's tracking by labels, its default before version 3, puts the application here.
            app = str(labels.get("app.kubernetes.io/instance", "")) if name == "Argo CD" else ""
            return f"{name} ({app})" if app else name
    return ""


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


def _by_fields(metadata: Object, field: str = "") -> str:
    """Name a controller that wrote what is wanted, or one `field` of it, and so will again; no person is called so."""
    for entry in metadata.get("managedFields") or ():
        manager = str(entry.get("manager", ""))
        called = _CONTROLLERS.fullmatch(manager) and not _PLATFORM.fullmatch(manager)
        fields = entry.get("fieldsV1") or {}
        wrote = f"f:{field}" in (fields.get("f:spec") or {}) if field else "f:spec" in fields or "f:data" in fields
        if called and wrote and not entry.get("subresource"):
            return manager
    return ""


def _by_label(labels: Object) -> str:
    name = str(labels.get("app.kubernetes.io/managed-by", ""))
    return "" if name.casefold() in _HAND else name
