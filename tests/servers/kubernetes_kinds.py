"""The kinds of objects that the API server in `kubernetes.py` serves."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """
    One kind. `counted` ones carry `metadata.generation`; `status` ones have the subresource, so a plain write cannot
    change their status. `fields` are the field selectors that the real server knows beside metadata's.
    """

    kind: str
    group: str
    version: str
    plural: str
    singular: str = ""
    namespaced: bool = True
    counted: bool = False
    status: bool = True
    scale: bool = False
    fields: tuple[str, ...] = field(default=())

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}".lstrip("/")

    @property
    def qualified(self) -> str:
        """The resource as messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)

KINDS = (
    Kind("Namespace", "", "v1", "namespaces", namespaced=False, fields=("status.phase",)),
    Kind("Node", "", "v1", "nodes", namespaced=False, fields=("spec.unschedulable",)),
    Kind("Pod", "", "v1", "pods", fields=POD_FIELDS),
    Kind("Service", "", "v1", "services", fields=("spec.clusterIP", "spec.type")),
    Kind("Event", "", "v1", "events", status=False, fields=EVENT_FIELDS),
    Kind("ConfigMap", "", "v1", "configmaps", status=False),
    Kind("Secret", "", "v1", "secrets", status=False, fields=("type",)),
    Kind("ServiceAccount", "", "v1", "serviceaccounts", status=False),
    Kind("PersistentVolume", "", "v1", "persistentvolumes", namespaced=False),
    Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    Kind("Deployment", "apps", "v1", "deployments", counted=True, scale=True),
    Kind("ReplicaSet", "apps", "v1", "replicasets", counted=True, scale=True, fields=("status.replicas",)),
    Kind("StatefulSet", "apps", "v1", "statefulsets", counted=True, scale=True),
    Kind("DaemonSet", "apps", "v1", "daemonsets", counted=True),
    Kind("ControllerRevision", "apps", "v1", "controllerrevisions", status=False),
    Kind("Job", "batch", "v1", "jobs", counted=True, fields=("status.successful",)),
    Kind("CronJob", "batch", "v1", "cronjobs", counted=True),
    Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
    Kind("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", status=False),
    Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", counted=True, status=False),
    Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", counted=True),
)
"""Kinds that are stored."""

METRICS = (
    Kind("PodMetrics", "metrics.k8s.io", "v1beta1", "pods", status=False),
    Kind("NodeMetrics", "metrics.k8s.io", "v1beta1", "nodes", namespaced=False, status=False),
)
"""Kinds that another API server computes, where metrics-server is installed."""

BY_PLURAL = {(kind.group, kind.version, kind.plural): kind for kind in (*KINDS, *METRICS)}
BY_NAME = {(kind.api_version, kind.kind): kind for kind in KINDS}
