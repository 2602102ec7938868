"""The command line says what there is, with examples, and tells errors of the user apart."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from responder.cli.main import COMMANDS, app


def test_the_help_lists_every_command_and_shows_examples() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {command} " in shown for command in COMMANDS)
    assert "responder serve --config responder.yaml" in shown


def test_a_command_loads_nothing_that_only_others_need() -> None:
    code = (
        "import sys\nfrom responder.cli.main import app\napp(['settings'], standalone_mode=False)\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "responder.cli.settings" in loaded
    assert not loaded & {"responder.wiring", "responder.cli.serve", "aiohttp", "asyncpg", "cel_expr_python"}


def test_the_server_is_spared_what_only_terminals_and_other_stores_need() -> None:
    code = "import sys\nimport responder.cli.serve\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"rich", "rich.console", "asyncpg", "kubernetes_asyncio", "slack_sdk", "redis", "matplotlib"}
    assert not set(done.stdout.split()) & heavy


def test_a_mistyped_command_is_answered_with_the_right_one() -> None:
    assert "serve" in CliRunner().invoke(app, ["serv"]).output


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
