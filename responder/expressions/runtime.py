"""
The environment in which checked trees run.

It declares nothing: every variable is dynamic, and one that is absent is an error, which is an answer like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

from responder.expressions.tree import Node, Tree

MISSING_KEY = "Key not found in map : "
MISSING_VARIABLE = 'No value with name "'


@dataclass(frozen=True, slots=True)
class Failure:
    """An evaluation that yielded no value, in CEL's words."""

    text: str


def extensions() -> list[cel.CelExtensionBase]:
    """Return CEL's own extensions, written in C++."""
    return [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()]


_ENVIRONMENT = cel.NewEnv(extensions=extensions())
_NOTHING = _ENVIRONMENT.Activation({})


def activation(variables: Mapping[str, Any]) -> cel.Activation:
    """Bind variables, to be read by any number of evaluations; each value is converted when it is first read."""
    return _ENVIRONMENT.Activation(dict(variables))


def load(tree: Tree, root: Node) -> cel.Expression:
    """Make a tree ready to run."""
    return _ENVIRONMENT.deserialize(tree.serialize(root))


def run(expression: cel.Expression, bound: cel.Activation) -> Any:
    """Evaluate to a plain value, or Failure; never raises."""
    try:
        value = expression.eval(bound)
        plain = value.plain_value()
        if plain is True or plain is False:
            return plain
        return Failure(_trim(str(plain))) if value.type() in _FAILURES else plain
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        return Failure(_trim(str(error)))


def constant(tree: Tree, node: Node) -> Any:
    """Evaluate a node that reads no variable."""
    return run(load(tree, node), _NOTHING)


_FAILURES = [cel.Type.ERROR, cel.Type.UNKNOWN]


def _trim(text: str) -> str:
    code, separator, rest = text.partition(": ")
    trimmed = rest if separator and code.isupper() else text
    return trimmed.partition("\n")[0].strip()
