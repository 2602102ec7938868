"""Changes how many replicas a workload has."""

from typing import Self

from pydantic import Field, model_validator

from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rights import Verb
from responder.plugins.rollout.scaling import Wish, follow_scale, preview_scale, scale, scale_back
from responder.plugins.rollout.workload import WORKLOAD_NEEDS


class ScaleParams(Params):
    """To how many, or by how many."""

    replicas: int | None = Field(None, ge=0, le=10_000, description="Replicas to have.")
    by: int | None = Field(None, ge=-1000, le=1000, description="Replicas to add; negative takes some away.")
    max: int | None = Field(None, ge=1, le=10_000, description="With `by`: never more than so many replicas.")
    allow_decrease: bool = Field(False, description="true: it may end with fewer replicas than there are.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.replicas is None) == (self.by is None):
            raise ValueError("give `replicas` or `by`, one of them")
        if self.max is not None and self.by is None:
            raise ValueError("`max` belongs to `by`")
        return self


class Scale(Action[ScaleParams]):
    """
    Set the number of replicas of the target's workload; with an autoscaler, its bounds instead.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, `spec.replicas`; HorizontalPodAutoscaler
    `spec.minReplicas` and `spec.maxReplicas`.

    Example:

        actions:
          scale-out: {kubernetes.scale: {by: 2, max: 10}, mode: approve}
    """

    name = "kubernetes.scale"
    Params = ScaleParams
    needs = (
        *(verb for verb in WORKLOAD_NEEDS if verb.resource != "daemonsets"),
        Verb("autoscaling", "horizontalpodautoscalers", "get"),
        Verb("autoscaling", "horizontalpodautoscalers", "list"),
        Verb("autoscaling", "horizontalpodautoscalers", "patch"),
    )
    kinds = frozenset({"Deployment", "StatefulSet"})
    undoable = True
    cost = "pods come or go; the number of before is put back by undoing it"

    def command(self, params: ScaleParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl scale`; for `by`, read the number first."""
        named = workload(target)
        if params.by is None:
            return (kubectl("scale", named, f"--replicas={params.replicas}", namespace=target.namespace),)
        wanted = f"replicas{params.by:+d}"
        if params.max is not None:
            wanted = f"{wanted}>{params.max}?{params.max}:{wanted}"
        read = kubectl("get", named, "-o", "jsonpath={.spec.replicas}", namespace=target.namespace)
        return (
            f"replicas=$({read})",
            f"{kubectl('scale', named, namespace=target.namespace)} --replicas=$(({wanted}))",
        )

    async def preview(self, params: ScaleParams, target: Target, tools: ActionTools) -> Preview:
        """Say how many there are and would be, and whether it is the autoscaler that is told."""
        return await preview_scale(target, _wish(params), tools)

    async def act(self, params: ScaleParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the replicas, or the autoscaler's bounds."""
        return await scale(target, preview, _wish(params), tools)

    async def undo(self, params: ScaleParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the number, or the bounds, back."""
        return await scale_back(before, tools)

    async def progress(self, params: ScaleParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Follow until there are as many, and they are ready."""
        return await follow_scale(target, outcome, tools)


def _wish(params: ScaleParams) -> Wish:
    return Wish(params.replicas, params.by or 0, params.max, allow_decrease=params.allow_decrease)
