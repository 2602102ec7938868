"""`responder schema`: the JSON Schema of rule files, for editors."""

import json

import typer

from responder.cli.rules import registry
from responder.rules.json_schema import json_schema


def schema() -> None:
    """
    Print the JSON Schema of rule files, with the parameters of every plugin.

    An editor that knows YAML then completes and checks while you write. For the YAML language server begin a rule file
    with: # yaml-language-server: $schema=rules/schema.json

    Examples:

        responder schema > rules/schema.json
    """
    typer.echo(json.dumps(json_schema(registry()), indent=1, ensure_ascii=False))
