"""Applies a manifest of the pack: an emergency ConfigMap, a traffic-shedding policy."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import Name, PackPath
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class ApplyParams(Params):
    """What to apply."""

    manifest: PackPath = Field(description="File of the pack, such as emergency/shedding.yaml.")
    namespace: Name = Field("", description="Where to. Absent: the target's.")


class Apply(Action[ApplyParams]):
    """
    Apply one manifest of the pack; undone by deleting what it created. The kinds are those that the settings allow.

    Source: server-side apply, `PATCH` with `application/apply-patch+yaml`.

    Example:

        actions:
          shed: {kubernetes.apply: {manifest: emergency/traffic-shedding.yaml}, mode: approve, temporary: 4h}
    """

    name = "kubernetes.apply"
    Params = ApplyParams
    needs = (
        Verb("", "configmaps", "get"),
        Verb("", "configmaps", "create"),
        Verb("", "configmaps", "patch"),
        Verb("", "configmaps", "delete"),
    )

    def command(self, params: ApplyParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl apply`."""
        namespace = params.namespace or target.namespace
        return (kubectl("apply", "--server-side", "-f", params.manifest, namespace=namespace),)
