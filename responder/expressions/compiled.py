"""From source to a program: check, analyse, rewrite, load."""

from dataclasses import dataclass

from cel_expr_python import cel

from responder.errors import ExpressionError
from responder.expressions import runtime
from responder.expressions.analysis import Analysis, Path, from_vars
from responder.expressions.complaints import complain
from responder.expressions.rewrite import Rewriting
from responder.expressions.schema import Schema
from responder.expressions.tree import Tree
from responder.model.labels import clean

LONGEST_SOURCE = 10_000
"""Characters of an expression."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """
    An expression that compiles.

    `type` is CEL's name of its type: `bool`, `double`, `list(string)`. `reads` are the diagnostics that it reads, also
    those that it only asks about; `labels` the names of labels that it reads without a default. `own` says that its
    value is the rule author's own words, from `vars`. The rest is for `Evaluator`.
    """

    source: str
    type: str
    reads: frozenset[str]
    labels: frozenset[str]
    own: bool
    variables: frozenset[str]
    paths: frozenset[Path]
    program: cel.Expression


def compile_source(source: str, schema: Schema, *, as_double: bool = False) -> Compiled:
    """
    Compile an expression; `as_double` makes an int result a double, its divisions too.

    Raises: ExpressionError.
    """
    if not source.strip():
        raise ExpressionError("the expression is empty", offset=0)
    if len(source) > LONGEST_SOURCE or clean(source) != source:
        raise ExpressionError("the expression is too long, or has characters that are no text", offset=0)
    try:
        checked = schema.check.compile(source)
        tree = Tree(checked.serialize())
    except (RuntimeError, TypeError, ValueError) as error:
        raise complain(error, source, schema) from error
    reads = Analysis(tree, schema).reads
    own = from_vars(tree.root)
    type_of = schema.messages.named(str(checked.return_type()))
    root = Rewriting(tree, reads).run(as_double=as_double and type_of == "int")
    return Compiled(
        source=source,
        type=type_of,
        reads=frozenset(reads.diagnostics),
        labels=frozenset(reads.labels),
        own=own,
        variables=frozenset(reads.variables),
        paths=frozenset(reads.paths),
        program=_load(tree, root),
    )


def _load(tree: Tree, root: object) -> cel.Expression:
    try:
        return runtime.load(tree, root)
    except RuntimeError as error:
        raise ExpressionError(f"the expression cannot run: {error}", offset=0) from error
