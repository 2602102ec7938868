"""Targets and correlation keys from labels, with the labels that kube-prometheus-stack's alerts really carry."""

import pytest

from responder.model.rule import Rule
from responder.model.target import Target
from responder.response.targets import about, correlation_key, derive, workload_of

KSM = {
    "container": "kube-state-metrics",
    "endpoint": "http",
    "instance": "10.244.1.7:8080",
    "job": "kube-state-metrics",
    "pod": "kps-kube-state-metrics-6d5c8f9b7c-x2q8z",
    "service": "kps-kube-state-metrics",
    "prometheus": "monitoring/kps-kube-prometheus-stack-prometheus",
    "severity": "warning",
}
"""What a scrape of kube-state-metrics adds to a metric that does not say it itself (honorLabels: true)."""
NODE_EXPORTER = {
    "container": "node-exporter",
    "endpoint": "http-metrics",
    "instance": "10.0.0.11:9100",
    "job": "node-exporter",
    "namespace": "monitoring",
    "pod": "kps-prometheus-node-exporter-k7wzp",
    "service": "kps-prometheus-node-exporter",
}
KUBELET = {
    "endpoint": "https-metrics",
    "instance": "10.0.0.11:10250",
    "job": "kubelet",
    "metrics_path": "/metrics",
    "node": "worker-1",
    "service": "kps-kubelet",
}

SAMPLES = {
    "KubePodCrashLooping": (
        {
            **KSM,
            "container": "api",
            "namespace": "prod",
            "pod": "api-7d9f8b6c5-x2q8z",
            "reason": "CrashLoopBackOff",
            "uid": "d2b1",
        },
        ("Pod", "prod", "api-7d9f8b6c5-x2q8z", "api", "api"),
    ),
    "KubePodCrashLooping of the exporter itself": (
        {**KSM, "namespace": "monitoring", "reason": "CrashLoopBackOff", "uid": "d2b1"},
        (
            "Pod",
            "monitoring",
            "kps-kube-state-metrics-6d5c8f9b7c-x2q8z",
            "kps-kube-state-metrics",
            "kube-state-metrics",
        ),
    ),
    "KubePodNotReady": (
        {"namespace": "prod", "pod": "api-7d9f8b6c5-x2q8z", "severity": "warning"},
        ("Pod", "prod", "api-7d9f8b6c5-x2q8z", "api", ""),
    ),
    "KubeContainerWaiting": (
        {**KSM, "container": "sidecar", "namespace": "prod", "pod": "web-0", "reason": "ImagePullBackOff", "uid": "1"},
        ("Pod", "prod", "web-0", "web", "sidecar"),
    ),
    "KubeDeploymentReplicasMismatch": (
        {**KSM, "namespace": "prod", "deployment": "api"},
        ("Deployment", "prod", "api", "api", ""),
    ),
    "KubeDeploymentReplicasMismatch without honorLabels": (
        {**KSM, "namespace": "monitoring", "exported_namespace": "prod", "deployment": "api"},
        ("Deployment", "prod", "api", "api", ""),
    ),
    "KubeContainerWaiting without honorLabels": (
        {
            **KSM,
            "namespace": "monitoring",
            "exported_namespace": "prod",
            "exported_pod": "api-7d9f8b6c5-x2q8z",
            "exported_container": "api",
        },
        ("Pod", "prod", "api-7d9f8b6c5-x2q8z", "api", "api"),
    ),
    "KubeDeploymentRolloutStuck": (
        {**KSM, "namespace": "prod", "deployment": "api", "condition": "Progressing", "status": "false"},
        ("Deployment", "prod", "api", "api", ""),
    ),
    "KubeDeploymentGenerationMismatch": (
        {**KSM, "namespace": "prod", "deployment": "api"},
        ("Deployment", "prod", "api", "api", ""),
    ),
    "KubeStatefulSetReplicasMismatch": (
        {**KSM, "namespace": "prod", "statefulset": "db"},
        ("StatefulSet", "prod", "db", "db", ""),
    ),
    "KubeDaemonSetRolloutStuck": (
        {**KSM, "namespace": "kube-system", "daemonset": "cilium"},
        ("DaemonSet", "kube-system", "cilium", "cilium", ""),
    ),
    "KubeJobFailed": (
        {**KSM, "namespace": "prod", "job_name": "backup-29394720", "condition": "true", "reason": "DeadlineExceeded"},
        ("Job", "prod", "backup-29394720", "backup", ""),
    ),
    "KubeJobNotCompleted": (
        {"namespace": "prod", "job_name": "migrate", "cluster": "a"},
        ("Job", "prod", "migrate", "migrate", ""),
    ),
    "KubeHpaMaxedOut": (
        {**KSM, "namespace": "prod", "horizontalpodautoscaler": "api"},
        ("HorizontalPodAutoscaler", "prod", "api", "api", ""),
    ),
    "KubeHpaReplicasMismatch": (
        {**KSM, "namespace": "prod", "horizontalpodautoscaler": "api"},
        ("HorizontalPodAutoscaler", "prod", "api", "api", ""),
    ),
    "CPUThrottlingHigh": (
        {"container": "api", "namespace": "prod", "pod": "api-7d9f8b6c5-x2q8z", "severity": "info"},
        ("Pod", "prod", "api-7d9f8b6c5-x2q8z", "api", "api"),
    ),
    "KubePersistentVolumeFillingUp": (
        {**KUBELET, "namespace": "prod", "persistentvolumeclaim": "data-db-0"},
        ("PersistentVolumeClaim", "prod", "data-db-0", "data-db-0", ""),
    ),
    "KubePersistentVolumeInodesFillingUp": (
        {**KUBELET, "namespace": "prod", "persistentvolumeclaim": "data-db-0"},
        ("PersistentVolumeClaim", "prod", "data-db-0", "data-db-0", ""),
    ),
    "KubePersistentVolumeErrors": (
        {**KSM, "namespace": "monitoring", "persistentvolume": "pvc-12", "phase": "Failed"},
        ("PersistentVolume", "", "pvc-12", "pvc-12", ""),
    ),
    "KubeNodeNotReady": (
        {**KSM, "namespace": "monitoring", "node": "worker-1", "condition": "Ready", "status": "true"},
        ("Node", "", "worker-1", "worker-1", ""),
    ),
    "KubeNodeUnreachable": (
        {**KSM, "namespace": "monitoring", "node": "worker-1", "effect": "NoSchedule", "key": "unreachable"},
        ("Node", "", "worker-1", "worker-1", ""),
    ),
    "KubeNodeReadinessFlapping": ({"cluster": "a", "node": "worker-1"}, ("Node", "", "worker-1", "worker-1", "")),
    "KubeNodePressure": (
        {**KSM, "namespace": "monitoring", "node": "worker-1", "condition": "MemoryPressure"},
        ("Node", "", "worker-1", "worker-1", ""),
    ),
    "KubeletTooManyPods": ({"node": "worker-1"}, ("Node", "", "worker-1", "worker-1", "")),
    "NodeFilesystemSpaceFillingUp": (
        {**NODE_EXPORTER, "device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"},
        ("Node", "", "10.0.0.11", "10.0.0.11", ""),
    ),
    "NodeMemoryMajorPagesFaults with the node's name": (
        {**NODE_EXPORTER, "node": "worker-1"},
        ("Node", "", "worker-1", "worker-1", ""),
    ),
    "NodeMemoryHighUtilization relabelled": (
        {"job": "node-exporter", "instance": "worker-1"},
        ("Node", "", "worker-1", "worker-1", ""),
    ),
    "NodeFilesystemFilesFillingUp over IPv6": (
        {**NODE_EXPORTER, "instance": "[fd00::11]:9100"},
        ("Node", "", "fd00::11", "fd00::11", ""),
    ),
    "TargetDown": (
        {"job": "checkout", "namespace": "prod", "service": "checkout", "severity": "warning"},
        ("Service", "prod", "checkout", "checkout", ""),
    ),
    "TargetDown of an exporter": (
        {"job": "kube-state-metrics", "namespace": "monitoring", "service": "kps-kube-state-metrics"},
        ("", "monitoring", "", "", ""),
    ),
    "AlertmanagerFailedReload": (
        {
            "container": "alertmanager",
            "endpoint": "http-web",
            "instance": "10.244.1.9:9093",
            "job": "kps-alertmanager",
            "namespace": "monitoring",
            "pod": "alertmanager-kps-alertmanager-0",
            "service": "kps-alertmanager",
        },
        ("Pod", "monitoring", "alertmanager-kps-alertmanager-0", "alertmanager-kps-alertmanager", "alertmanager"),
    ),
    "PrometheusOperatorListErrors": (
        {"controller": "alertmanager", "namespace": "monitoring"},
        ("", "monitoring", "", "", ""),
    ),
    "etcdHighCommitDurations": (
        {"instance": "10.0.0.1:2381", "job": "kube-etcd", "namespace": "kube-system", "pod": "etcd-master-1"},
        ("Pod", "kube-system", "etcd-master-1", "etcd-master", ""),
    ),
    "KubeAPIDown": ({"job": "apiserver", "severity": "critical"}, ("", "", "", "", "")),
    "Watchdog": ({"alertname": "Watchdog", "severity": "none"}, ("", "", "", "", "")),
    "InfoInhibitor": ({"namespace": "prod", "alertstate": "firing"}, ("", "prod", "", "", "")),
    "an application's own alert": (
        {"instance": "api-1:8080", "job": "api", "namespace": "prod", "service": "checkout"},
        ("Service", "prod", "checkout", "checkout", ""),
    ),
    "an application's own alert with its pod": (
        {"job": "api", "namespace": "prod", "pod": "checkout-7d9f-abcde", "service": "checkout"},
        ("Pod", "prod", "checkout-7d9f-abcde", "checkout", ""),
    ),
    "a workload's recording rule": (
        {"namespace": "prod", "workload": "api", "workload_type": "deployment"},
        ("Deployment", "prod", "api", "api", ""),
    ),
    "a database behind its exporter": (
        {"job": "postgres-exporter", "namespace": "prod", "service": "postgres-exporter", "instance": "10.1.1.1:9187"},
        ("", "prod", "", "", ""),
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_target_is_the_object_that_the_alert_is_about(name: str) -> None:
    labels, expected = SAMPLES[name]
    target = derive({"alertname": name.split(maxsplit=1)[0], **labels}, "east")
    assert (target.kind, target.namespace, target.name, target.workload, target.container) == expected
    assert target.cluster == "east"


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("api-7d9f8b6c5-x2q8z", "api"),
        ("checkout-7d9f-abcde", "checkout"),
        ("payment-api-5c9bb88d6f-4tkzd", "payment-api"),
        ("web-0", "web"),
        ("kafka-broker-12", "kafka-broker"),
        ("cilium-k7wzp", "cilium"),
        ("backup-29394720-x2q8z", "backup"),
        ("migrate-x2q8z", "migrate"),
        ("indexed-3-x2q8z", "indexed"),
        ("api-gateway-proxy", "api-gateway-proxy"),
        ("payment-proxy", "payment-proxy"),
        ("standalone", "standalone"),
        ("", ""),
    ],
)
def test_the_workload_is_guessed_from_the_name_of_a_pod(pod: str, workload: str) -> None:
    assert workload_of(pod) == workload


def test_a_static_pod_belongs_to_its_component_on_every_node() -> None:
    assert workload_of("kube-scheduler-master-1", "master-1") == "kube-scheduler"


def key(labels: dict[str, str], *by: str, cluster: str = "east", shared: str = "") -> str:
    rule = Rule("pack/rule", (), correlate_by=by, correlate_as=shared)
    return correlation_key(rule, labels, derive(labels, cluster))


def test_the_cluster_is_always_part_of_the_key() -> None:
    assert key({"namespace": "a"}, "namespace", cluster="east") != key({"namespace": "a"}, "namespace", cluster="west")


def test_pods_of_one_workload_share_a_key() -> None:
    first = {"namespace": "prod", "pod": "api-7d9f8b6c5-x2q8z"}
    second = {"namespace": "prod", "pod": "api-7d9f8b6c5-4tkzd"}
    assert key(first, "namespace", "workload") == key(second, "namespace", "workload")


def test_alerts_of_different_objects_have_different_keys() -> None:
    assert key({"deployment": "a"}, "workload") != key({"deployment": "b"}, "workload")


def test_rules_that_correlate_as_one_share_a_key_in_any_order_of_labels() -> None:
    labels = {"namespace": "prod", "deployment": "api"}
    one = correlation_key(Rule("p/a", (), ("namespace", "workload"), "rates"), labels, derive(labels, "c"))
    other = correlation_key(Rule("p/b", (), ("workload", "namespace"), "rates"), labels, derive(labels, "c"))
    assert one == other


def test_a_value_cannot_pretend_to_be_another_label() -> None:
    assert key({"a": 'x","b":"y'}, "a", "b") != key({"a": "x", "b": "y"}, "a", "b")


def test_a_restart_of_kube_state_metrics_does_not_split_an_incident() -> None:
    before = {**KSM, "node": "worker-1"}
    after = {**KSM, "node": "worker-1", "instance": "10.244.9.9:8080"}
    assert key(before, "node", "instance") == key(after, "node", "instance")


def test_the_address_of_a_node_exporter_tells_nodes_apart() -> None:
    other = {**NODE_EXPORTER, "instance": "10.0.0.12:9100"}
    assert key(dict(NODE_EXPORTER), "node", "instance") != key(other, "node", "instance")


def test_empty_labels_count_as_missing() -> None:
    assert about({"pod": "", "namespace": "prod"}) == {"namespace": "prod"}
    assert derive({"deployment": "", "pod": ""}, "c") == Target("c")
