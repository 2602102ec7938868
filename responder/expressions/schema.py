"""What an expression of one playbook may read."""

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel
from pydantic import BaseModel

from responder.errors import ExpressionError
from responder.expressions import operators, runtime
from responder.expressions.convert import UNKNOWN, convert
from responder.expressions.messages import Messages
from responder.expressions.shapes import (
    LABELS,
    STRING,
    Kind,
    Shape,
    shape_of_input,
    shape_of_type,
    shape_of_value,
)
from responder.model.facts import IncidentFacts
from responder.model.near import nearest
from responder.model.secrecy import SECRET
from responder.model.target import Target
from responder.model.verdict import Json

_ALERT = Shape(
    Kind.MESSAGE,
    name="alerts",
    fields={
        "labels": LABELS,
        "annotations": LABELS,
        "starts_at": Shape(Kind.TIMESTAMP),
        "fingerprint": STRING,
    },
)
FIXED: Mapping[str, Shape] = {
    "labels": LABELS,
    "alerts": Shape(Kind.LIST, element=_ALERT),
    "incident": shape_of_type(IncidentFacts, "incident"),
    "target": shape_of_type(Target, "target"),
}
"""The variables that every expression has, besides `vars`, `inputs` and the diagnostics."""

_ALIKE = 0.5
"""How alike two names of variables are: there are few, and every one is listed besides."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UNSELECTABLE = frozenset({"true", "false", "null", "in"})
_RESERVED = _UNSELECTABLE | {
    *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "var"),
    *("namespace", "return", "void", "while", "bool", "int", "uint", "double", "string", "bytes", "list", "map"),
    *("type", "dyn"),
}
_TAKEN = frozenset({*FIXED, "vars", "inputs"})
_CONFIG = cel.NewEnvConfigFromYaml(operators.config())


class Schema:
    """The variables with their types, for the checker and for the conversion of facts."""

    def __init__(
        self,
        *,
        results: Mapping[str, type[BaseModel]],
        vars: Mapping[str, Json],  # noqa: A002
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        """
        Derive the types of diagnostics from their Result models, of `vars` from their defaults, of inputs as declared.

        Secret inputs are no variables: no expression reads them. Raises: ExpressionError for a name that no expression
        could read.
        """
        for name in results:
            _check_name(name, "diagnostic", _RESERVED | _TAKEN)
        for name in (*vars, *(inputs or {})):
            _check_name(name, "variable or an input", _UNSELECTABLE)
        self.diagnostics = frozenset(results)
        vars_shape = Shape(Kind.MESSAGE, fields={k: shape_of_value(v) for k, v in vars.items()}, name="vars")
        readable = {k: shape_of_input(v) for k, v in (inputs or {}).items() if v != SECRET}
        inputs_shape = Shape(Kind.MESSAGE, fields=readable, name="inputs")
        self.shapes: Mapping[str, Shape] = {
            **FIXED,
            "vars": vars_shape,
            "inputs": inputs_shape,
            **{name: shape_of_type(model, name) for name, model in results.items()},
        }
        self.vars: Any = convert(vars, vars_shape)
        self.messages = Messages(self.shapes)
        self.check = cel.NewEnv(
            descriptor_pool=self.messages.pool,
            config=_CONFIG,
            variables={name: self.messages.type_of(shape) for name, shape in self.shapes.items()},
            extensions=runtime.extensions(),
        )

    def convert(self, name: str, raw: object) -> object:
        """Return a variable's value as an evaluation takes it; None when it is unknown."""
        value = convert(raw, self.shapes[name])
        return None if value is UNKNOWN else value

    def like(self, name: str) -> str:
        """Return the variable or diagnostic whose name is most like this one, "" when none is."""
        return most_like(name, self.shapes)


def most_like(name: str, known: Mapping[str, object] | frozenset[str] | tuple[str, ...]) -> str:
    """Return the known name that is most like this one, "" when none is."""
    return nearest(name, known, alike=_ALIKE)


def _check_name(name: str, what: str, reserved: frozenset[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ExpressionError(
            f"{name!r} cannot be the name of a {what}: expressions could not read it",
            hint="use letters, digits and _, and begin with a letter",
        )
    if name in reserved:
        raise ExpressionError(f"{name!r} cannot be the name of a {what}: the word means something in expressions")
