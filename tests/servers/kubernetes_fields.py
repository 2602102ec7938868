"""Who owns which field, for the API server in `kubernetes.py`: managedFields and server-side apply."""

import copy
import json
from collections.abc import Iterable
from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_kinds import Kind
from tests.servers.kubernetes_patching import MERGE_KEYS

Object = dict[str, Any]
Path = tuple[str, ...]

_UNOWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    }
)
_MISSING = object()


def sign(before: Object | None, after: Object, entry: Object) -> None:
    """Note who wrote what differs: the writer owns it, and everybody else no longer does."""
    old, new = leaves(before or {}), leaves(after)
    touched = {path for path, value in new.items() if old.get(path, _MISSING) != value}
    gone = set(old) - set(new)
    entries = list((before or after)["metadata"].get("managedFields") or [])
    kept: list[Object] = []
    mine: set[Path] = set()
    for other in entries:
        paths = _paths(other)
        if _same(other, entry):
            mine = paths
            continue
        left = paths - touched - gone
        if left or not paths:
            kept.append(other | {"fieldsV1": _tree(left)})
    after["metadata"]["managedFields"] = [*kept, entry | {"fieldsV1": _tree((mine | touched) - gone)}]


def apply(kind: Kind, before: Object | None, applied: Object, entry: Object, *, force: bool) -> Object:
    """Merge an applied configuration. Raises 409 for fields that another manager owns with another value."""
    wanted, stored = leaves(applied), leaves(before or {})
    entries = list((before or {}).get("metadata", {}).get("managedFields") or [])
    others = [other for other in entries if not _same(other, entry)]
    mine = next((_paths(other) for other in entries if _same(other, entry)), set())
    lost = {path for path, value in wanted.items() if stored.get(path, _MISSING) != value}
    conflicts = [(other["manager"], path) for other in others for path in sorted(_paths(other) & lost)]
    if conflicts and not force:
        raise _conflict(kind, conflicts)
    dropped = mine - set(wanted)
    for other in others:
        dropped -= _paths(other)
    after = _merged(copy.deepcopy(before or {}), applied)
    for path in sorted(dropped, key=len, reverse=True):
        _remove(after, path)
    kept = [other | {"fieldsV1": _tree(_paths(other) - lost)} for other in others]
    after.setdefault("metadata", {})["managedFields"] = [
        *(other for other in kept if other["fieldsV1"]),
        entry | {"fieldsV1": _tree(wanted)},
    ]
    return after


def leaves(found: Object) -> dict[Path, Any]:
    """Return the fields that somebody can own, with their values; keyed lists are taken apart, others are atomic."""
    flat: dict[Path, Any] = {}
    for key, value in found.items():
        if key in ("kind", "apiVersion", "status"):
            continue
        if key == "metadata":
            value = {name: item for name, item in value.items() if name not in _UNOWNED}
            if not value:
                continue
        _flatten(value, (f"f:{key}",), key, flat)
    return flat


def _flatten(value: Any, path: Path, name: str, flat: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(item, (*path, f"f:{key}"), key, flat)
    elif isinstance(value, list) and _keyed(name, value):
        key = MERGE_KEYS[name]
        for item in value:
            _flatten(item, (*path, "k:" + json.dumps({key: item[key]})), "", flat)
    else:
        flat[path] = value


def _keyed(name: str, value: Any) -> bool:
    key = MERGE_KEYS.get(name)
    return bool(value) and key is not None and all(isinstance(item, dict) and key in item for item in value)


def _merged(target: Any, applied: Any, name: str = "") -> Any:
    if isinstance(applied, dict):
        merged = dict(target) if isinstance(target, dict) else {}
        for key, value in applied.items():
            merged[key] = _merged(merged.get(key), value, key)
        return merged
    if isinstance(applied, list) and _keyed(name, applied):
        key, kept = MERGE_KEYS[name], list(target or [])
        for item in applied:
            index = next((i for i, old in enumerate(kept) if old.get(key) == item[key]), None)
            if index is None:
                kept.append(copy.deepcopy(item))
            else:
                kept[index] = _merged(kept[index], item)
        return kept
    return copy.deepcopy(applied)


def _remove(document: Any, path: Path) -> None:
    for step in path[:-1]:
        document = _at(document, step)
        if document is None:
            return
    last = path[-1]
    if last.startswith("f:") and isinstance(document, dict):
        document.pop(last[2:], None)


def _at(document: Any, step: str) -> Any:
    if step.startswith("f:"):
        return document.get(step[2:]) if isinstance(document, dict) else None
    (key, value) = next(iter(json.loads(step[2:]).items()))
    return next((item for item in document if item.get(key) == value), None)


def _same(entry: Object, other: Object) -> bool:
    return all(entry.get(key) == other.get(key) for key in ("manager", "operation", "subresource"))


def _tree(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return tree


def _paths(entry: Object) -> set[Path]:
    found: set[Path] = set()

    def walk(node: Object, path: Path) -> None:
        if not node and path:
            found.add(path)
        for step, below in node.items():
            walk(below, (*path, step))

    walk(entry.get("fieldsV1") or {}, ())
    return found


def _conflict(kind: Kind, conflicts: list[tuple[str, Path]]) -> errors.Refusal:
    def shown(path: Path) -> str:
        return "".join(f".{step[2:]}" if step.startswith("f:") else f"[{step[2:]}]" for step in path)

    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": shown(path)}
        for manager, path in conflicts
    ]
    listed = "\n".join(f"- {shown(path)}" for _, path in conflicts)
    said = f'conflict with "{conflicts[0][0]}" using {kind.api_version}: {listed}'
    message = f"Apply failed with {len(causes)} conflict{'s' * (len(causes) > 1)}: {said}"
    return errors.Refusal(409, "Conflict", message, details={"causes": causes})
