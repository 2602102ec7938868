"""Fills compiled templates with the values of one moment."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from responder.expressions.compiled import Compiled
from responder.expressions.escaping import Filled, Refused, write
from responder.expressions.formats import exact, in_format, shown
from responder.expressions.interpolation import Anchor, CompiledTemplate, Gate
from responder.expressions.moment import Gap
from responder.expressions.places import EACH, Path, Spot, below, spot_at, spots
from responder.model.message import Instant, Link, Own, Part, Text, Value
from responder.model.place import Place
from responder.model.verdict import Json, Undecided

Compile = Callable[[str, Spot], CompiledTemplate | Undecided]


class Filling:
    """One moment's values, put into texts."""

    def __init__(self, run: Callable[[Compiled], Any]) -> None:
        """Take what evaluates: it answers a plain value, or Gap."""
        self._run = run

    def text(self, pieces: Iterable[CompiledTemplate | Anchor]) -> Text:
        """Fill a text for people."""
        parts: list[Part] = []
        for piece in pieces:
            if isinstance(piece, Anchor):
                parts.append(self._link(piece))
            else:
                parts.extend(self._part(part) for part in piece.parts)
        return tuple(parts)

    def string(self, compiled: CompiledTemplate) -> str | Undecided:
        """Fill a template, every value escaped for its place."""
        parts: list[str | Filled] = []
        undecided: list[Undecided] = []
        for part in compiled.parts:
            filled = part if isinstance(part, str) else self._fill(part)
            if isinstance(filled, Undecided):
                undecided.append(filled)
            else:
                parts.append(filled)
        if undecided:
            return _all_of(undecided)
        try:
            return write(parts, compiled.place)
        except Refused as refused:
            return Undecided(str(refused))

    def params(
        self, raw: Mapping[str, Json], model: type[BaseModel], compiling: Compile
    ) -> Mapping[str, Json] | Undecided:
        """Fill every string of a plugin's parameters; Undecided when one of them is."""
        return Parameters(self, model, compiling).fill(raw)

    def typed(self, compiled: CompiledTemplate, gate: Gate) -> Json | Undecided:
        """Evaluate the only hole of a template and keep its type; strings, also within, are escaped."""
        value = self._run(gate.compiled)
        if isinstance(value, Gap):
            return value.undecided
        try:
            return _map_strings(json_of(value), lambda text: write([Filled(gate, text)], compiled.place))
        except Refused as refused:
            return Undecided(str(refused))

    def _part(self, part: str | Gate) -> Part:
        if isinstance(part, str):
            return Own(part)
        value = self._run(part.compiled)
        if isinstance(value, Gap):
            return Own(f"({value.name})", "italic")
        if isinstance(value, datetime):
            return Instant(value, "datetime")
        written = in_format(value, part.form) if part.form else shown(value)
        return Own("(no value)", "italic") if written is None else Value(written)

    def _link(self, anchor: Anchor) -> Part:
        url = self.string(anchor.url)
        return Own(anchor.label) if isinstance(url, Undecided) else Link(anchor.label, url)

    def _fill(self, gate: Gate) -> Filled | Undecided:
        value = self._run(gate.compiled)
        if isinstance(value, Gap):
            return value.undecided
        if not gate.form:
            return Filled(gate, value)
        text = in_format(value, gate.form)
        if text is None:
            return Undecided(f"{gate.compiled.source} has nothing that the format {gate.form} could show")
        return Filled(gate, value, text)


class Parameters:
    """The parameters of one plugin, filled; a hole in any of them leaves all undecided."""

    def __init__(self, filling: Filling, model: type[BaseModel], compiling: Compile) -> None:
        """Look up the places of the model's fields."""
        self._filling = filling
        self._compile = compiling
        self._spots = spots(model)
        self._undecided: list[Undecided] = []

    def fill(self, raw: Mapping[str, Json]) -> Mapping[str, Json] | Undecided:
        """Fill them all."""
        filled = {key: self._value(value, (key,)) for key, value in raw.items()}
        return _all_of(self._undecided) if self._undecided else filled

    def _value(self, value: Json, path: Path) -> Json:
        match value:
            case str():
                return self._string(value, spot_at(self._spots, path))
            case Mapping():
                return {key: self._value(item, below(self._spots, path, str(key))) for key, item in value.items()}
            case list() | tuple():
                return [self._value(item, (*path, EACH)) for item in value]
        return value

    def _string(self, text: str, spot: Spot) -> Json:
        if spot.place is Place.SECRET:
            return text  # its value is filled in where it is used, and stands nowhere before
        compiled = self._compile(text, spot)
        if isinstance(compiled, CompiledTemplate):
            only = compiled.only
            keeps_type = only is not None and not only.form and not spot.text
            filled = self._filling.typed(compiled, only) if only and keeps_type else self._filling.string(compiled)
        else:
            filled = compiled
        if isinstance(filled, Undecided):
            self._undecided.append(filled)
        return filled


def json_of(value: Any) -> Json:
    """Return a JSON value: moments as ISO 8601, spans as `90s`. Raises: Refused for one that JSON cannot say."""
    match value:
        case float() if not math.isfinite(value):
            raise Refused("the value is infinite")
        case bool() | int() | float() | str() | None:
            return value
        case datetime() | timedelta():
            return exact(value)
        case list():
            return [json_of(item) for item in value]
        case Mapping():
            return {str(key): json_of(item) for key, item in value.items()}
    raise Refused("the value has no text")


def _all_of(undecided: list[Undecided]) -> Undecided:
    pending = tuple(sorted({name for one in undecided for name in one.pending}))
    if pending:
        return Undecided(f"waiting for {', '.join(pending)}", pending)
    lacks = tuple(dict.fromkeys(name for each in undecided for name in each.lacks))
    first = next((each for each in undecided if not each.lacks), undecided[0])
    return replace(first, lacks=lacks if first.lacks else ())


def _map_strings(value: Json, change: Callable[[str], str]) -> Json:
    match value:
        case str():
            return change(value)
        case list():
            return [_map_strings(item, change) for item in value]
        case dict():
            return {key: _map_strings(item, change) for key, item in value.items()}
    return value
