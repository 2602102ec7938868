"""The runbooks of five teams can be said in the grammar."""

from pathlib import Path

import pytest

from responder import actions, diagnostics, notifiers
from responder.plugins.registry import Registry, discover
from responder.rules.loading import Report, check
from responder.rules.problems import render
from responder.rules.rulebook import Rulebook

FOLDER = Path(__file__).parent / "sketches"
PACKS = ("ai-orchestrator", "ai-development", "sergas", "agent-platform", "autonomous-dev")


@pytest.fixture(scope="module")
def real() -> Registry:
    return discover([actions, diagnostics, notifiers])


@pytest.fixture(scope="module")
def report(real: Registry) -> Report:
    return check([FOLDER / f"{name}.yaml" for name in ("deployment", *PACKS)], real)


def test_all_runbooks_load_without_a_problem(report: Report) -> None:
    assert [render(problem) for problem in report.problems] == []
    own = [name for name in report.built if " where " not in name]
    assert len(own) == 30


def test_every_alert_of_the_runbooks_finds_its_playbook(report: Report) -> None:
    rulebook = Rulebook(report.ruleset)
    led = {rule.playbook for rule in report.ruleset.rules if rule.playbook}
    assert set(report.built) <= led
    for labels, playbook in (
        ({"alertname": "RedisDown", "namespace": "ai-orchestrator"}, "ai-orchestrator/cache"),
        ({"alertname": "Gateway5xx", "namespace": "ai-development"}, "ai-development/gateway"),
        ({"alertname": "DBTimeouts", "namespace": "production"}, "sergas/db"),
        ({"alertname": "UnusualAccess", "namespace": "agent-platform"}, "agent-platform/security"),
        ({"alertname": "NodeMemoryPressure"}, "autonomous-dev/exhausted"),
    ):
        assert rulebook.match(labels).playbook == playbook


def test_the_words_of_four_scales_mean_levels_of_one(report: Report) -> None:
    severities = {rule.severity.otherwise for rule in report.ruleset.rules}
    assert severities == {"P0", "P1", "P2", "P3"}


def test_nobody_else_hears_of_a_security_incident(report: Report) -> None:
    rulebook = Rulebook(report.ruleset)
    labels = {"alertname": "SuspiciousActivityDetected", "namespace": "ai-orchestrator"}
    rule = rulebook.match(labels)
    told = rulebook.receivers(rule.notify_only, rulebook.team_of(labels))
    assert [receiver.name for receiver in told] == ["default/security"]
    playbook = rulebook.playbook(rule.playbook)
    assert playbook.confidential
    assert "kubernetes.rollout_restart" in playbook.forbid


def test_an_override_changes_only_the_incidents_that_it_names(report: Report) -> None:
    rulebook = Rulebook(report.ruleset)
    labels = {"alertname": "HighErrorRate", "namespace": "ai-orchestrator"}
    usual = rulebook.playbook(rulebook.match(labels).playbook)
    theirs = rulebook.playbook(rulebook.match({**labels, "team": "payments"}).playbook)
    assert (usual.vars["errors"], theirs.vars["errors"]) == ("errors_total", "payments_errors_total")
    assert {a.name: a.mode for a in theirs.actions}["roll-back"] == "suggest"
    assert theirs.steps[-1].say == "Ask #payments-release before rolling back"
    assert len(usual.steps) == 1
