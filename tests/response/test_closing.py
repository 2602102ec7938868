"""What was to last only as long as the incident is taken back when that is over."""

from dataclasses import replace
from typing import Any

import pytest

from responder.model.action import ActionState, ActionTraits, Outcome, Stop
from responder.model.command import Act
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from tests.response.given import fired
from tests.response.story import ALL_PARAMS, DONE, TRAITS, Story, UndoParams, an_action, running

SILENCE = "alertmanager.silence"
KNOWN = {**TRAITS, SILENCE: ActionTraits("named", undoable=True, until_resolved=True)}
PARAMS = {**ALL_PARAMS, SILENCE: UndoParams}


def silenced(*actions: ActionStep, **brain: Any) -> Story:
    told = actions or (an_action("quiet", SILENCE),)
    story = running(*told, action=KNOWN.get, plugin_params=PARAMS.get, **brain)
    story.act()
    return story


def quiet(story: Story) -> None:
    """Let the alert end, and the quiet time pass."""
    story.heal()
    story.look_at()
    story.turn(after=story.brain.quiet_for.total_seconds())


def called(story: Story) -> list[str]:
    return [note.summary for post in story.incident.posts.values() for note in post.waiting if "person" in note.summary]


def test_a_silence_ends_with_its_incident_which_waits_for_that() -> None:
    story = silenced()
    quiet(story)
    assert (story.state, story.incident.status) == (ActionState.UNDOING, Status.MONITORING)
    assert [(act.key, act.undo) for act in story.asked(Act)] == [("undo/1/0", True)]
    story.act()
    assert story.state is ActionState.UNDONE
    story.turn(after=0)
    assert story.incident.status is Status.RESOLVED
    assert called(story) == []


def test_the_stop_of_all_automation_does_not_keep_a_silence_standing() -> None:
    story = silenced()
    story.change(stop=Stop("bob", story.now))
    quiet(story)
    assert story.state is ActionState.UNDOING


@pytest.mark.parametrize("status", ["failed", "not_done", "in_doubt"])
def test_a_silence_that_cannot_be_ended_keeps_no_incident_open_and_calls_people(status: Any) -> None:
    story = silenced()
    quiet(story)
    story.act(Outcome(status, "Alertmanager is away"))
    story.turn(after=0)
    assert story.incident.status is Status.RESOLVED
    notes = [note.summary for post in story.incident.posts.values() for note in post.waiting]
    assert any("a person is needed" in note or "in doubt" in note for note in notes)
    assert not story.asked(Act)


def test_a_silence_that_may_not_be_ended_keeps_no_incident_open_and_calls_people_once() -> None:
    story = silenced()
    story.change(action={**KNOWN, SILENCE: ActionTraits("named", until_resolved=True)}.get)
    quiet(story)
    assert story.incident.status is Status.RESOLVED
    assert len(called(story)) == len(story.incident.posts)


def test_what_is_to_last_longer_stays_when_the_silence_beside_it_ends() -> None:
    both = (
        an_action("both", "", do=("one", "quiet"), params={}),
        an_action("one", "kubernetes.scale"),
        an_action("quiet", SILENCE),
    )
    story = silenced(*both)
    story.act()
    assert story.state is ActionState.DONE
    quiet(story)
    assert [(act.step, act.undo) for act in story.asked(Act)] == [(1, True)]
    story.act()
    story.turn(after=0)
    assert (story.state, story.attempt().ending) == (ActionState.DONE, None)
    assert story.incident.status is Status.RESOLVED
    assert not story.asked(Act)
    story.say("undo")
    assert [(act.step, act.undo) for act in story.asked(Act)] == [(0, True)]


def test_a_silence_that_may_have_been_made_is_ended_too() -> None:
    story = running(an_action("quiet", SILENCE), action=KNOWN.get, plugin_params=PARAMS.get)
    story.act(Outcome("in_doubt", "no answer came"))
    quiet(story)
    assert story.asked(Act)[0].undo
    story.act()
    assert story.state is ActionState.UNDONE


def test_what_was_only_tried_or_changes_for_good_is_not_taken_back_at_the_end() -> None:
    for story in (silenced(dry_run=True), running()):
        if story.state is ActionState.RUNNING:
            story.act(DONE)
        quiet(story)
        assert story.incident.status is Status.RESOLVED
        assert not story.asked(Act)


@pytest.mark.parametrize("verified", [True, False])
def test_what_ended_with_its_incident_had_helped_and_is_done_again_when_that_fires_again(verified: bool) -> None:
    verify = {"until": "rate.value < 0.01", "within": "5m"} if verified else {}
    story = silenced(an_action("quiet", SILENCE, verify=verify))
    story.rate = 0.001
    if verified:
        story.verify()
    quiet(story)
    story.act()
    assert (story.state, story.incident.status) == (ActionState.UNDONE, Status.MONITORING)
    story.turn(fired(replace(story.alert, starts_at=story.now)).what)
    for rate in (0.001, 0.3):
        story.rate = rate
        story.turn(after=600)
        story.look_at()
    assert [(each.name, each.state) for each in story.incident.attempts] == [
        ("quiet", ActionState.UNDONE),
        ("quiet", ActionState.PROPOSED),
    ]
