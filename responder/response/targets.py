"""
Derives the object that an alert is about, and its correlation key, from the labels alone.

Alerts about objects come mostly from exporters, whose own pod, service, container and address stand among the labels.
What describes the exporter is taken away first; what it renamed to `exported_...` is put back.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from responder.expressions.evaluator import Evaluator
from responder.model.facts import Facts
from responder.model.labels import Labels
from responder.model.place import Place
from responder.model.playbook import TargetTemplate
from responder.model.rule import Rule
from responder.model.target import Target
from responder.model.verdict import Undecided

_EXPORTERS = re.compile(
    r"(?:^|.*-)(?:kube-state-metrics|node-exporter|windows-exporter|blackbox-exporter|pushgateway|cadvisor|kubelet"
    r"|metrics-server|prometheus-adapter|opentelemetry-collector|otel-collector|[a-z0-9]+-exporter|exporter)"
    r"(?:-[a-z0-9]+)*$"
)
_OF_NODES = re.compile(r"(?:^|.*-)(?:node-exporter|windows-exporter|kubelet|cadvisor)(?:-[a-z0-9]+)*$")
_OF_OBJECTS = re.compile(r"(?:^|.*-)kube-state-metrics(?:-[a-z0-9]+)*$")

_WORKLOADS = (("deployment", "Deployment"), ("statefulset", "StatefulSet"), ("daemonset", "DaemonSet"))
_JOBS = (("job_name", "Job"), ("cronjob", "CronJob"), ("replicaset", "ReplicaSet"))
_OBJECTS = (
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("persistentvolume", "PersistentVolume"),
    ("node", "Node"),
)
_CLUSTER_WIDE = frozenset({"Node", "PersistentVolume"})
_KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_CRON_RUN = re.compile(r"(.+)-\d{7,11}")
_POD_NAMES = (
    re.compile(rf"(.+)-\d{{7,11}}-{_RANDOM}{{5}}"),
    re.compile(rf"(.+)-{_RANDOM}{{5,10}}-{_RANDOM}{{5}}"),
    re.compile(r"(.+)-(?=[a-z0-9]*\d)[a-z0-9]{4,10}-[a-z0-9]{5}"),
    re.compile(rf"(.+)-\d{{1,4}}-{_RANDOM}{{5}}"),
    re.compile(rf"(.+)-{_RANDOM}{{5}}"),
    re.compile(r"(.+)-\d{1,4}"),
)
"""Names of pods, the most telling first: of a CronJob's run, of a ReplicaSet (the second form as people shorten it in
examples), of an indexed Job, of a DaemonSet or Job, of a StatefulSet."""


def derive(labels: Labels, cluster: str) -> Target:
    """Find the object: workloads first, then pods and other objects, a service last and never an exporter's."""
    own = about(labels)
    namespace = own.get("namespace", "")
    target = _workload(own) or _pod(own) or _object(own) or _node(labels) or _service(own)
    if target is None:
        return Target(cluster, namespace=namespace)
    scope = "" if target.kind in _CLUSTER_WIDE else namespace
    return replace(target, cluster=cluster, namespace=scope, container=_container(own))


def about(labels: Labels) -> dict[str, str]:
    """Return the labels that describe what the alert is about, without those that describe the exporter."""
    own = {k: v for k, v in labels.items() if v and not k.startswith("exported_")}
    exported = {k.removeprefix("exported_"): v for k, v in labels.items() if v and k.startswith("exported_")}
    if "pod" in exported or "namespace" in exported:
        own = {k: v for k, v in own.items() if k not in ("pod", "container", "service", "node", "namespace")}
    own |= exported
    if _is_exporters_pod(own):
        own.pop("pod", None)
    for name in ("container", "service"):
        if _EXPORTERS.fullmatch(own.get(name, "")) and "uid" not in own:
            own.pop(name, None)
    if _of_objects(labels):
        for name in ("instance", "endpoint"):
            own.pop(name, None)
    return own


def workload_of(pod: str, node: str = "") -> str:
    """Guess the name of the workload from the name of one of its pods; the pod's own name when nothing shows."""
    if node and pod.endswith(f"-{node}"):
        return pod.removesuffix(f"-{node}")
    for pattern in _POD_NAMES:
        if found := pattern.fullmatch(pod):
            return found[1]
    return pod


def correlation_key(rule: Rule, labels: Labels, target: Target) -> str:
    """
    Name the incident that an alert belongs to; alerts with the same key share one.

    A label that the alert lacks counts as "". The order in which the rule names the labels does not matter.
    """
    own = about(labels)
    values = {name: _correlated(name, own, target) for name in rule.correlate_by if name != "cluster"}
    return json.dumps(
        [target.cluster, rule.correlate_as or rule.name, dict(sorted(values.items()))], ensure_ascii=False
    )


def named(template: TargetTemplate, derived: Target, evaluator: Evaluator, facts: Facts) -> Target | Undecided:
    """
    Fill a target that a playbook names itself; what its template leaves out is taken from the labels.

    `workload` becomes the name that was written: the object is known, not guessed.
    """
    filled: dict[str, str] = {}
    for field in ("name", "namespace", "container"):
        written = getattr(template, field)
        value = evaluator.string(written, facts, Place.NAME) if written else getattr(derived, field)
        if isinstance(value, Undecided):
            return value
        filled[field] = value
    if not filled["name"]:
        return Undecided(f"the {template.kind or 'target'} has no name")
    workload = workload_of(filled["name"]) if template.kind == "Pod" else filled["name"]
    return Target(derived.cluster, template.kind or derived.kind, workload=workload, **filled)


def unnamed(template: TargetTemplate, derived: Target, evaluator: Evaluator, facts: Facts) -> Target | Undecided:
    """Fill a target but for its name, which somebody has yet to give."""
    namespace = evaluator.string(template.namespace, facts, Place.NAME) if template.namespace else derived.namespace
    if isinstance(namespace, Undecided):
        return namespace
    return Target(derived.cluster, template.kind or derived.kind, namespace)


def _correlated(name: str, own: Mapping[str, str], target: Target) -> str:
    if name == "workload":
        return target.workload or own.get("workload", "")
    return own.get(name, "")


# --- the objects, in the order in which they count ---


def _workload(own: Labels) -> Target | None:
    kind = _KINDS.get(own.get("workload_type", "").lower(), "")
    if kind and own.get("workload"):
        return Target("", kind, name=own["workload"], workload=own["workload"])
    for label, kind in (*_WORKLOADS, *_JOBS):
        if name := own.get(label):
            return Target("", kind, name=name, workload=_owner(kind, name))
    return None


def _owner(kind: str, name: str) -> str:
    if kind == "Job" and (run := _CRON_RUN.fullmatch(name)):
        return run[1]
    if kind == "ReplicaSet":
        return name.rpartition("-")[0] or name
    return name


def _pod(own: Labels) -> Target | None:
    if not (pod := own.get("pod")):
        return None
    return Target("", "Pod", name=pod, workload=workload_of(pod, own.get("node", "")))


def _object(own: Labels) -> Target | None:
    for label, kind in _OBJECTS:
        if name := own.get(label):
            return Target("", kind, name=name, workload=name)
    return None


def _node(labels: Labels) -> Target | None:
    """Take the scraped address as the node's name where an exporter of nodes tells nothing else."""
    by = (labels.get(name, "") for name in ("job", "service", "pod", "container"))
    host = labels.get("instance", "").rpartition(":")[0] or labels.get("instance", "")
    if host and any(_OF_NODES.fullmatch(name) for name in by):
        return Target("", "Node", name=host.strip("[]"), workload=host.strip("[]"))
    return None


def _service(own: Labels) -> Target | None:
    if not (service := own.get("service")) or _EXPORTERS.fullmatch(service):
        return None
    return Target("", "Service", name=service, workload=service)


def _container(own: Labels) -> str:
    container = own.get("container", "")
    return "" if container == "POD" else container


# --- exporters ---


def _is_exporters_pod(own: Labels) -> bool:
    """
    Whether `pod` is the exporter's, not the object's.

    An alert about the exporter's own pod says so by `uid`, which kube-state-metrics puts on pods, or has been
    aggregated, so that the labels of the scrape are gone.
    """
    scraped = "instance" in own or "endpoint" in own
    return scraped and "uid" not in own and bool(_EXPORTERS.fullmatch(own.get("pod", "")))


def _of_objects(labels: Labels) -> bool:
    return any(_OF_OBJECTS.fullmatch(labels.get(name, "")) for name in ("job", "service", "container"))
