"""Restarts a workload, pod by pod."""

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rights import workload_verbs


class RolloutRestartParams(Params):
    """It takes none."""


class RolloutRestart(Action[RolloutRestartParams]):
    """
    Replace all pods of the target's workload, in the order and at the pace of its own rollout strategy.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, the annotation `kubectl.kubernetes.io/restartedAt` of
    the pod template, as `kubectl rollout restart` sets it.

    Example:

        actions:
          restart: {kubernetes.rollout_restart: {}, mode: approve, guard: {cooldown: 2h}}
    """

    name = "kubernetes.rollout_restart"
    Params = RolloutRestartParams
    needs = workload_verbs("get", "patch")
    kinds = WORKLOADS

    def command(self, params: RolloutRestartParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl rollout restart`."""
        return (kubectl("rollout", "restart", workload(target), namespace=target.namespace),)
