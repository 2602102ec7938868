"""Compiles and evaluates the expressions of one playbook. Nothing that evaluates raises; no value is `Undecided`."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from responder.errors import ExpressionError
from responder.expressions import runtime
from responder.expressions.compiled import Compiled, compile_source
from responder.expressions.escaping import Refused, check_own
from responder.expressions.filling import Filling, json_of
from responder.expressions.interpolation import Anchor, CompiledTemplate, Gate, anchored, compile_text
from responder.expressions.moment import Gap, Moment
from responder.expressions.places import Spot
from responder.expressions.runtime import Failure
from responder.expressions.schema import Schema
from responder.model.facts import Facts
from responder.model.message import Own, Text
from responder.model.place import Place
from responder.model.verdict import HOLDS, HOLDS_NOT, Json, Undecided, Verdict


class Evaluator:
    """The programs of one playbook, compiled once and kept by their source."""

    def __init__(self, schema: Schema) -> None:
        """Take the types; nothing is compiled yet."""
        self._schema = schema
        self._compiled: dict[tuple[str, bool], Compiled] = {}
        self._templates: dict[tuple[str, Place], CompiledTemplate] = {}
        self._texts: dict[str, tuple[CompiledTemplate | Anchor, ...]] = {}
        self._variables: frozenset[str] = frozenset()
        self._moment: Moment | None = None

    def compile(self, source: str, *, want: Literal["bool", "any"] = "any") -> Compiled:
        """
        Compile an expression; with `want="bool"` a condition.

        Raises: ExpressionError.
        """
        compiled = self._compile(source, False)
        if want == "bool" and compiled.type not in ("bool", "dyn"):
            raise ExpressionError(
                f"a condition is true or false, this is {compiled.type}",
                offset=0,
                hint="compare with something, as in `> 0`",
            )
        return compiled

    def compile_template(self, text: str, place: Place = Place.PLAIN) -> CompiledTemplate:
        """
        Compile a text with `${...}` in it, for the place where it will stand.

        Raises: ExpressionError; its offset counts from the start of the text.
        """
        if (text, place) not in self._templates:
            compiled = compile_text(text, place, self._compile)
            if place is Place.PLAIN:
                self._texts[text] = anchored(text, self._compile)
            self._check_own(compiled)
            self._templates[text, place] = compiled
        return self._templates[text, place]

    def holds(self, source: str, facts: Facts) -> Verdict:
        """Decide a condition; it holds only when it evaluates to exactly true."""
        value = self._evaluate(source, facts)
        if value is True:
            return HOLDS
        if value is False:
            return HOLDS_NOT
        undecided = value.undecided if isinstance(value, Gap) else Undecided("it is neither true nor false")
        return Verdict(holds=False, undecided=undecided)

    def value(self, source: str, facts: Facts) -> Json | Undecided:
        """Evaluate to a JSON value; moments are ISO 8601, spans as in `90s`."""
        value = self._evaluate(source, facts)
        try:
            return value.undecided if isinstance(value, Gap) else json_of(value)
        except Refused as refused:
            return Undecided(str(refused))

    def text(self, template: str, facts: Facts) -> Text:
        """
        Fill a text for people, written by a rule's author and never from outside.

        Links `[label](url)` become links; what is undecided shows as `(no NAME)`.
        """
        try:
            if template not in self._texts:
                self._texts[template] = anchored(template, self._compile)
        except ExpressionError as error:
            return (Own(template), Own(f" ({error.message})", "italic"))
        return self._filling(facts).text(self._texts[template])

    def string(self, template: str, facts: Facts, place: Place) -> str | Undecided:
        """Fill a template, every value escaped for the place."""
        try:
            return self._filling(facts).string(self.compile_template(template, place))
        except ExpressionError as error:
            return Undecided(f"{template} does not compile: {error.message}")

    def params(self, raw: Mapping[str, Json], model: type[BaseModel], facts: Facts) -> Mapping[str, Json] | Undecided:
        """
        Fill every string of a plugin's parameters, escaped for the place that the model gives to its field.

        A string that is exactly one `${...}` keeps its type, unless nothing but text fits the field. Keys stay as
        they are.
        """
        return self._filling(facts).params(raw, model, self._compile_param)

    def _compile_param(self, text: str, spot: Spot) -> CompiledTemplate | Undecided:
        try:
            return self.compile_template(text, spot.place)
        except ExpressionError as error:
            return Undecided(f"{text} does not compile: {error.message}")

    def _filling(self, facts: Facts) -> Filling:
        return Filling(lambda compiled: self._run(compiled, facts))

    def _compile(self, source: str, as_double: bool) -> Compiled:
        if (source, as_double) not in self._compiled:
            compiled = compile_source(source, self._schema, as_double=as_double)
            self._variables |= compiled.variables
            self._compiled[source, as_double] = compiled
        return self._compiled[source, as_double]

    def _evaluate(self, source: str, facts: Facts) -> Any:
        try:
            return self._run(self._compile(source, False), facts)
        except ExpressionError as error:
            return Gap("no value", Undecided(f"{source} does not compile: {error.message}"))

    def _run(self, compiled: Compiled, facts: Facts) -> Any:
        moment = self._moment
        if moment is None or moment.facts is not facts:
            moment = self._moment = Moment(self._schema, facts)
        value = runtime.run(compiled.program, moment.bind(compiled.variables, self._variables))
        if isinstance(value, Failure):
            return moment.gap(value, compiled.paths, moment.pending(compiled.reads))
        return value

    def _check_own(self, compiled: CompiledTemplate) -> None:
        """Refuse at load what the rule author's own words make impossible whatever happens."""
        for gate in (part for part in compiled.parts if isinstance(part, Gate)):
            if not gate.own or gate.compiled.variables - {"vars"}:
                continue
            value = runtime.run(gate.compiled.program, runtime.activation({"vars": self._schema.vars}))
            if not isinstance(value, Failure):
                check_own(gate, value, compiled)
