"""Taking back a sequence: backwards, as far as that can be; what stays is said."""

from datetime import timedelta

import pytest

from responder.model.action import ActionState, Outcome
from responder.model.command import Act
from responder.model.message import Buttons
from responder.response.message import living
from tests.response.story import Story, a_playbook, an_action, running
from tests.response.test_attempts import helped, notes

PLUGINS = {
    "keep": "evidence.capture",
    "scale": "kubernetes.scale",
    "restart": "kubernetes.rollout_restart",
    "roll-back": "kubernetes.rollout_undo",
}


def done(*names: str, **fields: object) -> Story:
    """Do a sequence, up to its end."""
    steps = [an_action(name, PLUGINS[name]) for name in names]
    story = running(an_action("all", "", do=names, params={}, **fields), *steps)
    for _ in names:
        story.act()
    return story


def offered(story: Story) -> dict[str, str]:
    blocks = living(story.incident, story.brain, story.now).blocks
    return {button.label: button.confirm for block in blocks if isinstance(block, Buttons) for button in block.buttons}


def taken_back(story: Story) -> list[int]:
    """Let everything that is asked for be taken back; returns which steps were, in their order."""
    places = []
    while acts := story.asked(Act):
        assert acts[0].undo
        places.append(acts[0].step)
        story.act()
    return places


def alarms(story: Story) -> list[str]:
    return [note.summary for note in notes(story) if "a person is needed" in note.summary]


@pytest.mark.parametrize("names", [("keep", "roll-back"), ("roll-back", "keep"), ("scale", "keep", "roll-back")])
def test_what_only_reads_and_keeps_does_not_stand_in_the_way_of_taking_back(names: tuple[str, ...]) -> None:
    story = done(*names)
    assert offered(story)["Undo"] == "This undoes what the action changed."
    story.say("undo", "bob")
    assert taken_back(story) == [place for place in reversed(range(len(names))) if names[place] != "keep"]
    assert story.state is ActionState.UNDONE


def test_a_sequence_with_evidence_that_does_not_help_is_taken_back_by_itself() -> None:
    story = done("keep", "roll-back", verify=helped(otherwise=["undo", "escalate"]))
    story.verify()
    story.turn(after=300)
    story.verify()
    assert taken_back(story) == [1]
    assert story.moves[-4:] == ["ineffective", "undoing", "undone", "escalated"]


def test_what_was_only_kept_is_nothing_to_take_back() -> None:
    story = done("keep", "keep")
    assert "Undo" not in offered(story)
    story.say("undo")
    assert story.refused == ["nothing stands of it that could be undone"]


def test_what_came_after_a_step_that_cannot_be_taken_back_is_and_people_are_called_for_the_rest() -> None:
    story = done("scale", "restart", "roll-back")
    assert "kubernetes.rollout_restart on deployment/api in prod cannot be undone" in offered(story)["Undo"]
    story.say("undo", "bob")
    assert taken_back(story) == [2]
    assert story.state is ActionState.FAILED
    assert story.attempt().why == (
        "only a part of it was undone: kubernetes.rollout_restart on deployment/api in prod cannot be undone; "
        "what still stands: kubernetes.scale on deployment/api in prod, "
        "kubernetes.rollout_restart on deployment/api in prod"
    )
    assert len(alarms(story)) == 1
    assert "Undo" not in offered(story)


def test_a_sequence_that_ends_with_what_cannot_be_taken_back_is_left_as_it_is_and_people_are_called() -> None:
    story = done("scale", "restart", verify=helped(otherwise=["undo"]))
    assert "Undo" not in offered(story)
    story.verify()
    story.turn(after=300)
    story.verify()
    assert taken_back(story) == []
    assert story.state is ActionState.ESCALATED
    assert len(alarms(story)) == 1
    assert "kubernetes.rollout_restart on deployment/api in prod cannot be undone" in story.attempt().why


def test_people_go_on_being_reminded_of_what_was_to_last_for_a_while_and_could_not_be_undone() -> None:
    story = running(an_action(temporary=timedelta(hours=4)))
    story.act()
    story.say("undo")
    story.act(Outcome("failed", "forbidden"))
    assert story.state is ActionState.FAILED
    assert story.timers["attempt/1"] - story.now == timedelta(hours=4)
    before = len(notes(story))
    story.turn(after=4 * 3600 + 1)
    assert [note.summary for note in notes(story)][before:] == ["INC-7/1 roll-back: still stands"]


def test_a_check_that_showed_no_help_is_nothing_to_take_back() -> None:
    checked = an_action(verify={"run": "smoke"})
    story = running(playbook=a_playbook(checked, an_action("smoke", "kubernetes.run_job"), propose=("roll-back",)))
    story.act()
    story.act()
    assert story.state is ActionState.DONE
    story.say("undo")
    assert taken_back(story) == [0]
    assert story.state is ActionState.UNDONE
