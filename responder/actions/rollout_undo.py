"""Rolls a workload back to an earlier revision."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs


class RolloutUndoParams(Params):
    """Where to."""

    to_revision: int | None = Field(None, ge=1, description="The revision to go to. Absent: the one before.")


class RolloutUndo(Action[RolloutUndoParams]):
    """
    Put the pod template of an earlier revision back.

    Source: ReplicaSets of a Deployment (`deployment.kubernetes.io/revision`), ControllerRevisions of the others; a JSON
    patch of `/spec/template`, as `kubectl rollout undo` sends it.

    Example:

        actions:
          roll-back: {kubernetes.rollout_undo: {to_revision: 41}, mode: approve}
    """

    name = "kubernetes.rollout_undo"
    Params = RolloutUndoParams
    needs = (
        *workload_verbs("get", "patch"),
        Verb("apps", "replicasets", "list"),
        Verb("apps", "controllerrevisions", "list"),
    )
    kinds = WORKLOADS

    def command(self, params: RolloutUndoParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl rollout undo`."""
        revision = () if params.to_revision is None else (f"--to-revision={params.to_revision}",)
        return (kubectl("rollout", "undo", workload(target), *revision, namespace=target.namespace),)
