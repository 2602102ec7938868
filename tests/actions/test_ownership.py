"""Who keeps an object as it is, how the change is made there, and who changed it last."""

from typing import Any

import pytest

from responder.plugins.rollout.ownership import Way, changed_by, owner_way, reverts, written_at
from responder.plugins.rollout.workload import Workload

REPLICAS = {"f:spec": {"f:replicas": {}}}
TEMPLATE = {"f:spec": {"f:template": {"f:spec": {}}}}


def entry(manager: str, minute: int, fields: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"manager": manager, "time": f"2026-11-21T12:{minute:02}:00Z", "fieldsV1": fields or {}, **more}


def found(*entries: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "api", "namespace": "prod", "managedFields": list(entries), **metadata}}


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ((), "somebody"),
        ((entry("responder", 9, TEMPLATE),), "somebody"),
        ((entry("kubectl-edit", 3, TEMPLATE), entry("responder", 9, TEMPLATE)), "kubectl-edit at 12:03 UTC"),
        ((entry("helm", 1, TEMPLATE), entry("argocd-controller", 7, TEMPLATE)), "argocd-controller at 12:07 UTC"),
        ((entry("helm", 1, TEMPLATE), entry("kubectl-label", 7)), "helm at 12:01 UTC"),
        ((entry("helm", 1), entry("kube-controller-manager", 8)), "helm at 12:01 UTC"),
        ((entry("helm", 1), entry("x", 8, TEMPLATE, subresource="status")), "helm at 12:01 UTC"),
        (({"manager": "old"},), "old"),
    ],
)
def test_who_changed_a_template_is_read_from_the_field_owners(entries: tuple[Any, ...], who: str) -> None:
    assert changed_by(found(*entries), "spec", "template") == who


def test_a_number_set_by_an_autoscaler_is_told_so() -> None:
    scaled = entry("kube-controller-manager", 5, REPLICAS, subresource="scale")

    said = changed_by(found(entry("helm", 1, TEMPLATE), scaled), "spec", "replicas")

    assert said == "kube-controller-manager (an autoscaler or kubectl scale) at 12:05 UTC"


def test_when_we_wrote_is_known_from_our_own_entries() -> None:
    at = written_at(found(entry("helm", 9), entry("responder", 2), entry("responder", 4, subresource="status")))

    assert at is not None
    assert at.minute == 4
    assert written_at(found(entry("helm", 9))) is None


def kept(**metadata: Any) -> Workload:
    return Workload({"kind": "Deployment", "spec": {}, **found(**metadata)}, "default")


ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/api"}}
HELM = {"annotations": {"meta.helm.sh/release-name": "shop"}}
FLUX = {
    "labels": {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux"},
}
OPERATOR = {"labels": {"app.kubernetes.io/managed-by": "strimzi"}}


@pytest.mark.parametrize(
    ("metadata", "way", "said"),
    [
        ({}, "roll back", ""),
        (ARGO, "roll back", "argocd app rollback shop (with automatic sync switched off)"),
        (ARGO, "change", "change it in Git, then argocd app sync shop"),
        (
            ARGO,
            "restart",
            "argocd app actions run shop restart --kind Deployment --resource-name api --namespace prod",
        ),
        (
            FLUX,
            "change",
            "flux suspend helmrelease shop -n flux first, correct it in Git, then flux resume helmrelease shop -n flux",
        ),
        (HELM, "roll back", "helm rollback shop -n prod"),
        (HELM, "change", "change its values: helm upgrade shop -n prod CHART --reuse-values"),
        (HELM, "restart", "Helm has no restart of its own: kubectl rollout restart deployment/api -n prod"),
        (OPERATOR, "change", "make the change in strimzi"),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "--server=evil:apps"}},
            "roll back",
            "make the change in Argo CD (--server=evil)",
        ),
        (
            {"annotations": {"meta.helm.sh/release-name": "a; reboot"}},
            "roll back",
            "helm rollback 'a; reboot' -n prod",
        ),
    ],
)
def test_the_owners_own_way_is_offered(metadata: dict[str, Any], way: Way, said: str) -> None:
    assert owner_way(kept(**metadata), way) == said


@pytest.mark.parametrize(
    ("metadata", "way", "said"),
    [
        ({}, "change", ""),
        (ARGO, "change", "Argo CD (shop) keeps this object: it will put back what it has at its next sync"),
        (
            ARGO,
            "restart",
            "Argo CD (shop) keeps this object: it leaves a restart alone, and would put back anything else",
        ),
        (
            HELM,
            "restart",
            "Helm (shop) keeps this object: it leaves a restart alone, and would put back anything else",
        ),
        (HELM, "roll back", "Helm (shop) keeps this object: the next helm upgrade puts its own values back"),
    ],
)
def test_what_would_take_the_change_back_is_told(metadata: dict[str, Any], way: Way, said: str) -> None:
    assert reverts(kept(**metadata), way) == said
