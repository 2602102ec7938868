"""What changed between two pod templates, in words that hold no value but images and amounts."""

from collections.abc import Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_OWN_LABELS = frozenset({"pod-template-hash", "controller-revision-hash", "pod-template-generation"})
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_CONTAINER_FIELDS = ("command", "args", "ports", "volumeMounts", "securityContext", "imagePullPolicy", "workingDir")
_NAMED = frozenset({"containers", "initContainers", "volumes"})


def images_of(template: Object) -> tuple[str, ...]:
    """Return the images of the containers, in order; of init containers none."""
    return tuple(str(c.get("image", "")) for c in (template.get("spec") or {}).get("containers") or ())


def changes(before: Object, after: Object) -> tuple[str, ...]:
    """
    Say what is different, the most telling first: images, environment by name, resources, then the rest by name.

    Values of the environment, of arguments and of annotations are never told: they may be secret.
    """
    old, new = before.get("spec") or {}, after.get("spec") or {}
    said: list[str] = []
    for field in ("containers", "initContainers"):
        said.extend(_containers(_by_name(old.get(field)), _by_name(new.get(field))))
    said.extend(_named("volume", _by_name(old.get("volumes")), _by_name(new.get("volumes"))))
    said.extend(_annotations(before, after))
    others = sorted({*old, *new} - _NAMED)
    said.extend(f"{field} changed" for field in others if old.get(field) != new.get(field))
    return tuple(sorted(said, key=_order))


def _order(text: str) -> int:
    return next((place for place, word in enumerate(("image ", "env ", "limit", "request")) if word in text), 9)


def _containers(old: Mapping[str, Object], new: Mapping[str, Object]) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"container {name} removed"
        elif name not in old:
            yield f"container {name} added, image {new[name].get('image')}"
        else:
            yield from _container(name, old[name], new[name])


def _container(name: str, old: Object, new: Object) -> Iterator[str]:
    if old.get("image") != new.get("image"):
        yield f"image of {name} {_short(old, new)}"
    yield from _named("env", _by_name(old.get("env")), _by_name(new.get("env")))
    if old.get("envFrom") != new.get("envFrom"):
        yield f"envFrom of {name} changed"
    for kind in ("limits", "requests"):
        yield from _amounts(kind, old.get("resources") or {}, new.get("resources") or {})
    for field in (*_PROBES, *_CONTAINER_FIELDS):
        if old.get(field) != new.get(field):
            yield f"{field} of {name} changed"


def _short(old: Object, new: Object) -> str:
    """Leave out the repository where only the tag or the digest is another."""
    first, second = str(old.get("image", "")), str(new.get("image", ""))
    separator = "@" if "@" in second else ":"
    repository, _, tag = second.rpartition(separator)
    if repository and first.startswith(f"{repository}{separator}"):
        return f"{first[len(repository) + 1 :][:19]} -> {tag[:19]}"
    return f"{first} -> {second}"


def _amounts(kind: str, old: Object, new: Object) -> Iterator[str]:
    before, after = old.get(kind) or {}, new.get(kind) or {}
    for resource in sorted({*before, *after}):
        if before.get(resource) != after.get(resource):
            what = f"{resource} {kind.removesuffix('s')}"
            yield f"{what} {before.get(resource, 'none')} -> {after.get(resource, 'none')}"


def _named(what: str, old: Mapping[str, Object], new: Mapping[str, Object]) -> Iterator[str]:
    for verb, names in (
        ("added", [name for name in new if name not in old]),
        ("removed", [name for name in old if name not in new]),
        ("changed", [name for name in new if name in old and old[name] != new[name]]),
    ):
        if names:
            yield f"{what} {', '.join(names)} {verb}"


def _annotations(before: Object, after: Object) -> Iterator[str]:
    old, new = _metadata(before, "annotations"), _metadata(after, "annotations")
    if old.get(_RESTARTED) != new.get(_RESTARTED):
        yield "restarted"
    others = {key for key in {*old, *new} - {_RESTARTED} if old.get(key) != new.get(key)}
    if others:
        yield f"annotations {', '.join(sorted(others))} changed"
    old, new = _metadata(before, "labels"), _metadata(after, "labels")
    labels = {key for key in {*old, *new} - _OWN_LABELS if old.get(key) != new.get(key)}
    if labels:
        yield f"labels {', '.join(sorted(labels))} changed"


def _metadata(template: Object, field: str) -> Mapping[str, str]:
    return (template.get("metadata") or {}).get(field) or {}


def _by_name(items: Any) -> dict[str, Object]:
    return {str(item.get("name")): item for item in items or ()}
