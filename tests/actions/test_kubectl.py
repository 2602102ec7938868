"""
What actions change is what kubectl changes, recorded from kubectl itself by `tests/integration/record_kubectl.py`.

Besides that an action leaves its own annotations, and it conditions its write, which kubectl does not.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

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
from tests.actions.rollouts import Rolling, read
from tests.actions.steps import Build, step
from tests.servers.kubectl_world import COMMANDS, NAMESPACE, WORLD, Command
from tests.servers.kubernetes_behind import NOBODY, add_node

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
_DOCUMENTS: list[Object] = list(yaml.safe_load_all(WORLD))
_CONTROLLERS_WRITE = (
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "node.alpha.kubernetes.io/ttl",
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
async def test_an_action_changes_what_kubectl_changes_and_nothing_else(
    command: Command, steps: Build, rolling: Rolling
) -> None:
    action, params = OURS[command.name]
    target = await put_in(rolling, command)
    before = await read(rolling.cluster, target.kind, target.name)
    tools = steps(kubernetes={"kubeconfig": str(rolling.cluster.kubeconfig)})

    await step(action, tools, target, **params).do()

    after = await read(rolling.cluster, target.kind, target.name)
    recorded = RECORDED[command.name]
    expected = changes(recorded["before"], recorded["after"])
    if command.name in REPLACES_ANNOTATIONS:
        expected = {path: values for path, values in expected.items() if path[:2] != ("metadata", "annotations")}
    assert expected
    assert changes(before, after) == expected
    assert after["metadata"]["annotations"][ATTEMPT] == tools.attempt


def test_every_recorded_command_is_compared() -> None:
    assert set(OURS) == set(RECORDED) == {command.name for command in COMMANDS}


def test_the_recorded_commands_are_those_that_people_are_told_to_type() -> None:
    for command in COMMANDS:
        action, params = OURS[command.name]
        typed = action.command(action.Params.model_validate(params), target_of(command))
        recorded = [word for word in RECORDED[command.name]["command"].split() if not word.startswith("-")]
        assert recorded[:2] == typed[0].split()[:2], command.name
        assert recorded[-2 if "-n" in command.line else -1] in typed[0], command.name


async def put_in(rolling: Rolling, command: Command) -> Target:
    """Create the object of a command with all that it was before; answers where it is."""
    _, kind, _, name = command.object.split()
    if kind == "Node":
        unschedulable = next(d for d in _DOCUMENTS if d["metadata"]["name"] == name).get("spec", {})
        made = await add_node(rolling.cluster, name, **unschedulable)
        return target_of(command, "", made["metadata"]["name"])
    if kind == "DaemonSet":
        await add_node(rolling.cluster, "node-1")
    for document in _DOCUMENTS:
        if (document["kind"], document["metadata"]["name"]) in ((kind, name), ("Service", name.partition("-")[0])):
            await rolling.cluster.create(fresh(document))
    await rolling.settle()
    for image in history(name)[1:]:
        await rolling.release(image, kind, name=name)
    return target_of(command, rolling.cluster.namespace, name)


def fresh(document: Object) -> Object:
    """Write an object of the world as it was at first, for another namespace and for no kubelet."""
    found = copy.deepcopy(document)
    for key in ("uid", "namespace", "ownerReferences"):
        found["metadata"].pop(key, None)
    for key in _CONTROLLERS_WRITE:
        found["metadata"].get("annotations", {}).pop(key, None)
    found.pop("status", None)
    template = found["spec"].get("template")
    if template is not None:
        template["spec"]["containers"][0]["image"] = history(found["metadata"]["name"])[0]
    if template is not None or found["kind"] == "Pod":
        (template or found)["spec"]["schedulerName"] = NOBODY
    return found


def history(name: str) -> list[str]:
    """List the images that a workload of the world had, the oldest first."""
    kept = [d for d in _DOCUMENTS if any(owner["name"] == name for owner in d["metadata"].get("ownerReferences", ()))]
    return [str(each.get("data", each)["spec"]["template"]["spec"]["containers"][0]["image"]) for each in kept]


def target_of(command: Command, namespace: str = NAMESPACE, name: str = "") -> Target:
    _, kind, _, named = command.object.split()
    return Target("default", kind, "" if kind == "Node" else namespace, name or named, name or named)


def changes(before: Object, after: Object) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Tell what became of every field that is not as it was; the generation only by how far it went."""
    was, now = dict(flat(comparable(before))), dict(flat(comparable(after)))
    found = {path: (was.get(path), now.get(path)) for path in was.keys() | now.keys() if was.get(path) != now.get(path)}
    generations = (each["metadata"].get("generation", 0) for each in (after, before))
    return found | {("generation",): (0, next(generations) - next(generations))}


def flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List the fields below a value; what is empty is not there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for key, below in items:
        yield from flat(below, (*path, str(key)))


def comparable(found: Object) -> Object:
    """Leave out what servers and controllers write, what is ours on purpose, and the order of what has none."""
    found = copy.deepcopy(found)
    metadata, spec = found["metadata"], found.get("spec", {})
    for name in ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"):
        metadata.pop(name, None)
    for kept in (metadata.get("annotations", {}), metadata.get("labels", {})):
        for name in (ATTEMPT, INCIDENT, CHANGE_CAUSE, ISOLATED, *_CONTROLLERS_WRITE):
            kept.pop(name, None)
    found.pop("status", None)
    spec.pop("taints", None)
    template = spec.get("template", {})
    for container in template.get("spec", {}).get("containers", []):
        container.get("env", []).sort(key=lambda variable: variable["name"])
    annotations = template.get("metadata", {}).get("annotations", {})
    if _RESTARTED in annotations:
        annotations[_RESTARTED] = "then"
    return found
