"""An action says in which namespaces it acts, for the parameters that it was given."""

from typing import Any

import pytest

from responder import actions
from responder.model.target import Target
from responder.plugins.registry import Registry, discover

DEPLOYMENT = Target("default", "Deployment", "prod", "api", "api")
NODE = Target("default", "Node", "prod", "node-1", "node-1")
NAMESPACE = Target("default", "Namespace", "prod", "kube-system", "kube-system")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([actions])


@pytest.mark.parametrize(
    ("name", "params", "target", "namespaces"),
    [
        ("kubernetes.rollout_restart", {}, DEPLOYMENT, ("prod",)),
        ("kubernetes.cordon", {}, NODE, ("",)),
        ("evidence.capture", {"manifests": True}, NAMESPACE, ("kube-system",)),
        ("kubernetes.apply", {"manifest": "a.yaml"}, DEPLOYMENT, ("prod",)),
        ("kubernetes.apply", {"manifest": "a.yaml", "namespace": "other"}, DEPLOYMENT, ("other",)),
        ("kubernetes.run_job", {"template": "x", "namespace": "other"}, NODE, ("other",)),
        ("kubernetes.patch_configmap", {"name": "c", "set": {"A": "1"}, "namespace": "o"}, DEPLOYMENT, ("o",)),
        (
            "kubernetes.patch_configmap",
            {"name": "c", "set": {"A": "1"}, "namespace": "o", "restart": True},
            DEPLOYMENT,
            ("o",),
        ),
        ("http.request", {"url": "https://api.example.com/x"}, DEPLOYMENT, ("prod",)),
        ("http.request", {"url": "http://api.other.svc/x"}, DEPLOYMENT, ("other",)),
        ("http.request", {"url": "http://api.OTHER.svc.cluster.local:80/x"}, DEPLOYMENT, ("other",)),
        ("http.request", {"url": "http://api.other/x"}, DEPLOYMENT, ("prod", "other")),
        ("http.request", {"url": "https://example.com./x"}, DEPLOYMENT, ("prod",)),
        ("http.request", {"url": "http://api-0.api.other.svc/x"}, DEPLOYMENT, ("other",)),
        ("http.request", {"url": "http://10-0-0-1.other.pod.cluster.local/x"}, DEPLOYMENT, ("other",)),
        ("http.request", {"url": "http://api.other.svc.cluster.local./x"}, DEPLOYMENT, ("other",)),
        (
            "alertmanager.silence",
            {"matchers": {"namespace": "other"}, "duration": "1h", "comment": "x"},
            DEPLOYMENT,
            ("other",),
        ),
        ("alertmanager.silence", {"matchers": {"a": "b"}, "duration": "1h", "comment": "x"}, DEPLOYMENT, ("",)),
    ],
)
def test_an_action_acts_where_its_parameters_say_else_where_its_target_is(
    registry: Registry, name: str, params: dict[str, Any], target: Target, namespaces: tuple[str, ...]
) -> None:
    plugin = registry.actions[name]
    assert plugin.namespaces(plugin.Params.model_validate(params), target) == namespaces
