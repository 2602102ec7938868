"""What operators are told to apply works as it stands."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.cli.checkup_people import ANYWHERE, NEEDED
from responder.rules.lacking import house_of
from responder.rules.loading import check
from responder.rules.powerless import powerless
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


def test_what_the_first_settings_file_shows_in_comments_loads(first: Settings, tmp_path: Path) -> None:
    assert first.automation.mode == "suggest"
    head, mark, shown = (DEPLOY / "responder.yaml").read_text(encoding="utf-8").partition("automation: suggest")
    shown = re.sub(r"(?m)^# ?", "", shown.partition("\n")[2])
    own = tmp_path / "acting.yaml"
    own.write_text(re.sub(r"(?m)^# {3}", "  ", head) + shown, encoding="utf-8")
    for name in ("ann", "bob", "eve"):
        (tmp_path / "secrets" / f"{name}-token").write_text(f"token-of-{name}", encoding="utf-8")
    (tmp_path / "secrets" / "slack-signing-secret").write_text("signing", encoding="utf-8")
    acting = Settings.load(own, {})
    assert mark
    assert (acting.automation.mode, acting.automation.dry_run) == ("approve", True)
    assert {name: person.roles for name, person in acting.people.items()} == {
        "ann": ["on-call"],
        "bob": ["on-call", "security"],
        "eve": ["admin"],
    }
    assert acting.slack.signing_secret is not None
    heap = """node -e "require('heapdump').writeSnapshot('/tmp/heap.heapsnapshot')\""""
    assert (acting.actions.programs, acting.actions.redis_parameters) == ([heap], [])
    assert acting.evidence_directory == tmp_path / "evidence"
    assert acting.evidence.max_size == 512 * 1024**2
    report = check(acting.rules, plugins())
    said = [problem.message for problem in powerless(report.ruleset, plugins(), house_of(acting))]
    assert said == []


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
def cluster() -> dict[str, dict[str, Any]]:
    """The objects of Responder in a cluster, by their kinds."""
    text = (DEPLOY / "kubernetes" / "responder.yaml").read_text(encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def test_the_pod_runs_as_who_the_rights_are_for_and_may_write_nowhere_but_in_its_volume(
    cluster: dict[str, dict[str, Any]],
) -> None:
    rights = yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text(encoding="utf-8"))
    account = next(one["metadata"] for one in rights if one["kind"] == "ServiceAccount")
    deployment = cluster["Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert (spec["serviceAccountName"], deployment["metadata"]["namespace"]) == (account["name"], account["namespace"])
    assert spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert [mount["name"] for mount in container["volumeMounts"]] == list(volumes)
    claim = volumes["store"]["persistentVolumeClaim"]["claimName"]
    assert claim == cluster["PersistentVolumeClaim"]["metadata"]["name"]
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_the_pod_finds_its_settings_its_secrets_and_the_rules_of_the_image(
    cluster: dict[str, dict[str, Any]], first: Settings, tmp_path: Path
) -> None:
    spec = cluster["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    environ = {one["name"]: one["value"] for one in container["env"]}
    (projected,) = [volume["projected"] for volume in spec["volumes"] if "projected" in volume]
    named = re.findall(r"(?m)^ .*_file: (\S+)", (DEPLOY / "responder.yaml").read_text(encoding="utf-8"))
    assert sorted(item["path"] for item in projected["sources"][1]["secret"]["items"]) == sorted(named)
    settings = Settings.load(tmp_path / "responder.yaml", environ)
    assert settings.database_url.get_secret_value() == "sqlite:////var/lib/responder/responder.db"
    assert settings.evidence_directory == Path("/var/lib/responder/evidence")
    assert settings.stop_within.total_seconds() < spec["terminationGracePeriodSeconds"]
    assert [str(path) for path in settings.rules] == [
        "/opt/responder/rules/ai-orchestrator",
        "/opt/responder/rules/kubernetes",
        "/etc/responder/team.yaml",
    ]
    assert [path.name for path in settings.rules] == [path.name for path in first.rules]
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "WORKDIR /opt/responder\n" in docker
    assert "COPY rules rules\n" in docker
    assert f"-t {container['image']} " in docker
    user = spec["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}\n" in docker


def test_the_pod_is_asked_where_it_answers(cluster: dict[str, dict[str, Any]], first: Settings) -> None:
    (container,) = cluster["Deployment"]["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert port["containerPort"] == first.address[1]
    assert cluster["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert cluster["Service"]["spec"]["selector"].items() <= (
        cluster["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    )
    asked = {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert asked == {"/healthz", "/readyz"}


def test_the_slack_app_may_do_what_is_done_and_sends_buttons_where_they_are_taken(first: Settings) -> None:
    app = yaml.safe_load((DEPLOY / "slack-app.yaml").read_text(encoding="utf-8"))
    scopes = app["oauth_config"]["scopes"]["bot"]
    assert set(scopes) == NEEDED | {ANYWHERE, "groups:read", "groups:history"}
    assert app["settings"]["interactivity"] == {
        "is_enabled": True,
        "request_url": f"{first.external_url}/v1/slack/interactions",
    }


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
