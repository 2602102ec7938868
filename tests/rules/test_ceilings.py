"""A deployment's own word on what actions may do at most."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from responder.model.ceilings import NEVER, Ceilings
from responder.model.guard import Limits, Rate
from responder.model.window import Day, Window
from responder.plugins.registry import Registry
from responder.rules.loading import load
from responder.rules.problems import render
from tests.rules.conftest import Check

RULES = """
rules:
  - {name: errors, match: ['alertname="Errors"'], record_only: true}
"""
BOUNDS = """
ceilings:
  namespaces: {"prod-.*": approve, payments: "off"}
  rules: {main/errors: suggest}
guard:
  never: [kube-system, vault]
  only_in: "team-.*"
  at_most: {overall: 5 per 1h, namespace: 2 per 10m}
  windows:
    - {days: [sat, sun], freeze: true, zone: Europe/Berlin}
"""


def ceilings(write: Callable[..., list[Path]], registry: Registry, **files: str) -> Ceilings:
    return load(write(**files), registry).ruleset.ceilings


def test_nothing_is_done_in_the_clusters_own_namespaces_where_nobody_says_otherwise(
    write: Callable[..., list[Path]], registry: Registry
) -> None:
    assert ceilings(write, registry, main=RULES) == Ceilings(never=NEVER)
    assert ceilings(write, registry, main=RULES + "\nguard: {only_in: [prod]}").never == NEVER
    assert ceilings(write, registry, main=RULES + "\nguard: {never: []}").never == NEVER


def test_one_of_the_clusters_own_namespaces_is_opened_by_its_name_alone(
    write: Callable[..., list[Path]], registry: Registry
) -> None:
    own = "guard: {open: [kube-public], never: [vault, kube-system]}"
    assert ceilings(write, registry, main=RULES, own=own).never == ("kube-system", "kube-node-lease", "vault")


def test_a_deployment_freezes_changes_by_date(write: Callable[..., list[Path]], registry: Registry) -> None:
    own = "guard: {windows: [{freeze: true, from: 2026-12-20, to: 2027-01-03}, {freeze: true, from: 12-24, to: 12-26}]}"
    assert ceilings(write, registry, main=RULES, own=own).windows == (
        Window(freeze=True, first=Day(2026, 12, 20), last=Day(2027, 1, 3)),
        Window(freeze=True, first=Day(0, 12, 24), last=Day(0, 12, 26)),
    )


def test_a_deployment_says_who_agrees_to_what_is_done_by_hand(
    write: Callable[..., list[Path]], registry: Registry
) -> None:
    said = ceilings(write, registry, main=RULES, own="guard: {by_hand: {approvals: {security: 3}, approvers: boss}}")
    assert said.approvals == {"harmless": 1, "ordinary": 1, "destructive": 2, "security": 3}
    assert said.approvers == {"ordinary": ("boss",), "destructive": ("boss",), "security": ("boss",)}
    every = ceilings(write, registry, main=RULES, own="guard: {by_hand: {approvals: 3}}")
    assert every.approvals == {"harmless": 1, "ordinary": 3, "destructive": 3, "security": 3}


def test_a_deployment_bounds_every_action(write: Callable[..., list[Path]], registry: Registry) -> None:
    assert ceilings(write, registry, main=RULES, own=BOUNDS) == Ceilings(
        namespaces={"prod-.*": "approve", "payments": "off"},
        rules={"main/errors": "suggest"},
        never=(*NEVER, "vault"),
        only_in=("team-.*",),
        at_most=Limits(namespace=Rate(2, timedelta(minutes=10)), overall=Rate(5, timedelta(hours=1))),
        windows=(Window(("sat", "sun"), zone="Europe/Berlin", freeze=True),),
    )


def test_what_is_off_may_be_written_without_quotes(write: Callable[..., list[Path]], registry: Registry) -> None:
    assert ceilings(write, registry, main=RULES, own="ceilings: {namespaces: {x: off}}").namespaces == {"x": "off"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("main/errors", "main/erors", "did you mean `main/errors`"),
        ('"prod-.*"', '"prod-("', "is not a regular expression"),
        ("approve,", "ask,", "approve"),
        ('"team-.*"', '"("', "is not a regular expression"),
        ("5 per 1h", "often", "write a count and a span"),
        ("Europe/Berlin", "Mars/Phobos", "unknown time zone `Mars/Phobos`"),
        ("  never:", "  nevre:", "did you mean `never`"),
        ("[kube-system, vault]", "[vault]\n  open: [kube-system]", "actions may act in kube-system"),
        ("[kube-system, vault]", "[vault]\n  open: [vault]", "`vault` is not valid here"),
        ("[kube-system, vault]", "", "there is nothing behind this word"),
        ("freeze: true,", 'freeze: true, from: 2026-12-20, to: "06:00",', "both hours, or both dates"),
        ("freeze: true,", "freeze: true, from: 2026-12-20,", "both hours, or both dates"),
        ("freeze: true,", "freeze: true, from: 2026-12-20, to: 01-03,", "both have a year"),
        ("freeze: true,", "freeze: true, from: 2026-12-20, to: 2026-12-03,", "`to` is before `from`"),
        ("freeze: true,", "freeze: true, from: 2026-02-30, to: 2026-03-03,", "`2026-02-30` is no date"),
        ("freeze: true,", "freeze: true, from: 02-29, to: 03-03,", "`02-29` is no date"),
        (
            "freeze: true,",
            "freeze: true, from: 2026-12-20, to: 9999-12-31,",
            "`9999-12-31` is for ever: leave `from` and",
        ),
        ("freeze: true,", "freeze: true, zone: ,", "there is nothing behind this word"),
        ("  only_in:", "  by_hand: {approvals: 0}\n  only_in:", "greater than or equal to 1"),
        ("  only_in:", "  by_hand: {approvals: {ordinray: 2}}\n  only_in:", "ordinary"),
        ("guard:", "guard:\nx:", "there is nothing behind this word"),
    ],
)
def test_what_cannot_be_meant_is_told(checked: Check, before: str, after: str, said: str) -> None:
    assert before in BOUNDS
    shown = [render(problem) for problem in checked(main=RULES, own=BOUNDS.replace(before, after)).problems]
    assert any(said in problem for problem in shown), shown


@pytest.mark.parametrize("approvers", ["nobody", "[nobody]", "{security: [nobody]}", "{ordinary: nobody}"])
def test_who_agrees_to_what_is_done_by_hand_is_somebody_who_is_told(checked: Check, approvers: str) -> None:
    teams = "teams: {default: {receivers: {boss: {console: {}}}}}\n"
    for role, wrong in (("nobody", True), ("boss", False)):
        own = f"{teams}guard: {{by_hand: {{approvers: {approvers.replace('nobody', role)}}}}}"
        shown = [render(problem) for problem in checked(main=RULES, own=own).problems]
        assert any("no team has a receiver for the role `nobody`" in problem for problem in shown) is wrong, shown


def test_ceilings_stand_in_one_file(checked: Check) -> None:
    shown = [render(p) for p in checked(main=RULES + "\nceilings: {}", own="ceilings: {}\nrules: []").problems]
    assert any("`ceilings` stands in another file already" in problem for problem in shown), shown


def test_a_team_does_not_raise_its_own_ceilings(checked: Check) -> None:
    own = 'teams:\n  shop: {match: [\'a="b"\'], namespaces: ["shop"], packs: [theirs]}\n'
    shown = [render(p) for p in checked(main=RULES, own=own, theirs="guard: {never: []}\nrules: []").problems]
    assert any("the pack `theirs` of the team shop sets `guard` for everybody" in problem for problem in shown), shown
