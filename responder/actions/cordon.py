"""Keeps new pods off a node."""

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class CordonParams(Params):
    """It takes none."""


class Cordon(Action[CordonParams]):
    """
    Mark the node unschedulable; what runs on it stays.

    Source: `PATCH /api/v1/nodes/{name}`, `spec.unschedulable`.

    Example:

        actions:
          cordon: {kubernetes.cordon: {}, target: {kind: Node, name: "${labels.node}"}, mode: approve}
    """

    name = "kubernetes.cordon"
    Params = CordonParams
    needs = (Verb("", "nodes", "get"), Verb("", "nodes", "patch"))
    kinds = frozenset({"Node"})

    def command(self, params: CordonParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl cordon`."""
        return (kubectl("cordon", "--", target.name),)
