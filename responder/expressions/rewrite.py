"""
Turns a checked tree into the one that runs.

An int that stands for a double becomes one, the three questions become reads, spans get CEL's own spelling, and a
computed NaN becomes an error, because every comparison with it would be decided.
"""

from datetime import timedelta

from responder.expressions import operators
from responder.expressions.analysis import Reads
from responder.expressions.tree import Node, Tree, children, kind_of, text_of

NOT_A_NUMBER = "@not_a_number"
"""Reading this variable, which never exists, is how a NaN becomes an error."""
ANSWERS = {operators.FAILED: "@failed", operators.HAS_DATA: "@has_data"}
"""The variables that hold the answers to questions, by diagnostic; one that is pending has none."""

_ARITHMETIC = frozenset({"_+_", "_-_", "_*_", "_/_", "-_"})
_CHOICES = frozenset({"_[_]", "_?_:_"})


class Rewriting:
    """One pass over one tree, which it changes."""

    def __init__(self, tree: Tree, reads: Reads) -> None:
        """Take the tree and what `analysis` found in it."""
        self._tree = tree
        self._reads = reads

    def run(self, *, as_double: bool = False) -> Node:
        """Return the root of the tree that runs; `as_double` makes an int result a double."""
        root = self._tree.root
        self._walk(root, guarded=False)
        if as_double:
            self._promote(root)
        return root

    def _walk(self, node: Node, *, guarded: bool) -> None:
        match kind_of(node):
            case "call_expr":
                self._call(node, guarded=guarded)
            case "comprehension_expr":
                loop = node.comprehension_expr
                for part in (loop.iter_range, loop.accu_init, loop.loop_condition, loop.loop_step, loop.result):
                    self._walk(part, guarded=False)
            case _:
                for child in children(node):
                    self._walk(child, guarded=False)

    def _call(self, node: Node, *, guarded: bool) -> None:
        call = node.call_expr
        if call.function in ANSWERS:
            self._replace(node, self._answer(ANSWERS[call.function], call.args[0].ident_expr.name))
            return
        if call.function == operators.LABEL:
            self._walk(call.args[1], guarded=False)
            self._replace(node, self._label(str(text_of(call.args[0])), call.args[1]))
            return
        if call.function == "duration" and call.args[0].id in self._reads.spans:
            call.args[0].const_expr.string_value = _seconds(self._reads.spans[call.args[0].id])
        arithmetic = call.function in _ARITHMETIC
        computes = call.function not in _CHOICES and self._tree.is_double(node)
        computes = computes or (arithmetic and self._tree.is_dynamic(node))
        for child in children(node):
            self._walk(child, guarded=computes and arithmetic)
        self._promote_mixed(node, arithmetic=arithmetic)
        if computes and not guarded:
            self._replace(node, self._guard(node))

    def _promote_mixed(self, node: Node, *, arithmetic: bool) -> None:
        overloads = self._tree.overloads(node)
        arguments = {operators.promoted_argument(overload) for overload in overloads}
        if len(arguments) == 1 and (argument := arguments.pop()):
            self._promote(node.call_expr.args[argument - 1])
        elif arithmetic and any(arguments):
            self._promote_beside_double(node)

    def _promote_beside_double(self, node: Node) -> None:
        operands = list(node.call_expr.args)
        doubles = [operand for operand in operands if self._tree.is_double(operand)]
        if doubles:
            for operand in operands:
                self._promote(operand)
            self._tree.set_double(node)

    def _promote(self, node: Node) -> None:
        if kind_of(node) == "const_expr":
            if node.const_expr.WhichOneof("kind") == "int64_value":
                node.const_expr.double_value = float(node.const_expr.int64_value)
            return
        if kind_of(node) == "call_expr" and not self._tree.is_double(node):
            call = node.call_expr
            operands = list(call.args) if call.function in _ARITHMETIC else []
            operands = list(call.args)[1:] if call.function == "_?_:_" else operands
            for operand in operands:
                self._promote(operand)
            if operands:
                return
        if not self._tree.is_double(node):
            self._replace(node, self._tree.new(call_expr={"function": "double", "args": [_copy(node)]}))

    def _guard(self, node: Node) -> Node:
        name = f"@number{node.id}"
        read = self._tree.new(ident_expr={"name": name})
        same = self._tree.new(call_expr={"function": "_==_", "args": [read, read]})
        error = self._tree.new(ident_expr={"name": NOT_A_NUMBER})
        return self._tree.new(
            comprehension_expr={
                "iter_var": "@unused",
                "iter_range": self._tree.new(list_expr={}),
                "accu_var": name,
                "accu_init": _copy(node),
                "loop_condition": self._tree.new(const_expr={"bool_value": False}),
                "loop_step": read,
                "result": self._tree.new(call_expr={"function": "_?_:_", "args": [same, read, error]}),
            }
        )

    def _answer(self, variable: str, diagnostic: str) -> Node:
        answers = self._tree.new(ident_expr={"name": variable})
        return self._tree.new(select_expr={"operand": answers, "field": diagnostic})

    def _label(self, name: str, default: Node) -> Node:
        labels = self._tree.new(ident_expr={"name": "labels"})
        there = self._tree.new(select_expr={"operand": labels, "field": name, "test_only": True})
        read = self._tree.new(select_expr={"operand": labels, "field": name})
        return self._tree.new(call_expr={"function": "_?_:_", "args": [there, read, default]})

    @staticmethod
    def _replace(node: Node, by: Node) -> None:
        node.CopyFrom(by)


def _copy(node: Node) -> Node:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def _seconds(span: timedelta) -> str:
    microseconds = span // timedelta(microseconds=1)
    sign = "-" if microseconds < 0 else ""
    whole, rest = divmod(abs(microseconds), 1_000_000)
    return f"{sign}{whole}.{rest:06}s"
