"""What expressions may read: the shapes of values, derived from pydantic models, dataclasses, defaults and inputs."""

import types
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from responder.model.verdict import Json


class Kind(StrEnum):
    """The kinds of values."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"
    MAP = "map"
    MESSAGE = "message"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Shape:
    """
    The shape of a value.

    `element` is that of a list's items or of a map's values; keys are strings. `fields` are those of a message, whose
    `name` is how people would call it: `rate`, `rate.top`.
    """

    kind: Kind
    element: "Shape | None" = None
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    name: str = ""


ANY = Shape(Kind.ANY)
STRING = Shape(Kind.STRING)
LABELS = Shape(Kind.MAP, element=STRING)
_SCALARS: Mapping[Any, Shape] = {
    bool: Shape(Kind.BOOL),
    int: Shape(Kind.INT),
    float: Shape(Kind.DOUBLE),
    str: STRING,
    datetime: Shape(Kind.TIMESTAMP),
    timedelta: Shape(Kind.DURATION),
    Any: ANY,
    object: ANY,
}
_INPUTS: Mapping[str, Shape] = {
    "bool": _SCALARS[bool],
    "int": _SCALARS[int],
    "float": _SCALARS[float],
    "double": _SCALARS[float],
    "number": _SCALARS[float],
    "duration": _SCALARS[timedelta],
    "timestamp": _SCALARS[datetime],
}


def shape_of_type(annotation: Any, name: str, within: tuple[Any, ...] = ()) -> Shape:
    """Derive the shape of values of a type; what no shape fits, and a model within itself, is of ANY shape."""
    if annotation in within:
        return ANY
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return _of_class(annotation, name, (*within, annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _join([shape_of_value(member.value) for member in annotation])
    if get_origin(annotation) is not None:
        return _of_generic(annotation, name, within)
    try:
        return _SCALARS.get(annotation, ANY)
    except TypeError:
        return ANY


def _of_class(cls: type, name: str, within: tuple[Any, ...]) -> Shape:
    if issubclass(cls, BaseModel):
        types_of = {key: info.annotation for key, info in cls.model_fields.items()}
        types_of |= {key: info.return_type for key, info in cls.model_computed_fields.items()}
    else:
        hints = get_type_hints(cls, include_extras=False)
        types_of = {name_of: hints[name_of] for name_of in getattr(cls, "__dataclass_fields__", {})}
    shapes = {key: shape_of_type(annotation, f"{name}.{key}", within) for key, annotation in types_of.items()}
    return Shape(Kind.MESSAGE, fields=shapes, name=name)


def _of_generic(annotation: Any, name: str, within: tuple[Any, ...]) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of_type(arguments[0], name, within)
    if origin in (Union, types.UnionType):
        return _join([shape_of_type(a, name, within) for a in arguments if a is not types.NoneType])
    if origin is Literal:
        return _join([shape_of_value(value) for value in arguments if value is not None])
    if not isinstance(origin, type):
        return ANY
    if issubclass(origin, Mapping):
        return Shape(Kind.MAP, element=shape_of_type(arguments[1], name, within))
    if issubclass(origin, (Sequence, Set)):
        items = [a for a in arguments if a is not Ellipsis]
        return Shape(Kind.LIST, element=_join([shape_of_type(a, name, within) for a in items]))
    return ANY


def shape_of_value(value: Json) -> Shape:
    """Derive the shape from a default as written in the rules; a message is never one."""
    match value:
        case bool() | int() | float() | str() | datetime() | timedelta():
            return _SCALARS.get(type(value), STRING)
        case Mapping():
            return Shape(Kind.MAP, element=_join([shape_of_value(item) for item in value.values()]))
        case list() | tuple():
            return Shape(Kind.LIST, element=_join([shape_of_value(item) for item in value]))
    return ANY


def shape_of_input(declared: str) -> Shape:
    """Derive the shape from an input's declared type: `int`, `list(cidr)`; a word without meaning here is a string."""
    text = declared.strip()
    if text.startswith("list(") and text.endswith(")"):
        return Shape(Kind.LIST, element=shape_of_input(text[5:-1]))
    return _INPUTS.get(text, STRING)


def _join(shapes: Sequence[Shape]) -> Shape:
    if not shapes:
        return ANY
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    numbers = {Kind.INT, Kind.DOUBLE}
    return _SCALARS[float] if all(shape.kind in numbers for shape in shapes) else ANY
