"""JSON patch, merge patch and strategic merge patch, for the API server in `kubernetes.py`."""

import copy
from typing import Any

from tests.servers.kubernetes_errors import Refusal, bad_request, unprocessable

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "ownerReferences": "uid",
    "conditions": "type",
}
_PRIMITIVE_SETS = frozenset({"finalizers"})
_MISSING = object()


def apply_patch(before: dict[str, Any], patch: Any, media_type: str, *, service: bool = False) -> dict[str, Any]:
    """Return the object after the patch; `service` says that `ports` merge by `port`, as in a Service."""
    after = copy.deepcopy(before)
    if media_type == JSON_PATCH:
        if not isinstance(patch, list):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
            )
        for operation in patch:
            after = _operate(after, operation)
        return after
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal array into Go value of type map")
    if media_type == MERGE_PATCH:
        return _merge(after, patch)
    if media_type == STRATEGIC_PATCH:
        return _strategic(after, patch, MERGE_KEYS | ({"ports": "port"} if service else {}))
    supported = ", ".join((JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH))
    message = f"the body of the request was in an unknown format - accepted media types include: {supported}"
    raise Refusal(415, "UnsupportedMediaType", message)


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    """Apply one operation of RFC 6902."""
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str) or kind not in ("add", "remove", "replace", "move", "copy", "test"):
        raise bad_request(f"error decoding patch: unexpected kind: {kind}")
    if kind in ("move", "copy"):
        value = copy.deepcopy(_find(document, operation["from"]))
        if kind == "move":
            document = _put(document, operation["from"], _MISSING, adding=False)
        return _put(document, path, value, adding=True)
    if kind == "test":
        if _find(document, path, missing_ok=True) != operation.get("value"):
            raise unprocessable()
        return document
    if kind == "remove":
        _find(document, path)
        return _put(document, path, _MISSING, adding=False)
    if kind == "replace":
        _find(document, path)
    return _put(document, path, copy.deepcopy(operation.get("value")), adding=kind == "add")


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise unprocessable()
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _find(document: Any, path: str, *, missing_ok: bool = False) -> Any:
    node = document
    for step in _steps(path):
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, ValueError, TypeError):
            if missing_ok:
                return None
            raise unprocessable() from None
    return node


def _put(document: Any, path: str, value: Any, *, adding: bool) -> Any:
    steps = _steps(path)
    if not steps:
        return value
    parent = _find(document, "".join(f"/{s.replace('~', '~0').replace('/', '~1')}" for s in steps[:-1]))
    last = steps[-1]
    if isinstance(parent, list):
        _put_in_list(parent, last, value, adding=adding)
    elif isinstance(parent, dict):
        if value is _MISSING:
            parent.pop(last, None)
        else:
            parent[last] = value
    else:
        raise unprocessable()
    return document


def _put_in_list(parent: list[Any], last: str, value: Any, *, adding: bool) -> None:
    try:
        index = len(parent) if last == "-" else int(last)
    except ValueError:
        raise unprocessable() from None
    if index < 0 or index > len(parent) - (0 if adding else 1):
        raise unprocessable()
    if value is _MISSING:
        del parent[index]
    elif adding:
        parent.insert(index, value)
    else:
        parent[index] = value


def _strategic(target: Any, patch: dict[str, Any], keys: dict[str, str], *, name: str = "") -> Any:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith(("$setElementOrder/", "$retainKeys", "$patch")):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            listed = key.partition("/")[2]
            merged[listed] = [item for item in merged.get(listed) or [] if item not in value]
        elif value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _strategic(merged.get(key), value, keys, name=key)
        elif isinstance(value, list):
            merged[key] = _strategic_list(merged.get(key), value, keys, name=key)
        else:
            merged[key] = value
    return merged


def _strategic_list(target: Any, patch: list[Any], keys: dict[str, str], *, name: str) -> list[Any]:
    before = list(target) if isinstance(target, list) else []
    if name in _PRIMITIVE_SETS:
        return before + [item for item in patch if item not in before]
    key = keys.get(name)
    if key is None or not all(isinstance(item, dict) for item in patch):
        return copy.deepcopy(patch)
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    merged = before
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        index = next((i for i, old in enumerate(merged) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [old for old in merged if old.get(key) != item[key]]
        elif index is None:
            # The real server puts new items before the ones that were there, unless an order is set.
            merged = [_strategic({}, item, keys, name=name), *merged]
        else:
            merged[index] = _strategic(merged[index], item, keys, name=name)
    return merged
