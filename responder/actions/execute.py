"""Runs statements from the rules in one transaction."""

import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from responder.errors import PermanentError
from responder.model.action import Change, Outcome, Preview
from responder.model.place import Place
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Params

Sql = Annotated[str, Place.FIXED]

_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$([1-9][0-9]?)")


class Rows(Params):
    """How many rows it may touch; beyond that it is rolled back."""

    exactly: int | None = Field(None, ge=0, description="Exactly so many rows, over all statements.")
    max: int | None = Field(None, ge=0, description="At most so many rows, over all statements.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.exactly is None) == (self.max is None):
            raise ValueError("give `exactly` or `max`, one of them")
        return self


class ExecuteParams(Params):
    """Which statements, on what."""

    source: SourceName = Field(description="Name of the database in the settings.")
    statements: list[Sql] = Field(min_length=1, max_length=20, description="SQL with $1, $2, ...; in one transaction.")
    params: list[Json] = Field([], max_length=50, description="Values of $1, $2, ..., the same for all statements.")
    rows: Rows = Field(description="How many rows it may touch.")

    @model_validator(mode="after")
    def _bound(self) -> Self:
        used = {int(n) for statement in self.statements for n in _PLACEHOLDER.findall(statement) if n}
        wanted = set(range(1, len(self.params) + 1))
        if used - wanted:
            raise ValueError(f"${max(used)} is used, but `params` has {len(self.params)} values")
        if wanted - used:
            raise ValueError(f"`params` has {len(self.params)} values, but ${min(wanted - used)} is not used")
        return self


class Execute(Action[ExecuteParams]):
    """
    Run statements of the rules with bound parameters, in one transaction, rolled back when they touch other rows.

    They are tried before anybody is asked, and rolled back: what acts outside of a transaction is not for them.

    Source: the statements stand in the rules; values are bound, never put into the SQL.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true}, mode: auto}
          revoke-key:
            postgres.execute:
              source: main
              statements: ["UPDATE api_keys SET revoked_at = now() WHERE id = $1"]
              params: ["${inputs.key}"]
              rows: {exactly: 1}
            inputs: {key: {type: uuid, describe: "The key to revoke"}}
            mode: approve
            guard: {evidence: [evidence]}
    """

    name = "postgres.execute"
    Params = ExecuteParams
    once = "doubtful"
    by_hand = False
    weight = "destructive"
    cost = "rows are written over, and what stood in them is kept nowhere"

    def command(self, params: ExecuteParams, target: Target) -> tuple[str, ...]:
        """Return `psql` with the values as literals; the variable stands for the connection URL of the source."""
        words = [word for sql in params.statements for word in ("-c", _filled(sql, params.params))]
        return (f"psql {variable(params.source)} {shell('-v', 'ON_ERROR_STOP=1', '--single-transaction', *words)}",)

    async def preview(self, params: ExecuteParams, target: Target, tools: ActionTools) -> Preview:
        """Run the statements and roll them back: how many rows they touch is what is agreed to."""
        rows = await tools.postgres(params.source).execute(
            params.statements, params.params, exactly=params.rows.exactly, at_most=params.rows.max, dry_run=True
        )
        changes = (Change(_short(sql), "", _rows(count)) for sql, count in zip(params.statements, rows, strict=True))
        return Preview(
            f"change {_rows(sum(rows))} in the database {params.source}",
            changes=tuple(changes),
            refusal="" if sum(rows) or params.rows.exactly == 0 else "it touches no row: nothing would change",
            basis={"rows": sum(rows)},
            namespace=namespace_of(target),
            lock=f"{tools.incident.cluster}/postgres/{params.source}",
            warnings=("It cannot be undone",),
            dry_run=True,
        )

    async def act(self, params: ExecuteParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Run them for good, if they touch as many rows as they did on trial."""
        if tools.retry:
            return Outcome("in_doubt", "an earlier try may have been committed: look at the rows before going on")
        expected = int(preview.basis["rows"])
        await tools.hold()
        try:
            rows = await tools.postgres(params.source).execute(params.statements, params.params, exactly=expected)
        except PermanentError as error:
            return Outcome("not_done", str(error))
        details = (f"{_short(sql)}: {_rows(count)}" for sql, count in zip(params.statements, rows, strict=True))
        return Outcome("done", f"changed {_rows(sum(rows))}", tuple(details))


def _filled(sql: str, values: Sequence[Json]) -> str:
    def literal(found: re.Match[str]) -> str:
        return _literal(values[int(found.group(1)) - 1]) if found.group(1) else found.group()

    return _PLACEHOLDER.sub(literal, sql)


def _literal(value: Json) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    quoted = str(value).replace("'", "''").replace("\\", "\\\\")
    return f"E'{quoted}'"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= 200 else f"{text[:199]}…"
