"""Lets pods onto a node again."""

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class UncordonParams(Params):
    """It takes none."""


class Uncordon(Action[UncordonParams]):
    """
    Mark the node schedulable again.

    Source: `PATCH /api/v1/nodes/{name}`, `spec.unschedulable`.

    Example:

        actions:
          uncordon: {kubernetes.uncordon: {}, target: {kind: Node, name: "${labels.node}"}, mode: approve}
    """

    name = "kubernetes.uncordon"
    Params = UncordonParams
    needs = (Verb("", "nodes", "get"), Verb("", "nodes", "patch"))
    kinds = frozenset({"Node"})

    def command(self, params: UncordonParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl uncordon`."""
        return (kubectl("uncordon", "--", target.name),)
