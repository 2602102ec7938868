"""Applies a manifest of the pack: an emergency ConfigMap, a traffic-shedding policy."""

from collections.abc import Mapping

from pydantic import Field

from responder.errors import PermanentError
from responder.model.action import ActionWeight, Outcome, Preview, Progress
from responder.model.resource import (
    AUTOSCALERS,
    CONFIG_MAPS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    SERVICES,
    Resource,
    namespace_of,
)
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import Name, PackPath
from responder.plugins.objects.creation import Creation, create_once, follow_creation, preview_creation, remove
from responder.plugins.objects.manifest import kind_of, read_manifest
from responder.plugins.objects.reach import REACH_NEEDS, with_reach
from responder.plugins.objects.seen import Place
from responder.plugins.params import Params
from responder.plugins.rights import Verb

_RESOURCES: dict[str, Resource] = {
    "ConfigMap": CONFIG_MAPS,
    "HorizontalPodAutoscaler": AUTOSCALERS,
    "NetworkPolicy": NETWORK_POLICIES,
    "PodDisruptionBudget": DISRUPTION_BUDGETS,
    "Service": SERVICES,
}
"""The kinds that can be applied at all; the settings allow fewer."""
_PLAIN = frozenset({"ConfigMap", "HorizontalPodAutoscaler", "PodDisruptionBudget"})


class ApplyParams(Params):
    """What to apply."""

    manifest: PackPath = Field(description="File of the pack, such as emergency/shedding.yaml.")
    namespace: Name = Field("", description="Where to. Absent: the target's.")


class Apply(Action[ApplyParams]):
    """
    Apply one manifest of the pack; undone by deleting what it created. The kinds are those that the settings allow.

    What is there already is not written over; what others make that very moment is given back to them.

    Source: server-side apply, `PATCH` with `application/apply-patch+yaml`, which takes no field from others.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true}, mode: auto}
          shed:
            kubernetes.apply: {manifest: emergency/traffic-shedding.yaml}
            mode: approve
            temporary: 4h
            guard: {evidence: [evidence]}
    """

    name = "kubernetes.apply"
    Params = ApplyParams
    files = {"manifest": "{}"}
    needs = (
        *(
            Verb(resource.group, resource.plural, verb)
            for resource in _RESOURCES.values()
            for verb in ("get", "create", "patch", "delete")
        ),
        *dict.fromkeys(verb for verbs in REACH_NEEDS.values() for verb in verbs),
    )
    beyond_target = True
    once = "named"
    undoable = True
    weight = "security"
    cost = "with a NetworkPolicy or a Service, which say who reaches whom; other kinds are removed again"

    def needs_in(
        self, namespace: str, params: ApplyParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Need the kind of the manifest only, where it can be read."""
        kind = kind_of(files.get(params.manifest, ""))
        resource = _RESOURCES.get(kind)
        if resource is None:
            return self.needs
        own = (verb for verb in self.needs if (verb.group, verb.resource) == (resource.group, resource.plural))
        return (*own, *REACH_NEEDS.get(kind, ()))

    def weight_of(self, params: ApplyParams, files: Mapping[str, str]) -> ActionWeight:
        """Touch security with a kind that decides who reaches whom, or that cannot be told."""
        return "ordinary" if kind_of(files.get(params.manifest, "")) in _PLAIN else "security"

    def command(self, params: ApplyParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl apply`, by the server."""
        namespace = params.namespace or target.namespace
        return (kubectl("apply", "--server-side", "-f", params.manifest, namespace=namespace),)

    async def preview(self, params: ApplyParams, target: Target, tools: ActionTools) -> Preview:
        """Say what would be made, and which pods that reaches."""
        creation = _creation(params, target, tools)
        return await with_reach(await preview_creation(creation, tools), creation, tools.kubernetes)

    async def act(self, params: ApplyParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Make what the manifest says."""
        return await create_once(_creation(params, target, tools), preview, tools)

    async def undo(self, params: ApplyParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Delete what was made."""
        return await remove(_creation(params, target, tools).place, before, tools)

    async def progress(self, params: ApplyParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say whether it still stands."""
        return await follow_creation(_creation(params, target, tools).place, outcome, tools)


def _creation(params: ApplyParams, target: Target, tools: ActionTools) -> Creation:
    namespace = params.namespace or namespace_of(target)
    manifest = read_manifest(params.manifest, namespace, tools)
    kind, version, name = manifest["kind"], manifest["apiVersion"], manifest["metadata"].get("name")
    resource = _RESOURCES.get(kind)
    if kind not in tools.allowed.kinds:
        allowed = ", ".join(tools.allowed.kinds) or "none"
        raise PermanentError(f"A {kind} may not be applied: the settings allow {allowed} (actions.kinds)")
    if resource is None or version != f"{resource.group}/{resource.version}".lstrip("/"):
        known = ", ".join(_RESOURCES)
        raise PermanentError(f"{kind} of {version} cannot be applied: of those that can, there are {known}")
    if not isinstance(name, str) or not name:
        raise PermanentError(f"{params.manifest} gives its object no name")
    place = Place(target.cluster, resource, kind, namespace, name)
    return Creation(
        place=place,
        manifest=manifest,
        summary=f"apply {params.manifest}: make {place}",
        done=f"applied from {params.manifest}",
        event="Applied",
        applied=True,
    )
