"""Verifications whose outcome must not be taken for another one."""

from dataclasses import replace

import pytest

from responder.model.action import ActionState
from responder.model.command import Act, Diagnose, Follow
from tests.response.story import DONE, Story, a_playbook, an_action, running, why
from tests.response.test_attempts import helped, notes


@pytest.mark.parametrize("verify", [{"hold": "20m", "within": "10m"}, {"hold": "10m"}, {"hold": "5m", "within": "5m"}])
def test_what_could_never_hold_for_long_enough_is_not_begun(verify: dict[str, str]) -> None:
    story = Story(an_action(mode="auto", verify={"until": "true", **verify})).open()
    story.preview()
    assert not story.starts
    assert "is not shorter than `within: " in why(story)


def test_what_began_under_rules_that_are_not_taken_any_more_ends_and_calls_people() -> None:
    story = running(an_action(verify=helped(otherwise=["undo"])))
    begun = replace(story.attempt(), verify={"until": "true", "hold": "20m", "otherwise": "undo"})
    story.incident = replace(story.incident, attempts=(begun,))
    story.act()
    assert story.state is ActionState.ESCALATED
    assert story.attempt().why.startswith("whether it helped cannot be told: `hold: 20m` is not shorter")
    assert not story.asked(Act)
    assert notes(story)[-1].summary == "INC-7/1 roll-back: escalated: a person is needed"


@pytest.mark.parametrize("otherwise", [["undo", "escalate"], ["next"], ["escalate"]])
@pytest.mark.parametrize("verifying", [False, True])
def test_what_somebody_changes_back_is_left_to_people_whatever_the_rules_want_to_follow(
    otherwise: list[str], verifying: bool
) -> None:
    follows = replace(DONE, follow=True)
    story = Story(
        an_action(verify=helped(otherwise=otherwise)),
        an_action("scale", "kubernetes.scale", verify=helped()),
    ).open()
    story.preview()
    story.preview(lock="default/deployment/prod/web")
    story.say("no", number=2)
    story.say("yes", number=1)
    story.preview()
    story.act(follows)
    if verifying:
        story.follow()
        assert story.attempt(1).state is ActionState.VERIFYING
    offered = len(story.incident.attempts)
    story.follow(reverted="Argo CD")
    first = story.attempt(1)
    assert (first.state, first.why) == (ActionState.REVERTED, "Argo CD changed it back")
    assert not story.asked(Act)
    assert len(story.incident.attempts) == offered
    assert [n.summary for n in notes(story) if "roll-back" in n.summary][-1:] == [
        "INC-7/1 roll-back: reverted: a person is needed"
    ]


def test_a_reading_of_an_earlier_look_counts_for_no_later_one() -> None:
    story = running(an_action(verify=helped(hold="1m")))
    story.act()
    story.verify()
    story.turn(after=30)
    story.rate = 0.001
    (now,) = [one for one in story.asked(Diagnose) if one.attempt and one.name == "rate"]
    answer = story.reading(now)
    story.turn(replace(answer, round=now.round - 1))
    verification = story.attempt().verification
    assert verification is not None
    assert verification.readings["rate"].running


def test_a_check_that_passed_needs_no_target_that_is_ready() -> None:
    checked = an_action(verify={"run": "smoke", "until": "rate.value < 0.01", "within": "5m"})
    story = running(playbook=a_playbook(checked, an_action("smoke", "kubernetes.run_job"), propose=("roll-back",)))
    story.rate = 0.001
    story.act()
    story.act()
    assert [follow.step for follow in story.asked(Follow)] == [0]
    story.verify()
    assert story.state is ActionState.VERIFIED
