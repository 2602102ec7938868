"""The places of a model's fields: where interpolated text of each will stand."""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from responder.model.place import Place
from responder.model.verdict import Json

EACH = "*"
"""Stands in a path for every item of a list and every value of a mapping."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """What a field takes: its place, and whether nothing but text fits it."""

    place: Place = Place.PLAIN
    text: bool = False


def places(model: type[BaseModel]) -> Mapping[Path, Place]:
    """Return the place of every field, nested ones too, that has one other than PLAIN; `*` is any item or value."""
    return {path: spot.place for path, spot in spots(model).items() if spot.place is not Place.PLAIN}


def strings(raw: Mapping[str, Json], model: type[BaseModel]) -> Iterator[tuple[tuple[str | int, ...], str, Place]]:
    """Yield every string of the parameters as written, with its path and its place."""
    table = spots(model)
    for key, value in raw.items():
        yield from _strings(value, (key,), (key,), table)


def _strings(
    value: Json, path: tuple[str | int, ...], pattern: Path, table: Mapping[Path, Spot]
) -> Iterator[tuple[tuple[str | int, ...], str, Place]]:
    match value:
        case str():
            yield path, value, spot_at(table, pattern).place
        case Mapping():
            for key, item in value.items():
                yield from _strings(item, (*path, key), below(table, pattern, str(key)), table)
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _strings(item, (*path, index), (*pattern, EACH), table)


def changed(
    raw: Mapping[str, Json], model: type[BaseModel], place: Place, change: Callable[[str], Json]
) -> dict[str, Json]:
    """Return the parameters with every string that stands at a place changed."""
    table = spots(model)
    return {key: _changed(value, below(table, (), key), table, (place, change)) for key, value in raw.items()}


def _changed(value: Json, pattern: Path, table: Mapping[Path, Spot], how: tuple[Place, Callable[[str], Json]]) -> Json:
    place, change = how
    match value:
        case str():
            return change(value) if spot_at(table, pattern).place is place else value
        case Mapping():
            return {key: _changed(item, below(table, pattern, str(key)), table, how) for key, item in value.items()}
        case list() | tuple():
            return [_changed(item, (*pattern, EACH), table, how) for item in value]
    return value


def below(table: Mapping[Path, Spot], pattern: Path, key: str) -> Path:
    """Return the path of a key: that of the model's field, or of any value of a mapping."""
    return (*pattern, key) if (*pattern, key) in table else (*pattern, EACH)


def spot_at(table: Mapping[Path, Spot], path: Path) -> Spot:
    """Return what stands at a path; below what the model leaves open, what its nearest field says."""
    for length in range(len(path), 0, -1):
        if path[:length] in table:
            found = table[path[:length]]
            return found if length == len(path) else Spot(found.place)
    return Spot()


@lru_cache(maxsize=512)
def spots(model: type[BaseModel]) -> Mapping[Path, Spot]:
    """Return what every field takes, by path."""
    return dict(_of_model(model, (), Place.PLAIN, ()))


def _of_model(
    model: type[BaseModel], path: Path, outer: Place, within: tuple[type, ...]
) -> Iterator[tuple[Path, Spot]]:
    if model in within:
        return
    for name, info in model.model_fields.items():
        place = _place(info.metadata, outer)
        for key in {name, info.alias or name}:
            yield from _of_type(info.annotation, (*path, key), place, (*within, model))


def _of_type(annotation: Any, path: Path, place: Place, within: tuple[type, ...]) -> Iterator[tuple[Path, Spot]]:
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        yield from _of_type(inner, path, _place(metadata, place), within)
        return
    yield path, Spot(place, text=_takes_text_only(annotation))
    for member in _members(annotation):
        if get_origin(member) is Annotated:
            yield from _of_type(member, path, place, within)
        elif isinstance(member, type) and issubclass(member, BaseModel):
            yield from _of_model(member, path, place, within)
        elif (item := _item(member)) is not None:
            yield from _of_type(item, (*path, EACH), place, within)


def _place(metadata: Sequence[Any], outer: Place) -> Place:
    return next((entry for entry in metadata if isinstance(entry, Place)), outer)


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for member in get_args(annotation) if member is not types.NoneType]
    return [annotation]


def _item(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not arguments:
        return None
    if issubclass(origin, Mapping):
        return arguments[1]
    return arguments[0] if issubclass(origin, (Sequence, frozenset, set)) else None


def _takes_text_only(annotation: Any) -> bool:
    members = _members(annotation)
    return all((get_args(m)[0] if get_origin(m) is Annotated else m) is str for m in members)
