"""What did not help is not done again by itself, whichever incident calls for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from responder.model.action import ActionState, Run
from responder.model.message import Note, plain
from responder.response.message import living
from tests.response.given import NOON
from tests.response.story import Story, an_action

LOCK = "default/deployment/prod/api"


def a_run(outcome: str, *, hours: float = 2, lock: str = LOCK, plugin: str = "kubernetes.rollout_undo") -> Run:
    ended = NOON - timedelta(hours=hours)
    began = ended - timedelta(minutes=10)
    return Run(3, 1, plugin, "roll-back", lock, "shop/errors", "prod", "default", began, ended, outcome)


def offered(*runs: Run, mode: str = "auto") -> Story:
    story = Story(an_action(mode=mode), usage=runs).open()
    story.preview()
    return story


@pytest.mark.parametrize("outcome", ["failed", "ineffective", "reverted", "escalated", "undone"])
def test_what_did_not_help_in_another_incident_waits_for_a_person(outcome: str) -> None:
    story = offered(a_run(outcome))
    assert story.state is ActionState.PROPOSED
    why = f"kubernetes.rollout_undo on deployment/api in prod did not help at 10:00 UTC (INC-3/1: {outcome})"
    shown = [plain(b.text) for b in living(story.incident, story.brain, story.now).blocks if isinstance(b, Note)]
    assert f"Beware: {why}" in shown
    (note,) = [note for post in story.incident.posts.values() for note in post.waiting]
    assert f"It does not go on by itself: {why}." in "".join(plain(b.text) for b in note.blocks if hasattr(b, "text"))
    story.say("yes")
    story.preview()
    assert story.state is ActionState.RUNNING


@pytest.mark.parametrize(
    "run",
    [
        a_run("ineffective", hours=25),
        a_run("verified"),
        a_run("refused"),
        a_run("ineffective", lock="default/deployment/prod/web"),
        a_run("ineffective", plugin="kubernetes.scale"),
    ],
    ids=["long ago", "helped", "nothing happened", "another object", "another action"],
)
def test_what_says_nothing_of_it_does_not_hold_it(run: Run) -> None:
    assert offered(run).state is ActionState.APPROVED


def test_a_new_incident_right_after_one_that_was_not_helped_does_not_loop() -> None:
    first = Story(an_action(mode="auto", verify={"until": "rate.value < 0.01", "within": "5m"})).open()
    first.preview()
    first.preview()
    first.act()
    first.verify()
    first.turn(after=300)
    first.verify()
    assert first.state is ActionState.ESCALATED
    ended = replace(first.starts[0], ended_at=NOON, outcome=first.state.value, incident=6)
    second = offered(ended)
    assert second.state is ActionState.PROPOSED
    assert not second.starts


def test_it_is_seen_also_between_the_offer_and_the_start() -> None:
    story = offered()
    assert story.state is ActionState.APPROVED
    story.change(usage=(a_run("ineffective"),))
    story.preview()
    assert story.state is ActionState.REFUSED
    assert "did not help at 10:00 UTC" in story.attempt().why
