"""Checks a tree against a shape of the grammar: every wrong word at its place, and the rest goes on."""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from responder.rules.nodes import MappingNode, Node, Path, Scalar, at, key_spot, known_path, plain, without
from responder.rules.problems import Problems, meant

M = TypeVar("M", bound=BaseModel)

_ROUNDS = 12
"""How often the wrong parts are taken out and the rest is tried again."""


def shape(node: Node, model: type[M], problems: Problems) -> tuple[M, Node] | None:
    """
    Check the tree, noting what is wrong; answer what could be typed, and the tree that is left of it.

    None when nothing is left.
    """
    left: Node | None = node
    for _ in range(_ROUNDS):
        if left is None:
            return None
        try:
            return model.model_validate(plain(left)), left
        except ValidationError as error:
            broken = [_note(left, model, detail, problems) for detail in error.errors()]
            for path in sorted(set(broken), key=_deepest_last_first, reverse=True):
                left = without(left, path) if left is not None else None
    return None


def _deepest_last_first(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (0, step) for step in path)


def _note(node: Node, model: type[BaseModel], detail: Any, problems: Problems) -> Path:
    """Note one error of pydantic at its place; answer the path of what must go."""
    loc: tuple[str | int, ...] = detail["loc"]
    path = known_path(node, loc)
    here = at(node, *path)
    word = str(loc[-1]) if loc else ""
    match detail["type"]:
        case "extra_forbidden":
            problems.error(key_spot(node, path), f"unknown key `{word}`", meant(word, fields_at(model, loc[:-1])))
        case "missing":
            problems.error(here.spot, f"`{word}` is missing{_of(path)}", _described(model, loc))
        case _:
            problems.error(here.spot, *complaint(here, detail))
    return path


def _of(path: Path) -> str:
    return f" in {'.'.join(str(step) for step in path)}" if path else ""


def _described(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    inner = model_at(model, loc[:-1])
    for name, found in inner.model_fields.items() if inner else ():
        if loc and (found.alias or name) == loc[-1]:
            return found.description or ""
    return ""


def complaint(node: Node, detail: Any) -> tuple[str, str]:
    """Say in our words what pydantic found, and the cure."""
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    kind = str(detail["type"])
    if kind == "literal_error":
        words = [item.strip(" '") for item in str(detail["ctx"]["expected"]).replace(" or ", ",").split(",")]
        return f"`{detail['input']}` is not valid here", meant(str(detail["input"]), [word for word in words if word])
    if kind == "string_type":
        return _wanted_text(node, message)
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return "a mapping is wanted here", "write keys with values"
    if kind in ("list_type", "tuple_type"):
        return "a list is wanted here", "write [a, b] or one `- item` a line"
    return message[:1].lower() + message[1:], ""


def _wanted_text(node: Node, message: str) -> tuple[str, str]:
    if isinstance(node, Scalar) and node.value is None:
        return "text is wanted here, but there is none", "`#` begins a comment: put quotes around the text"
    if isinstance(node, Scalar):
        return f"text is wanted here, but `{node.text}` is something else", f'put quotes around it: "{node.text}"'
    if isinstance(node, MappingNode):
        return "text is wanted here", "put quotes around a string that begins with `{` or contains `: `"
    return message, ""


def fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that are valid at the path."""
    inner = model_at(model, loc)
    return tuple(found.alias or name for name, found in inner.model_fields.items()) if inner else ()


def model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """Find the model that checks what stands at the path."""
    current: list[Any] = [model]
    for step in loc:
        below = [found for annotation in current for found in _below(annotation, step)]
        current = below or current
    models = [item for annotation in current for item in _models(annotation)]
    return models[0] if models else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        return [found for part in get_args(annotation) for found in _models(part)]
    return []


def _below(annotation: Any, step: str | int) -> list[Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _below(args[0], step)
    if origin in (Union, types.UnionType):
        return [found for part in args for found in _below(part, step)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [f.annotation for name, f in annotation.model_fields.items() if step in (name, f.alias)]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [args[1]]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [args[0]]
    return []
