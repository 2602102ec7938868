"""Sets the image of a workload's container."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.fields import Container
from responder.plugins.params import Params
from responder.plugins.rights import workload_verbs


class SetImageParams(Params):
    """Which image."""

    image: str = Field(
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,500}$", description="The whole reference, with a tag or a digest."
    )
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")


class SetImage(Action[SetImageParams]):
    """
    Set the image of a container in the pod template, which rolls the workload out.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, `spec.template.spec.containers[].image`.

    Example:

        actions:
          known-good: {kubernetes.set_image: {image: "registry.example.com/api:v41"}, mode: approve}
    """

    name = "kubernetes.set_image"
    Params = SetImageParams
    needs = workload_verbs("get", "patch")
    kinds = WORKLOADS

    def command(self, params: SetImageParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set image`."""
        container = params.container or target.container or target.workload or target.name
        return (kubectl("set", "image", workload(target), f"{container}={params.image}", namespace=target.namespace),)
