"""What a checked expression reads, whose words its value is, and what is wrong with it that the checker cannot see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from responder.errors import ExpressionError
from responder.expressions import operators, runtime
from responder.expressions.runtime import Failure
from responder.expressions.schema import Schema, most_like
from responder.expressions.shapes import Kind, Shape
from responder.expressions.tree import Node, Tree, children, kind_of, text_of
from responder.model.duration import parse_duration

Scope = Mapping[str, Shape | None]
"""The variables of the comprehensions around a node, with their shapes where those are known."""

Path = tuple[str, ...]
"""A read: the variable and the names below it, as far as they stand in the source."""


@dataclass(slots=True)
class Reads:
    """
    What an expression reads.

    `diagnostics` include those that are only asked about; `labels` are those read without a default; `paths` are all
    reads, for telling which of them failed. `spans` are literal durations as we write them, by node.
    """

    diagnostics: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    tested: set[str] = field(default_factory=set)
    paths: set[Path] = field(default_factory=set)
    spans: dict[int, timedelta] = field(default_factory=dict)


class Analysis:
    """One walk over a tree."""

    def __init__(self, tree: Tree, schema: Schema) -> None:
        """
        Walk the whole tree.

        Raises: ExpressionError for what cannot work: a field that is not there, a duration that is none, ...
        """
        self._tree = tree
        self._schema = schema
        self.reads = Reads()
        self._walk(tree.root, {})
        self.reads.labels -= self.reads.tested

    def _walk(self, node: Node, scope: Scope) -> None:
        if self._tree.is_dynamic(node):
            shape = self.shape(node, scope)
            if shape is not None and shape.kind is Kind.DOUBLE:
                self._tree.set_double(node)
        match kind_of(node):
            case "ident_expr":
                self._read(node, scope)
            case "select_expr":
                self._select(node, scope)
            case "call_expr":
                self._call(node, scope)
            case "comprehension_expr":
                self._comprehension(node, scope)
            case "struct_expr" if node.struct_expr.message_name:
                raise self._error(node, "an expression cannot build messages")
            case _:
                for child in children(node):
                    self._walk(child, scope)

    def _read(self, node: Node, scope: Scope) -> None:
        path = self._path(node, scope)
        if not path:
            return
        self.reads.variables.add(path[0])
        self.reads.paths.add(path)
        if path[0] in self._schema.diagnostics:
            self.reads.diagnostics.add(path[0])
        if path[0] == "labels" and len(path) > 1:
            self.reads.labels.add(path[1])

    def _select(self, node: Node, scope: Scope) -> None:
        select = node.select_expr
        shape = self.shape(select.operand, scope)
        if shape is not None and shape.kind is Kind.MESSAGE and select.field not in shape.fields:
            raise no_field(shape, select.field, self._tree.offset(node) + 1)
        if select.test_only:
            path = self._path(select.operand, scope)
            if path == ("labels",):
                self.reads.tested.add(select.field)
            self._walk(select.operand, scope)
        elif self._path(node, scope):
            self._read(node, scope)
        else:
            self._walk(select.operand, scope)

    def _call(self, node: Node, scope: Scope) -> None:
        call = node.call_expr
        match call.function:
            case operators.FAILED | operators.HAS_DATA:
                self._question(node, scope)
                return
            case operators.LABEL:
                self._label(node)
            case "duration" if text_of(call.args[0]) is not None:
                if (span := self._span(node)) is not None:
                    self.reads.spans[call.args[0].id] = span
            case "matches" | "timestamp" | "int" | "double":
                self._literals(node)
            case "@in" if text_of(call.args[0]) is not None and self._path(call.args[1], scope) == ("labels",):
                self.reads.tested.add(text_of(call.args[0]) or "")
            case "_[_]" if self._path(node, scope):
                self._read(node, scope)
                return
        for child in children(node):
            self._walk(child, scope)

    def _question(self, node: Node, scope: Scope) -> None:
        call = node.call_expr
        path = self._path(call.args[0], scope)
        if len(path) != 1 or path[0] not in self._schema.diagnostics:
            known = ", ".join(sorted(self._schema.diagnostics)) or "there are none"
            raise self._error(
                node,
                f"{call.function}() takes the name of a diagnostic, as in {call.function}(db)",
                hint=f"the diagnostics are: {known}",
            )
        self.reads.diagnostics.add(path[0])

    def _label(self, node: Node) -> None:
        self.reads.variables.add("labels")
        if text_of(node.call_expr.args[0]) is None:
            raise self._error(
                node, 'label() takes the name of a label in quotes and a default, as in label("pod", "none")'
            )

    def _span(self, node: Node) -> timedelta | None:
        text = text_of(node.call_expr.args[0]) or ""
        try:
            return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)
        except ValueError as error:
            if isinstance(runtime.constant(self._tree, node), Failure):
                raise ExpressionError(str(error), offset=self._tree.offset(node.call_expr.args[0])) from error
        return None

    def _literals(self, node: Node) -> None:
        call = node.call_expr
        values = [call.target] if call.HasField("target") else []
        values += call.args
        if not values or any(kind_of(value) != "const_expr" for value in values[1:]):
            return
        if kind_of(values[0]) != "const_expr":
            if call.function != "matches" or len(values) != 2:
                return
            values[0] = self._tree.new(const_expr={"string_value": ""})
        trial = self._tree.new(call_expr={"function": call.function, "args": values})
        answer = runtime.constant(self._tree, trial)
        if isinstance(answer, Failure):
            raise ExpressionError(answer.text, offset=self._tree.offset(values[-1]))

    def _comprehension(self, node: Node, scope: Scope) -> None:
        loop = node.comprehension_expr
        self._walk(loop.iter_range, scope)
        self._walk(loop.accu_init, scope)
        inner = {**scope, loop.accu_var: None, loop.iter_var: self._item(self.shape(loop.iter_range, scope))}
        if loop.iter_var2:
            inner[loop.iter_var2] = None
        for child in (loop.loop_condition, loop.loop_step):
            self._walk(child, inner)
        self._walk(loop.result, {**scope, loop.accu_var: None})

    def _path(self, node: Node, scope: Scope) -> Path:
        match kind_of(node):
            case "ident_expr":
                name = node.ident_expr.name
                return (name,) if name in self._schema.shapes and name not in scope else ()
            case "select_expr" if not node.select_expr.test_only:
                above = self._path(node.select_expr.operand, scope)
                return (*above, node.select_expr.field) if above else ()
            case "call_expr" if node.call_expr.function == "_[_]":
                key = text_of(node.call_expr.args[1])
                above = self._path(node.call_expr.args[0], scope) if key is not None else ()
                return (*above, key) if above and key is not None else ()
        return ()

    def shape(self, node: Node, scope: Scope) -> Shape | None:
        """Return the shape of a node's value where it follows from reads alone."""
        match kind_of(node):
            case "ident_expr":
                name = node.ident_expr.name
                return scope[name] if name in scope else self._schema.shapes.get(name)
            case "select_expr" if not node.select_expr.test_only:
                above = self.shape(node.select_expr.operand, scope)
                if above is None:
                    return None
                return above.element if above.kind is Kind.MAP else above.fields.get(node.select_expr.field)
            case "call_expr" if node.call_expr.function == "_[_]":
                above = self.shape(node.call_expr.args[0], scope)
                return above.element if above is not None else None
        return None

    @staticmethod
    def _item(shape: Shape | None) -> Shape | None:
        return shape.element if shape is not None and shape.kind is Kind.LIST else None

    def _error(self, node: Node, message: str, hint: str = "") -> ExpressionError:
        return ExpressionError(message, offset=self._tree.offset(node), hint=hint)


def no_field(shape: Shape, field: str, offset: int) -> ExpressionError:
    """Make the complaint about a field that a message does not have; it offers the most alike."""
    like = most_like(field, frozenset(shape.fields))
    fields = ", ".join(sorted(shape.fields)) or "none"
    hint = f"did you mean {like}? " if like else ""
    return ExpressionError(
        f"{shape.name} has no field {field}", offset=offset, hint=f"{hint}Its fields are: {fields}".strip()
    )


def from_vars(node: Node) -> bool:
    """Say whether the value is the rule author's own words: taken from `vars`, or written in the expression."""
    match kind_of(node):
        case "const_expr":
            return True
        case "ident_expr":
            return bool(node.ident_expr.name == "vars")
        case "select_expr":
            return from_vars(node.select_expr.operand)
        case "call_expr":
            call = node.call_expr
            if call.function == "_[_]":
                return from_vars(call.args[0])
            if call.function == "_?_:_":
                return from_vars(call.args[1]) and from_vars(call.args[2])
            return call.function == "_+_" and all(from_vars(argument) for argument in call.args)
    return False
