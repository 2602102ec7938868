"""Playbooks are put together from their own words, named sets, and what a deployment overrides."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from responder.model import codec
from responder.plugins.registry import Registry
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from tests.rules.conftest import Check

PACK = """
rules:
  - {name: r, match: ['alertname="A"'], correlate_by: [namespace], playbook: p}
sets:
  basics:
    vars: {high: 0.5, low: 0.1}
    diagnose:
      pods: {test.pods: {}}
      rate: {test.rate: {query: of_the_set}}
    conclude:
      - {name: ready, when: 'pods.ready == 0', say: "None ready"}
      - {name: bad, when: 'rate.value > vars.high', say: "Bad, says the set"}
    actions:
      restart: {kubernetes.rollout_restart: {}}
    steps: ["Step of the set"]
playbooks:
  p:
    use: [basics]
    vars: {high: 0.9, whole: 3}
    diagnose:
      rate: {test.rate: {query: own, limit: 5}}
    conclude:
      - {name: bad, when: 'rate.value > vars.high', say: "Bad, says the playbook", cause: load}
    actions:
      scale: {kubernetes.scale: {replicas: 5}, mode: approve, guard: {cooldown: 30m, approvals: 2}}
    steps: ["Own step"]
"""


@pytest.fixture
def loaded(write: Callable[..., list[Path]], registry: Registry) -> Callable[..., Rulebook]:
    return lambda **files: load(write(**files), registry)


def test_a_playbook_uses_a_set_and_its_own_names_win(loaded: Callable[..., Rulebook]) -> None:
    playbook = loaded(main=PACK).playbook("main/p")
    assert dict(playbook.vars) == {"low": 0.1, "high": 0.9, "whole": 3}
    params = {step.name: step.params for step in playbook.diagnostics}
    assert params["rate"] == {"query": "own", "limit": 5}
    assert list(params) == ["pods", "rate", "related"]
    assert [(item.name, item.say) for item in playbook.conclusions] == [
        ("ready", "None ready"),
        ("bad", "Bad, says the playbook"),
    ]
    assert [action.name for action in playbook.actions] == ["restart", "scale"]
    assert [step.say for step in playbook.steps] == ["Step of the set", "Own step"]


def test_a_set_of_another_pack_can_be_used(loaded: Callable[..., Rulebook]) -> None:
    rulebook = loaded(main=PACK, other="playbooks: {q: {use: main/basics}}")
    assert [step.name for step in rulebook.playbook("other/q").diagnostics][:2] == ["pods", "rate"]


OVERRIDE = """
override:
  main/p:
    vars: {high: 1, low: 0.2}
    title: "Theirs"
    diagnose: {rate: {test.rate: {limit: 7}, deadline: 30s}}
    conclude: {bad: {severity: critical}}
    actions: {scale: {mode: suggest, guard: {cooldown: 1h}}}
    steps: {add: ["Theirs too"]}
    forbid: [kubernetes.delete_pod]
    refresh: off
"""


def test_an_override_changes_what_it_names_and_leaves_the_rest(loaded: Callable[..., Rulebook]) -> None:
    playbook = loaded(main=PACK, own=OVERRIDE).playbook("main/p")
    assert dict(playbook.vars) == {"low": 0.2, "high": 1.0, "whole": 3}
    assert isinstance(playbook.vars["high"], float)
    rate = next(step for step in playbook.diagnostics if step.name == "rate")
    assert rate.params == {"query": "own", "limit": 7}
    assert rate.deadline == timedelta(seconds=30)
    assert [(item.name, item.severity, item.cause) for item in playbook.conclusions][1] == ("bad", "critical", "load")
    scale = next(action for action in playbook.actions if action.name == "scale")
    assert (scale.mode, scale.params) == ("suggest", {"replicas": 5})
    assert scale.guard == {"cooldown": "1h", "approvals": 2}
    assert playbook.steps[-1].say == "Theirs too"
    assert (playbook.title, playbook.forbid, playbook.refresh) == ("Theirs", ("kubernetes.delete_pod",), None)


def test_an_override_can_put_another_plugin_in(loaded: Callable[..., Rulebook]) -> None:
    text = "override: {main/p: {actions: {scale: {kubernetes.rollout_restart: {}}}}}"
    action = loaded(main=PACK, own=text).playbook("main/p").actions[-1]
    assert (action.plugin, action.mode) == ("kubernetes.rollout_restart", "approve")


def test_an_override_with_matchers_makes_a_variant_for_them_only(loaded: Callable[..., Rulebook]) -> None:
    text = """
    override:
      main/p:
        - {vars: {low: 0.3}}
        - {when: ['team="a"'], vars: {high: 0.7}}
        - {when: ['team=~"b|c"'], vars: {high: 0.8}}
    """
    rulebook = loaded(main=PACK, own=text)

    def variables(**labels: str) -> tuple[float, float]:
        rule = rulebook.match({"alertname": "A", **labels})
        assert rule.name == "main/r"
        found = rulebook.playbook(rule.playbook).vars
        return found["low"], found["high"]

    assert variables() == (0.3, 0.9)
    assert variables(team="a") == (0.3, 0.7)
    assert variables(team="c") == (0.3, 0.8)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("main/p:", "main/q:", "no playbook is called `main/q`"),
        ("vars: {high: 1,", "vars: {hihg: 1,", "did you mean `high`"),
        ("vars: {high: 1,", "vars: {high: big,", "`high` is of another type"),
        ("low: 0.2", "whole: 0.5", "`whole` is of another type"),
        ("diagnose: {rate:", "diagnose: {rat:", "did you mean `rate`"),
        ("limit: 7", "limti: 7", "did you mean `limit`"),
        ("conclude: {bad:", "conclude: {worse:", "no conclusion `worse`"),
        ("severity: critical", "severity: crit", "no severity is called `crit`"),
        ("actions: {scale:", "actions: {scal:", "did you mean `scale`"),
        ("mode: suggest", "mod: suggest", "unknown key `mod`"),
        ("steps: {add:", "steps: {append:", "unknown key `append`"),
        ("    refresh: off", "    when: ['team']", "not a matcher"),
    ],
)
def test_a_name_that_there_is_not_is_an_error(checked: Check, before: str, after: str, said: str) -> None:
    assert before in OVERRIDE
    report = checked(main=PACK, own=OVERRIDE.replace(before, after))
    assert any(said in f"{problem.message} {problem.hint}" for problem in report.errors), report.errors
    assert {problem.origin.file for problem in report.errors} == {"own.yaml"}


def test_a_playbook_survives_being_stored(loaded: Callable[..., Rulebook]) -> None:
    playbook = loaded(main=PACK, own=OVERRIDE).playbook("main/p")
    again = codec.PLAYBOOK.load(codec.PLAYBOOK.dump(playbook))
    assert again == playbook
    assert codec.PLAYBOOK.digest(again) == codec.PLAYBOOK.digest(playbook)
