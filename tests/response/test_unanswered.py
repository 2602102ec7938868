"""Looks whose answers are lost: no attempt waits for one for ever, and no effect is asked for twice."""

from dataclasses import replace
from typing import Any

import pytest

from responder.model.action import ActionState
from responder.model.command import Act, Follow, Look
from responder.model.timeline import Previewed
from tests.response.story import DONE, Story, an_action
from tests.response.test_carrying import BEFORE, SCALED, between, seen

FOLLOWED = replace(DONE, follow=True)


def lost(story: Story, kind: type[Look] | type[Follow]) -> Any:
    """Lose the command that is waited for, so that nobody answers it."""
    (command,) = story.asked(kind)
    del story.commands[command.key]
    return command


def wait(story: Story) -> None:
    """Wait until the attempt wants to be looked at again."""
    story.turn(after=(story.timers["attempt/1"] - story.now).total_seconds())


def begun() -> Story:
    """Let an attempt begin."""
    story = Story().open()
    story.preview()
    story.say("yes")
    story.preview()
    return story


def test_a_look_between_two_steps_that_nobody_answers_is_asked_for_again() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    old = lost(story, Look)
    wait(story)
    (look,) = story.asked(Look)
    assert (look.first, look.key != old.key, story.state) == (1, True, ActionState.RUNNING)
    story.turn(Previewed(old.attempt, old.look, (seen(SCALED),)))
    assert not story.asked(Act)
    story.preview(seen(SCALED))
    assert [act.step for act in story.asked(Act)] == [1]


def test_a_sequence_whose_next_step_nobody_can_look_at_ends_and_says_so() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    for _ in range(10):
        if story.state is not ActionState.RUNNING:
            break
        lost(story, Look)
        wait(story)
    assert story.state is ActionState.FAILED
    assert story.attempt().why == "only 1 of 2 steps were done: nobody could look at it for 1h"
    assert not story.asked(Act)


def test_an_attempt_that_was_stored_without_such_a_moment_gets_one() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    lost(story, Look)
    story.incident = replace(story.incident, attempts=(replace(story.attempt(), retry_at=None),))
    story.timers.clear()
    story.turn()
    wait(story)
    assert story.asked(Look)


def test_a_rollout_that_nobody_tells_of_is_looked_at_again() -> None:
    story = begun()
    story.act(FOLLOWED)
    old = lost(story, Follow)
    wait(story)
    (follow,) = story.asked(Follow)
    assert follow.key != old.key
    story.follow()
    assert story.state is ActionState.DONE


@pytest.mark.parametrize(
    ("undo", "why"),
    [(False, "nobody could look at it for 1h"), (True, "whether it was undone cannot be told: nobody could look")],
)
def test_what_nobody_can_follow_fails_after_an_hour(undo: bool, why: str) -> None:
    story = begun()
    story.act(DONE if undo else FOLLOWED)
    if undo:
        story.say("undo")
        story.act(FOLLOWED)
    for _ in range(10):
        if not story.state.live:
            break
        lost(story, Follow)
        wait(story)
    assert story.state is ActionState.FAILED
    assert why in story.attempt().why


@pytest.mark.parametrize("blocked", [False, True])
def test_what_people_wait_for_is_looked_at_again_when_nobody_did(blocked: bool) -> None:
    story = Story().open()
    if blocked:
        story.preview(refusal="there is no revision 6")
        wait(story)
    lost(story, Look)
    while not story.asked(Look):
        wait(story)
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_a_yes_that_grew_old_while_nobody_looked_starts_nothing() -> None:
    story = Story().open()
    story.preview()
    story.say("yes")
    lost(story, Look)
    story.timers.clear()
    story.turn(after=24 * 3600)
    assert (story.state, story.attempt().approvals) == (ActionState.PROPOSED, ())
    story.preview()
    assert not story.asked(Act)
    story.say("yes")
    story.preview()
    assert story.asked(Act)


def test_a_yes_whose_look_was_lost_starts_it_after_another_one() -> None:
    story = Story(an_action("roll-back", guard={"approve_within": "1h"})).open()
    story.preview()
    story.say("yes")
    lost(story, Look)
    wait(story)
    story.preview()
    assert story.asked(Act)


def test_an_effect_is_never_asked_for_again_by_itself() -> None:
    story = begun()
    (act,) = story.asked(Act)
    del story.commands[act.key]
    assert "attempt/1" not in story.timers
    for _ in range(5):
        story.turn(after=3600)
    assert not story.asked(Act)
    assert story.state is ActionState.RUNNING
