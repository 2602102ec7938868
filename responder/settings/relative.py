"""Paths written in a file are relative to that file, not to wherever the process was started."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import quote, unquote

from responder.settings.section import Section, secrets_of, section_in

_SQLITE = "sqlite:///"


def anchored(data: Mapping[str, Any], section: type[Section], folder: Path) -> dict[str, Any]:
    """
    Let every relative path of a section's values begin at the folder; what is no path stays as it is.

    Values are as they were read and not yet checked: what has a wrong shape is left for the check to name.
    """
    return {name: _value(name, value, section, folder) for name, value in data.items()}


def sqlite_path(address: str) -> Path | None:
    """Return the file that `sqlite:///PATH` names; None for another address, or one that names none."""
    path = unquote(address.removeprefix(_SQLITE).partition("?")[0]) if address.startswith(_SQLITE) else ""
    return Path(path) if path and not path.startswith(":") else None


def _value(name: str, value: Any, section: type[Section], folder: Path) -> Any:
    if str(name).removesuffix("_file") in secrets_of(section) and str(name).endswith("_file"):
        return _path(value, folder)
    field = section.model_fields.get(name)
    if field is None:
        return value
    inner = section_in(field.annotation)
    if inner is not None:
        return _sections(value, inner, folder, get_origin(field.annotation))
    if Path in (field.annotation, *get_args(field.annotation)):
        return _paths(value, folder) if get_origin(field.annotation) is list else _path(value, folder)
    return _address(value, folder)


def _sections(value: Any, section: type[Section], folder: Path, shape: Any) -> Any:
    if shape is list and isinstance(value, list):
        return [_sections(one, section, folder, None) for one in value]
    if shape is dict and isinstance(value, dict):
        return {name: _sections(one, section, folder, None) for name, one in value.items()}
    return anchored(value, section, folder) if isinstance(value, dict) else value


def _paths(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return [_path(part.strip(), folder) for part in value.split(",") if part.strip()]
    return [_path(one, folder) for one in value] if isinstance(value, list) else value


def _path(value: Any, folder: Path) -> Any:
    return str(folder / value) if isinstance(value, str) and value else value


def _address(value: Any, folder: Path) -> Any:
    """Move the file that `sqlite:///PATH` names; what stands in an address is percent-encoded."""
    if not isinstance(value, str) or not value.startswith(_SQLITE):
        return value
    path = value.removeprefix(_SQLITE)
    if not path or path.startswith(("/", ":", "?")) or folder == Path():
        return value
    return f"{_SQLITE}{quote(str(folder))}/{path}"
