"""Removes a pod, which its owner replaces."""

from collections.abc import Mapping

from pydantic import Field

from responder.model.action import ActionWeight, Outcome, Preview, Progress
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, reference
from responder.plugins.objects.removal import follow_removal, preview_removal, remove_pod
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs


class DeletePodParams(Params):
    """How."""

    force: bool = Field(False, description="true: delete a pod that is stuck, without waiting for its kubelet.")


class DeletePod(Action[DeletePodParams]):
    """
    Evict one pod, so that PodDisruptionBudgets hold; with `force` delete it.

    `force` is for a pod that is stuck: late to end, or on a node that is lost. A pod that nothing would make again is
    left alone. It cannot be undone.

    Source: `POST /api/v1/namespaces/{ns}/pods/{name}/eviction`; `DELETE .../pods/{name}` with the pod's uid.

    Example:

        actions:
          delete:
            kubernetes.delete_pod: {}
            target: {kind: Pod, name: "${labels.pod}"}
            mode: approve
    """

    name = "kubernetes.delete_pod"
    Params = DeletePodParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods", "delete"),
        Verb("", "pods/eviction", "create"),
        Verb("", "nodes", "get"),
        Verb("apps", "replicasets", "get"),
        Verb("apps", "replicasets", "list"),
        *workload_verbs("get"),
        Verb("batch", "jobs", "get"),
        Verb("batch", "cronjobs", "get"),
        Verb("policy", "poddisruptionbudgets", "list"),
    )
    kinds = frozenset({"Pod"})
    weight = "destructive"
    cost = "with `force` a pod goes with its logs, and may run on beside its successor on a lost node"

    def weight_of(self, params: DeletePodParams, files: Mapping[str, str]) -> ActionWeight:
        """Destroy with `force` only: an eviction lets the pod end, as a rollout does."""
        return "destructive" if params.force else "ordinary"

    def command(self, params: DeletePodParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl delete`."""
        force = ("--grace-period=0", "--force") if params.force else ()
        return (kubectl("delete", reference(target), *force, namespace=target.namespace),)

    async def preview(self, params: DeletePodParams, target: Target, tools: ActionTools) -> Preview:
        """Say what takes its place, and which budgets are asked."""
        return await preview_removal(target, tools, force=params.force)

    async def act(self, params: DeletePodParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Remove the pod."""
        return await remove_pod(target, preview, tools, force=params.force)

    async def progress(self, params: DeletePodParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say whether another pod serves in its place."""
        return await follow_removal(outcome, tools)
