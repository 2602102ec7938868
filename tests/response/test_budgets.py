"""Cooldowns, budgets and locks: what was started is counted for every object that it touched, and once in all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.model.action import ActionState, ActionTraits, Outcome, Run
from responder.model.ceilings import Ceilings
from responder.model.command import Act
from responder.model.guard import Limits, Rate
from responder.model.timeline import ActionAsked
from tests.response.given import NOON
from tests.response.story import GOOD, TRAITS, Story, an_action, asked, guarded, passes, running, why

LOCK = GOOD.lock
WEB = "default/deployment/prod/web"


def a_run(minutes_ago: float, **changes: Any) -> Run:
    ago = NOON - timedelta(minutes=minutes_ago)
    run = Run(9, 1, "kubernetes.rollout_undo", "roll-back", LOCK, "shop/errors", "prod", "default", ago, ago, "done")
    return replace(run, **changes)


def test_a_cooldown_says_when_it_ran_for_whom_and_until_when() -> None:
    story = guarded({"cooldown": "2h"}, usage=[a_run(12)])
    assert why(story) == (
        "kubernetes.rollout_undo on deployment/api in prod ran 12m2s ago (INC-9); its cooldown is 2h, until 13:48 UTC"
    )


@pytest.mark.parametrize(
    "run",
    [
        a_run(121),
        a_run(12, lock="default/deployment/prod/web"),
        a_run(12, plugin="kubernetes.scale"),
        a_run(12, undo=True),
    ],
    ids=["over", "another object", "another action", "taken back"],
)
def test_a_cooldown_lets_others_pass(run: Run) -> None:
    assert passes(guarded({"cooldown": "2h"}, usage=[run]))


@pytest.mark.parametrize("touched", [LOCK, WEB])
def test_a_cooldown_counts_whatever_of_several_objects_was_touched(touched: str) -> None:
    """What touched one of them, and what touched one of them among others."""
    both = replace(GOOD, beside=(WEB,))
    for run in (a_run(12, lock=touched), a_run(12, lock="default/configmap/prod/flags", beside=(touched,))):
        assert "its cooldown is 2h" in why(guarded({"cooldown": "2h"}, preview=both, usage=[run]))
    assert passes(guarded({"cooldown": "2h"}, preview=both, usage=[a_run(12, lock="default/deployment/prod/db")]))


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_was_only_tried_counts_as_long_as_all_is_and_for_nothing_in_earnest(dry_run: bool) -> None:
    tried = a_run(12, dry_run=True)
    for guard in ({"cooldown": "2h"}, {"at_most": "1 per 1h"}):
        assert passes(guarded(guard, usage=[tried], dry_run=dry_run)) is not dry_run
        assert not passes(guarded(guard, usage=[a_run(12)], dry_run=dry_run))
    failed = guarded({}, usage=[a_run(12, dry_run=True, outcome="failed")], dry_run=dry_run)
    preview = failed.attempt().steps[0].preview
    assert preview is not None
    assert any("did not help" in each for each in preview.warnings) is dry_run


def test_what_was_only_tried_counts_for_an_attempt_of_before_as_soon_as_all_is_tried() -> None:
    story = guarded({"cooldown": "2h"})
    assert not story.attempt().dry_run
    story.change(dry_run=True, usage=[a_run(12, dry_run=True)])
    story.say("yes")
    story.preview()
    assert (story.state, story.starts) == (ActionState.REFUSED, [])
    assert "its cooldown is 2h" in story.attempt().why


def test_what_failed_in_a_dry_run_may_be_done_in_earnest() -> None:
    story = guarded({}, dry_run=True)
    story.say("yes")
    story.preview()
    story.act(Outcome("failed", "refused by the server"))
    (run,) = story.starts
    assert (run.dry_run, story.state) == (True, ActionState.FAILED)
    story.change(dry_run=False)
    story.turn(ActionAsked("ann", "kubernetes.rollout_undo", {"revision": 6}))
    story.preview()
    assert (story.attempt().dry_run, story.state) == (False, ActionState.PROPOSED)


def test_what_was_done_as_a_part_of_something_else_counts_as_itself_and_not_the_other_way_round() -> None:
    """A ConfigMap that was changed with a restart has restarted; who restarts has changed no ConfigMap."""
    patched = a_run(12, plugin="kubernetes.patch_configmap", entails=("kubernetes.rollout_undo",))
    for guard in ({"cooldown": "2h"}, {"at_most": "1 per 2h"}, {"at_most": {"overall": "1 per 2h"}}):
        assert "kubernetes.rollout_undo" in why(guarded(guard, usage=[patched]))
        entailing = {"plugin": "kubernetes.scale", "entails": lambda step, params: ("kubernetes.rollout_undo",)}
        assert passes(guarded(guard, usage=[a_run(12)], **entailing))


@pytest.mark.parametrize(
    ("plugin", "included"),
    [("kubernetes.rollout_undo", ("kubernetes.rollout_restart",)), ("evidence.capture", ())],
)
def test_a_start_keeps_what_it_included_unless_it_is_harmless(plugin: str, included: tuple[str, ...]) -> None:
    story = running(an_action(plugin=plugin), entails=lambda step, params: ("kubernetes.rollout_restart",))
    assert [run.entails for run in story.starts] == [included]


def test_a_block_that_ends_is_looked_at_again_when_it_ends() -> None:
    story = guarded({"cooldown": "30s"}, usage=[a_run(0)])
    assert (story.timers["attempt/1"] - story.now).total_seconds() == pytest.approx(28, abs=1)


@pytest.mark.parametrize(
    ("limits", "run", "what"),
    [
        ("2 per 1h", {}, "on deployment/api in prod"),
        ({"rule": "2 per 1h"}, {"lock": "other"}, "for the rule shop/errors"),
        ({"namespace": "2 per 1h"}, {"lock": "other", "rule": "other"}, "in namespace prod"),
        ({"overall": "2 per 1h"}, {"lock": "o", "rule": "o", "namespace": "o"}, "over everything"),
    ],
)
def test_a_budget_that_is_used_up_refuses_and_says_from_when(limits: Any, run: dict[str, Any], what: str) -> None:
    used = [a_run(12, **run), a_run(40, attempt=2, **run)]
    story = guarded({"at_most": limits}, usage=used)
    told = f"kubernetes.rollout_undo ran 2 times {what} within 1h (last for INC-9)"
    assert why(story) == f"{told}; at most 2 per 1h is allowed, again from 12:20 UTC"
    assert passes(guarded({"at_most": limits}, usage=used[:1]))
    assert passes(guarded({"at_most": limits}, usage=[used[0], a_run(61, attempt=2, **run)]))
    assert passes(guarded({"at_most": limits}, usage=[used[0], replace(used[1], undo=True)]))


@pytest.mark.parametrize("whose", ["rule", "namespace", "lock"])
def test_a_budget_of_one_counts_no_run_of_another(whose: str) -> None:
    """Neither a playbook's budget nor that of the deployment."""
    limit = Rate(1, timedelta(hours=1))
    bounds = {"rule": Limits(rule=limit), "namespace": Limits(namespace=limit), "lock": Limits(target=limit)}[whose]
    written = {"target" if whose == "lock" else whose: "1 per 1h"}
    own, other = a_run(12), a_run(12, **{whose: "default/deployment/stage/other"})
    for run, free in ((own, False), (other, True)):
        assert passes(guarded({"at_most": written}, usage=[run])) is free
        assert passes(guarded({}, usage=[run], ceilings=Ceilings(at_most=bounds))) is free


def test_a_budget_of_a_target_holds_for_each_of_several_objects() -> None:
    both = replace(GOOD, beside=(WEB,))
    used = [a_run(12, beside=(WEB,)), a_run(40, attempt=2), a_run(50, attempt=3, lock=WEB)]
    story = guarded({"at_most": "2 per 1h"}, preview=both, usage=used)
    told = "kubernetes.rollout_undo ran 2 times on deployment/api in prod within 1h (last for INC-9)"
    assert why(story) == f"{told}; at most 2 per 1h is allowed, again from 12:20 UTC"
    assert passes(guarded({"at_most": "2 per 1h"}, usage=used[2:]))
    assert passes(guarded({"at_most": "3 per 1h"}, preview=both, usage=used))


@pytest.mark.parametrize("limit", ["rule", "namespace", "overall"])
def test_a_step_counts_once_however_many_objects_it_touches(limit: str) -> None:
    used = [a_run(12, lock="a", beside=("b", "c"))]
    both = replace(GOOD, beside=(WEB,))
    assert passes(guarded({"at_most": {limit: "2 per 1h"}}, preview=both, usage=used))
    assert "ran once" in why(guarded({"at_most": {limit: "1 per 1h"}}, preview=both, usage=used))


def test_the_steps_of_one_attempt_count_against_each_other() -> None:
    limited = {"at_most": {"overall": "1 per 1h"}}
    both = an_action("both", "", do=("one", "two"), params={}, guard=limited)
    story = asked(both, an_action("one"), an_action("two"))
    assert "at most 1 per 1h" in why(story)


def test_the_budget_of_the_deployment_counts_every_action_but_harmless_ones() -> None:
    ceilings = Ceilings(at_most=Limits(overall=Rate(1, timedelta(hours=1))))
    other = a_run(12, plugin="kubernetes.scale", lock="o", namespace="o", rule="o")
    assert "actions ran once over everything" in why(guarded({}, ceilings=ceilings, usage=[other]))
    assert passes(guarded({}, ceilings=ceilings, usage=[replace(other, plugin="evidence.capture")]))


def test_a_capture_that_ran_a_program_counts_and_one_that_only_read_does_not() -> None:
    ceilings = Ceilings(at_most=Limits(overall=Rate(1, timedelta(hours=1))))
    traits = {**TRAITS, "evidence.capture": ActionTraits("repeatable", "destructive", "harmless")}
    read = a_run(12, plugin="evidence.capture", lock="o", namespace="o", rule="o")
    ran = replace(read, entails=("kubernetes.exec",))
    assert passes(guarded({}, ceilings=ceilings, usage=[read], action=traits.get))
    assert "ran once over everything" in why(guarded({}, ceilings=ceilings, usage=[ran], action=traits.get))


def test_a_target_that_somebody_is_at_work_on_is_left_alone() -> None:
    story = guarded({}, usage=[a_run(3, ended_at=None)])
    told = "kubernetes.rollout_undo of INC-9/1 is at work on it since 11:57 UTC"
    assert why(story) == f"{told}; one action at a time on deployment/api in prod"
    assert passes(guarded({}, usage=[a_run(3)]))


def test_what_holds_any_of_several_objects_holds_all_up_and_is_told_once() -> None:
    both = replace(GOOD, beside=(WEB, "default/configmap/prod/flags"))
    told = "kubernetes.rollout_undo of INC-9/1 is at work on it since 11:57 UTC; one action at a time on"
    held = a_run(3, ended_at=None)
    one = guarded({}, preview=both, usage=[replace(held, lock=WEB)])
    assert why(one) == f"{told} deployment/web in prod"
    two = guarded({}, preview=both, usage=[replace(held, lock="default/configmap/prod/flags", beside=(WEB,))])
    assert why(two) == f"{told} deployment/web in prod, configmap/flags in prod"
    assert why(guarded({}, usage=[replace(held, lock=WEB, beside=(LOCK,))])) == f"{told} deployment/api in prod"
    assert passes(guarded({}, preview=both, usage=[replace(held, lock="default/deployment/prod/db")]))


def test_evidence_is_kept_while_something_else_is_at_work() -> None:
    keep = {"action": lambda plugin: ActionTraits(weight="harmless")}
    assert passes(guarded({}, usage=[a_run(3, ended_at=None)], **keep))


def test_two_attempts_of_one_incident_never_work_on_one_target_at_a_time() -> None:
    story = Story(an_action(), an_action("scale", "kubernetes.scale")).open()
    story.preview()
    story.preview()
    for number in (1, 2):
        story.say("yes", number=number)
    story.preview()
    story.preview()
    assert story.attempt(1).state is ActionState.RUNNING
    assert story.attempt(2).state is ActionState.APPROVED
    assert len(story.asked(Act)) == 1
    story.act()
    story.turn(after=30)
    story.preview()
    assert story.attempt(2).state is ActionState.RUNNING


def test_a_budget_is_counted_again_at_the_start() -> None:
    story = asked(an_action(guard={"at_most": "1 per 1h"}))
    story.say("yes")
    story.change(usage=[a_run(0)])
    story.preview()
    assert story.state is ActionState.REFUSED
    assert not story.starts
