"""What people are asked is looked at again in every round of diagnosis, and asked anew only when it moved."""

from dataclasses import replace

import pytest

from responder.model.action import ActionState, Preview
from responder.model.command import Look
from responder.model.message import Message, plain
from responder.model.timeline import ActionMoved
from responder.response.message import living
from tests.response.story import GOOD, Story, an_action, asked


def a_round(story: Story) -> None:
    """Let the next round of diagnosis begin, and be read."""
    story.turn(after=(story.timers["refresh"] - story.now).total_seconds())
    story.look_at()


def notes(story: Story) -> list[Message]:
    return [note for post in story.incident.posts.values() for note in post.waiting]


def test_what_has_not_moved_stays_as_it_was_asked() -> None:
    story = asked(an_action(guard={"approvals": 2, "approve_within": "1h"}))
    story.say("yes")
    before = story.attempt()
    for _ in range(3):
        a_round(story)
        assert len(story.asked(Look)) == 1
        shown = living(story.incident, story.brain, story.now)
        story.preview()
        assert living(story.incident, story.brain, story.now) == shown
    after = story.attempt()
    assert (after.digest, after.expires_at, after.approvals) == (before.digest, before.expires_at, before.approvals)
    assert (len(notes(story)), story.moves) == (1, [])


def test_what_moved_is_asked_anew_and_says_what_and_whose_yes_is_void() -> None:
    story = asked(an_action(guard={"approvals": 2, "approve_within": "1h"}))
    story.say("yes")
    before = story.attempt()
    a_round(story)
    story.preview(basis={"generation": 8})
    after = story.attempt()
    assert (after.state, after.approvals) == (ActionState.PROPOSED, ())
    assert after.digest != before.digest
    every = [event.what for event in story.records if isinstance(event.what, ActionMoved)]
    moved = [move.why for move in every if move.before]
    told = "generation was 7 when it was shown, is 8 now; the yes of ann is void"
    assert moved == [told]
    assert told in "".join(plain(block.text) for block in notes(story)[-1].blocks if hasattr(block, "text"))
    assert len(notes(story)) == 2
    assert after.expires_at is not None
    assert before.expires_at is not None
    assert after.expires_at > before.expires_at


def test_a_yes_counts_while_it_is_looked_at_again() -> None:
    story = asked()
    a_round(story)
    assert story.attempt().pending
    story.say("yes")
    assert story.state is ActionState.APPROVED
    story.preview()
    assert story.state is ActionState.APPROVED
    story.preview()
    assert story.state is ActionState.RUNNING


def test_what_is_looked_at_again_expires_all_the_same() -> None:
    story = asked()
    a_round(story)
    assert story.attempt().pending
    story.turn(after=15 * 60)
    assert story.state is ActionState.EXPIRED
    story.preview()
    assert story.state is ActionState.EXPIRED


def test_what_cannot_be_done_any_more_is_blocked_and_its_yes_void() -> None:
    story = asked(an_action(guard={"approvals": 2}))
    story.say("yes")
    a_round(story)
    story.preview(refusal="the deployment is paused")
    assert (story.state, story.attempt().approvals) == (ActionState.BLOCKED, ())


def test_things_that_come_and_go_are_not_asked_anew() -> None:
    story = Story().open()
    story.preview(among=("a", "b"))
    a_round(story)
    assert not story.asked(Look)


@pytest.mark.parametrize("owner", ["", "Argo CD"])
def test_what_waited_for_the_world_goes_by_itself_once_that_lets_it(owner: str) -> None:
    story = Story(an_action(mode="auto")).open()
    story.preview(owner="Argo CD")
    a_round(story)
    story.preview(replace(GOOD, owner=owner))
    assert story.state is (ActionState.PROPOSED if owner else ActionState.APPROVED)
    assert isinstance(story.attempt().steps[0].preview, Preview)
