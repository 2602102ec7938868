"""Who is called, where, how loudly, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.model import codec
from responder.model.action import ActionState, Outcome
from responder.model.command import Notify, Page
from responder.model.message import Buttons, Mention, Message, Paragraph, Purpose, plain
from responder.model.receiver import Receiver
from responder.model.timeline import Acknowledged, ActionAsked, Notified, Paged
from responder.response import message
from tests.response.given import CHAT, HOOK, PAGER
from tests.response.story import GOOD, UNTIL, Story, an_action, asked, running

SECURITY = Receiver("default/security", "slack")
BY = {"incidents": CHAT, "on-call": PAGER, "leads": HOOK, "security": SECURITY}


def receivers(roles: Sequence[str], team: str) -> tuple[Receiver, ...]:
    return tuple(BY[role] for role in roles if role in BY)


def waiting(story: Story, receiver: Receiver = CHAT) -> list[Message]:
    return list(story.incident.posts[receiver.name].waiting)


def is_loud(note: Message) -> bool:
    """Whether it mentions people where they see it: nobody follows the thread of a message that nobody has read."""
    texts = [block.text for block in note.blocks if isinstance(block, Paragraph)]
    return note.broadcast and any(isinstance(part, Mention) for text in texts for part in text)


def pressed(note: Message) -> list[str]:
    return [button.label for block in note.blocks if isinstance(block, Buttons) for button in block.buttons]


def paging(story: Story) -> list[Page]:
    """Let every pager take what it is told, and return that."""
    told: list[Page] = []
    for _ in range(6):
        pages: list[Page] = story.asked(Page)
        if not pages:
            break
        for page in pages:
            del story.commands[page.key]
            told.append(page)
            story.turn(Paged(page.receiver, page.event, page.sequence, page.about), after=0)
    return told


def severe(*actions: Any, **brain: Any) -> Story:
    """Begin a story whose severity has a pager and a receiver that cannot be edited."""
    story = Story(*actions, receivers=receivers, **brain)
    story.incident = replace(story.incident, severity="P0")
    story.open()
    paging(story)
    return story


# --- the glass ---


def test_broken_glass_is_told_to_everybody_with_the_reason_and_what_it_goes_past() -> None:
    story = severe(an_action(guard={"windows": [{"freeze": True}], "approvals": 2}))
    story.preview()
    (against,) = story.attempt().blocks
    before = {name: len(post.waiting) for name, post in story.incident.posts.items()}
    story.say("break_glass", "eve", roles=("admin",), why="all of checkout is down")
    for name, post in story.incident.posts.items():
        (note,) = post.waiting[before[name] :]
        told = " ".join(plain(block.text) for block in note.blocks if isinstance(block, Paragraph))
        assert "eve broke the glass: all of checkout is down" in told
        assert f"It goes past this: {against}; the yes of 2 people." in told
        assert is_loud(note)


def test_the_living_message_keeps_the_reason_of_who_broke_the_glass() -> None:
    story = asked(an_action(guard={"windows": [{"freeze": True}]}))
    story.say("break_glass", "eve", roles=("admin",), why="all of checkout is down")
    told = codec.MESSAGE.dump(message.living(story.incident, story.brain, story.now))
    assert "GLASS BROKEN" in told
    assert "all of checkout is down" in told


# --- asked ---


def test_the_receivers_of_who_may_say_yes_are_asked_and_see_the_incident() -> None:
    story = asked(an_action(guard={"approvers": ["security"]}), receivers=receivers)
    assert set(story.incident.posts) == {CHAT.name, SECURITY.name}
    assert waiting(story) == []
    (note,) = waiting(story, SECURITY)
    assert "to be decided" in note.summary
    assert (is_loud(note), pressed(note)) == (True, ["Approve", "Reject"])
    living = [n for n in story.asked(Notify) if n.receiver == SECURITY.name]
    assert [n.purpose for n in living] == [Purpose.MESSAGE]
    story.turn(Notified(SECURITY.name, Purpose.MESSAGE, 1, {"ts": "1"}))
    assert any(n.purpose is Purpose.REPLY and n.receiver == SECURITY.name for n in story.asked(Notify))


def test_who_is_asked_learns_who_may_say_yes_and_how_many_do() -> None:
    def said(story: Story) -> str:
        (note,) = [each for each in waiting(story) if "to be decided" in each.summary]
        return "".join(getattr(part, "text", "") for b in note.blocks if isinstance(b, Paragraph) for part in b.text)

    assert "It takes the yes of somebody until" in said(asked(an_action()))
    role = {"approvals": 2, "approvers": ["lead", "boss"]}
    assert "It takes the yes of 2 people with the role lead or boss until" in said(asked(an_action(guard=role)))
    story = Story(an_action(mode="suggest", plugin="kubernetes.scale", guard=role)).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    story.preview()
    told = "It takes the yes of 2 people with the role lead or boss other than ann, who asks for it, until"
    assert told in said(story)


@pytest.mark.parametrize("role", ["on-call", "nobody"], ids=["only a pager", "no receiver"])
def test_where_who_may_say_yes_has_no_receiver_all_are_asked(role: str) -> None:
    story = asked(an_action(guard={"approvers": [role]}), receivers=receivers)
    assert ["to be decided" in note.summary for note in waiting(story)] == [True]


def test_people_are_asked_once_for_what_they_see() -> None:
    story = asked()
    for _ in range(5):
        story.turn(after=60)
        story.look_at()
    assert len(waiting(story)) == 1


def test_who_was_asked_in_vain_is_told_how_to_ask_again_once() -> None:
    story = asked(an_action(guard={"approvers": ["security"]}), receivers=receivers)
    story.turn(after=15 * 60)
    story.turn(after=600)
    notes = waiting(story, SECURITY)
    assert ["nobody decided in time" in note.summary for note in notes] == [False, True]
    assert (is_loud(notes[-1]), pressed(notes[-1])) == (True, ["Ask again"])


def test_a_receiver_that_cannot_be_edited_is_asked_too() -> None:
    story = severe()
    for command in story.asked(Notify):
        del story.commands[command.key]
        story.turn(Notified(command.receiver, command.purpose, command.sequence, {}), after=0)
    story.preview()
    notes = [n for n in story.asked(Notify) if n.receiver == HOOK.name and n.purpose is Purpose.REPLY]
    assert len(notes) == 1


def test_who_may_decide_is_reminded_of_what_was_meant_for_a_while() -> None:
    temporary = an_action(guard={"approvers": ["security"]}, temporary=timedelta(hours=4))
    story = asked(temporary, receivers=receivers)
    story.say("yes", roles=("security",))
    story.preview()
    story.act()
    story.turn(after=4 * 3600)
    note = waiting(story, SECURITY)[-1]
    assert "still stands" in note.summary
    assert (is_loud(note), pressed(note)) == (True, ["Undo"])


# --- called ---


def by_itself(**fields: Any) -> Story:
    story = severe(an_action(mode="auto", **fields))
    story.preview()
    story.preview()
    assert story.state is ActionState.RUNNING
    return story


def test_what_failed_by_itself_calls_people_once() -> None:
    story = by_itself()
    story.act(Outcome("failed", "forbidden"))
    loud = [note.summary for note in waiting(story) if is_loud(note)]
    assert loud == ["INC-7/1 roll-back: failed: a person is needed"]
    for _ in range(3):
        story.turn(after=600)
    assert len([note for note in waiting(story) if is_loud(note)]) == 1


def test_what_is_in_doubt_by_itself_wakes_people_once_also_when_they_say_that_it_did_not_happen() -> None:
    story = by_itself()
    story.act(Outcome("in_doubt", "no answer came"))
    assert [(page.event, page.about) for page in paging(story)] == [("trigger", "1")]
    story.say("not_happened")
    assert story.state is ActionState.FAILED
    assert len([note for note in waiting(story) if is_loud(note)]) == 1
    assert paging(story) == []


def test_a_doubt_warns_that_who_only_stands_still_may_yet_do_it() -> None:
    story = running()
    story.act(
        Outcome("in_doubt", "node-1 (process 12), at it since 2026-11-21 14:03:00 UTC, did not say what came of it")
    )
    (note,) = [note for note in waiting(story) if is_loud(note) and "in doubt" in note.summary]
    texts = [block.text for block in note.blocks if isinstance(block, Paragraph)]
    told = "".join(getattr(part, "text", "") for text in texts for part in text)
    assert "node-1 (process 12), at it since" in told
    assert "a replica that only stands still may yet do it when it goes on" in told
    assert {"It happened", "It did not happen"} <= set(pressed(note))


def test_what_a_person_approved_and_failed_is_told_and_wakes_nobody() -> None:
    story = severe()
    story.preview()
    story.say("yes")
    story.preview()
    story.act(Outcome("failed", "forbidden"))
    assert not is_loud(waiting(story)[-1])
    assert paging(story) == []


def escalated() -> Story:
    story = by_itself(verify={"until": UNTIL, "within": "5m"})
    story.act()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert story.state is ActionState.ESCALATED
    return story


def test_an_escalation_wakes_people_anew_and_is_over_with_the_incident() -> None:
    story = escalated()
    (page,) = paging(story)
    assert (page.receiver, page.event, page.about) == (PAGER.name, "trigger", "1")
    assert page.say.startswith("INC-7/1 roll-back: escalated, a person is needed: rate.value < 0.01 does not hold")
    story.turn(after=900)
    assert paging(story) == []
    story.rate = 0.0
    story.heal()
    for _ in range(10):
        story.look_at()
        story.turn(after=60)
    assert sorted((page.event, page.about) for page in paging(story)) == [("resolve", ""), ("resolve", "1")]


def test_an_escalation_wakes_also_when_somebody_has_the_incident_and_stops_when_another_takes_it() -> None:
    story = by_itself(verify={"until": UNTIL, "within": "5m"})
    story.turn(Acknowledged("ann"))
    paging(story)
    story.act()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert [(page.event, page.about) for page in paging(story)] == [("trigger", "1")]
    story.turn(Acknowledged("bob"))
    assert ("acknowledge", "1") in [(page.event, page.about) for page in paging(story)]


def test_a_dry_run_wakes_nobody() -> None:
    story = severe(an_action(mode="auto"), dry_run=True)
    story.preview()
    story.preview()
    story.act(Outcome("failed", "forbidden"))
    assert paging(story) == []


def test_where_there_is_no_pager_people_are_called_in_chat() -> None:
    story = running(an_action(mode="auto"), automation="approve")
    story.act(Outcome("done", "put"))
    story.say("undo")
    story.act(Outcome("failed", "forbidden"))
    assert is_loud(waiting(story)[-1])
    assert story.incident.pagings == {}
    assert GOOD.undo is not None
