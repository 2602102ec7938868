"""Playbooks of several rules in one incident."""

from responder.model.origin import Origin
from responder.model.playbook import DiagnosticStep, Playbook
from responder.response.playbooks import merged

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
