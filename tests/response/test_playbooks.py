"""Playbooks of several rules in one incident."""

from dataclasses import replace

import pytest

from responder.model.finding import Diagnosis, DiagnosticStatus, Reading
from responder.model.origin import Origin
from responder.model.playbook import DiagnosticStep, Playbook, TargetTemplate
from responder.model.rule import Rule, SeveritySource
from responder.response.playbooks import adopt, joined, merged
from tests.response.given import NOON, RULE, a_brain, an_alert, an_incident, fired

PODS = DiagnosticStep("pods", "kubernetes.pods")


def test_the_diagnostics_of_the_others_join_and_their_conclusions_do_not() -> None:
    lead = Playbook("p/a", diagnostics=(PODS,))
    other = Playbook("p/b", vars={"x": 1}, diagnostics=(DiagnosticStep("rate", "prometheus.query", {"query": "x"}),))
    both = merged(lead, [other])
    assert [step.name for step in both.diagnostics] == ["pods", "rate"]
    assert both.vars == {"x": 1}
    assert both.conclusions == lead.conclusions


def test_a_step_that_both_have_runs_once() -> None:
    elsewhere = DiagnosticStep("pods", "kubernetes.pods", origin=Origin("other.yaml", 3, 1))
    follow = DiagnosticStep("previous", "kubernetes.logs", when="pods.total > 0", reads=("pods",))
    both = merged(Playbook("p/a", diagnostics=(PODS,)), [Playbook("p/b", diagnostics=(follow, elsewhere))])
    assert [step.name for step in both.diagnostics] == ["pods", "previous"]


def test_what_means_another_thing_in_the_leading_playbook_is_left_out() -> None:
    lead = Playbook("p/a", vars={"metric": "a"}, diagnostics=(PODS,))
    different = DiagnosticStep("pods", "kubernetes.pods", {"limit": 5})
    follow = DiagnosticStep("previous", "kubernetes.logs", when="pods.total > 0", reads=("pods",))
    clashing = DiagnosticStep("rate", "prometheus.query", {"query": "sum(${vars.metric})"})
    fine = DiagnosticStep("usage", "kubernetes.usage")
    other = Playbook("p/b", vars={"metric": "b"}, diagnostics=(different, follow, clashing, fine))
    assert [step.name for step in merged(lead, [other]).diagnostics] == ["pods", "usage"]


def test_a_playbook_joins_once() -> None:
    lead, other = Playbook("p/a"), Playbook("p/b", diagnostics=(PODS,))
    once = merged(lead, [other])
    assert merged(once, [other, lead]) == once


def test_the_steps_of_another_look_at_its_own_target() -> None:
    target = TargetTemplate("Service", "db")
    (step,) = merged(Playbook("p/a"), [Playbook("p/b", target=target, diagnostics=(PODS,))]).diagnostics
    assert step.target == target


ALONE = Playbook("shop/alone", diagnostics=(PODS,))
OTHER = Playbook("shop/other", diagnostics=(DiagnosticStep("rate", "prometheus.query", {"query": "x"}),))


@pytest.mark.parametrize(
    ("severity", "by", "name"),
    [
        ("info", "rule", "shop/alone + shop/other"),
        ("warning", "rule", "shop/alone + shop/other"),
        ("critical", "rule", "shop/other + shop/alone"),
        ("critical", "person", "shop/alone + shop/other"),
    ],
)
def test_the_severest_leads_unless_a_person_set_the_severity(severity: str, by: str, name: str) -> None:
    rule = Rule("shop/other", (), severity=SeveritySource(severity), playbook=OTHER.name)
    brain = a_brain(ALONE, rules=(RULE, rule))
    incident = replace(an_incident(an_alert(), brain), severity_by=by)
    playbook = joined(incident, [fired(an_alert(pod="b"), rule=rule.name)], brain, lambda _: OTHER)
    assert playbook is not None
    assert playbook.name == name
    assert {step.name for step in playbook.diagnostics} == {"pods", "rate"}


def test_an_alert_of_a_rule_that_is_there_already_changes_no_playbook() -> None:
    brain = a_brain(ALONE)
    assert joined(an_incident(), [fired(an_alert(pod="b"))], brain, lambda _: OTHER) is None


@pytest.mark.parametrize("other", [ALONE, Playbook("shop/none")])
def test_a_playbook_that_adds_nothing_changes_none(other: Playbook) -> None:
    rule = Rule("shop/other", (), severity=SeveritySource("critical"), playbook=other.name)
    brain = a_brain(ALONE, rules=(RULE, rule))
    assert joined(an_incident(), [fired(an_alert(), rule=rule.name)], brain, lambda _: other) is None


def test_what_another_step_of_the_same_name_read_is_forgotten() -> None:
    read = Reading("pods", DiagnosticStatus.FOUND)
    diagnoses = {name: Diagnosis(name, read.status, 2, read, NOON, running=True) for name in ("pods", "rate")}
    incident = replace(an_incident(), round=2, diagnoses=diagnoses)
    after = replace(ALONE, diagnostics=(DiagnosticStep("pods", "kubernetes.pods", {"limit": 5}),))
    adopted = adopt(incident, ALONE, after).diagnoses
    assert adopted["pods"] == Diagnosis("pods", round=2)
    assert adopted["rate"] == diagnoses["rate"]
