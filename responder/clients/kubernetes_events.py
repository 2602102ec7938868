"""The Kubernetes Events that we write on what we change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from responder.model.verdict import Json

Object = Mapping[str, Any]

_LONGEST_NOTE = 1024
"""Bytes of an Event's note. Source: `kubectl explain event.message`, events.k8s.io/v1."""


def event_of(regarding: Object, *, name: str, reason: str, note: str, now: datetime) -> dict[str, Any]:
    """Make the Event; one on an object without a namespace lies in `default`, where kubectl looks for it."""
    metadata = regarding.get("metadata") or {}
    namespace = str(metadata.get("namespace") or "default")
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    involved: dict[str, Json] = {key: str(metadata[key]) for key in ("name", "uid", "namespace") if metadata.get(key)}
    involved |= {key: str(regarding[key]) for key in ("kind", "apiVersion") if regarding.get(key)}
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "reason": reason[:128],
        "message": note.encode()[:_LONGEST_NOTE].decode(errors="ignore"),
        "type": "Normal",
        "source": {"component": "responder"},
        "reportingComponent": "responder",
        "reportingInstance": "responder",
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
