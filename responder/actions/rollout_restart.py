"""Restarts a workload, pod by pod."""

from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rollout.restart import follow_restart, preview_restart, restart
from responder.plugins.rollout.workload import WORKLOAD_NEEDS


class RolloutRestartParams(Params):
    """It takes none."""


class RolloutRestart(Action[RolloutRestartParams]):
    """
    Replace all pods of the target's workload, in the order and at the pace of its own rollout strategy.

    A restart cannot be undone: there is nothing to put back.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, the annotation `kubectl.kubernetes.io/restartedAt` of
    the pod template, as `kubectl rollout restart` sets it.

    Example:

        actions:
          restart: {kubernetes.rollout_restart: {}, mode: approve, guard: {cooldown: 2h}}
    """

    name = "kubernetes.rollout_restart"
    Params = RolloutRestartParams
    needs = WORKLOAD_NEEDS
    kinds = WORKLOADS
    cost = "pods are replaced by equal ones, as the workload itself would replace them"

    def command(self, params: RolloutRestartParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl rollout restart`."""
        return (kubectl("rollout", "restart", workload(target), namespace=target.namespace),)

    async def preview(self, params: RolloutRestartParams, target: Target, tools: ActionTools) -> Preview:
        """Say which pods would be replaced, and how fast."""
        return await preview_restart(target, tools)

    async def act(self, params: RolloutRestartParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the annotation that replaces the pods."""
        return await restart(target, preview, tools)

    async def progress(
        self, params: RolloutRestartParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Follow the roll-out."""
        return await follow_restart(target, outcome, tools)
