"""Changes how many replicas a workload has."""

from typing import Self

from pydantic import Field, model_validator

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rights import Verb


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
        Verb("apps", "deployments", "get"),
        Verb("apps", "deployments", "patch"),
        Verb("apps", "statefulsets", "get"),
        Verb("apps", "statefulsets", "patch"),
        Verb("autoscaling", "horizontalpodautoscalers", "list"),
        Verb("autoscaling", "horizontalpodautoscalers", "patch"),
    )
    kinds = frozenset({"Deployment", "StatefulSet"})

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
