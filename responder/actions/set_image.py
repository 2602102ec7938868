"""Sets the image of a workload's container."""

from pydantic import Field

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, container_name, kubectl, workload
from responder.plugins.fields import Container
from responder.plugins.params import Params
from responder.plugins.rollout.containers import container_of, named_container
from responder.plugins.rollout.edit import Edit, follow_edit, make_edit, preview_edit
from responder.plugins.rollout.plan import Plan
from responder.plugins.rollout.undo import put_back
from responder.plugins.rollout.workload import WORKLOAD_NEEDS, Workload


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
    needs = WORKLOAD_NEEDS
    kinds = WORKLOADS
    undoable = True
    cost = "pods are replaced, as by any rollout; the image of before is put back by undoing it"

    def command(self, params: SetImageParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set image`."""
        container = container_name(params.container, target.container, target.workload, target.name) or "CONTAINER"
        return (kubectl("set", "image", workload(target), f"{container}={params.image}", namespace=target.namespace),)

    async def preview(self, params: SetImageParams, target: Target, tools: ActionTools) -> Preview:
        """Say which image takes the place of which."""
        return await preview_edit(target, _edit(params, target), tools)

    async def act(self, params: SetImageParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the image."""
        return await make_edit(target, preview, _edit(params, target), tools)

    async def undo(self, params: SetImageParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the template of before back."""
        return await put_back(before, tools)

    async def progress(self, params: SetImageParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Follow the roll-out."""
        return await follow_edit(target, outcome, _edit(params, target), tools)


def _edit(params: SetImageParams, target: Target) -> Edit:
    def plan(workload: Workload) -> Plan:
        container = container_of(workload, params.container, target)
        name, before = container.name, str(container.found.get("image", ""))
        return Plan(
            summary=f"set the image of {name} in {workload.reference} to {params.image}",
            done=f"given the image {params.image} for {name}",
            event="ImageSet",
            operations=(
                container.is_there(),
                {"op": "add", "path": container.path("image"), "value": params.image},
            ),
            changes=(Change(f"image of {name}", before, params.image),),
            refusal=f"{name} has the image {before} already" if before == params.image else "",
            holds=lambda found: named_container(found, name).get("image") == params.image,
        )

    return plan
