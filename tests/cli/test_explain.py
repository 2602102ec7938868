"""`responder explain` says which rule takes an alert, where values come from, what a plugin does."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from responder.cli import main as command
from responder.cli.main import app

RULES = """
rules:
  - {name: first, match: ['alertname="A"', 'namespace="x"'], record_only: true}
  - {name: second, match: ['alertname=~"A|B"'], severity: {label: severity, otherwise: medium}, playbook: p}
playbooks:
  p:
    vars: {high: 0.5}
    actions: {restart: {kubernetes.rollout_restart: {}}}
"""
OWN = """
override:
  rules/p: {vars: {high: 0.7}}
"""


@pytest.fixture(autouse=True)
def _rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(RULES)
    Path("own.yaml").write_text(OWN)
    Path("responder.yaml").write_text("rules: [rules.yaml, own.yaml]\n")


def run(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["explain", *words])


def test_all_rules_are_listed_in_matching_order() -> None:
    lines = run().output.splitlines()
    assert [line.split()[1] for line in lines[1:-1]] == [
        "rules/first",
        "rules/second",
        "built-in/unmatched-info",
        "built-in/unmatched",
    ]
    assert "rules.yaml:3:5" in lines[1]
    assert lines[-1].startswith("4 rules")


def test_labels_show_which_rule_takes_them_and_why_the_earlier_ones_did_not() -> None:
    output = run("--labels", 'alertname=A,namespace="y",deployment=api,severity=critical').output
    assert 'rules/first does not: namespace="x", but namespace is "y"' in output
    assert "✓ rules/second takes it (rules.yaml:4:5)" in output
    assert "critical (label severity=critical)" in output
    assert "deployment/api in y" in output
    assert "default/incidents" in output


def test_a_label_that_is_missing_is_said_to_be() -> None:
    output = run("-l", "alertname=C").output
    assert 'rules/second does not: alertname=~"A|B", but alertname is "C"' in output
    assert 'built-in/unmatched-info does not: severity=~"(?i:info)", but severity is missing' in output
    assert "✓ built-in/unmatched takes it (built in)" in output
    assert "warning (no label severity)" in output


def test_a_severity_that_no_level_knows_is_said_to_be() -> None:
    assert "warning (no level is called huge)" in run("-l", "alertname=B,severity=huge").output


def test_every_value_of_a_playbook_has_a_place() -> None:
    output = run("--origin", "rules/p").output
    assert [line.split() for line in output.splitlines() if line.startswith("vars")] == [
        ["vars.high", "0.7", "own.yaml:3:26"]
    ]
    assert [line.split() for line in output.splitlines() if line.startswith("actions.restart.mode")] == [
        ["actions.restart.mode", "suggest", "default"]
    ]


def test_a_plugin_prints_its_manual() -> None:
    output = run("kubernetes.scale").output
    assert output.startswith("kubernetes.scale (action)")
    assert "Example:" in output
    assert "Replicas to have." in output
    assert "patch deployments.apps" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kubernetes.scal"], "did you mean `kubernetes.scale`"),
        (["--origin", "rules/q"], "did you mean `rules/p`"),
        (["--labels", "a=~b"], "write name=value"),
        (["--labels", "a b"], "--labels:"),
    ],
)
def test_what_is_not_understood_is_answered_with_the_right_word(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["responder", "explain", *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == command.WRONG_SETTINGS
    assert said in capsys.readouterr().err


def test_the_manual_of_an_action_says_what_it_risks_and_whom_it_asks() -> None:
    shown = run("redis.flush_db").output
    assert "After a crash nobody can tell whether it was done: then it is in doubt" in shown
    assert "Destructive: every key is gone" in shown
    assert "Evidence must have been kept in the incident before: `guard: {evidence: [...]}`." in shown
    assert "incident before, unless it is ordinary: `guard" in run("kubernetes.delete_pod").output
    assert "Cannot be undone." in shown
    assert "Needs the yes of 2 people where the rules do not say how many." in shown
    assert "By hand it takes 2 others, where the deployment's `guard: {by_hand: ...}` does not say." in shown
    assert "By hand it takes 2 others, unless it is ordinary, where" in run("kubernetes.delete_pod").output
    assert "By hand" not in run("kubernetes.scale").output
    assert "\nCan be undone.\n" in run("kubernetes.scale").output
    assert "Nobody can ask for it with parameters of their own" in run("http.request").output
    assert "it is when the incident resolves" in run("alertmanager.silence").output


def test_all_actions_are_listed_with_what_they_may_cost() -> None:
    lines = run("--actions").output.splitlines()
    assert lines[0].split() == ["name", "weight", "why"]
    assert any(line.startswith("redis.flush_db") and "every key is gone" in line for line in lines)
