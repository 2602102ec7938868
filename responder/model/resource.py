"""Kinds of Kubernetes objects, by their place at the API server."""

from collections.abc import Mapping
from dataclasses import dataclass

from responder.model.target import Target


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object at the API server: `group` "" is the core group; `plural` as in the URL."""

    group: str
    version: str
    plural: str
    namespaced: bool = True


PODS = Resource("", "v1", "pods")
EVENTS = Resource("", "v1", "events")
SERVICES = Resource("", "v1", "services")
NODES = Resource("", "v1", "nodes", namespaced=False)
CONFIG_MAPS = Resource("", "v1", "configmaps")
SECRETS = Resource("", "v1", "secrets")
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
VOLUME_CLAIMS = Resource("", "v1", "persistentvolumeclaims")
VOLUMES = Resource("", "v1", "persistentvolumes", namespaced=False)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
DAEMON_SETS = Resource("apps", "v1", "daemonsets")
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions")
JOBS = Resource("batch", "v1", "jobs")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies")
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets")
CRON_JOBS = Resource("batch", "v1", "cronjobs")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods")
NODE_METRICS = Resource("metrics.k8s.io", "v1beta1", "nodes", namespaced=False)

BY_KIND: Mapping[str, Resource] = {
    "Pod": PODS,
    "Service": SERVICES,
    "Node": NODES,
    "Namespace": NAMESPACES,
    "PersistentVolumeClaim": VOLUME_CLAIMS,
    "PersistentVolume": VOLUMES,
    "Deployment": DEPLOYMENTS,
    "ReplicaSet": REPLICA_SETS,
    "StatefulSet": STATEFUL_SETS,
    "DaemonSet": DAEMON_SETS,
    "Job": JOBS,
    "CronJob": CRON_JOBS,
    "HorizontalPodAutoscaler": AUTOSCALERS,
}
"""The kinds that a target can have."""


_SHORT = {
    "po": "Pod",
    "svc": "Service",
    "no": "Node",
    "ns": "Namespace",
    "pvc": "PersistentVolumeClaim",
    "pv": "PersistentVolume",
    "deploy": "Deployment",
    "rs": "ReplicaSet",
    "sts": "StatefulSet",
    "ds": "DaemonSet",
    "cj": "CronJob",
    "hpa": "HorizontalPodAutoscaler",
}
"""As kubectl knows them."""
_WRITTEN: Mapping[str, str] = {
    **_SHORT,
    **{kind.lower(): kind for kind in BY_KIND},
    **{resource.plural: kind for kind, resource in BY_KIND.items()},
}
_CONFIG_MAPS = frozenset({"cm", "configmap", "configmaps"})


def kind_of(written: str) -> str:
    """
    Return the kind that a person means, who may write it as for kubectl: `deploy`, `deployments`, `deployments.apps`.

    Raises: ValueError, naming what there is, for what no target can be.
    """
    word, _, group = written.strip().lower().partition(".")
    kind = _WRITTEN.get(word, "")
    if kind and group in ("", BY_KIND[kind].group, f"{BY_KIND[kind].version}.{BY_KIND[kind].group}".rstrip(".")):
        return kind
    if word in _CONFIG_MAPS and not group:
        raise ValueError("a ConfigMap is named by a parameter: kubernetes.patch_configmap name=NAME")
    raise ValueError(f"there is no such kind; there are: {', '.join(BY_KIND)}")


def namespace_of(target: Target) -> str:
    """Return the namespace that a target is in, or is; "" for one that is in none, such as a node, or not told."""
    if target.kind == "Namespace":
        return target.name
    resource = BY_KIND.get(target.kind)
    return "" if resource is not None and not resource.namespaced else target.namespace
