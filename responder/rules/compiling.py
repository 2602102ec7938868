"""Tries every expression and template of a playbook, so that a wrong one is an error at load, at its character."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from responder.errors import ExpressionError
from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.place import Place
from responder.model.verdict import Json
from responder.rules.nodes import Node, Scalar, Spot
from responder.rules.positions import spot_of
from responder.rules.problems import Problems

_ASKED = re.compile(r"""["']([A-Za-z_][A-Za-z0-9_]*)["']\s+in\s+labels|has\(\s*labels\.([A-Za-z_][A-Za-z0-9_]*)\s*\)""")


@dataclass(frozen=True, slots=True)
class LabelUse:
    """A label that is read without a default, and where."""

    label: str
    spot: Spot


@dataclass(slots=True)
class Compiler:
    """
    Compiles for one playbook.

    `broken` are diagnostics whose results are not known because something is wrong with them: what reads one of them
    is passed over. `label_uses` collects every label read without a default.
    """

    schema: Schema
    problems: Problems
    broken: frozenset[str] = frozenset()
    label_uses: list[LabelUse] = field(default_factory=list)
    evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        self.evaluator = Evaluator(self.schema)

    def condition(self, node: Node | None) -> frozenset[str]:
        """Try a condition; answer the diagnostics that it reads."""
        return self._expression(node, boolean=True, sure=asked(node))

    def value(self, node: Node | None) -> frozenset[str]:
        """Try an expression of any type; answer the diagnostics that it reads."""
        return self._expression(node, boolean=False, sure=frozenset())

    def template(
        self, node: Node | None, place: Place = Place.PLAIN, sure: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Try a template; `sure` are labels known to be there. Answers the diagnostics that it reads."""
        text = _text(node)
        if "$" not in text or not isinstance(node, Scalar) or self._passed_over(text):
            return frozenset()
        try:
            compiled = self.evaluator.compile_template(text, place)
        except ExpressionError as error:
            self._note(node, error)
            return frozenset()
        self._uses(node, compiled.labels - sure)
        return compiled.reads

    def _expression(self, node: Node | None, *, boolean: bool, sure: frozenset[str]) -> frozenset[str]:
        text = _text(node)
        if not text or not isinstance(node, Scalar) or self._passed_over(text):
            return frozenset()
        try:
            compiled = self.evaluator.compile(text, want="bool" if boolean else "any")
        except ExpressionError as error:
            self._note(node, error)
            return frozenset()
        self._uses(node, compiled.labels - sure)
        return compiled.reads

    def _passed_over(self, text: str) -> bool:
        return any(re.search(rf"\b{re.escape(name)}\b", text) for name in self.broken)

    def _note(self, node: Scalar, error: ExpressionError) -> None:
        self.problems.error(spot_of(node, error.offset), error.message, error.hint)

    def _uses(self, node: Scalar, labels: frozenset[str]) -> None:
        self.label_uses.extend(LabelUse(label, node.spot) for label in sorted(labels))


def asked(node: Node | None) -> frozenset[str]:
    """Return the labels that a condition asks for before anything reads them: `"job" in labels`."""
    return frozenset(found[0] or found[1] for found in _ASKED.findall(_text(node)))


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def schema(results: Mapping[str, type[BaseModel]], variables: Mapping[str, Json], inputs: Mapping[str, str]) -> Schema:
    """Declare what the expressions of a playbook may read. Raises: ExpressionError for a name that cannot be read."""
    return Schema(results=results, vars=variables, inputs=inputs)
