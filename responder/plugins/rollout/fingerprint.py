"""What tells one spec of a workload from another, field by field, by names that people know and without its values."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from responder.model.basis import DIGEST
from responder.model.verdict import Json

Object = Mapping[str, Any]

_CONTAINERS = ("initContainers", "containers")
_SHORT = 16
"""Hexadecimal digits of a part: nobody finds another value for them by trying."""
_LONGEST = 200


def digest(value: Json) -> str:
    """Return what tells one value from another, without telling the value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def parts_of(spec: Object) -> dict[str, Json]:
    """
    Return the parts of a spec: numbers and images as they are, digests of all that may hold anything else.

    Fields of the same name, such as the `env` of several containers, are one part. A null is no value: some servers
    write `creationTimestamp: null`, others leave it out.
    """
    found: dict[str, list[Json]] = {}
    for name, where, value in _fields(spec):
        if value is not None:
            found.setdefault(name, []).append([where, value])
    return {name: _part(name, values) for name, values in found.items()}


def _fields(spec: Object) -> Iterator[tuple[str, str, Json]]:
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    yield from ((name, "", value) for name, value in spec.items() if name != "template")
    yield from ((f"pods' {name}", "", value) for name, value in template.items() if name not in ("metadata", "spec"))
    yield from ((f"pods' {name}", "", value) for name, value in (template.get("metadata") or {}).items())
    yield from ((name, "pod", value) for name, value in pod.items() if name not in _CONTAINERS)
    for kind in _CONTAINERS:
        for container in pod.get(kind) or ():
            named = str(container.get("name"))
            yield kind, named, ""
            yield from ((name, f"{kind}/{named}", value) for name, value in container.items() if name != "name")


def _part(name: str, values: list[Json]) -> Json:
    plain = [value for _, value in values]
    if len(plain) == 1 and isinstance(plain[0], int):
        return plain[0]
    if name == "image" and len(text := ", ".join(map(str, plain))) <= _LONGEST and not text.startswith(DIGEST):
        return text
    return DIGEST + digest(values)[:_SHORT]
