"""Manifests and events of Kubernetes as files of evidence: whole, but without secrets."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from responder.model.redaction import MARK, behind_flags, redact, redact_json
from responder.model.verdict import Json

Object = Mapping[str, Any]

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Holds the whole manifest once more, as text: with the values of its environment."""


def manifest(objects: Iterable[Object]) -> bytes:
    """Write objects as YAML documents, as kubectl shows them, with secrets redacted."""
    return yaml.safe_dump_all(
        (without_secrets(_shown(each)) for each in objects), sort_keys=False, allow_unicode=True
    ).encode()


def event_lines(events: Iterable[Object]) -> bytes:
    """Write events as a table, the oldest first."""
    lines = sorted(_line(each) for each in events)
    return "".join(f"{line}\n" for line in lines).encode()


def _shown(found: Object) -> Json:
    """Leave out what only field management reads."""
    metadata = {name: value for name, value in (found.get("metadata") or {}).items() if name != "managedFields"}
    annotations = metadata.get("annotations") or {}
    if _APPLIED in annotations:
        metadata["annotations"] = {**annotations, _APPLIED: MARK}
    return {**found, "metadata": metadata}


def without_secrets(value: Json) -> Json:
    """Redact as elsewhere, and the values of the environment, whose names stand beside them."""
    match value:
        case {"name": str(name), "value": str(text), **rest}:
            return {"name": name, "value": redact_json(text, name=name), **rest}
        case {"kind": "Secret", **rest}:
            return {"kind": "Secret", **rest, "data": MARK, "stringData": MARK}
        case dict():
            return {key: _named(str(key), item) for key, item in value.items()}
        case list() | tuple():
            hidden = behind_flags(value)
            return [MARK if at in hidden else without_secrets(item) for at, item in enumerate(value)]
    return redact(value) if isinstance(value, str) else value


def _named(name: str, value: Json) -> Json:
    return redact_json(value, name=name) if isinstance(value, str) else without_secrets(value)


def _line(event: Object) -> str:
    series = event.get("series") or {}
    metadata, regarding = event.get("metadata") or {}, event.get("involvedObject") or {}
    at = event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime")
    count = event.get("count") or series.get("count") or 1
    where = f"{str(regarding.get('kind', '')).lower()}/{regarding.get('name', '')}"
    said = redact(" ".join(str(event.get("message", "")).split()))
    at = at or metadata.get("creationTimestamp") or ""
    return f"{at}  {event.get('type', '')}  {event.get('reason', '')}  {where}  ×{count}  {said}"
