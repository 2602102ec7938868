"""The container of a workload that a change means, and where it is in the pod template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responder.errors import PermanentError
from responder.model.target import Target
from responder.plugins.rollout.plan import Operation
from responder.plugins.rollout.workload import Workload, pointer

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod template: what it says, and its place in the list."""

    found: Object
    index: int

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.found["name"])

    def path(self, *steps: str | int) -> str:
        """Return the JSON pointer to something of it."""
        return pointer("spec", "template", "spec", "containers", self.index, *steps)

    def is_there(self) -> Operation:
        """Return the test that its place is still its own."""
        return {"op": "test", "path": self.path("name"), "value": self.name}


def container_of(workload: Workload, name: str, target: Target) -> Container:
    """
    Choose the container: the one named, the alert's, the only one, or the one named like the workload.

    Raises: PermanentError listing them where none of these tells.
    """
    found = {str(each.get("name")): Container(each, index) for index, each in enumerate(_containers(workload))}
    wanted = name or (target.container if target.container in found else "")
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    chosen = found.get(wanted or workload.name)
    if chosen is None:
        what = f"no container {wanted!r}" if wanted else "several containers, none named like it"
        raise PermanentError(f"{workload.reference} has {what}: give `container`, one of {', '.join(found)}")
    return chosen


def named_container(workload: Workload, name: str) -> Object:
    """Return a container by its name; empty where it is not there any more."""
    return next((each for each in _containers(workload) if each.get("name") == name), {})


def _containers(workload: Workload) -> list[Object]:
    return list((workload.template.get("spec") or {}).get("containers") or ())
