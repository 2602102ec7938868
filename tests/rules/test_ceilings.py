"""A deployment's own word on what actions may do at most."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from responder.model.ceilings import NEVER, Ceilings
from responder.model.guard import Limits, Rate
from responder.model.window import Window
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


def test_a_deployment_bounds_every_action(write: Callable[..., list[Path]], registry: Registry) -> None:
    assert ceilings(write, registry, main=RULES, own=BOUNDS) == Ceilings(
        namespaces={"prod-.*": "approve", "payments": "off"},
        rules={"main/errors": "suggest"},
        never=("kube-system", "vault"),
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
        ("[kube-system, vault]", "[vault]", "actions may act in kube-system"),
    ],
)
def test_what_cannot_be_meant_is_told(checked: Check, before: str, after: str, said: str) -> None:
    assert before in BOUNDS
    shown = [render(problem) for problem in checked(main=RULES, own=BOUNDS.replace(before, after)).problems]
    assert any(said in problem for problem in shown), shown


def test_ceilings_stand_in_one_file(checked: Check) -> None:
    shown = [render(p) for p in checked(main=RULES + "\nceilings: {}", own="ceilings: {}\nrules: []").problems]
    assert any("`ceilings` stands in another file already" in problem for problem in shown), shown


def test_a_team_does_not_raise_its_own_ceilings(checked: Check) -> None:
    own = 'teams:\n  shop: {match: [\'a="b"\'], namespaces: ["shop"], packs: [theirs]}\n'
    shown = [render(p) for p in checked(main=RULES, own=own, theirs="guard: {never: []}\nrules: []").problems]
    assert any("the pack `theirs` of the team shop sets `guard` for everybody" in problem for problem in shown), shown
