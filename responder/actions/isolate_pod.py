"""Takes a pod out of service and keeps it for forensics."""

from typing import Annotated

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, reference
from responder.plugins.params import Params
from responder.plugins.rights import Verb

LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,315}[A-Za-z0-9])?$")]


class IsolatePodParams(Params):
    """Which labels."""

    labels: list[LabelName] = Field(
        ["app", "app.kubernetes.io/name"],
        min_length=1,
        description="Labels to take off, so that Services and the owner let go of the pod.",
    )


class IsolatePod(Action[IsolatePodParams]):
    """
    Take the selector's labels off one pod: it leaves its Services, its owner replaces it, it runs on to be examined.

    Source: `PATCH /api/v1/namespaces/{ns}/pods/{name}`, `metadata.labels`.

    Example:

        actions:
          isolate:
            kubernetes.isolate_pod: {labels: [app]}
            target: {kind: Pod, name: "${labels.pod}"}
            mode: approve
    """

    name = "kubernetes.isolate_pod"
    Params = IsolatePodParams
    needs = (Verb("", "pods", "get"), Verb("", "pods", "patch"))
    kinds = frozenset({"Pod"})

    def command(self, params: IsolatePodParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl label`."""
        off = (f"{label}-" for label in params.labels)
        mark = "responder.dev/isolated=true"
        return (kubectl("label", reference(target), "--overwrite", *off, mark, namespace=target.namespace),)
