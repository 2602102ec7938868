"""Sets requests and limits of a workload."""

from typing import Literal, Self

from pydantic import Field, model_validator

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.fields import Container, Quantity
from responder.plugins.params import Params
from responder.plugins.rights import workload_verbs

Amounts = dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity]


class SetResourcesParams(Params):
    """How much."""

    limits: Amounts = Field({}, description="Limits: cpu in cores or millicores, memory in bytes with a suffix.")
    requests: Amounts = Field({}, description="Requests, in the same units.")
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")
    allow_decrease: bool = Field(False, description="true: an amount may become smaller than it is.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.limits and not self.requests:
            raise ValueError("give `limits` or `requests`")
        return self


class SetResources(Action[SetResourcesParams]):
    """
    Set requests and limits in the pod template. That rolls the workload out: no restart is needed afterwards.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, `spec.template.spec.containers[].resources`.

    Example:

        actions:
          more-memory: {kubernetes.set_resources: {limits: {memory: 8Gi}}, mode: approve, temporary: 24h}
    """

    name = "kubernetes.set_resources"
    Params = SetResourcesParams
    needs = workload_verbs("get", "patch")
    kinds = WORKLOADS

    def command(self, params: SetResourcesParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set resources`."""
        container = params.container or target.container
        words = [f"--containers={container}"] if container else []
        for flag, amounts in (("limits", params.limits), ("requests", params.requests)):
            if amounts:
                words.append(f"--{flag}={','.join(f'{name}={amount}' for name, amount in amounts.items())}")
        return (kubectl("set", "resources", workload(target), *words, namespace=target.namespace),)
