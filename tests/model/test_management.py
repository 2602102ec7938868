"""Who keeps an object as it is, read from what the API server gives of it."""

from typing import Any

import pytest

from responder.model.management import managed_by

SPEC = {"f:spec": {"f:template": {}}}
CHART = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"}


def wrote(manager: str, fields: Any = SPEC, **more: Any) -> dict[str, Any]:
    return {"managedFields": [{"manager": manager, "operation": "Update", "fieldsV1": fields, **more}]}


def owner(kind: str, api_version: str, **more: Any) -> dict[str, Any]:
    return {"ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": "k", "uid": "u", **more}]}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"labels": CHART, **wrote("argocd-controller")}, "Argo CD (shop)"),
        (
            {"labels": {"app.kubernetes.io/instance": "shop"}, **wrote("argocd-application-controller")},
            "Argo CD (shop)",
        ),
        (wrote("argocd-controller"), "Argo CD"),
        ({"labels": CHART, **wrote("helm-controller")}, "Flux"),
        ({"labels": CHART, **wrote("terraform-provider-helm")}, "Terraform"),
        ({"labels": CHART, **wrote("helm")}, "Helm"),
        (wrote("strimzi-cluster-operator"), "strimzi-cluster-operator"),
        (wrote("manager"), "manager"),
        (wrote("cert-manager-certificates-issuing", {"f:data": {}}), "cert-manager-certificates-issuing"),
        (owner("Kafka", "kafka.strimzi.io/v1beta2"), "Kafka k"),
        (owner("Kafka", "", controller=True), "Kafka k"),
    ],
)
def test_who_would_put_a_change_back_is_named(metadata: dict[str, Any], expected: str) -> None:
    assert managed_by({"metadata": metadata}) == expected


@pytest.mark.parametrize(
    "metadata",
    [
        wrote("kubectl-client-side-apply"),
        wrote("kubectl-rollout"),
        wrote("responder"),
        wrote("kube-controller-manager"),
        wrote("strimzi-cluster-operator", {"f:metadata": {"f:annotations": {}}}),
        wrote("vpa-operator", subresource="status"),
        wrote("keda-operator", subresource="scale"),
        owner("ConfigMap", "v1"),
        owner("ReplicaSet", "apps/v1", controller=True),
        owner("Ingress", "networking.k8s.io/v1"),
        wrote("aws-cloud-controller-manager"),
        wrote("release-manager"),
        {},
    ],
)
def test_who_only_writes_beside_it_is_no_owner(metadata: dict[str, Any]) -> None:
    assert managed_by({"metadata": metadata}) == ""


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (wrote("aws-cloud-controller-manager", {"f:spec": {"f:providerID": {}, "f:unschedulable": {}}}), ""),
        (wrote("node-operator", {"f:spec": {"f:taints": {}}}), ""),
        ({"labels": CHART, **owner("NodeClaim", "karpenter.sh/v1", controller=True)}, ""),
        (wrote("kubelet", {"f:spec": {"f:unschedulable": {}}}), ""),
        (wrote("drain-controller", {"f:spec": {"f:unschedulable": {}}}), "drain-controller"),
    ],
)
def test_of_a_node_only_who_decides_whether_it_is_scheduled_on_would_put_it_back(
    metadata: dict[str, Any], expected: str
) -> None:
    assert managed_by({"kind": "Node", "metadata": metadata}) == expected
