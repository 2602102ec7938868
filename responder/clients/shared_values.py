"""Answers as bytes, for a cache outside of the process, and back: nothing in the bytes can make us run anything."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from multidict import CIMultiDict

from responder.model.message import Line, Point
from responder.model.outside import HttpAnswer, Sample, Samples

_TAG = "\0"
"""The one key of a mapping that stands for another type; no JSON, label or column that we read has such a name."""


@dataclass(frozen=True, slots=True)
class Form:
    """How answers are written. Both raise TypeError, ValueError, KeyError for what they cannot do."""

    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]


def _dump(value: Any) -> bytes:
    return json.dumps(value, default=_tagged, ensure_ascii=False, separators=(",", ":")).encode()


def _tagged(value: object) -> dict[str, Any]:
    match value:
        case Samples():
            return _tag("samples", [(dict(sample.labels), sample.value) for sample in value], value.warnings)
        case Line():
            return _tag("line", value.name, [(point.at.isoformat(), point.value) for point in value.points])
        case HttpAnswer():
            headers = list(value.headers.items())
            return _tag("http", value.status, headers, value.body, value.took, value.tls_expires_at)
        case bytes():
            return _tag("bytes", b64encode(value).decode())
        case datetime():
            return _tag("datetime", value.isoformat())
        case timedelta():
            return _tag("timedelta", value.days, value.seconds, value.microseconds)
        case Mapping():
            return dict(value)
    raise TypeError(f"{type(value).__name__} is not for sharing")


def _tag(kind: str, *parts: object) -> dict[str, Any]:
    return {_TAG: [kind, *parts]}


_BUILD: Mapping[str, Callable[..., Any]] = {
    "samples": lambda samples, warnings: Samples(tuple(Sample(*sample) for sample in samples), tuple(warnings)),
    "line": lambda name, points: Line(name, tuple(Point(datetime.fromisoformat(at), value) for at, value in points)),
    "http": lambda status, headers, *rest: HttpAnswer(status, CIMultiDict(headers), *rest),
    "bytes": b64decode,
    "datetime": datetime.fromisoformat,
    "timedelta": timedelta,
}


def _untagged(found: dict[str, Any]) -> Any:
    if found.keys() != {_TAG}:
        return found
    kind, *parts = found[_TAG]
    return _BUILD[kind](*parts)


TYPED = Form(dump=_dump, load=lambda data: json.loads(data, object_hook=_untagged))
"""What the clients of Prometheus, HTTP and the databases answer; infinities and NaN stay what they are."""
PLAIN = Form(dump=orjson.dumps, load=orjson.loads)
"""JSON as an API server sent it: large, and nothing else in it."""
