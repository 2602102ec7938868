"""
What actions change is what kubectl changes, recorded from kubectl itself by `tests/integration/record_kubectl.py`.

Besides that an action leaves its own annotations, and it conditions its write, which kubectl does not.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from responder.actions.cordon import Cordon
from responder.actions.isolate_pod import IsolatePod
from responder.actions.rollout_restart import RolloutRestart
from responder.actions.rollout_undo import RolloutUndo
from responder.actions.scale import Scale
from responder.actions.set_env import SetEnv
from responder.actions.set_image import SetImage
from responder.actions.set_resources import SetResources
from responder.actions.uncordon import Uncordon
from responder.model.target import Target
from responder.plugins.acting import ATTEMPT, CHANGE_CAUSE, INCIDENT
from responder.plugins.action import Action
from responder.plugins.objects.isolation import ISOLATED
from tests.actions.steps import Build, step
from tests.servers.kubectl_world import COMMANDS, WORLD, Command, kind_of
from tests.servers.kubernetes import KubernetesServer

Object = dict[str, Any]

RECORDED: dict[str, Object] = json.loads((Path(__file__).parent / "kubectl.json").read_text())

OURS: dict[str, tuple[Action[Any], Object]] = {
    "restart-deployment": (RolloutRestart(), {}),
    "restart-statefulset": (RolloutRestart(), {}),
    "restart-daemonset": (RolloutRestart(), {}),
    "undo-deployment": (RolloutUndo(), {}),
    "undo-to-revision": (RolloutUndo(), {"to_revision": 1}),
    "undo-statefulset": (RolloutUndo(), {}),
    "undo-daemonset": (RolloutUndo(), {}),
    "scale": (Scale(), {"replicas": 5}),
    "set-env": (SetEnv(), {"set": {"DATABASE_POOL_MAX": "150", "MODE": "safe"}}),
    "set-image": (SetImage(), {"image": "shop/api:1.4.1"}),
    "set-resources": (SetResources(), {"limits": {"memory": "8Gi"}}),
    "unlabel-pod": (IsolatePod(), {}),
    "cordon": (Cordon(), {}),
    "uncordon": (Uncordon(), {}),
}
"""Our action for each recorded command."""

REPLACES_ANNOTATIONS = frozenset({"undo-deployment", "undo-to-revision"})
"""Here kubectl takes other programs' annotations of the Deployment away, which an action must not."""

_RESTARTED = "kubectl.kubernetes.io/restartedAt"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
async def test_an_action_changes_what_kubectl_changes_and_nothing_else(
    command: Command, steps: Build, tmp_path: Path
) -> None:
    action, params = OURS[command.name]
    server = KubernetesServer()
    async with server.running():
        server.seed(WORLD)
        before = server.objects.get(*kind_of(command.object))
        assert comparable(before) == comparable(RECORDED[command.name]["before"])
        tools = steps(kubernetes={"kubeconfig": str(server.kubeconfig(tmp_path))})
        await step(action, tools, target_of(command), **params).do()
        after = server.objects.get(*kind_of(command.object))
    expected = comparable(RECORDED[command.name]["after"])
    if command.name in REPLACES_ANNOTATIONS:
        expected["metadata"]["annotations"] = comparable(before)["metadata"]["annotations"]
    assert comparable(after) == expected
    assert after["metadata"]["annotations"][ATTEMPT] == tools.attempt
    assert comparable(after) != comparable(before)


def test_every_recorded_command_is_compared() -> None:
    assert set(OURS) == set(RECORDED) == {command.name for command in COMMANDS}


def test_the_recorded_commands_are_those_that_people_are_told_to_type() -> None:
    for command in COMMANDS:
        action, params = OURS[command.name]
        typed = action.command(action.Params.model_validate(params), target_of(command))
        recorded = [word for word in RECORDED[command.name]["command"].split() if not word.startswith("-")]
        assert recorded[:2] == typed[0].split()[:2], command.name
        assert recorded[-2 if "-n" in command.line else -1] in typed[0], command.name


def target_of(command: Command) -> Target:
    _, kind, namespace, name = command.object.split()
    return Target("default", kind, "" if namespace == "-" else namespace, name, name)


def comparable(found: Object) -> Object:
    """Leave out what the server writes by itself, what is ours on purpose, and the order of what has none."""
    found = copy.deepcopy(found)
    metadata = found["metadata"]
    for name in ("managedFields", "resourceVersion", "uid", "creationTimestamp"):
        metadata.pop(name, None)
    for kept in (metadata.get("annotations", {}), metadata.get("labels", {})):
        for name in (ATTEMPT, INCIDENT, CHANGE_CAUSE, ISOLATED):
            kept.pop(name, None)
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    template = found.get("spec", {}).get("template", {}).get("metadata", {})
    template.pop("creationTimestamp", None)
    for container in found.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        container.get("env", []).sort(key=lambda variable: variable["name"])
    if _RESTARTED in template.get("annotations", {}):
        template["annotations"][_RESTARTED] = "then"
    return found
