"""CEL's syntax tree as protobuf messages. Source: google/cel-spec, `cel/expr/syntax.proto` and `checked.proto`."""

from typing import Any, TypeAlias

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

Node: TypeAlias = Any
"""An `Expr`: `id`, and one of the kinds of node."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
_PACKAGE = "responder.tree"
_KIND = "kind"

_MESSAGES = {
    "Expr": "id:2:int64 const_expr:3:|Constant ident_expr:4:|Ident select_expr:5:|Select call_expr:6:|Call "
    "list_expr:7:|List struct_expr:8:|Struct comprehension_expr:9:|Comprehension",
    "Constant": "null_value:1:|int32 bool_value:2:|bool int64_value:3:|int64 uint64_value:4:|uint64 "
    "double_value:5:|double string_value:6:|string bytes_value:7:|bytes",
    "Ident": "name:1:string",
    "Select": "operand:1:Expr field:2:string test_only:3:bool",
    "Call": "target:1:Expr function:2:string args:3:*Expr",
    "List": "elements:1:*Expr optional_indices:2:*int32",
    "Struct": "message_name:1:string entries:2:*Entry",
    "Entry": "id:1:int64 field_key:2:|string map_key:3:|Expr value:4:Expr optional_entry:5:bool",
    "Comprehension": "iter_var:1:string iter_range:2:Expr accu_var:3:string accu_init:4:Expr loop_condition:5:Expr "
    "loop_step:6:Expr result:7:Expr iter_var2:8:string",
    "SourceInfo": "syntax_version:1:string positions:4:*Position",
    "Position": "key:1:int64 value:2:int32",
    "Reference": "name:1:string overload_id:3:*string",
    "ReferenceEntry": "key:1:int64 value:2:Reference",
    "Type": "dyn:1:|Nothing primitive:3:|int32",
    "Nothing": "",
    "TypeEntry": "key:1:int64 value:2:Type",
    "Parsed": "expr:2:Expr source_info:3:SourceInfo",
    "Checked": "reference_map:2:*ReferenceEntry type_map:3:*TypeEntry expr:4:Expr source_info:5:SourceInfo",
}
_DOUBLE = 4


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="responder/tree.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if "|" in fields:
            message.oneof_decl.add(name=_KIND)
        for field in fields.split():
            _add_field(message, *field.split(":"))
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: str, kind: str) -> None:
    bare = kind.lstrip("|*")
    field = message.field.add(name=name, number=int(number))
    field.label = _FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL
    if bare in _TYPES:
        field.type = _TYPES[bare]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{bare}"
    if kind.startswith("|"):
        field.oneof_index = 0


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_EXPR, _PARSED, _CHECKED = _class("Expr"), _class("Parsed"), _class("Checked")


class Tree:
    """The tree of one expression: `root`, where each node stood in the source, and what the checker found."""

    def __init__(self, serialized: bytes) -> None:
        """Read what `Expression.serialize` wrote, checked or only parsed."""
        packed = any_pb2.Any.FromString(serialized)
        self._syntax = "type.googleapis.com/cel.expr.ParsedExpr"
        checked = packed.type_url.endswith(".CheckedExpr")
        message = (_CHECKED if checked else _PARSED).FromString(packed.value)
        self.root: Node = message.expr
        self.positions: dict[int, int] = {p.key: p.value for p in message.source_info.positions}
        self._references: dict[int, Any] = {}
        self._doubles: set[int] = set()
        self._dynamic: set[int] = set()
        if checked:
            self._references = {r.key: r.value for r in message.reference_map}
            self._doubles = {t.key for t in message.type_map if t.value.primitive == _DOUBLE}
            self._dynamic = {t.key for t in message.type_map if t.value.HasField("dyn")}
        self._next = max(self.positions, default=0) + 1_000

    def overloads(self, node: Node) -> tuple[str, ...]:
        """Return the overloads of a call that the checker found possible."""
        reference = self._references.get(node.id)
        return tuple(reference.overload_id) if reference is not None else ()

    def is_double(self, node: Node) -> bool:
        """Say whether the checker typed the node as a double."""
        return node.id in self._doubles

    def is_dynamic(self, node: Node) -> bool:
        """Say whether the checker left the node's type open."""
        return node.id in self._dynamic

    def set_double(self, node: Node) -> None:
        """Type a node as a double that the checker could not type."""
        self._doubles.add(node.id)

    def offset(self, node: Node) -> int:
        """Return where the node stood, in characters from the start; for a call or select that is its operator."""
        return self.positions.get(node.id, -1)

    def new(self, **kind: Any) -> Node:
        """Make a node that did not stand in the source."""
        self._next += 1
        return _EXPR(id=self._next, **kind)

    def serialize(self, root: Node) -> bytes:
        """Write a tree for `Env.deserialize`, as parsed and not checked."""
        parsed = _PARSED(expr=root)
        return any_pb2.Any(type_url=self._syntax, value=parsed.SerializeToString()).SerializeToString()


def text_of(node: Node) -> str | None:
    """Return the string that a constant is; None for any other node."""
    if node.WhichOneof(_KIND) != "const_expr" or node.const_expr.WhichOneof(_KIND) != "string_value":
        return None
    return str(node.const_expr.string_value)


def kind_of(node: Node) -> str:
    """Return which kind of node it is: `const_expr`, `ident_expr`, `select_expr`, ..."""
    return str(node.WhichOneof(_KIND) or "")


def children(node: Node) -> list[Node]:
    """Return the nodes right below, except for a comprehension, whose variables need care."""
    match kind_of(node):
        case "select_expr":
            return [node.select_expr.operand]
        case "call_expr":
            call = node.call_expr
            return [*([call.target] if call.HasField("target") else []), *call.args]
        case "list_expr":
            return list(node.list_expr.elements)
        case "struct_expr":
            entries = node.struct_expr.entries
            return [*(e.map_key for e in entries if e.WhichOneof(_KIND) == "map_key"), *(e.value for e in entries)]
    return []
