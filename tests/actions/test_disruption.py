"""What a roll-out disturbs is told in numbers, as the controllers work them out."""

from typing import Any

import pytest

from responder.plugins.rollout.disruption import disruption_of, selects
from responder.plugins.rollout.workload import Workload


def made(kind: str, replicas: int, **spec: Any) -> Workload:
    status = {"desiredNumberScheduled": replicas} if kind == "DaemonSet" else {}
    return Workload(
        {"kind": kind, "metadata": {"name": "web"}, "spec": {"replicas": replicas, **spec}, "status": status}, "default"
    )


def rolling(field: str, **values: Any) -> dict[str, Any]:
    return {field: {"type": "RollingUpdate", "rollingUpdate": values}}


@pytest.mark.parametrize(
    ("workload", "pods", "say"),
    [
        (made("Deployment", 4), 4, "one at a time (maxUnavailable 25% of 4 = 1, maxSurge 25% of 4 = 1)"),
        (
            made("Deployment", 3),
            3,
            "none missing at any time: new ones first (maxUnavailable 25% of 3 = 0, maxSurge 25% of 3 = 1)",
        ),
        (
            made("Deployment", 10, **rolling("strategy", maxUnavailable="30%", maxSurge=0)),
            10,
            "up to 3 at a time (maxUnavailable 30% of 10 = 3, maxSurge 0)",
        ),
        (
            made("Deployment", 3, **rolling("strategy", maxUnavailable=0, maxSurge=0)),
            3,
            "one at a time (maxUnavailable 0, maxSurge 0)",
        ),
        (
            made("Deployment", 2, **rolling("strategy", maxUnavailable="100%", maxSurge="50%")),
            2,
            "all at once (maxUnavailable 100% of 2 = 2, maxSurge 50% of 2 = 1)",
        ),
        (
            made("Deployment", 2, strategy={"type": "Recreate"}),
            2,
            "all 2 at once, none serves until the new ones do (Recreate)",
        ),
        (made("Deployment", 0), 0, "none: no pods are wanted"),
        (made("StatefulSet", 3), 3, "one at a time (web-2 first)"),
        (
            made("StatefulSet", 5, **rolling("updateStrategy", partition=3)),
            2,
            "one at a time (web-4 first, partition 3 keeps 3 as they are)",
        ),
        (
            made("StatefulSet", 3, **rolling("updateStrategy", partition=3)),
            0,
            "none: partition 3 keeps all 3 as they are",
        ),
        (made("StatefulSet", 1), 1, "the only pod is missing meanwhile (web-0 first)"),
        (
            made("StatefulSet", 3, updateStrategy={"type": "OnDelete"}),
            0,
            "none by itself: its pods take it up when they are deleted (updateStrategy OnDelete)",
        ),
        (made("DaemonSet", 6), 6, "one at a time (maxUnavailable 1)"),
        (
            made("DaemonSet", 6, **rolling("updateStrategy", maxUnavailable="20%")),
            6,
            "up to 2 at a time (maxUnavailable 20% of 6 = 2)",
        ),
        (
            made("DaemonSet", 6, **rolling("updateStrategy", maxUnavailable=0, maxSurge=1)),
            6,
            "none missing at any time: new ones first (maxUnavailable 0, maxSurge 1)",
        ),
    ],
)
def test_the_pace_is_that_of_the_strategy(workload: Workload, pods: int, say: str) -> None:
    found = disruption_of(workload)

    assert (found.pods, found.say) == (pods, say)


@pytest.mark.parametrize(
    ("workload", "at_once"),
    [
        (made("Deployment", 4), 1),
        (made("Deployment", 3), 0),
        (made("Deployment", 2, strategy={"type": "Recreate"}), 2),
        (made("Deployment", 2, **rolling("strategy", maxUnavailable="100%", maxSurge="50%")), 2),
        (made("StatefulSet", 3), 1),
        (made("StatefulSet", 1), 1),
        (made("DaemonSet", 6, **rolling("updateStrategy", maxUnavailable="20%")), 2),
        (made("DaemonSet", 6, **rolling("updateStrategy", maxUnavailable=0, maxSurge=1)), 0),
    ],
)
def test_how_many_are_missing_at_the_same_time_is_counted(workload: Workload, at_once: int) -> None:
    assert disruption_of(workload).at_once == at_once


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "x"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_budget_selects_pods_as_the_api_server_does(selector: dict[str, Any] | None, matches: bool) -> None:
    assert selects(selector, {"app": "web"}) is matches
