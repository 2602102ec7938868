"""Tries every expression and template of a playbook, so that a wrong one is an error at load, at its character."""

import re
from dataclasses import dataclass, field

from responder.errors import ExpressionError
from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.place import Place
from responder.model.secrecy import reference
from responder.rules.nodes import Node, Scalar, Spot
from responder.rules.positions import spot_of
from responder.rules.problems import Problems

_ASKED = re.compile(r"""["']([A-Za-z_][A-Za-z0-9_]*)["']\s+in\s+labels|has\(\s*labels\.([A-Za-z_][A-Za-z0-9_]*)\s*\)""")

_HELD_HOW = 'write "${inputs.NAME}", and declare that input of this action with `type: secret`'
_HELD_WHERE = "it can only be the whole value of a parameter that takes a secret"


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
    is passed over. `secrets` are the secret inputs, which no expression reads. `label_uses` collects every label read
    without a default.
    """

    schema: Schema
    problems: Problems
    broken: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
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

    def secret(self, node: Node) -> None:
        """Check the value of a parameter that is shown and stored nowhere: one secret input, and nothing besides."""
        if reference(_text(node)) not in self.secrets:
            told = "a secret stands in no rules, and is put together with nothing"
            self.problems.error(node.spot, told, _HELD_HOW)

    def _note(self, node: Scalar, error: ExpressionError) -> None:
        read = next((name for name in sorted(self.secrets) if re.search(rf"\binputs\b.*\b{name}\b", node.text)), "")
        if read:
            told = f"the secret input `{read}` is read here, where its value could be seen"
            self.problems.error(spot_of(node, error.offset), told, _HELD_WHERE)
        else:
            self.problems.error(spot_of(node, error.offset), error.message, error.hint)

    def _uses(self, node: Scalar, labels: frozenset[str]) -> None:
        self.label_uses.extend(LabelUse(label, node.spot) for label in sorted(labels))


def asked(node: Node | None) -> frozenset[str]:
    """Return the labels that a condition asks for before anything reads them: `"job" in labels`."""
    return frozenset(found[0] or found[1] for found in _ASKED.findall(_text(node)))


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) and isinstance(node.value, str) else ""
