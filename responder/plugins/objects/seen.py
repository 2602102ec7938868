"""One object of a cluster as it was read just now, and what tells it from another of its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responder.errors import Missing, PermanentError
from responder.model.management import FIELD_MANAGER
from responder.model.resource import Resource
from responder.model.verdict import Json
from responder.plugins.acting import ATTEMPT, Cluster
from responder.plugins.rollout.workload import Workload

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: `cluster` as the settings call it; `namespace` "" for one that is in none."""

    cluster: str
    resource: Resource
    kind: str
    namespace: str
    name: str

    @property
    def reference(self) -> str:
        """Name it as kubectl takes it: `configmap/flags`."""
        return f"{self.kind.lower()}/{self.name}"

    @property
    def lock(self) -> str:
        """Name what is changed, for "one at a time": `default/configmap/prod/flags`."""
        return f"{self.cluster}/{self.kind}/{self.namespace}/{self.name}".lower()

    def __str__(self) -> str:
        """Say it for people: `configmap/flags in prod`."""
        return self.reference + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class Seen:
    """An object at its place."""

    place: Place
    found: Object

    @property
    def metadata(self) -> Object:
        """Its metadata."""
        metadata: Object = self.found["metadata"]
        return metadata

    @property
    def uid(self) -> str:
        """What tells it from another of its name."""
        return str(self.metadata.get("uid", ""))

    @property
    def version(self) -> str:
        """Its resource version: every write moves it."""
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.metadata.get("annotations") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.metadata.get("labels") or {}

    @property
    def identity(self) -> dict[str, Json]:
        """Tell which object it is."""
        return {"object": str(self.place), "uid": self.uid}

    @property
    def owned(self) -> Workload:
        """It, as what says who else writes it, asks for."""
        return Workload(self.found, self.place.cluster)

    def bears(self, attempt: str) -> bool:
        """Whether the last change of ours was this attempt's."""
        return self.annotations.get(ATTEMPT) == attempt


async def look(place: Place, cluster: Cluster) -> Seen:
    """Read an object. Raises: Missing, and as `Cluster.get`."""
    seen = await look_for(place, cluster)
    if seen is None:
        raise Missing(f"There is no {place}")
    return seen


async def look_for(place: Place, cluster: Cluster) -> Seen | None:
    """Read an object; None when there is none."""
    if not place.name or (place.resource.namespaced and not place.namespace):
        raise PermanentError(f"{place.kind} needs a name and a namespace: give them to the step or to its target")
    found = await cluster.get(place.resource, place.namespace, place.name)
    if found is None:
        return None
    group = place.resource.group
    version = f"{group}/{place.resource.version}" if group else place.resource.version
    return Seen(place, {"kind": place.kind, "apiVersion": version, **found})


def written_by_us(found: Object, *path: str) -> bool:
    """Whether the last who wrote a field is ours to take back: by the owner of the field in `managedFields`."""
    for entry in (found.get("metadata") or {}).get("managedFields") or ():
        node: Any = entry.get("fieldsV1")
        for step in path:
            node = node.get(f"f:{step}") if isinstance(node, Mapping) else None
        if node is not None and entry.get("manager") == FIELD_MANAGER:
            return True
    return False
