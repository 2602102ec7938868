"""Where settings come from: the file, the environment; and what to say when they are wrong."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from responder.errors import ConfigError
from responder.model.near import nearest
from responder.settings.section import Section, secrets_of, section_in

PREFIX = "RESPONDER_"
_NEARLY = 0.8
"""How alike a variable and a setting are that a program of another kind would not set."""


def variable(name: str) -> str:
    """Return the environment variable of a setting: `slack.bot_token` is RESPONDER_SLACK__BOT_TOKEN."""
    return PREFIX + name.replace(".", "__").upper()


class _UniqueKeys(yaml.SafeLoader):
    """Takes a name written twice for the mistake that it is, instead of dropping the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands here twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_file(path: Path) -> dict[str, Any]:
    """
    Read a YAML file of settings.

    Raises: ConfigError when it cannot be read, or is not a mapping.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (it is a SafeLoader)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_place(error)}") from None
    if data is not None and not isinstance(data, dict):
        raise ConfigError(f"{path} must be a mapping of settings, such as `listen: 127.0.0.1:8080`")
    return data or {}


def read_environment(environ: Mapping[str, str], root: type[Section]) -> dict[str, Any]:
    """
    Nest the variables with our prefix: `..._SLACK__BOT_TOKEN` is `slack.bot_token`.

    A flat name that is no setting may not be ours (a Service called `responder` leaves RESPONDER_PORT and the like), so
    it is passed over.

    Raises: ConfigError when such a name is nearly a setting, or two variables give the same one.
    """
    found: dict[str, Any] = {}
    known = _names(root)
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        path = name.removeprefix(PREFIX).lower().split("__")
        if len(path) == 1 and path[0] not in known:
            near = nearest(path[0], known, alike=_NEARLY)
            if near:
                raise ConfigError(f"{name}: there is no such setting; did you mean {variable(near)}?")
            continue
        inner = found
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{name}: another variable gives all of {part}; take out one of them")
        value = _decode(environ[name])
        section = section_at(path, root)
        if section and section.word and isinstance(value, str):
            inner, path = inner.setdefault(path[-1], {}), [*path, section.word]
        if path[-1] in inner:
            raise ConfigError(f"{name}: another variable gives {'.'.join(path)}; take out one of them")
        inner[path[-1]] = value
    return found


def spelled_out(data: Mapping[str, Any], section: type[Section]) -> dict[str, Any]:
    """Write a word that stands for a group as that group, so that a variable can add to it."""
    return {name: _group(value, section.model_fields.get(name)) for name, value in data.items()}


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one set of values over another; NAME and `NAME_file` are one setting in this."""
    merged = dict(below)
    for name, value in above.items():
        merged.pop(name.removesuffix("_file") if name.endswith("_file") else f"{name}_file", None)
        under = merged.get(name)
        merged[name] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def explain(details: ErrorDetails, variables: Mapping[str, Any], root: type[Section]) -> str:
    """Say in one line which setting is wrong, why, and what to write; never its value, which may be a secret."""
    path = [str(part) for part in details["loc"]]
    name = ".".join(path) or "settings"
    shown = f"{name} ({variable(name)})" if path and _is_in(variables, path) else name
    section = section_at(path[:-1], root)
    if details["type"] == "extra_forbidden":
        return f"{shown}: there is no such setting; {_cure(path, section)}"
    problem = details["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    field = section.model_fields.get(path[-1]) if section and path else None
    return f"{shown}: {problem}" + (f" ({field.description})" if field and field.description else "")


def section_at(path: Iterable[str], root: type[Section]) -> type[Section] | None:
    """Find the section at a path of names, where `clusters.NAME` is one; None where there is none."""
    here, key_follows = root, False
    for part in path:
        if key_follows:
            key_follows = False
            continue
        field = here.model_fields.get(part)
        inner = section_in(field.annotation) if field else None
        if field is None or inner is None:
            return None
        here, key_follows = inner, get_origin(field.annotation) in (dict, list)
    return here


def _cure(path: list[str], section: type[Section] | None) -> str:
    known = _names(section) if section else []
    near = nearest(path[-1], known)
    return f"did you mean {'.'.join([*path[:-1], near])}?" if near else f"there are: {', '.join(known)}"


def _names(section: type[Section]) -> list[str]:
    return [*section.model_fields, *(f"{name}_file" for name in secrets_of(section))]


def _is_in(data: Any, path: Iterable[str]) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def _group(value: Any, field: FieldInfo | None) -> Any:
    inner = section_in(field.annotation) if field else None
    return {inner.word: value} if inner and inner.word and isinstance(value, str | bool) else value


def _place(error: yaml.YAMLError) -> str:
    """Say where and what, without quoting the line, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " is not YAML"
    mark = error.problem_mark
    return f":{mark.line + 1}:{mark.column + 1}: is not YAML: {error.problem}"


def _decode(text: str) -> Any:
    """Read JSON where a variable gives a list or a mapping; anything else is its own text."""
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except ValueError:
        return text
