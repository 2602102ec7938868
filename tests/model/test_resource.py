"""Kinds of objects as people write them."""

import pytest

from responder.model.resource import BY_KIND, kind_of


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("deploy", "Deployment"),
        ("deployments", "Deployment"),
        ("deployments.apps", "Deployment"),
        ("deployment.v1.apps", "Deployment"),
        ("DEPLOYMENT", "Deployment"),
        ("sts", "StatefulSet"),
        ("ds", "DaemonSet"),
        ("rs", "ReplicaSet"),
        ("po", "Pod"),
        ("pods.v1", "Pod"),
        ("no", "Node"),
        ("svc", "Service"),
        ("ns", "Namespace"),
        ("job", "Job"),
        ("cj", "CronJob"),
        ("cronjobs.batch", "CronJob"),
        ("pvc", "PersistentVolumeClaim"),
        ("pv", "PersistentVolume"),
        ("hpa", "HorizontalPodAutoscaler"),
        *((kind, kind) for kind in BY_KIND),
    ],
)
def test_a_kind_is_known_by_all_the_names_that_kubectl_takes(written: str, kind: str) -> None:
    assert kind_of(written) == kind


@pytest.mark.parametrize("written", ["", "deployments.example.com", "pods.apps", "ingress", "."])
def test_what_no_target_can_be_is_refused_with_what_can(written: str) -> None:
    with pytest.raises(ValueError, match="there is no such kind; there are: Pod, Service"):
        kind_of(written)


@pytest.mark.parametrize("written", ["cm", "configmaps"])
def test_who_names_a_config_map_is_told_how_it_is_named(written: str) -> None:
    with pytest.raises(ValueError, match=r"kubernetes.patch_configmap name=NAME"):
        kind_of(written)
