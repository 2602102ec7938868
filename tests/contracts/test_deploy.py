"""What operators are told to apply works as it stands."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.rules.loading import check
from responder.settings.process import Settings
from responder.wiring import plugins
from tests.servers.processes import program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture
def first(tmp_path: Path) -> Settings:
    """Do what the README says, in a folder that is not the one that the process was started in."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (copied,) = re.findall(r"`cp (.+) \.`", readme)
    for file in copied.split():
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "rules").symlink_to(ROOT / "rules")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "webhook-tokens").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "secrets" / "slack-bot-token").write_text("xoxb-1\n", encoding="utf-8")
    return Settings.load(tmp_path / "responder.yaml", {})


def test_the_first_settings_file_loads(first: Settings) -> None:
    assert [token.get_secret_value() for token in first.webhook.bearer_tokens] == ["one", "two"]
    assert first.slack.bot_token is not None
    assert first.slack.bot_token.get_secret_value() == "xoxb-1"


def test_the_rules_that_the_first_settings_file_names_have_no_problem(first: Settings) -> None:
    report = check(first.rules, plugins())
    assert [str(problem) for problem in report.problems] == []
    assert report.ruleset.playbooks["ai-orchestrator/high-error-rate"].vars["severe"] == 0.2


def test_what_the_first_rule_file_shows_in_comments_loads(tmp_path: Path) -> None:
    text = (DEPLOY / "team.yaml").read_text(encoding="utf-8")
    own, pack = tmp_path / "team.yaml", tmp_path / "pay-runbooks.yaml"
    shown = re.sub(r"(?m)^# (ceilings:|guard:)$", r"\1", text.partition("override:")[0])
    own.write_text(re.sub(r"(?m)^# {3}", "  ", shown), encoding="utf-8")
    pack.write_text("playbooks: {p: {}}", encoding="utf-8")
    report = check([own, pack, ROOT / "rules" / "ai-orchestrator"], plugins())
    assert [str(problem) for problem in report.problems] == []
    assert [(team.name, team.packs) for team in report.ruleset.teams] == [
        ("payments", ("pay-runbooks",)),
        ("default", ()),
    ]
    assert report.ruleset.ceilings.rules == {"ai-orchestrator/high-error-rate": "suggest"}
    assert "vault" in report.ruleset.ceilings.never
    assert report.ruleset.ceilings.windows[0].freeze


@pytest.fixture
def alertmanager_config(tmp_path: Path) -> Path:
    program("amtool", "prometheus-alertmanager")
    token = tmp_path / "token"
    token.write_text("x", encoding="utf-8")
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    path = tmp_path / "alertmanager.yml"
    path.write_text(text.replace("/etc/alertmanager/responder-token", str(token)), encoding="utf-8")
    return path


def test_alertmanager_accepts_the_snippet(alertmanager_config: Path) -> None:
    done = subprocess.run(["amtool", "check-config", alertmanager_config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("alert", "receivers"),
    [
        ("HighErrorRate", "responder"),
        ("Watchdog", "without-responder,responder"),
        ("AlertmanagerFailedReload", "without-responder,responder"),
        ("ResponderDown", "without-responder,responder"),
    ],
)
def test_the_routes_lead_where_the_readme_says(alertmanager_config: Path, alert: str, receivers: str) -> None:
    command = ["amtool", "config", "routes", "test", f"--config.file={alertmanager_config}", f"alertname={alert}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == receivers


def test_the_timers_are_those_that_the_readme_names() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    assert (config["route"]["group_wait"], config["route"]["group_interval"]) == ("5s", "1m")
    assert config["receivers"][0]["webhook_configs"][0]["max_alerts"] == 0
    watchdog = next(r for r in config["route"]["routes"] if r["matchers"] == ['alertname="Watchdog"'])
    assert watchdog["repeat_interval"] == "1m"


def test_prometheus_accepts_the_rules_about_responder_itself() -> None:
    program("promtool", "prometheus")
    rules = DEPLOY / "prometheus" / "responder.rules.yml"
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SICK = {
    "ResponderDown": ('up{job="responder"}', "0x20"),
    "ResponderStoreDown": ("responder_store_up", "0x20"),
    "ResponderFallsBehind": ("responder_correlate_lag_seconds", "90x20"),
    "ResponderCannotNotify": ('responder_notifications_total{notifier="slack",outcome="again"}', "0+1x20"),
    "ResponderSendingsRefused": ('responder_notifications_total{notifier="slack",outcome="refused"}', "0 0 1x18"),
    "ResponderCommandsWait": ('responder_commands_waiting{kind="notify"}', "30x20"),
    "ResponderAlertsUndelivered": ("responder_alerts_undelivered", "4 4 5x18"),
    "ResponderSetsAlertsAside": ("responder_alerts_set_aside", "4 4 5x18"),
    "ResponderRulesRefused": ("responder_rules_reload_ok", "0x20"),
    "ResponderRejectsDeliveries": ('responder_deliveries_rejected_total{status="422"}', "0 0 1x18"),
    "ResponderActionInDoubt": ('responder_attempts{state="in_doubt"}', "1x20"),
    "ResponderActionFailed": ('responder_attempts_moved_total{state="failed"}', "0 0 1x18"),
    "ResponderApprovalsWait": ("responder_approval_wait_seconds", "1500+60x20"),
    "ResponderAutomationStopped": ("responder_automation_stopped", "1x1600"),
}
LONG = {"ResponderAutomationStopped": "25h"}
"""After so long it fires; the others after 12 minutes."""


WELL = {
    "ResponderActionInDoubt": ('responder_attempts{state="in_doubt"}', "0x20"),
    "ResponderApprovalsWait": ("responder_approval_wait_seconds", "60+60x20"),
    "ResponderAutomationStopped": ("responder_automation_stopped", "0x120 1x1480"),
}


def promql_test(alert: str, series: str, values: str, *, fires: bool) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": values}],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": LONG.get(alert, "12m"),
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }


def test_each_rule_about_responder_itself_fires_when_it_shall(tmp_path: Path) -> None:
    program("promtool", "prometheus")
    rules = (DEPLOY / "prometheus" / "responder.rules.yml").resolve()
    named = {rule["alert"] for group in yaml.safe_load(rules.read_text("utf-8"))["groups"] for rule in group["rules"]}
    assert named == {"Watchdog", *SICK}
    tests = [promql_test(alert, *case, fires=True) for alert, case in SICK.items()]
    tests += [promql_test(alert, *case, fires=False) for alert, case in WELL.items()]
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
