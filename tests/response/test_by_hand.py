"""By hand nobody goes past what the playbook or the deployment asks of the same action."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from responder.model.action import ActionState, ActionTraits, ActionWeight, Kept, Outcome
from responder.model.ceilings import Ceilings
from responder.model.playbook import ActionStep
from responder.model.timeline import ActionAsked
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.wiring import plugins
from tests.response.given import fired
from tests.response.story import GOOD, TRAITS, Story, an_action, why

EVIDENCE = replace(GOOD, summary="keep logs", lock="default/evidence/INC-7")
DESTROYING: Mapping[str, ActionWeight] = {"kubernetes.run_job": "destructive"}
KEPT = Outcome("done", "kept", kept=(Kept("logs.txt", "00" * 32, 5, "/evidence/logs.txt"),))


def by_hand(*actions: ActionStep, plugin: str = "kubernetes.scale", by: str = "mallory", **brain: Any) -> Story:
    """Let somebody without a role ask for an action by hand, in an incident whose playbook proposes nothing of it."""
    story = Story(*actions, **brain).open()
    story.turn(ActionAsked(by, plugin, {"revision": 5}))
    assert not story.refused
    story.preview(lock="default/deployment/prod/api")
    return story


def scaling(name: str = "scale", **guard: Any) -> ActionStep:
    return an_action(name, "kubernetes.scale", mode="suggest", guard=guard)


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        ({"windows": [{"days": ["mon"]}]}, "it may run only in these hours"),
        ({"windows": [{"freeze": True}]}, "changes are frozen"),
        ({"when": "rate.value > 0.5"}, "rate.value > 0.5 does not hold"),
        ({"blast_radius": 1}, "it would disturb 3 pods"),
        ({"only_in": ["stage"]}, "it may run only in stage"),
        ({"never": ["pr.*"]}, "it is on a `never` list"),
        ({"evidence": ["keep"]}, "no evidence has been kept yet"),
        ({"colldown": "3h"}, "cannot be read"),
    ],
    ids=str,
)
def test_every_guard_of_the_playbook_binds_the_same_action_by_hand(guard: dict[str, Any], told: str) -> None:
    story = Story(scaling(**guard), an_action("keep", "evidence.capture", mode="suggest")).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    story.preview(pods=3, ready=9, replicas=9)
    assert told in why(story)


def asked_inputs(when: str) -> Story:
    """Ask by hand for what a playbook does with an input."""
    told = {"n": {"type": "int", "describe": "how many"}}
    story = Story(replace(scaling("grow", when=when), inputs=told, params={"revision": "${inputs.n}"})).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    return story


def test_a_guard_that_reads_inputs_is_refused_at_once_by_hand_and_says_what_to_ask_for() -> None:
    story = asked_inputs("inputs.n < 10")
    assert not story.incident.attempts
    told = "`inputs.n < 10` binds it, and by hand nobody gives inputs; ask for what the playbook names"
    assert story.refused == [f"{told}: responder act INC-7 grow n=..."]


@pytest.mark.parametrize("when", ["true || inputs.n < 10", "rate.value > 0.5", "rate.val > 0.5", "inputs.n <"])
def test_a_guard_that_may_be_met_by_hand_or_that_nobody_can_read_is_left_to_the_guards(when: str) -> None:
    story = asked_inputs(when)
    assert (len(story.incident.attempts), story.refused) == (1, [])


def test_cooldowns_and_limits_of_the_playbook_bind_the_same_action_by_hand() -> None:
    for guard in ({"cooldown": "1h"}, {"at_most": "1 per 1h"}):
        story = by_hand(scaling(**guard))
        story.say("yes", "ann")
        story.preview()
        story.act()
        story.change(usage=[replace(run, ended_at=story.now, outcome="done") for run in story.starts])
        story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 6}))
        story.preview()
        assert story.state is ActionState.BLOCKED, guard


def test_by_hand_as_many_people_with_the_role_say_yes_as_the_playbook_wants() -> None:
    story = by_hand(scaling(approvals=2, approvers=["security"]))
    story.say("yes", "mallory", roles=())
    story.say("yes", "mallory", roles=("security",))
    story.say("yes", "ann", roles=("security",))
    story.say("yes", "bob", roles=("on-call",))
    assert story.state is ActionState.PROPOSED
    assert story.refused == [
        "it takes somebody with the role security",
        "whoever asks for an action that takes two cannot be one of them",
        "it takes somebody with the role security",
    ]
    story.say("yes", "cem", roles=("security",))
    assert story.state is ActionState.APPROVED


def test_the_strictest_of_several_guards_of_the_same_action_binds_by_hand() -> None:
    story = by_hand(scaling("one", approvals=1), scaling("two", approvals=3), scaling("three", approvals=2))
    for by in ("ann", "bob"):
        story.say("yes", by)
    assert story.state is ActionState.PROPOSED
    story.say("yes", "cem")
    assert story.state is ActionState.APPROVED


def test_the_guard_of_a_sequence_binds_each_of_its_actions_by_hand() -> None:
    inner = an_action("inner", "", do=("scale",), params={}, mode="suggest", guard={"approvals": 2})
    outer = an_action("outer", "", do=("inner",), params={}, mode="suggest", guard={"windows": [{"days": ["mon"]}]})
    assert "only in these hours" in why(by_hand(outer, inner, scaling()))
    story = by_hand(inner, scaling(approvers=["security"]))
    story.say("yes", "ann", roles=("security",))
    story.say("yes", "bob")
    assert (story.state, len(story.refused)) == (ActionState.PROPOSED, 1)
    story.say("yes", "cem", roles=("security",))
    assert story.state is ActionState.APPROVED


def test_what_guards_an_action_binds_whatever_includes_it_and_whatever_it_includes() -> None:
    """A restart is one also as a part of a patched ConfigMap; by hand neither way leads past the other's guard."""

    def entails(step: ActionStep, params: object) -> tuple[str, ...]:
        return ("kubernetes.rollout_restart",) if step.plugin == "kubernetes.scale" else ()

    frozen = {"windows": [{"freeze": True}]}
    restart = an_action("restart", "kubernetes.rollout_restart", mode="suggest", guard=frozen)
    assert "changes are frozen" in why(by_hand(restart, entails=entails))
    including = by_hand(scaling(**frozen), plugin="kubernetes.rollout_restart", entails=entails)
    assert "changes are frozen" in why(including)
    assert by_hand(restart).state is ActionState.PROPOSED


def test_what_nobody_can_tell_to_be_another_thing_is_bound_too() -> None:
    def entails(step: ActionStep, params: object) -> tuple[str, ...]:
        raise ValueError("half of a parameter")

    restart = an_action("restart", "kubernetes.rollout_restart", mode="suggest", guard={"windows": [{"freeze": True}]})
    assert "changes are frozen" in why(by_hand(restart, entails=entails))


def test_an_ordinary_action_by_hand_takes_one_person_on_call_and_guards_of_others_do_not_bind_it() -> None:
    other = an_action(mode="suggest", guard={"approvals": 3, "windows": [{"freeze": True}]})
    story = by_hand(other, by="ann")
    story.say("yes", "ann")
    story.preview()
    assert story.state is ActionState.RUNNING


@pytest.mark.parametrize(
    ("plugin", "brain"),
    [
        ("kubernetes.patch_secret", {}),
        ("kubernetes.run_job", {"weight_of": lambda step, params: DESTROYING.get(step.plugin)}),
    ],
)
def test_what_is_heavy_takes_two_others_by_hand_though_no_playbook_names_it(plugin: str, brain: dict[str, Any]) -> None:
    story = heavy(plugin, **brain)
    for by in ("ann", "bob"):
        story.say("yes", by)
    assert story.refused == ["whoever asks for an action that takes two cannot be one of them"]
    assert story.state is ActionState.PROPOSED
    story.say("yes", "cem")
    assert story.state is ActionState.APPROVED


def test_a_deployment_says_who_must_agree_to_what_is_done_by_hand() -> None:
    mine = Ceilings(approvals={"security": 1}, approvers={"security": ("security",)})
    story = heavy("kubernetes.patch_secret", ceilings=mine)
    story.say("yes", "ann", roles=("on-call",))
    assert story.refused == ["it takes somebody with the role security"]
    story.say("yes", "ann", roles=("security",))
    assert story.state is ActionState.APPROVED


def test_no_deployment_goes_below_what_the_action_itself_wants_by_hand() -> None:
    story = heavy("redis.flush_db", ceilings=Ceilings(approvals={"destructive": 1}))
    story.say("yes", "bob")
    assert story.state is ActionState.PROPOSED
    careful = by_hand(scaling(approvals=1), action=lambda name: replace(TRAITS[name], approvals=2))
    careful.say("yes", "ann")
    assert careful.state is ActionState.PROPOSED


def test_what_is_asked_for_again_by_hand_is_bound_by_the_newest_words() -> None:
    story = by_hand(an_action(mode="suggest"), by="ann")
    story.say("no", "ann")
    story.change(ceilings=Ceilings(approvals={"ordinary": 2}))
    story.say("yes", "ann")
    story.preview()
    story.say("yes", "ann")
    assert story.refused == ["whoever asks for an action that takes two cannot be one of them"]


def test_who_breaks_the_glass_passes_by_hand_too_what_is_not_firm() -> None:
    story = by_hand(scaling(approvals=2, windows=[{"days": ["mon"]}]))
    story.say("break_glass", "root", roles=("admin",), why="the shop is down")
    story.preview()
    assert story.state is ActionState.RUNNING
    barred = by_hand(scaling(never=["prod"]))
    barred.say("break_glass", "root", roles=("admin",), why="the shop is down")
    assert barred.state is ActionState.BLOCKED
    assert "it is on a `never` list" in barred.refused[-1]


def heavy(plugin: str, **brain: Any) -> Story:
    """Ask by hand for what needs evidence first, in an incident that has kept some."""
    story = Story(an_action("keep", "evidence.capture"), **brain).open()
    story.preview(EVIDENCE)
    story.say("yes")
    story.preview(EVIDENCE)
    story.act(KEPT)
    story.turn(ActionAsked("ann", plugin, {}))
    story.preview(lock="default/heavy")
    assert story.state is ActionState.PROPOSED
    return story


def test_what_the_shipped_playbook_lets_two_decide_after_evidence_one_cannot_do_by_hand() -> None:
    """Also with parameters of one's own, and though the playbook's own still wait for a person's input."""
    registry = plugins()
    kitchen = Kitchen(registry)
    playbook = load([Path("rules/ai-orchestrator")], registry).playbook("ai-orchestrator/authentication-failures")
    story = Story(
        playbook=playbook,
        evaluator=kitchen.evaluator(playbook),
        plugin_params=kitchen.params_of,
        entails=kitchen.entails,
        action=lambda name: TRAITS.get(name, ActionTraits(weight="security")),
        weight_of=lambda step, params: kitchen.weight(step, params, playbook),
    )
    story.turn(fired(story.alert).what, after=0)
    cidrs = {"namespace": "ingress-nginx", "name": "nginx-configuration", "add_cidrs": {"block-cidrs": ["10.0.0.0/8"]}}
    story.turn(ActionAsked("mallory", "kubernetes.patch_configmap", cidrs))
    story.preview()
    assert "no evidence has been kept yet: run the action `evidence` first" in why(story)
    assert [guard.get("approvals") for guard in story.attempt().steps[0].guards] == [2, 2]


PROGRAM = {"exec": [{"argv": ["redis-cli", "FLUSHALL"]}]}
CAPTURES = """
rules: [{name: r, match: ['alertname="A"'], playbook: p}]
playbooks:
  p:
    target: {kind: Deployment, namespace: prod, name: api}
    actions:
      heap: {evidence.capture: {exec: [{argv: [jmap]}]}, mode: approve}
      restart: {kubernetes.rollout_restart: {}, mode: approve, guard: {evidence: [heap]}}
"""


def capturing(folder: Path, **brain: Any) -> Story:
    """Tell the story of a playbook with a heap dump that a restart waits for, by the very plugins."""
    (folder / "rules.yaml").write_text(CAPTURES)
    registry = plugins()
    kitchen, playbook = Kitchen(registry), load([folder], registry).playbook(f"{folder.name}/p")
    capture = registry.actions["evidence.capture"]
    traits = ActionTraits(capture.once, capture.weight, capture.lightest)
    story = Story(
        playbook=playbook,
        evaluator=kitchen.evaluator(playbook),
        plugin_params=kitchen.params_of,
        entails=kitchen.entails,
        action=lambda name: traits if name == "evidence.capture" else TRAITS.get(name),
        weight_of=lambda step, params: kitchen.weight(step, params, playbook),
        **brain,
    )
    story.turn(fired(story.alert).what, after=0)
    return story


def test_a_program_for_evidence_takes_by_hand_what_it_takes_to_run_one(tmp_path: Path) -> None:
    story = capturing(tmp_path)
    story.turn(ActionAsked("mallory", "evidence.capture", PROGRAM))
    story.preview(lock="default/evidence/INC-7")
    assert "evidence.capture may destroy what cannot be brought back, and no evidence has been kept yet" in why(story)
    assert [guard.get("approvals") for guard in story.attempt().steps[0].guards] == [2]
    logs = capturing(tmp_path)
    logs.turn(ActionAsked("mallory", "evidence.capture", {"logs": True}))
    logs.preview(lock="default/evidence/INC-7")
    assert (logs.state, logs.attempt().steps[0].guards) == (ActionState.PROPOSED, ())
    logs.say("yes", "mallory")
    assert logs.state is ActionState.APPROVED


def test_a_program_whose_evidence_the_rules_wait_for_takes_one_person(tmp_path: Path) -> None:
    story = capturing(tmp_path)
    story.turn(ActionAsked("ann", "heap", {}))
    story.preview(lock="default/evidence/INC-7")
    assert (story.state, story.refused) == (ActionState.PROPOSED, [])
    story.say("yes", "ann")
    assert story.state is ActionState.APPROVED
