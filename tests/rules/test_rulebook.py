"""Which rule takes an alert, whose it is, who is told."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from responder.errors import ConfigError
from responder.model.rule import SeveritySource
from responder.model.severity import DEFAULT_SCALE, BusinessDays
from responder.plugins.registry import Registry
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from tests.rules.conftest import Check

Load = Callable[..., Rulebook]


@pytest.fixture
def loaded(write: Callable[..., list[Path]], registry: Registry) -> Load:
    return lambda **files: load(write(**files), registry)


RULES = """
rules:
  - {name: first, match: ['alertname="A"', 'namespace="x"'], record_only: true}
  - {name: any, match: ['alertname=~"A|B"'], record_only: true}
  - {name: second, match: ['alertname="A"', 'team!=""'], record_only: true}
  - {name: open, match: ['severity="critical"'], record_only: true}
"""


def test_the_first_rule_whose_matchers_hold_takes_the_alert(loaded: Load) -> None:
    rulebook = loaded(main=RULES)
    assert rulebook.match({"alertname": "A", "namespace": "x"}).name == "main/first"
    assert rulebook.match({"alertname": "A", "namespace": "y", "team": "z"}).name == "main/any"
    assert rulebook.match({"alertname": "B"}).name == "main/any"
    assert rulebook.match({"alertname": "C", "severity": "critical"}).name == "main/open"
    assert rulebook.match({"severity": "critical"}).name == "main/open"


def test_an_alert_that_no_rule_takes_becomes_an_incident_by_the_last_rule(loaded: Load) -> None:
    rulebook = loaded(main=RULES)
    rule = rulebook.match({"alertname": "Other", "severity": "warning"})
    assert (rule.name, rule.record_only) == ("built-in/unmatched", False)
    assert rulebook.playbook(rule.playbook).title == ""
    assert [step.plugin for step in rulebook.playbook("").diagnostics] == ["alerts.related"]
    assert rulebook.match({}).name == "built-in/unmatched"


@pytest.mark.parametrize("word", ["info", "INFO", "Info"])
def test_an_unmatched_alert_that_only_informs_is_recorded_only(loaded: Load, word: str) -> None:
    assert loaded(main=RULES).match({"alertname": "Other", "severity": word}).record_only


def test_packs_match_in_the_order_of_the_settings_then_by_name(loaded: Load) -> None:
    rule = "rules: [{name: NAME, match: ['a=~\"b.*\"'], record_only: true}]"
    texts = {name: rule.replace("NAME", name) for name in ("one", "two", "three")}
    rulebook = loaded(z__b=texts["two"], z__a=texts["one"], c=texts["three"])
    assert [item.name for item in rulebook.ruleset.rules][:3] == ["z/one", "z/two", "c/three"]


def test_a_folder_of_folders_holds_packs_by_name(write: Callable[..., list[Path]], registry: Registry) -> None:
    rule = "rules: [{name: r, match: ['a=~\"b.*\"'], record_only: true}]"
    write(top__zeta__a=rule, top__alpha__a=rule)
    Path("top/alpha/.hidden.yaml").write_text("no rules: at all")
    rulebook = load([Path("top")], registry)
    assert [item.name for item in rulebook.ruleset.rules][:1] == ["alpha/r"]
    assert "zeta/r" in [item.name for item in rulebook.ruleset.rules]


def test_a_playbook_is_found_in_its_pack_and_by_its_full_name(loaded: Load) -> None:
    rulebook = loaded(
        a="rules: [{name: r, match: ['x=\"1\"'], playbook: p}, {name: s, match: ['x=\"2\"'], playbook: b/p}]\n"
        "playbooks: {p: {title: of a}}",
        b="playbooks: {p: {title: of b}}",
    )
    assert rulebook.playbook(rulebook.match({"x": "1"}).playbook).title == "of a"
    assert rulebook.playbook(rulebook.match({"x": "2"}).playbook).title == "of b"
    with pytest.raises(ConfigError, match="no playbook is called c/p"):
        rulebook.playbook("c/p")


TEAMS = """
teams:
  payments:
    match: ['team="payments"']
    namespaces: ["pay-.*"]
    receivers: {incidents: {chat: {channel: "#pay"}}}
  default:
    receivers: {incidents: {chat: {channel: "#all"}}, on-call: {console: {}}}
"""


def test_a_team_is_found_by_its_labels_or_its_namespaces(loaded: Load) -> None:
    rulebook = loaded(main=TEAMS)
    assert rulebook.team_of({"team": "payments"}).name == "payments"
    assert rulebook.team_of({"namespace": "pay-prod"}).name == "payments"
    assert rulebook.team_of({"namespace": "my-pay-prod"}).name == "default"
    assert rulebook.team_of({}).name == "default"


def test_a_team_has_its_packs_and_a_pack_that_no_team_names_belongs_to_nobody(loaded: Load) -> None:
    teams = "teams: {payments: {namespaces: 'pay-.*', packs: [books, books]}, default: {}}"
    rulebook = loaded(books__a=RULES, tools__a="playbooks: {p: {}}", own=teams)
    assert {team.name: team.packs for team in rulebook.ruleset.teams} == {"payments": ("books",), "default": ()}


def test_a_role_is_looked_up_in_the_team_then_in_default(loaded: Load) -> None:
    rulebook = loaded(main=TEAMS)
    found = rulebook.receivers(["incidents", "on-call", "incidents", "nobody"], rulebook.team("payments"))
    assert [(receiver.name, receiver.notifier) for receiver in found] == [
        ("payments/incidents", "chat"),
        ("default/on-call", "console"),
    ]
    assert rulebook.receivers(["incidents"], rulebook.team("gone"))[0].params == {"channel": "#all"}


def test_a_deployment_without_teams_is_told_on_the_console(loaded: Load) -> None:
    rulebook = loaded(main=RULES)
    found = rulebook.receivers(["incidents", "on-call"], rulebook.team_of({"team": "x"}))
    assert [(receiver.name, receiver.notifier) for receiver in found] == [("default/incidents", "console")]
    assert rulebook.ruleset.scale == DEFAULT_SCALE


SCALE = """
severities:
  - {name: P0, aliases: emergency, respond_within: immediately, update_every: 15m, notify: incidents, escalation: std}
  - {name: P1, aliases: [critical, high], respond_within: 15m}
  - {name: P2, aliases: [warning, medium], respond_within: 2 business days, notify: []}
escalations:
  std:
    - {after: 30m, unless: resolved, when: 'incident.severity == "P0"', notify: [on-call]}
    - {after: 5m, notify: on-call}
"""


def test_a_scale_of_ones_own_is_typed(loaded: Load) -> None:
    rulebook = loaded(main=SCALE, teams=TEAMS)
    levels = rulebook.ruleset.scale.levels
    assert [level.respond_within for level in levels] == [timedelta(0), timedelta(minutes=15), BusinessDays(2)]
    assert levels[0].update_every == timedelta(minutes=15)
    steps = rulebook.ruleset.escalations["std"]
    assert [(step.after, step.unless) for step in steps] == [
        (timedelta(minutes=5), "acknowledged"),
        (timedelta(minutes=30), "resolved"),
    ]
    unmatched = rulebook.match({"alertname": "x"})
    assert unmatched.severity == SeveritySource(otherwise="P2", label="severity")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("escalation: std", "escalation: sdt", "no escalation is called `sdt`"),
        ("aliases: [critical, high]", "aliases: [critical, Emergency]", "`Emergency` means P0 already"),
        ("respond_within: 15m", "respond_within: soon", "is not a duration"),
        ("notify: incidents", "notify: incident", "no team has a receiver for the role `incident`"),
        ("notify: on-call", "notify: oncall", "did you mean `on-call`"),
        ('incident.severity == "P0"', "incident.severity == 1", "compare"),
        ("unless: resolved", "unless: done", "`done` is not valid here"),
        ("name: P2", "nam: P2", "did you mean `name`"),
    ],
)
def test_what_is_wrong_with_a_scale_is_told(checked: Check, before: str, after: str, said: str) -> None:
    report = checked(main=SCALE.replace(before, after, 1), teams=TEAMS)
    assert any(said in f"{problem.message} {problem.hint}" for problem in report.errors), report.errors


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('chat: {channel: "#pay"}', 'chta: {channel: "#pay"}', "did you mean `chat`"),
        ('chat: {channel: "#pay"}', 'chat: {chanel: "#pay"}', "did you mean `channel`"),
        ('chat: {channel: "#pay"}', 'chat: {channel: "pay"}', "should match pattern"),
        ('{chat: {channel: "#pay"}}', "{}", "no notifier is named here"),
        ('chat: {channel: "#pay"}', 'chat: {channel: "#pay"}, console: {}', "this is the second"),
        ('team="payments"\'', "team=payments x'", "not a matcher"),
        ("pay-.*", "pay-(", "not a regular expression"),
    ],
)
def test_what_is_wrong_with_a_team_is_told(checked: Check, before: str, after: str, said: str) -> None:
    report = checked(main=TEAMS.replace(before, after, 1))
    found = [f"{problem.message} {problem.hint}" for problem in report.errors]
    assert any(said in text for text in found), found


def test_what_stands_in_two_files_is_told(checked: Check) -> None:
    both = SCALE + TEAMS + "playbooks: {p: {}}\n"
    messages = [problem.message for problem in checked(one=both, p__a=both, p__b=both).errors]
    assert "the severities stand in another file already" in messages
    assert "the team `default` stands in another file already" in messages
    assert "the escalation `std` stands in another file already" in messages
    assert "the playbook `p` stands in another file already" in messages


def test_a_role_that_nobody_has_is_an_error_only_where_nobody_else_is_told(checked: Check) -> None:
    rule = "rules: [{name: r, match: ['a=\"b\"'], record_only: true, notify: {HOW: [security]}}]"
    only = checked(main=TEAMS + rule.replace("HOW", "only"))
    added = checked(main=TEAMS + rule.replace("HOW", "add"))
    alone = checked(main=rule.replace("HOW", "only"))
    assert [len(only.errors), len(only.warnings)] == [1, 0]
    assert [len(added.errors), len(added.warnings)] == [0, 1]
    assert alone.problems == ()


def test_a_heartbeat_is_typed(loaded: Load) -> None:
    text = "rules: [{name: w, match: ['a=\"b\"'], heartbeat: {by: [cluster], expect_every: 5m, severity: critical}}]"
    rule = loaded(main=text).match({"a": "b"})
    assert rule.heartbeat is not None
    assert (rule.heartbeat.expect_every, rule.heartbeat.severity) == (timedelta(minutes=5), "critical")
    assert rule.playbook == ""


def test_the_version_changes_with_the_files_and_only_then(loaded: Load) -> None:
    first = loaded(main=RULES).ruleset.version
    assert loaded(main=RULES).ruleset.version == first
    assert loaded(main=RULES + "# more\n").ruleset.version != first
