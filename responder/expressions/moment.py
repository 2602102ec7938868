"""Facts as the variables of an evaluation, and what to say when one of them is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel

from responder.expressions import operators, runtime
from responder.expressions.analysis import Path
from responder.expressions.rewrite import ANSWERS, NOT_A_NUMBER
from responder.expressions.runtime import MISSING_KEY, MISSING_VARIABLE, Failure
from responder.expressions.schema import Schema
from responder.expressions.shapes import Kind, Shape
from responder.model.facts import Facts
from responder.model.verdict import Undecided


@dataclass(frozen=True, slots=True)
class Gap:
    """No value: `name` is what people would call that which is missing."""

    name: str
    undecided: Undecided


class Moment:
    """The variables at one moment. Only those that are asked for are converted."""

    def __init__(self, schema: Schema, facts: Facts) -> None:
        """Bind nothing yet."""
        self.facts = facts
        self._schema = schema
        self._values: dict[str, Any] = self._answers()
        self._known: set[str] = set()
        self._bound: cel.Activation | None = None

    def bind(self, variables: frozenset[str], likely: Iterable[str]) -> cel.Activation:
        """Return an activation that has the variables; `likely` ones are bound in the same go."""
        if self._bound is None or not variables <= self._known:
            for name in {*variables, *likely} - self._known:
                value = self._schema.convert(name, self._raw(name))
                if value is not None:
                    self._values[name] = value
            self._known |= variables | set(likely)
            self._bound = runtime.activation(self._values)
        return self._bound

    def pending(self, diagnostics: Iterable[str]) -> tuple[str, ...]:
        """Return those diagnostics whose results are still to come, by name."""
        return tuple(sorted(name for name in diagnostics if self._is_pending(name)))

    def gap(self, failure: Failure, paths: Iterable[Path], pending: tuple[str, ...]) -> Gap:
        """Put into words why an evaluation yielded nothing."""
        known = sorted(paths)
        name, why = self._explain(failure.text, known)
        if pending:
            return Gap(name, Undecided(f"waiting for {', '.join(pending)}", pending))
        asked = dict.fromkeys(path[1] for path in known if len(path) > 1 and path[0] == "inputs")
        return Gap(name, Undecided(why, lacks=tuple(each for each in asked if each not in self.facts.inputs)))

    def _answers(self) -> dict[str, Any]:
        facts = self.facts
        decided = [name for name in self._schema.diagnostics if not self._is_pending(name)]
        return {
            ANSWERS[operators.FAILED]: {name: name in facts.failed for name in decided},
            ANSWERS[operators.HAS_DATA]: {name: self._has_result(name) for name in decided},
            "vars": self._schema.vars,
        }

    def _has_result(self, name: str) -> bool:
        facts = self.facts
        return name in facts.results and not (name in facts.failed or name in facts.empty or name in facts.skipped)

    def _is_pending(self, name: str) -> bool:
        facts = self.facts
        return not any(name in group for group in (facts.results, facts.failed, facts.empty, facts.skipped))

    def _raw(self, name: str) -> Any:
        facts = self.facts
        match name:
            case "labels":
                return facts.labels
            case "alerts":
                return [
                    {
                        "labels": alert.labels,
                        "annotations": alert.annotations,
                        "starts_at": alert.started_at,
                        "fingerprint": alert.fingerprint,
                    }
                    for alert in facts.alerts
                ]
            case "incident":
                return facts.incident
            case "target":
                return {key: getattr(facts.target, key) or None for key in self._schema.shapes["target"].fields}
            case "inputs":
                return facts.inputs
            case "vars":
                return None
        return facts.results[name] if self._has_result(name) else None

    def _explain(self, text: str, paths: list[Path]) -> tuple[str, str]:
        if MISSING_VARIABLE in text:
            return self._missing_variable(text.partition(MISSING_VARIABLE)[2].partition('"')[0])
        if MISSING_KEY in text:
            return self._missing_key(text.partition(MISSING_KEY)[2].strip('"'), paths)
        if "Index error" in text:
            return "no such item", "a list has fewer items than were asked for"
        if "budget" in text:
            return "too much to compute", "there is too much to compute"
        if "No matching overloads" in text:
            return "no value", "the types of the values do not fit together"
        return "no value", text

    def _missing_variable(self, name: str) -> tuple[str, str]:
        facts = self.facts
        if name == NOT_A_NUMBER:
            return "not a number", "the result is not a number"
        if name in facts.failed:
            return f"no {name}", f"{name} could not be read: {facts.failed[name]}"
        if name in facts.skipped:
            return f"no {name}", f"{name} was not looked at"
        if name in facts.empty:
            return f"no {name}", f"{name} has no data"
        if self._is_pending(name):
            return f"no {name} yet", f"waiting for {name}"
        return f"no {name}", f"{name} is not known"

    def _missing_key(self, key: str, paths: list[Path]) -> tuple[str, str]:
        for path in paths:
            depth = self._missing_at(path)
            if depth and path[depth] == key:
                return self._missing_at_path(path[: depth + 1])
        if key in self._schema.diagnostics and self._is_pending(key):
            return self._missing_variable(key)
        for path in paths:
            found = self._at(path)
            if isinstance(found, Mapping) and key not in found:
                return self._missing_at_path((*path, key))
        return f"no {key}", f"{key} is not known"

    def _missing_at(self, path: Path) -> int:
        value = self._values.get(path[0])
        for depth, segment in enumerate(path[1:], start=1):
            if not isinstance(value, Mapping):
                return 0
            if segment not in value:
                return depth
            value = value[segment]
        return 0

    def _at(self, path: Path) -> Any:
        value = self._values.get(path[0])
        for segment in path[1:]:
            value = value.get(segment) if isinstance(value, Mapping) else None
        return value

    def _missing_at_path(self, path: Path) -> tuple[str, str]:
        root, key = path[0], path[-1]
        match root:
            case "labels":
                return f"no {key}", f"no label {key}"
            case "inputs":
                return f"no {key}", f"the input {key} is not given"
            case "target":
                return f"no {key}", f"the labels name no {key}"
        shape = self._schema.shapes[root]
        for segment in path[1:-1]:
            shape = shape.fields.get(segment) or shape.element or Shape(Kind.ANY)
        above = ".".join(path[:-1])
        if shape.kind is Kind.MESSAGE:
            return f"no {above}.{key}", f"{above}.{key} is not known"
        return f"no {key}", f"{above} has no {key}"
