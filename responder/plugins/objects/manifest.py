"""Manifests of the pack: one object each, of a kind and a namespace that are looked at before anything is sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from responder.errors import PermanentError
from responder.model.action import Change
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.manifests import without_secrets

_LARGEST = 512 * 1024
"""Characters of a manifest; the API server takes 1.5 MiB of JSON."""
_LINES, _LINE = 40, 200
"""Fields of a manifest that are shown, and characters of each."""


def read_manifest(path: str, namespace: str, tools: ActionTools) -> dict[str, Any]:
    """
    Read one object from a file of the pack, for a namespace.

    Raises: PermanentError for a file that is not there, is not one object, or is of another namespace.
    """
    text = tools.file(path)
    if len(text) > _LARGEST:
        raise PermanentError(f"{path} is too large: {len(text)} characters")
    try:
        documents = [found for found in yaml.safe_load_all(text) if found is not None]
    except (yaml.YAMLError, ValueError) as error:
        said = str(error).splitlines()
        raise PermanentError(f"{path} is not YAML: {said[0] if said else 'unreadable'}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise PermanentError(f"{path} must hold exactly one object")
    found = documents[0]
    metadata = found.get("metadata")
    if not isinstance(metadata, dict) or not all(isinstance(found.get(key), str) for key in ("kind", "apiVersion")):
        raise PermanentError(f"{path} needs apiVersion, kind and metadata")
    if metadata.get("namespace", namespace) != namespace:
        raise PermanentError(f"{path} is for the namespace {metadata['namespace']}, and {namespace} was named")
    return found


def told(manifest: Mapping[str, Any]) -> tuple[Change, ...]:
    """Show what a manifest says, field by field and without secrets; of a long one the beginning."""
    said = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    lines = [(path, text) for key, value in said.items() for path, text in _fields(key, _bare(key, value))]
    shown = tuple(Change(path, "", text[:_LINE]) for path, text in lines[:_LINES])
    more = len(lines) - len(shown)
    return (*shown, Change(f"and {more} more fields of the manifest")) if more else shown


def _bare(key: str, value: Json) -> Json:
    found = without_secrets({key: value})
    return found[key] if isinstance(found, Mapping) else found


def _fields(path: str, value: Json) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every leaf; an empty list or object is one, and means something."""
    match value:
        case {**fields} if fields:
            for key, each in fields.items():
                yield from _fields(f"{path}.{key}", each)
        case [*items] if items:
            for number, each in enumerate(items):
                yield from _fields(f"{path}[{number}]", each)
        case str():
            yield path, value
        case _:
            yield path, json.dumps(value)


def kind_of(text: str) -> str:
    """Return the kind of the object in a manifest, "" where it cannot be told."""
    return str(_first(text).get("kind", ""))


def annotation_of(text: str, name: str) -> str:
    """Return an annotation of the object in a manifest, "" where there is none or it cannot be told."""
    metadata = _first(text).get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return str(annotations.get(name, "")) if isinstance(annotations, dict) else ""


def _first(text: str) -> dict[Any, Any]:
    """Read the first object of a manifest; empty where there is none."""
    try:
        found = next((each for each in yaml.safe_load_all(text[:_LARGEST]) if each is not None), None)
    except (yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
