"""What has come to be forbidden is shown to nobody as something to do, whenever the incident opened."""

from typing import Any

import pytest

from responder.model.action import ActionState
from responder.model.message import Buttons
from responder.model.playbook import ActionStep
from responder.model.timeline import Proposed
from responder.response.message import living
from tests.response.story import Story, an_action, asked
from tests.response.test_message import shown

FORBIDDEN = ("kubernetes.rollout_undo",)
TOLD = "kubernetes.rollout_undo is forbidden during such an incident"


def text_of(story: Story) -> str:
    return shown(living(story.incident, story.brain, story.now))


def pressable(story: Story) -> list[str]:
    blocks = living(story.incident, story.brain, story.now).blocks
    return [button.label for block in blocks if isinstance(block, Buttons) for button in block.buttons]


def commands(story: Story) -> tuple[str, ...]:
    (command,) = story.brain.command_of(an_action(), an_action().params, story.incident.target)
    assert command
    return (command,)


SEQUENCE = (an_action("both", "", do=("one",), params={}), an_action("one"))


@pytest.mark.parametrize("actions", [(an_action(),), SEQUENCE], ids=["an action", "a sequence"])
def test_a_suggestion_that_the_newest_playbook_forbids_is_shown_without_its_commands(
    actions: tuple[ActionStep, ...],
) -> None:
    story = Story(*actions, automation="suggest").open()
    (command,) = commands(story)
    assert command in text_of(story)
    story.change(forbidden=FORBIDDEN)
    story.turn()
    text = text_of(story)
    assert (command in text, TOLD in text) == (False, True)
    (proposal,) = story.incident.proposals
    assert (proposal.commands, proposal.forbidden) == ((), TOLD)
    told = [event.what.commands for event in story.records if isinstance(event.what, Proposed)]
    assert told == [(command,), ()]
    story.change(forbidden=())
    story.turn()
    assert command in text_of(story)


def test_what_it_includes_counts_and_what_cannot_be_told_is_not_shown() -> None:
    def nobody_knows(step: ActionStep, params: object) -> tuple[str, ...]:
        raise ValueError("half of a parameter")

    story = Story(automation="suggest", entails=lambda step, params: ("kubernetes.rollout_restart",)).open()
    story.change(forbidden=("kubernetes.rollout_restart",))
    story.turn()
    assert "would do kubernetes.rollout_restart here" in story.incident.proposals[0].forbidden
    story.change(forbidden=("kubernetes.scale",), entails=nobody_knows)
    story.turn()
    assert "cannot be told" in story.incident.proposals[0].forbidden
    assert commands(story)[0] not in text_of(story)


def test_who_is_asked_is_shown_no_commands_any_more_and_cannot_say_yes() -> None:
    story = asked()
    (command,) = commands(story)
    assert (command in text_of(story), pressable(story)) == (True, ["Approve", "Reject"])
    story.change(forbidden=FORBIDDEN)
    story.turn()
    text = text_of(story)
    assert (command in text, TOLD in text, "cannot be done now" in text) == (False, True, True)
    assert (story.state, pressable(story)) == (ActionState.PROPOSED, ["Reject"])
    story.say("yes")
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, TOLD)


def test_it_can_be_done_again_when_it_is_forbidden_no_more() -> None:
    story = asked()
    story.change(forbidden=FORBIDDEN)
    story.turn()
    story.change(forbidden=())
    story.turn()
    assert (commands(story)[0] in text_of(story), pressable(story)) == (True, ["Approve", "Reject"])


def test_inputs_that_are_still_to_be_given_forbid_nothing() -> None:
    def nobody_knows(step: ActionStep, params: Any) -> tuple[str, ...]:
        raise ValueError(f"half of a parameter: {params}")

    wanting = an_action(params={"revision": "${inputs.n}"}, inputs={"n": {"type": "int"}})
    story = Story(wanting, entails=nobody_knows, forbidden=("kubernetes.scale",)).open()
    assert (story.attempt().wants, story.attempt().forbidden) == (("n (int)",), "")
    story.change(forbidden=FORBIDDEN)
    story.turn()
    assert story.attempt().forbidden == TOLD
