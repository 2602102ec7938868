"""Lets pods onto a node again."""

from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.objects.node import NODE_NEEDS, follow_node, mark_node, preview_node, put_node_back
from responder.plugins.params import Params


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
    needs = NODE_NEEDS
    kinds = frozenset({"Node"})
    undoable = True
    cost = "nothing that runs is touched; pods may be put there again"

    def command(self, params: UncordonParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl uncordon`."""
        return (kubectl("uncordon", "--", target.name),)

    async def preview(self, params: UncordonParams, target: Target, tools: ActionTools) -> Preview:
        """Say who marked the node, and what else keeps pods off it."""
        return await preview_node(target, tools, schedulable=True)

    async def act(self, params: UncordonParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Take the mark off."""
        return await mark_node(target, preview, tools, schedulable=True)

    async def undo(self, params: UncordonParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Mark it again."""
        return await put_node_back(target, before, tools, schedulable=False)

    async def progress(self, params: UncordonParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say whether it is still schedulable."""
        return await follow_node(target, outcome, tools, schedulable=True)
