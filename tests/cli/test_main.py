"""The command line says what there is, with examples, and tells errors of the user apart."""

import pytest
from typer.testing import CliRunner

from responder.cli.main import app

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


def test_the_help_lists_every_command_and_shows_examples() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {command} " in shown for command in COMMANDS)
    assert "responder serve --config responder.yaml" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).output
    assert f"responder {command}" in shown.split("Examples:", 1)[1]


def test_the_settings_are_listed_with_their_variables() -> None:
    shown = CliRunner().invoke(app, ["settings"]).output
    assert (
        "webhook.max_body = 16777216\n    Largest body accepted, in bytes.\n    RESPONDER_WEBHOOK__MAX_BODY\n" in shown
    )
    assert "RESPONDER_SLACK__BOT_TOKEN[_FILE]" in shown
