"""`responder settings`: every setting with its default, what it is, and the variable that gives it."""

from typing import Annotated

import typer

from responder.settings.table import Row, markdown, rows


def settings(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Write the table that stands in README.md.")] = False,
) -> None:
    """
    List every setting with its default, what it is, and its variable.

    A secret can also be read from a file: webhook.bearer_tokens_file, or
    RESPONDER_WEBHOOK__BEARER_TOKENS_FILE. A variable wins over the file.

    Examples:

        responder settings

        responder settings --markdown
    """
    typer.echo(markdown() if as_markdown else "\n".join(_lines(row) for row in rows()))


def _lines(row: Row) -> str:
    name = row.name + (f" = {row.default}" if row.default else "")
    given = f"\n    {row.variable}{'[_FILE]' if row.secret else ''}" if row.variable else ""
    return f"{name}\n    {row.about}{given}"
