"""The objects that playbooks and steps name themselves."""

from responder.model.place import Place
from responder.model.playbook import TargetTemplate
from responder.rules.compiling import Compiler
from responder.rules.nodes import Node, child
from responder.rules.playbook_shapes import TargetShape
from responder.rules.problems import Problems, meant

_OWNED = frozenset({"Pod", "ReplicaSet"})
_OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_OTHERS = frozenset({"Job", "CronJob", "Node", "Service", "Namespace"})
KINDS = _OWNED | _OWNERS | _OTHERS | {"PersistentVolumeClaim", "HorizontalPodAutoscaler"}
"""What a target can be."""


def build_target(
    shape: TargetShape | None, node: Node | None, compiler: Compiler, sure: frozenset[str] = frozenset()
) -> tuple[TargetTemplate | None, frozenset[str]]:
    """Type a target; answer the diagnostics that it reads too. None means that the labels say it."""
    if shape is None or node is None:
        return None, frozenset()
    kind = child(node, "kind")
    if kind is not None and shape.kind not in KINDS:
        compiler.problems.error(kind.spot, f"unknown kind `{shape.kind}`", meant(shape.kind, KINDS))
    reads = [
        compiler.template(child(node, key), place, sure)
        for key, place in (("namespace", Place.NAME), ("name", Place.NAME), ("container", Place.NAME))
    ]
    return TargetTemplate(shape.kind, shape.name, shape.namespace, shape.container), frozenset().union(*reads)


def check_kind(
    plugin: str, kinds: frozenset[str], target: TargetTemplate | None, node: Node, problems: Problems
) -> None:
    """Note an action that cannot act on what the target names; a pod stands for its owner too."""
    if target is None or not kinds or target.kind in kinds or target.kind not in KINDS:
        return
    if target.kind in _OWNED and kinds & _OWNERS:
        return
    problems.error(node.spot, f"{plugin} cannot act on a {target.kind}", f"it acts on: {', '.join(sorted(kinds))}")
