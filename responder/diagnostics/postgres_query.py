"""What does a database say to a question of one's own?"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from responder.errors import PermanentError
from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.diagnostic import AnyResult, Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools

Type = Literal["int", "double", "string", "bool", "timestamp", "duration"]

_TYPES: Mapping[str, type] = {
    "int": int,
    "double": float,
    "string": str,
    "bool": bool,
    "timestamp": datetime,
    "duration": timedelta,
}
_READS = re.compile(r"\s*(?:select|with|values|table|show|explain)\b", re.IGNORECASE)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"model_config", "copy", "json", "dict", "schema"})


class Question(Params):
    """The parameters of `postgres.query`."""

    source: SourceName = Field(description="The name of the database in `datasources.postgres`.")
    sql: Annotated[str, Place.FIXED] = Field(
        description="One SELECT with `$1`, `$2` for the values; it runs in a read-only transaction."
    )
    params: tuple[str | int | float | bool | None, ...] = Field(
        (), description="The values of `$1`, `$2`...; cast in the SQL where one is no text: `$1::int`."
    )
    columns: dict[str, Type] = Field(
        {}, description="The columns to read with their types; without it all are read as text."
    )
    limit: int = Field(100, ge=1, le=1000, description="The most rows to read.")
    timeout: Duration = Field(timedelta(seconds=8), gt=timedelta(0), description="When the database gives up.")

    @field_validator("sql")
    @classmethod
    def _only_reads(cls, sql: str) -> str:
        if not _READS.match(sql):
            raise ValueError("write one SELECT (or WITH, VALUES, TABLE, SHOW, EXPLAIN): nothing can be changed here")
        return sql

    @field_validator("columns")
    @classmethod
    def _nameable(cls, columns: dict[str, Type]) -> dict[str, Type]:
        for name in columns:
            if not _COLUMN.fullmatch(name) or name.startswith("_") or name in _RESERVED:
                raise ValueError(f"column {name!r} cannot be named in an expression: rename it in the SQL with AS")
        return columns


class Answer(Result):
    """What `postgres.query` established. With `columns`, a row has those fields, each unknown where it is NULL."""

    first: dict[str, str] | None = Field(None, description="The first row; unknown if there is none.")
    rows: tuple[dict[str, str], ...] = Field((), description="The rows, as the database ordered them.")
    count: int = Field(0, description="Number of rows, at most `limit`.")

    def headline(self) -> str:
        """Show the first row, and how many there are."""
        rows = _shown(self.rows)
        if not rows:
            return "no rows"
        return (rows[0] if self.count == 1 else f"{self.count} rows, the first: {rows[0]}")[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the rows."""
        return tuple(row[:200] for row in _shown(self.rows)[:20]) if self.count > 1 else ()

    def has_data(self) -> bool:
        """Say whether there was any row."""
        return self.count > 0


class PostgresQuery(Diagnostic[Question]):
    """
    Ask a database a question of your own, in SQL that stands in the rules.

    The SQL is fixed; what comes from labels goes into `params` and is bound. `columns` declares what conditions may
    read: `orders.first.wrong`, `orders.rows[0].wrong`.

    Source: the database.

    Example:

        diagnose:
          orders:
            postgres.query:
              source: main
              sql: SELECT count(*) AS wrong FROM orders WHERE total < 0 AND shop = $1
              params: ["${labels.shop}"]
              columns: {wrong: int}
    """

    name = "postgres.query"
    Params = Question
    Result = Answer

    @classmethod
    def result_type(cls, params: dict[str, Any]) -> type[AnyResult]:
        """Return the type whose rows have the declared columns."""
        columns = params.get("columns") or {}
        known = {name: kind for name, kind in columns.items() if kind in _TYPES} if isinstance(columns, dict) else {}
        return _answer_type(tuple(known.items()))

    async def diagnose(self, params: Question, target: Target, tools: Tools) -> AnyResult:
        """Ask, and read the declared columns."""
        rows = await tools.postgres(params.source).fetch(
            params.sql, *params.params, timeout=params.timeout, limit=params.limit
        )
        kind = _answer_type(tuple(params.columns.items()))
        read = _typed(rows, params.columns) if params.columns else [_texts(row) for row in rows]
        try:
            return kind.model_validate({"first": read[0] if read else None, "rows": read, "count": len(read)})
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)[0]
            column = details["loc"][-1]
            raise PermanentError(
                f"column {column} is not of the declared type {params.columns.get(str(column))}: {details['msg']}"
            ) from None


@lru_cache(maxsize=256)
def _answer_type(columns: tuple[tuple[str, str], ...]) -> type[Result]:
    if not columns:
        return Answer
    fields: dict[str, Any] = {
        name: (_TYPES[kind] | None, Field(None, description="A column.")) for name, kind in columns
    }
    row = create_model("Row", __config__=ConfigDict(frozen=True, strict=False), **fields)
    typed: Any = create_model(
        "TypedAnswer",
        __base__=Answer,
        __doc__="An answer whose rows have the declared columns.",
        first=(row | None, Field(None, description="The first row; unknown if there is none.")),
        rows=(tuple[row, ...], Field((), description="The rows, as the database ordered them.")),
    )
    checked: type[Result] = typed
    return checked


def _typed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    missing = [name for name in columns if rows and name not in rows[0]]
    if missing:
        raise PermanentError(f"the query answers {', '.join(rows[0])}; `columns` names {', '.join(missing)}")
    return [{name: _as(row[name], kind) for name, kind in columns.items()} for row in rows]


def _as(value: Any, kind: str) -> Any:
    return str(value) if kind == "string" and value is not None else value


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _shown(rows: Sequence[Any]) -> list[str]:
    pairs = [row.model_dump() if isinstance(row, BaseModel) else row for row in rows[:20]]
    return [", ".join(f"{name}: {value}" for name, value in row.items()) for row in pairs]
