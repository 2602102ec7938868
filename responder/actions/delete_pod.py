"""Removes a pod, which its owner replaces."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, reference
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class DeletePodParams(Params):
    """How."""

    force: bool = Field(False, description="true: delete a pod that is stuck, without waiting for its kubelet.")


class DeletePod(Action[DeletePodParams]):
    """
    Evict one pod, so that PodDisruptionBudgets hold; with `force` delete it.

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
    needs = (Verb("", "pods", "get"), Verb("", "pods/eviction", "create"), Verb("", "pods", "delete"))
    kinds = frozenset({"Pod"})

    def command(self, params: DeletePodParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl delete`."""
        force = ("--grace-period=0", "--force") if params.force else ()
        return (kubectl("delete", reference(target), *force, namespace=target.namespace),)
