"""What did not help is not done again by itself, whichever incident calls for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from responder.model.action import ActionState, Run
from responder.model.command import Act, Look
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


# --- what nothing verifies ---


def spoken(story: Story) -> str:
    waiting = [note for post in story.incident.posts.values() for note in post.waiting]
    return " ".join(plain(b.text) for note in waiting for b in note.blocks if hasattr(b, "text"))


@pytest.mark.parametrize("outcome", ["done", "undone", ""])
def test_what_nothing_verifies_goes_by_itself_once_a_day_on_one_object(outcome: str) -> None:
    story = Story(an_action(mode="auto"), usage=(a_run(outcome, hours=23),)).open()
    story.preview()
    assert (story.state, story.starts) == (ActionState.PROPOSED, [])
    assert "It does not go on by itself: kubernetes.rollout_undo on deployment/api in prod" in spoken(story)
    if outcome == "done":
        told = "ran at 2026-11-20 13:00 UTC (INC-3/1), and without a `verify` nothing says whether that helped."
        assert told in spoken(story)


@pytest.mark.parametrize(
    ("verify", "run"),
    [
        ({"until": "rate.value < 0.01"}, a_run("done")),
        ({"run": "roll-back"}, a_run("done")),
        ({}, a_run("done", hours=24)),
        ({}, a_run("done", lock="default/deployment/prod/web")),
        ({}, a_run("done", plugin="kubernetes.scale")),
        ({}, a_run("refused")),
        ({}, a_run("verified")),
    ],
    ids=["verified", "shown by a job", "a day ago", "another object", "another action", "nothing done", "helped"],
)
def test_what_is_verified_or_was_not_done_lately_goes_by_itself(verify: dict[str, str], run: Run) -> None:
    story = Story(an_action(mode="auto", verify=verify), usage=(run,)).open()
    story.preview()
    assert story.state is ActionState.APPROVED


def test_what_only_reads_and_keeps_goes_by_itself_as_often_as_it_is_called_for() -> None:
    run = a_run("done", plugin="evidence.capture")
    story = Story(an_action("keep", "evidence.capture", mode="auto"), usage=(run,)).open()
    story.preview()
    assert story.state is ActionState.APPROVED


def test_a_finding_that_comes_and_goes_restarts_nothing_again_and_again() -> None:
    story = Story(an_action("restart", "kubernetes.rollout_restart", mode="auto")).open()
    for _ in range(6):
        while story.asked(Look):
            story.preview()
        if story.asked(Act):
            story.act()
            story.change(usage=tuple(replace(run, ended_at=story.now, outcome="done") for run in story.starts))
        for rate in (0.01, 0.3):
            story.rate = rate
            story.turn(after=600)
            story.look_at()
    assert len(story.starts) == 1
    assert "without a `verify` nothing says whether that helped" in spoken(story)


# --- what was taken back ---


def taken_back_and_called_for_again(*, verified: bool, hours: float, by: str = "ann") -> Story:
    verify = {"until": "rate.value < 0.01", "within": "5m"} if verified else {}
    story = Story(an_action(mode="auto", verify=verify, temporary=timedelta(hours=4))).open()
    story.preview()
    story.preview()
    story.rate = 0.001
    story.act()
    if verified:
        story.verify()
    story.turn(after=600)
    story.look_at()
    story.turn(after=hours * 3600)
    story.look_at()
    story.say("undo", by)
    story.act()
    assert story.state is ActionState.UNDONE
    story.rate = 0.3
    for _ in range(2):
        story.turn(after=600)
        story.look_at()
    return story


@pytest.mark.parametrize("verified", [True, False])
def test_what_helped_for_the_time_it_was_meant_for_is_done_again_when_it_is_called_for(verified: bool) -> None:
    story = taken_back_and_called_for_again(verified=verified, hours=4.1)
    assert len(story.incident.attempts) == 2
    story.preview()
    assert story.state is ActionState.APPROVED
    assert "did not help" not in spoken(story)


def test_what_helped_and_a_person_took_back_before_its_time_waits_for_a_person() -> None:
    story = taken_back_and_called_for_again(verified=True, hours=1)
    story.preview()
    assert story.state is ActionState.PROPOSED
    told = "It does not go on by itself: ann undid kubernetes.rollout_undo on deployment/api in prod before (INC-7/1)."
    assert told in spoken(story)
    assert "did not help" not in spoken(story)


def test_what_nobody_knows_to_have_helped_and_a_person_took_back_is_not_proposed_again() -> None:
    story = taken_back_and_called_for_again(verified=False, hours=1)
    assert len(story.incident.attempts) == 1


def test_an_alternative_does_not_go_by_itself_because_what_helped_was_taken_back() -> None:
    story = Story(
        an_action(mode="auto", verify={"until": "rate.value < 0.01", "within": "5m", "otherwise": ["next"]}),
        an_action("scale", "kubernetes.scale", mode="auto", verify={"until": "rate.value < 0.01", "within": "5m"}),
    ).open()
    for _ in range(2):
        story.preview()
    story.preview()
    assert story.attempt(2).state is ActionState.PROPOSED
    story.rate = 0.001
    story.act()
    story.verify()
    assert story.attempt(1).state is ActionState.VERIFIED
    story.say("undo", number=1)
    story.act()
    story.rate = 0.3
    for _ in range(3):
        story.turn(after=600)
        story.look_at()
    assert story.attempt(1).state is ActionState.UNDONE
    assert {run.plugin for run in story.starts} == {"kubernetes.rollout_undo"}
