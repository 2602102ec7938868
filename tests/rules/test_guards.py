"""What guards an action is read as it was meant, or is an error at its line: what was left blank is no guard."""

import pytest

from responder.rules.problems import render
from tests.rules.conftest import Check

PLAYBOOK = """
rules:
  - {name: errors, match: ['alertname="Errors"'], playbook: errors}
playbooks:
  errors:
    actions:
      scale:
        kubernetes.scale: {replicas: 3}
        mode: approve
        temporary: 4h
        guard:
          cooldown: 30m
          at_most: {target: 1 per 1h}
          approvals: 1
          approvers: [boss]
          approve_within: 5m
          evidence: [keep]
          when: "true"
          blast_radius: 3
          last_replica: true
          only_in: shop
          never: vault
          windows: [{days: [mon], from: "09:00", to: "17:00", zone: UTC, freeze: false}]
        verify: {until: "true", hold: 1m, within: 7m, otherwise: escalate}
      keep: {evidence.capture: {logs: true}, mode: approve}
teams: {default: {receivers: {boss: {console: {}}}}}
"""
BLANK = "there is nothing behind this word: write a value, or take the word out"


def test_all_that_guards_is_understood(checked: Check) -> None:
    assert [render(problem) for problem in checked(main=PLAYBOOK).errors] == []


@pytest.mark.parametrize(
    "written",
    [
        "temporary: 4h",
        "cooldown: 30m",
        "at_most: {target: 1 per 1h}",
        "target: 1 per 1h",
        "approvals: 1",
        "approvers: [boss]",
        "approve_within: 5m",
        "evidence: [keep]",
        'when: "true"',
        "blast_radius: 3",
        "last_replica: true",
        "only_in: shop",
        "never: vault",
        "days: [mon]",
        'from: "09:00"',
        'to: "17:00"',
        "zone: UTC",
        "freeze: false",
        'until: "true"',
        "hold: 1m",
        "within: 7m",
        "otherwise: escalate",
    ],
)
def test_a_word_that_guards_and_has_nothing_behind_it_is_an_error_at_its_line(checked: Check, written: str) -> None:
    assert PLAYBOOK.count(written) == 1
    errors = checked(main=PLAYBOOK.replace(written, f"{written.partition(':')[0]}: ")).errors
    line = PLAYBOOK[: PLAYBOOK.index(written)].count("\n") + 1
    assert (BLANK, line) in [(error.message, error.origin.line) for error in errors]


@pytest.mark.parametrize("word", ["guard", "verify"])
def test_guards_and_verifications_are_not_blank_either(checked: Check, word: str) -> None:
    blank = f"playbooks: {{p: {{actions: {{a: {{kubernetes.scale: {{replicas: 3}}, {word}: }}}}}}}}"
    assert [error.message for error in checked(main=blank).errors] == [BLANK]


def test_an_override_takes_no_guard_away_by_leaving_it_blank(checked: Check) -> None:
    own = "override: {main/errors: {actions: {scale: {guard: {cooldown: }}}}}"
    errors = checked(main=PLAYBOOK, own=own).errors
    assert [(error.message, error.origin.file) for error in errors] == [(BLANK, "own.yaml")]
