"""What has the mode `auto` and would wait for people for ever is told where the mode is written."""

import pytest

from responder.rules.problems import Gravity
from tests.rules.conftest import Check

PACK = """
playbooks:
  errors:
    actions:
      scale:
        kubernetes.scale: {replicas: 3}
        mode: auto
        verify: {until: "true"}
        guard:
          approvals: 1
      calm:
        kubernetes.scale: {replicas: 3}
        mode: approve
        guard: {approvals: 2}
      zero:
        kubernetes.scale: {replicas: 3}
        mode: auto
        verify: {until: "true"}
        guard: {approvals: 0}
      silent: {kubernetes.scale: {replicas: 3}, mode: auto, verify: {until: "true"}}
"""
KEEP = "k: {evidence.capture: {logs: true}, mode: auto}"
MIXED = (
    f"all: {{do: [one, a], mode: auto, guard: {{evidence: [k]}}}}, {KEEP}, a: {{redis.flush_db: {{source: s}}}},"
    "one: {kubernetes.scale: {replicas: 3}, guard: {approvals: 0}}"
)
SAID = "has the mode `auto` and never goes by itself"


def said(checked: Check, **files: str) -> list[tuple[str, int, str]]:
    report = checked(**files)
    assert report.errors == ()
    return [
        (told.origin.file, told.origin.line, told.message)
        for told in report.problems
        if told.gravity is Gravity.WARNING and SAID in told.message
    ]


def test_whose_approvals_keep_an_action_waiting_is_told_with_their_line(checked: Check) -> None:
    assert said(checked, pack__rules=PACK) == [
        ("pack/rules.yaml", 7, f"`scale` {SAID}: `approvals: 1` of pack/rules.yaml:10 asks for people")
    ]


def test_an_override_to_auto_is_told_of_the_approvals_that_it_leaves_in_force(checked: Check) -> None:
    own = 'override:\n  pack/errors:\n    actions:\n      calm:\n        mode: auto\n        verify: {until: "true"}'
    assert ("own.yaml", 5, f"`calm` {SAID}: `approvals: 2` of pack/rules.yaml:14 asks for people") in said(
        checked, pack__rules=PACK, own=own
    )
    assert not [
        one for one in said(checked, pack__rules=PACK, own=own + "\n        guard: {approvals: 0}") if "calm" in one[2]
    ]


@pytest.mark.parametrize(
    ("actions", "why"),
    [
        ("all: {do: [one], mode: auto}, one: {kubernetes.scale: {replicas: 3}, guard: {approvals: 2}}", "approvals: 2"),
        (
            'a: {kubernetes.scale: {replicas: "${inputs.n}"}, inputs: {n: {type: int}}, mode: auto}',
            "a person has to give it n",
        ),
        (MIXED, "redis.flush_db wants the yes of 2 where its guard does not say"),
        (
            f"a: {{redis.flush_db: {{source: s}}, mode: auto, guard: {{evidence: [k]}}}}, {KEEP}",
            "redis.flush_db wants the yes of 2 where its guard does not say",
        ),
    ],
)
def test_whatever_else_keeps_an_action_waiting_for_people_is_told(checked: Check, actions: str, why: str) -> None:
    found = said(checked, main=f"playbooks: {{p: {{actions: {{{actions}}}}}}}")
    assert len(found) == 1
    assert why in found[0][2]


def test_what_may_go_by_itself_though_it_is_heavy_says_so(checked: Check) -> None:
    actions = (
        "a: {redis.flush_db: {source: s}, mode: auto, guard: {evidence: [k], approvals: 0}},"
        f"{KEEP}, all: {{do: [a], mode: auto, guard: {{evidence: [k]}}}}"
    )
    assert said(checked, main=f"playbooks: {{p: {{actions: {{{actions}}}}}}}") == []
