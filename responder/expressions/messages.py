"""Protobuf message types, made at load from shapes, so that CEL's checker knows every field."""

import re
from collections.abc import Iterator, Mapping

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from responder.expressions.shapes import Kind, Shape

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "responder.values"
_KNOWN = (timestamp_pb2, duration_pb2, struct_pb2)
_SCALARS = {
    Kind.BOOL: _FIELD.TYPE_BOOL,
    Kind.INT: _FIELD.TYPE_INT64,
    Kind.DOUBLE: _FIELD.TYPE_DOUBLE,
    Kind.STRING: _FIELD.TYPE_STRING,
}
_GOOGLE = {
    Kind.TIMESTAMP: ".google.protobuf.Timestamp",
    Kind.DURATION: ".google.protobuf.Duration",
    Kind.LIST: ".google.protobuf.ListValue",
    Kind.MAP: ".google.protobuf.Value",
    Kind.ANY: ".google.protobuf.Value",
}
_WRITTEN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "null_type": "null",
    "<": "(",
    ">": ")",
    "LIST(DYN)": "list",
    "list(dyn)": "list",
}
_CAPITALS = re.compile(r"[A-Z]{3,}")
_OWN = re.compile(r"responder\.values\.M\d+")
_TYPES = {
    Kind.BOOL: cel.Type.BOOL,
    Kind.INT: cel.Type.INT,
    Kind.DOUBLE: cel.Type.DOUBLE,
    Kind.STRING: cel.Type.STRING,
    Kind.TIMESTAMP: cel.Type.TIMESTAMP,
    Kind.DURATION: cel.Type.DURATION,
    Kind.ANY: cel.Type.DYN,
}


class Messages:
    """
    The message types of some shapes.

    A list of lists and a map of lists have no type in protobuf: what is inside them is checked by `analysis` instead.
    """

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        """Make a type for every message within the shapes; the keys do not matter."""
        self._names: list[tuple[Shape, str]] = []
        self.by_name: dict[str, Shape] = {}
        self.pool = descriptor_pool.DescriptorPool()
        for known in _KNOWN:
            self.pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
        self._file = descriptor_pb2.FileDescriptorProto(
            name="responder/values.proto",
            package=_PACKAGE,
            syntax="proto3",
            dependency=[known.DESCRIPTOR.name for known in _KNOWN],
        )
        for shape in shapes.values():
            for message in _messages(shape):
                self._add(message)
        self.pool.Add(self._file)

    def type_of(self, shape: Shape) -> cel.Type:
        """Return the type that the checker shall give to a variable."""
        match shape.kind:
            case Kind.MESSAGE:
                return cel.Type(self._name_of(shape))
            case Kind.LIST:
                return cel.Type.List(self.type_of(_element(shape)))
            case Kind.MAP:
                return cel.Type.Map(cel.Type.STRING, self.type_of(_element(shape)))
        return _TYPES[shape.kind]

    def named(self, written: str) -> str:
        """Write CEL's name of a type as people know it: `list(rate.top)`, `map(string, double)`, `timestamp`."""
        for name, ours in _WRITTEN.items():
            written = written.replace(name, ours)
        lower = _CAPITALS.sub(lambda found: found[0].lower(), written)
        return _OWN.sub(lambda found: self.by_name[found[0]].name, lower)

    def _name_of(self, shape: Shape) -> str:
        return next(name for known, name in self._names if known is shape)

    def _add(self, shape: Shape) -> None:
        name = f"M{len(self._names)}"
        message = self._file.message_type.add(name=name)
        self._names.append((shape, f"{_PACKAGE}.{name}"))
        self.by_name[f"{_PACKAGE}.{name}"] = shape
        readable = ((key, inner) for key, inner in shape.fields.items() if key.isidentifier() and key.isascii())
        for number, (key, inner) in enumerate(readable, start=1):
            field = message.field.add(name=key, number=number, json_name=key, label=_FIELD.LABEL_OPTIONAL)
            if inner.kind is Kind.LIST:
                field.label = _FIELD.LABEL_REPEATED
                self._set_type(field, _element(inner))
            elif inner.kind is Kind.MAP:
                field.label = _FIELD.LABEL_REPEATED
                field.type, field.type_name = _FIELD.TYPE_MESSAGE, self._entry(message, key, _element(inner))
            else:
                self._set_type(field, inner)

    def _set_type(self, field: descriptor_pb2.FieldDescriptorProto, shape: Shape) -> None:
        if shape.kind in _SCALARS:
            field.type = _SCALARS[shape.kind]
            return
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{self._name_of(shape)}" if shape.kind is Kind.MESSAGE else _GOOGLE[shape.kind]

    def _entry(self, message: descriptor_pb2.DescriptorProto, key: str, value: Shape) -> str:
        name = "".join(part[:1].upper() + part[1:] for part in key.split("_")) + "Entry"
        entry = message.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_STRING)
        self._set_type(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), value)
        return f".{_PACKAGE}.{message.name}.{name}"


def _messages(shape: Shape) -> Iterator[Shape]:
    for inner in (*shape.fields.values(), *([shape.element] if shape.element else [])):
        yield from _messages(inner)
    if shape.kind is Kind.MESSAGE:
        yield shape


def _element(shape: Shape) -> Shape:
    return shape.element or Shape(Kind.ANY)
