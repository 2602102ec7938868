"""The tools of an attempt with files of a pack and what the settings allow, and what its tests put in a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import PermanentError
from responder.plugins.action import Action
from responder.settings.acting import Actions
from tests.actions.rollouts import Bench, Tools, of
from tests.servers.kubernetes_cluster import Cluster

Object = dict[str, Any]


@dataclass(frozen=True)
class PackTools(Tools):
    """`Tools`, with files and allow-lists."""

    files: Mapping[str, str] = field(default_factory=dict)
    allowed: Actions = field(default_factory=Actions)

    def file(self, path: str) -> str:
        if path not in self.files:
            raise PermanentError(f"the pack has no file {path}")
        return self.files[path]


def at_work(
    action: Action[Any],
    cluster: Cluster,
    writer: KubernetesWriter,
    *,
    target: Any = None,
    files: Mapping[str, str] | None = None,
    programs: list[str] | None = None,
    kinds: list[str] | None = None,
    **params: Any,
) -> Bench:
    """Put an action to work on deployment/api, or on the target; its parameters are checked as those of the rules."""
    allowed = Actions(programs=programs or [], **({"kinds": kinds} if kinds else {}))
    tools = PackTools(writer, files=files or {}, allowed=allowed)
    return Bench(cluster, tools, action, action.Params.model_validate(params), target or of(cluster))


def config_map(name: str = "flags", **data: str) -> Object:
    """Write a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def labels_of(found: Object) -> dict[str, str]:
    """Return an object's labels."""
    return dict(found["metadata"].get("labels") or {})


def events_of(found: list[Object]) -> list[tuple[str, str]]:
    """Return the reasons and notes of our Events: a cluster's controllers tell their own."""
    return [(event["reason"], event["message"]) for event in found if event["reportingComponent"] == "responder"]
