"""`responder check` tells every problem and ends accordingly."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from responder.cli.main import app

GOOD = "rules: [{name: r, match: ['a=\"b\"'], record_only: true}]\n"


def run(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["check", *words])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_sound_rules_are_counted() -> None:
    Path("a.yaml").write_text(GOOD)
    done = run("a.yaml")
    assert done.exit_code == 0
    assert done.output == "no problems in 1 file: 1 rule, 0 playbooks, 1 team\n"


def test_an_error_is_shown_with_its_line_and_ends_with_one() -> None:
    Path("a.yaml").write_text(GOOD.replace("name", "nam"))
    done = run("a.yaml")
    assert done.exit_code == 1
    assert "a.yaml:1:10: error: unknown key `nam`\n  1 | rules: [{nam: r" in done.output
    assert "    |          ^ did you mean `name`?" in done.output
    assert done.output.splitlines()[-1].startswith("2 errors in 1 file")


def test_names_that_the_settings_lack_are_warned_of_at_their_line() -> None:
    Path("a.yaml").write_text(
        f"{GOOD}teams:\n  default: {{receivers: {{incidents: {{slack_webhook: {{to: chta}}}}}}}}\n"
    )
    Path("responder.yaml").write_text("rules: a.yaml\nslack: {webhooks: {chat: {url: https://hooks.slack.com/a}}}\n")
    for done in (run(), run("a.yaml", "--config", "responder.yaml")):
        assert done.exit_code == 0
        assert "a.yaml:3:25: warning: receiver default/incidents names slack.webhooks.chta" in done.output
        assert "did you mean `chat`?" in done.output
        assert "1 warning in 1 file" in done.output
    assert "warning" not in run("a.yaml").output


def test_a_warning_does_not_fail() -> None:
    Path("a.yaml").write_text(GOOD.replace("}]", "}, {name: s, match: ['a=\"b\"'], record_only: true}]"))
    done = run("a.yaml")
    assert done.exit_code == 0
    assert "warning: the rule a/s can never match" in done.output


def test_brackets_in_rules_are_not_taken_for_styles() -> None:
    Path("a.yaml").write_text("rules: [{name: r, match: ['[bold]x=1'], record_only: true}]\n")
    assert "[bold]x=1" in run("a.yaml").output


def test_without_paths_the_settings_say_which_files() -> None:
    Path("mine.yaml").write_text(GOOD)
    Path("responder.yaml").write_text("rules: [mine.yaml]\n")
    assert run().output.startswith("no problems in 1 file: 1 rule")


def test_without_any_rules_it_says_what_then_happens() -> None:
    done = run()
    assert done.exit_code == 0
    assert "every alert opens an incident of its own" in done.output


def test_a_path_that_is_not_there_is_an_error() -> None:
    done = run("nowhere")
    assert done.exit_code == 1
    assert "nowhere: error: there is no such file or folder" in done.output
