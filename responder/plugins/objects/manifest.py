"""Manifests of the pack: one object each, of a kind and a namespace that are looked at before anything is sent."""

from typing import Any

import yaml

from responder.errors import PermanentError
from responder.plugins.acting import ActionTools

_LARGEST = 512 * 1024
"""Characters of a manifest; the API server takes 1.5 MiB of JSON."""


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
