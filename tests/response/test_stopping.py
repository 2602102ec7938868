"""How an incident tells of the stop of all automation."""

from dataclasses import replace
from datetime import timedelta

from responder.model.action import ActionState, Outcome, Stop
from responder.model.command import Notify
from responder.model.message import Buttons, Mention, Message, Own, Paragraph
from responder.model.timeline import AutomationChanged, Notified
from responder.response import message
from tests.response.given import CHAT, NOON
from tests.response.story import Story, an_action, asked, running

BANNER = Own("AUTOMATION IS STOPPED", "bold")


def first_words(told: Message) -> object:
    """What is read first: a message that says it further down is not loud."""
    block = told.blocks[0]
    return block.text[0] if isinstance(block, Paragraph) else None


def notes(story: Story) -> list[Message]:
    """What is put beside the living message, the newest last."""
    return list(story.incident.posts[CHAT.name].waiting)


def living(story: Story) -> Message:
    return message.living(story.incident, story.brain, story.now)


def buttons(told: Message) -> list[str]:
    return [button.label for block in told.blocks if isinstance(block, Buttons) for button in block.buttons]


def known(story: Story) -> Story:
    """Let the living message be sent, so that there is something to put notes beside."""
    for notify in story.asked(Notify):
        del story.commands[notify.key]
        story.turn(Notified(notify.receiver, notify.purpose, notify.sequence, {"ts": "1"}), after=0)
    return story


def stop(story: Story, until: timedelta | None = None) -> None:
    standing = Stop("bob", story.now, story.now + until if until else None, "we are migrating")
    story.change(stop=standing)
    story.turn(AutomationChanged("bob", stopped=True, why=standing.why, until=standing.until))


def test_a_stop_is_told_at_once_where_an_action_waits() -> None:
    story = known(asked())
    before = len(notes(story))
    stop(story)
    (note,) = notes(story)[before:]
    assert note.summary == "INC-7: all automation is stopped"
    assert first_words(note) == BANNER
    assert any(isinstance(b, Paragraph) and Mention("here") in b.text for b in note.blocks)


def test_a_stop_calls_nobody_where_no_action_waits() -> None:
    story = known(Story(an_action(mode="suggest")).open())
    stop(story)
    assert notes(story) == []
    assert first_words(living(story)) == BANNER


def test_every_note_says_first_that_all_automation_is_stopped() -> None:
    story = known(running())
    stop(story)
    before = len(notes(story))
    story.act(Outcome("in_doubt", "nobody knows"))
    (note,) = notes(story)[before:]
    assert ("in doubt" in note.summary, first_words(note)) == (True, BANNER)


def test_nothing_is_offered_that_the_stop_refuses() -> None:
    story = running(an_action(verify={}))
    story.act()
    while story.state is ActionState.RUNNING:
        story.follow(complete=True)
    assert (story.state, buttons(living(story))) == (ActionState.DONE, ["Undo"])
    stop(story)
    assert buttons(living(story)) == []


def test_who_lifts_it_is_told_and_what_it_blocked_is_looked_at_again() -> None:
    story = Story().open()
    stop(known(story))
    story.preview()
    assert story.state is ActionState.BLOCKED
    story.change(stop=None)
    story.turn(AutomationChanged("ann", stopped=False, why="migrated"))
    assert [note.summary for note in notes(story)][-1] == "INC-7: automation goes on"
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_a_stop_that_runs_out_is_noticed_though_nobody_says_so() -> None:
    story = Story().open()
    stop(known(story), until=timedelta(minutes=7))
    story.preview()
    until = story.timers["stop"]
    story.change(stop=None)
    story.turn(after=(until - story.now).total_seconds())
    assert [note.summary for note in notes(story)][-1] == "INC-7: automation goes on"
    assert "stop" not in story.timers
    story.preview()
    assert (story.state, "Approve" in buttons(living(story))) == (ActionState.PROPOSED, True)


def test_a_stop_that_is_lifted_early_is_not_told_again_when_its_time_comes() -> None:
    story = known(asked())
    stop(story, until=timedelta(minutes=7))
    story.change(stop=None)
    story.turn(AutomationChanged("bob", stopped=False))
    told = len(notes(story))
    assert "stop" not in story.timers
    story.turn(after=600)
    assert len([note for note in notes(story)[told:] if "automation" in note.summary]) == 0


def test_a_stop_that_is_drawn_out_ends_at_its_new_time() -> None:
    story = known(asked())
    stop(story, until=timedelta(minutes=7))
    stop(story, until=timedelta(hours=1))
    assert story.timers["stop"] == story.now + timedelta(hours=1) - timedelta(seconds=1)


def test_an_incident_that_opens_under_a_stop_wakes_when_it_ends() -> None:
    until = NOON + timedelta(minutes=7)
    story = Story(stop=Stop("bob", NOON, until)).open()
    assert story.timers["stop"] == until
    story.brain = replace(story.brain, stop=None)
    story.turn(after=600)
    assert story.incident.stopped_until is None
