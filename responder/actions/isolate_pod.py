"""Takes a pod out of service and keeps it for forensics."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from responder.model.action import Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, reference
from responder.plugins.objects.edit import Edit, Planner, follow_edit, make_edit, preview_edit, put_back
from responder.plugins.objects.isolation import ISOLATED, isolation, labels_back
from responder.plugins.objects.pod import family_of, pod_place
from responder.plugins.objects.seen import Seen
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

    It keeps its connections that are open. The label `alertmanager-responder/incident` says what it is kept for.
    NetworkPolicies that would let go of it too are told beforehand; what `kubernetes.network_lockdown` of this very pod
    cuts off stays cut off, whichever of the two comes first.

    Source: `PATCH /api/v1/namespaces/{ns}/pods/{name}`, `metadata.labels`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}
          isolate:
            kubernetes.isolate_pod: {labels: [app]}
            target: {kind: Pod, name: "${labels.pod}"}
            mode: approve
            guard: {evidence: [evidence]}
    """

    name = "kubernetes.isolate_pod"
    Params = IsolatePodParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods", "patch"),
        Verb("", "services", "list"),
        Verb("networking.k8s.io", "networkpolicies", "list"),
        *(Verb("apps", plural, "get") for plural in ("replicasets", "deployments", "statefulsets", "daemonsets")),
        Verb("batch", "jobs", "get"),
        Verb("batch", "cronjobs", "get"),
    )
    kinds = frozenset({"Pod"})
    weight = "security"
    cost = "a pod that may be broken into leaves its service; what others logged of it is gone soon after"
    undoable = True

    def command(self, params: IsolatePodParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl label`."""
        off = (f"{label}-" for label in params.labels)
        mark = f"{ISOLATED}=true"
        return (kubectl("label", reference(target), "--overwrite", *off, mark, namespace=target.namespace),)

    async def preview(self, params: IsolatePodParams, target: Target, tools: ActionTools) -> Preview:
        """Say what lets go of the pod, and what does not."""
        preview = await preview_edit(pod_place(target), _planner(params, tools), tools)
        family = await family_of(target, tools.kubernetes)
        preview = replace(
            preview,
            touches=(target.name,),
            pods=family.serving(target.name),
            ready=family.ready,
            replicas=family.replicas,
            disruption="the pod no longer serves; its owner makes another one",
            owner="",
            owner_way="",
        )
        return family.locking(preview)

    async def act(self, params: IsolatePodParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Take the labels off."""
        return await make_edit(pod_place(target), preview, _planner(params, tools), tools)

    async def undo(self, params: IsolatePodParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the labels back; the owner then has one pod more than it wants, and ends one of them."""
        found = before if isinstance(before, Mapping) else {}
        return await put_back(pod_place(target), found, lambda seen: labels_back(seen, found), tools)

    async def progress(
        self, params: IsolatePodParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Say whether the pod is still apart."""
        return await follow_edit(pod_place(target), outcome, _planner(params, tools), tools)


def _planner(params: IsolatePodParams, tools: ActionTools) -> Planner:
    async def planned(seen: Seen) -> Edit:
        return await isolation(seen, params.labels, tools)

    return planned
