"""`responder schema` prints the JSON Schema."""

import json

from typer.testing import CliRunner

from responder.cli.main import app


def test_the_schema_is_printed_as_json() -> None:
    done = CliRunner().invoke(app, ["schema"])
    assert done.exit_code == 0
    assert json.loads(done.output)["$ref"] == "#/$defs/RuleFile"
