"""Secrets that people give: an attempt waits for them, names who holds them, and asks again when nobody does."""

from datetime import timedelta
from typing import Any

from responder.model.action import ActionState, Outcome
from responder.model.command import Act, Look
from responder.model.secrecy import Held, secrets_in
from responder.model.timeline import Acted, Previewed
from tests.response.story import DONE, GOOD, Story, an_action, asked

INPUTS = {"token": {"type": "secret"}, "count": {"type": "int", "suggest": "3"}}
GONE = Outcome("not_done", "nobody holds it", lacks=("token",))


def mark(story: Story, by: str = "host/1", *, minutes: float = 15) -> Any:
    return Held(f"ticket-{by}", by, story.now + timedelta(minutes=minutes)).mark


def asking(**guard: Any) -> Story:
    return asked(an_action(inputs=INPUTS, guard=guard))


def test_the_last_yes_does_not_count_before_the_secret_is_given() -> None:
    story = asking()
    story.say("yes")
    assert story.state is ActionState.PROPOSED
    assert story.refused == ["nobody has given the secret token: responder approve INC-7/1 --input token=@FILE"]
    story.say("yes", inputs={"token": mark(story)})
    assert story.state is ActionState.APPROVED


def test_looks_and_effects_of_an_approved_attempt_are_for_who_holds_its_secrets() -> None:
    story = asking()
    story.say("yes", inputs={"token": mark(story)})
    look: Look = story.asked(Look)[0]
    assert (look.held_by, look.tickets) == ("host/1", {"token": "ticket-host/1"})
    story.preview()
    act: Act = story.asked(Act)[0]
    assert (act.held_by, act.tickets, act.last) == ("host/1", {"token": "ticket-host/1"}, True)
    assert story.act(DONE).incident.attempts[0].state is ActionState.DONE


def test_a_look_before_people_are_asked_is_for_anybody() -> None:
    story = Story(an_action(inputs=INPUTS)).open()
    assert story.asked(Look)[0].held_by == ""


def test_a_secret_belongs_not_to_what_is_digested_and_voids_no_yes_of_another() -> None:
    story = asking(approvals=2)
    digest = story.attempt().digest
    story.say("yes", "ann", inputs={"token": mark(story)})
    assert (story.attempt().digest, story.attempt().approved_by) == (digest, ("ann",))
    story.say("yes", "bob", inputs={"token": mark(story, "host/2")})
    assert story.state is ActionState.APPROVED
    assert secrets_in(story.attempt().inputs)["token"].held_by == "host/2"


def test_a_secret_beside_another_value_of_an_input_is_kept_with_it() -> None:
    story = asking()
    story.say("yes", inputs={"token": mark(story), "count": 5})
    assert (story.state, story.attempt().inputs["count"]) == (ActionState.PROPOSED, 5)
    story.preview()
    assert story.state is ActionState.APPROVED
    assert story.asked(Look)[0].held_by == "host/1"


def test_a_secret_that_is_held_for_less_than_a_minute_more_is_as_good_as_none() -> None:
    story = asking()
    story.say("yes", inputs={"token": mark(story, minutes=0.5)})
    assert (story.state, len(story.refused)) == (ActionState.PROPOSED, 1)


def test_what_is_no_mark_is_no_secret_and_a_mark_is_no_other_value() -> None:
    story = asking()
    story.say("yes", inputs={"token": "hunter2"})
    story.say("yes", inputs={"count": mark(story)})
    assert (story.state, len(story.refused)) == (ActionState.PROPOSED, 2)
    assert "hunter2" not in str(story.refused)


def test_a_check_that_finds_no_secret_asks_for_it_again() -> None:
    story = asking()
    story.say("yes", inputs={"token": mark(story)})
    look: Look = story.take(Look)
    story.turn(Previewed(look.attempt, look.look, (GOOD,), ("token",)))
    assert (story.state, story.attempt().approvals, secrets_in(story.attempt().inputs)) == (
        ActionState.PROPOSED,
        (),
        {},
    )
    story.preview()
    assert not story.asked(Act)
    story.say("yes", inputs={"token": mark(story)})
    story.preview()
    assert story.state is ActionState.RUNNING


def test_an_effect_that_was_not_begun_for_want_of_its_secret_is_asked_for_again_and_done_once() -> None:
    story = asking(cooldown="2h", at_most="1 per 1h")
    story.say("yes", inputs={"token": mark(story)})
    story.preview()
    story.act(GONE)
    assert (story.state, len(story.incident.attempts)) == (ActionState.PROPOSED, 1)
    story.preview()
    story.say("yes", inputs={"token": mark(story)})
    story.preview()
    act: Act = story.take(Act)
    assert act.key == "act/1/0/1"
    story.turn(Acted(1, 0, DONE))
    assert story.state is ActionState.DONE


def test_broken_glass_does_not_lead_past_a_missing_secret() -> None:
    story = asking()
    story.say("break_glass", "eve", roles=("admin",), why="now")
    assert (story.state, len(story.refused)) == (ActionState.PROPOSED, 1)
    story.say("break_glass", "eve", roles=("admin",), why="now", inputs={"token": mark(story)})
    assert story.state is ActionState.APPROVED
