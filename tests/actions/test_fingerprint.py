"""A spec is told from another by the parts that differ, and what it holds cannot be read off them."""

import copy
from typing import Any

import pytest

from responder.plugins.rollout.fingerprint import parts_of

SPEC: dict[str, Any] = {
    "replicas": 3,
    "selector": {"matchLabels": {"app": "api"}},
    "strategy": {"type": "RollingUpdate"},
    "template": {
        "metadata": {"labels": {"app": "api"}},
        "spec": {
            "initContainers": [{"name": "migrate", "image": "r/migrate:7"}],
            "containers": [
                {"name": "api", "image": "r/api:41", "env": [{"name": "KEY", "value": "hunter2"}]},
                {"name": "proxy", "image": "r/proxy:3", "resources": {"limits": {"cpu": "1"}}},
            ],
            "serviceAccountName": "api",
        },
    },
}


def edited(*path: Any, to: Any) -> dict[str, Any]:
    """Return the spec with another value at a place."""
    spec = copy.deepcopy(SPEC)
    node: Any = spec
    for step in path[:-1]:
        node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
    node[path[-1]] = to
    return spec


def differing(spec: dict[str, Any]) -> set[str]:
    was, now = parts_of(SPEC), parts_of(spec)
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}


POD = ("template", "spec")


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        (copy.deepcopy(SPEC), set()),
        (edited("replicas", to=4), {"replicas"}),
        (edited("paused", to=True), {"paused"}),
        (edited("strategy", "type", to="Recreate"), {"strategy"}),
        (edited("template", "metadata", "annotations", to={"a": "b"}), {"pods' annotations"}),
        (edited("template", "metadata", "labels", "app", to="web"), {"pods' labels"}),
        (edited(*POD, "serviceAccountName", to="root"), {"serviceAccountName"}),
        (edited(*POD, "containers", 0, "image", to="r/api:42"), {"image"}),
        (edited(*POD, "initContainers", 0, "image", to="r/migrate:8"), {"image"}),
        (edited(*POD, "containers", 0, "env", 0, "value", to="hunter3"), {"env"}),
        (edited(*POD, "containers", 1, "resources", "limits", "cpu", to="2"), {"resources"}),
        (edited(*POD, "containers", 1, "name", to="sidecar"), {"containers", "resources"}),
        (edited("template", "metadata", "creationTimestamp", to=None), set()),
        (edited(*POD, "securityContext", to={}), {"securityContext"}),
        (edited(*POD, "containers", 0, "securityContext", to={}), {"securityContext"}),
    ],
)
def test_a_part_is_another_one_only_where_its_field_is(spec: dict[str, Any], parts: set[str]) -> None:
    assert differing(spec) == parts


def test_a_field_means_something_else_at_another_place() -> None:
    of_pods, of_container = (*POD, "securityContext"), (*POD, "containers", 0, "securityContext")
    assert parts_of(edited(*of_pods, to={})) != parts_of(edited(*of_container, to={}))


def test_numbers_and_images_are_told_and_nothing_else() -> None:
    parts = parts_of(SPEC)
    assert (parts["replicas"], parts["image"]) == (3, "r/migrate:7, r/api:41, r/proxy:3")
    assert all(str(value).startswith("#") for name, value in parts.items() if name not in ("replicas", "image"))
    assert "hunter2" not in str(parts)


@pytest.mark.parametrize("image", ["#1f0c", "r/" + "a" * 300])
def test_an_image_that_is_no_short_text_is_told_by_its_digest(image: str) -> None:
    spec = {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}}
    assert str(parts_of(spec)["image"]).startswith("#")
    assert image not in str(parts_of(spec))
