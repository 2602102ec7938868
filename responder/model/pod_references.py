"""Which Secrets and ConfigMaps a pod template refers to, and which of their keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Object = Mapping[str, Any]
Kind = Literal["Secret", "ConfigMap"]


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One reference; `key` is "" where the whole object is meant. An `optional` one may be missing."""

    kind: Kind
    name: str
    key: str = ""
    optional: bool = False


def references_of(template: Object) -> tuple[Reference, ...]:
    """Collect the references of a pod template, each once, in order of kind and name."""
    spec = template.get("spec") or {}
    found = {*_of_volumes(spec)}
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            found.update(_of_container(container))
    for pull in spec.get("imagePullSecrets") or ():
        # The kubelet goes on without one that is missing.
        found.add(Reference("Secret", str(pull.get("name", "")), optional=True))
    return tuple(sorted(reference for reference in found if reference.name))


def _of_container(container: Object) -> Iterator[Reference]:
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield from _key(source.get("secretKeyRef"), "Secret")
        yield from _key(source.get("configMapKeyRef"), "ConfigMap")
    for source in container.get("envFrom") or ():
        yield from _whole(source.get("secretRef"), "Secret", "name")
        yield from _whole(source.get("configMapRef"), "ConfigMap", "name")


def _of_volumes(spec: Object) -> Iterator[Reference]:
    for volume in spec.get("volumes") or ():
        yield from _whole(volume.get("secret"), "Secret", "secretName")
        yield from _whole(volume.get("configMap"), "ConfigMap", "name")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _whole(source.get("secret"), "Secret", "name")
            yield from _whole(source.get("configMap"), "ConfigMap", "name")


def _key(reference: Object | None, kind: Kind) -> Iterator[Reference]:
    if reference:
        optional = bool(reference.get("optional"))
        yield Reference(kind, str(reference.get("name", "")), str(reference.get("key", "")), optional)


def _whole(reference: Object | None, kind: Kind, field: str) -> Iterator[Reference]:
    if not reference:
        return
    name, optional = str(reference.get(field, "")), bool(reference.get("optional"))
    items = reference.get("items") or ()
    if not items:
        yield Reference(kind, name, optional=optional)
    for item in items:
        yield Reference(kind, name, str(item.get("key", "")), optional)
