"""Finds the plugin that a step names, and checks its parameters: values now, `${...}` for whether it compiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from responder.expressions.places import strings
from responder.model.place import Place
from responder.model.verdict import Json
from responder.plugins.params import Params
from responder.rules.compiling import Compiler
from responder.rules.nodes import MappingNode, Node, Scalar, at, key_spot, known_path, plain, scalars
from responder.rules.problems import Problems, meant
from responder.rules.shaping import complaint, fields_at

T = TypeVar("T")

_STRUCTURE = frozenset({"extra_forbidden", "missing"})
"""Errors that no value could mend."""


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """The plugin of a step, and where its parameters stand."""

    name: str
    plugin: T
    params: Node


def choose(
    node: MappingNode, shape: type[BaseModel], plugins: Mapping[str, T], *, what: str, problems: Problems
) -> Chosen[T] | None:
    """Find the one key of a step that names a plugin; note what else is unknown. None when there is none."""
    words = {found.alias or name for name, found in shape.model_fields.items()}
    extra = [entry for entry in node.entries if entry.key.text not in words]
    named = [entry for entry in extra if entry.key.text in plugins]
    for entry in extra:
        if entry in named[:1]:
            continue
        word = entry.key.text
        if entry in named:
            problems.error(entry.key.spot, f"one {what} stands here, this is the second", "give it a name of its own")
        elif "." in word or not named:
            problems.error(entry.key.spot, f"unknown {what} `{word}`", meant(word, plugins))
        else:
            problems.error(entry.key.spot, f"unknown key `{word}`", meant(word, words))
    if named:
        return Chosen(named[0].key.text, plugins[named[0].key.text], named[0].node)
    if not extra:
        problems.error(node.spot, f"no {what} is named here", f"valid: {', '.join(sorted(plugins))}")
    return None


def choose_only(node: MappingNode, plugins: Mapping[str, T], *, what: str, problems: Problems) -> Chosen[T] | None:
    """Find the plugin where nothing but one may stand, as in a receiver."""
    return choose(node, _Nothing, plugins, what=what, problems=problems)


class _Nothing(BaseModel):
    """No keys but the plugin's."""


def check(node: Node, model: type[Params], problems: Problems) -> Mapping[str, Json] | None:
    """
    Check parameters against what the plugin takes; answer them as plain data, None when something is wrong.

    A value with `${...}` is not known yet: its type is checked when it is.
    """
    data = {} if isinstance(node, Scalar) and node.value is None else plain(node)
    if not isinstance(data, dict):
        problems.error(node.spot, "parameters are a mapping", "write {} for none")
        return None
    try:
        model.model_validate(data)
    except ValidationError as error:
        certain = [d for d in error.errors() if d["type"] in _STRUCTURE or not _open(node, d["loc"])]
        for detail in certain:
            _note(node, model, detail, problems)
        if certain:
            return None
    return data


def compile_params(node: Node, model: type[Params], compiler: Compiler, sure: frozenset[str]) -> frozenset[str]:
    """Try every template in the parameters with the place that it stands in; answer the diagnostics read."""
    data = plain(node) or {}
    reads: set[str] = set()
    for path, _, place in strings(data if isinstance(data, dict) else {}, model):
        if place is Place.SECRET:
            compiler.secret(at(node, *path))
            continue
        reads |= compiler.template(at(node, *path), place, sure)
    _check_keys(node, compiler.problems)
    return frozenset(reads)


def _check_keys(node: Node, problems: Problems) -> None:
    if isinstance(node, MappingNode):
        for entry in node.entries:
            if "${" in entry.key.text:
                hint = "where the plugin takes it, write [{key: ..., value: ...}]"
                problems.error(entry.key.spot, "a key cannot be a template", hint)
            _check_keys(entry.node, problems)


def _open(node: Node, loc: tuple[str | int, ...]) -> bool:
    """Whether the value that was refused is, or holds, a template."""
    path = known_path(node, loc)
    below = at(node, *path[:1]) if path else None
    if below is None:
        return False
    exact = at(node, *path)
    if isinstance(exact, Scalar):
        return "${" in exact.text
    return any("${" in scalar.text for _, scalar in scalars(exact)) and len(path) < len(loc)


def _note(node: Node, model: type[BaseModel], detail: Any, problems: Problems) -> None:
    loc: tuple[str | int, ...] = detail["loc"]
    path = known_path(node, loc)
    word = str(loc[-1]) if loc else ""
    if detail["type"] == "extra_forbidden":
        problems.error(key_spot(node, path), f"unknown parameter `{word}`", meant(word, fields_at(model, loc[:-1])))
    elif detail["type"] == "missing":
        problems.error(at(node, *path).spot, f"the parameter `{word}` is missing", f"valid: {_valid(model, loc)}")
    else:
        problems.error(at(node, *path).spot, *complaint(at(node, *path), detail))


def _valid(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    return ", ".join(fields_at(model, loc[:-1]))
