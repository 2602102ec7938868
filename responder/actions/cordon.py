"""Keeps new pods off a node."""

from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.objects.node import NODE_NEEDS, follow_node, mark_node, preview_node, put_node_back
from responder.plugins.params import Params


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
    needs = NODE_NEEDS
    kinds = frozenset({"Node"})
    undoable = True
    cost = "nothing that runs is touched; new pods go elsewhere until it is undone"

    def command(self, params: CordonParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl cordon`."""
        return (kubectl("cordon", "--", target.name),)

    async def preview(self, params: CordonParams, target: Target, tools: ActionTools) -> Preview:
        """Say what stays on the node, and what is left to schedule on."""
        return await preview_node(target, tools, schedulable=False)

    async def act(self, params: CordonParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Mark the node."""
        return await mark_node(target, preview, tools, schedulable=False)

    async def undo(self, params: CordonParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Take the mark off."""
        return await put_node_back(target, before, tools, schedulable=True)

    async def progress(self, params: CordonParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say whether the mark still stands."""
        return await follow_node(target, outcome, tools, schedulable=False)
