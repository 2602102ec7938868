"""Inputs that nothing suggests: an action is offered without them, and looked at once a person gives them."""

from dataclasses import replace
from typing import Any

import pytest

from responder.model.action import ActionState, Stop
from responder.model.command import Diagnose, Look
from responder.model.finding import Doubt
from responder.model.message import Listing, Message, plain
from responder.model.playbook import DiagnosticStep, TargetTemplate
from responder.model.target import Target
from responder.response.message import living
from tests.response.given import fired
from tests.response.story import Story, a_playbook, an_action

RPS = {"type": "int", "describe": "Requests a second to allow", "refuse": ["inputs.rps < 10"]}
NEEDS = "rps (int): Requests a second to allow"


def limit(**fields: Any) -> Any:
    return an_action(
        "limit", "kubernetes.scale", inputs={"rps": RPS}, **{"params": {"revision": "${inputs.rps}"}, **fields}
    )


def notes(story: Story) -> list[Message]:
    return [note for post in story.incident.posts.values() for note in post.waiting]


def said(message: Message) -> str:
    return "".join(plain(block.text) for block in message.blocks if hasattr(block, "text"))


def test_what_needs_inputs_is_offered_and_says_which() -> None:
    story = Story(limit()).open()
    attempt = story.attempt()
    assert (attempt.state, attempt.wants, len(attempt.digest)) == (ActionState.PROPOSED, (NEEDS,), 16)
    assert attempt.expires_at is not None
    assert not story.asked(Look)
    assert story.incident.doubts == ()
    assert f"limit needs inputs: {NEEDS}" in said(notes(story)[0])
    shown = [block for block in living(story.incident, story.brain, story.now).blocks if isinstance(block, Listing)]
    assert [plain(item.text) for block in shown if block.title == "Needs inputs" for item in block.items] == [NEEDS]


def test_the_first_yes_with_inputs_has_it_looked_at_and_counts_for_what_that_shows() -> None:
    story = Story(limit(guard={"approvals": 2})).open()
    before = story.attempt().digest
    story.say("yes", inputs={"rps": 50})
    attempt = story.attempt()
    assert (attempt.inputs, attempt.wants, attempt.steps[0].params) == ({"rps": 50}, (), {"revision": 50})
    assert [look.steps[0].params for look in story.asked(Look)] == [{"revision": 50}]
    story.preview()
    attempt = story.attempt()
    assert (attempt.state, attempt.approved_by) == (ActionState.PROPOSED, ("ann",))
    assert attempt.digest not in ("", before)
    story.say("yes", "bob", digest=before, inputs={"rps": 50})
    assert "has changed since" in story.refused[-1]
    story.say("yes", "bob", inputs={"rps": 50})
    story.preview()
    assert story.state is ActionState.RUNNING


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({}, f"it needs the input {NEEDS}"),
        ({"rps": "many"}, "the input rps cannot be taken: a whole number is wanted"),
        ({"rps": 5}, "the input rps is never allowed to be so: inputs.rps < 10"),
        ({"burst": 5}, "it takes no input burst"),
    ],
)
def test_a_yes_without_good_inputs_does_not_count(inputs: dict[str, Any], why: str) -> None:
    story = Story(limit()).open()
    story.say("yes", inputs=inputs)
    assert (story.state, story.refused) == (ActionState.PROPOSED, [why])
    assert not story.asked(Look)


def test_broken_glass_gives_no_inputs() -> None:
    story = Story(limit()).open()
    story.say("break_glass", roles=("admin",), why="now")
    assert story.refused == [f"it needs inputs, which an approval gives: {NEEDS}"]


def test_what_needs_inputs_never_goes_by_itself() -> None:
    story = Story(limit(mode="auto")).open()
    for _ in range(3):
        story.turn(after=60)
        story.look_at()
    assert (story.state, story.starts) == (ActionState.PROPOSED, [])
    assert "It does not go on by itself: it takes inputs, which a person gives." in said(notes(story)[0])
    assert len(notes(story)) == 1


def test_what_needs_inputs_waits_while_it_must_not_be_done() -> None:
    story = Story(limit(), stop=Stop("bob", Story().now)).open()
    assert story.state is ActionState.BLOCKED
    story.change(stop=None)
    story.turn(after=600)
    assert (story.state, story.attempt().wants) == (ActionState.PROPOSED, (NEEDS,))
    assert not story.asked(Look)


def test_what_needs_inputs_expires_and_is_asked_again_by_a_person_only() -> None:
    story = Story(limit()).open()
    story.turn(after=15 * 60)
    assert story.state is ActionState.EXPIRED
    for _ in range(3):
        story.look_at()
        story.turn(after=600)
    assert len(story.incident.attempts) == 1
    story.say("yes")
    assert (story.attempt().number, story.state, story.attempt().wants) == (2, ActionState.PROPOSED, (NEEDS,))
    assert story.attempt().digest


def test_an_input_may_name_what_it_is_done_to() -> None:
    pod = TargetTemplate(kind="Pod", namespace="prod", name="${inputs.pod}")
    wanted = {"pod": {"type": "string", "describe": "The suspect"}}
    story = Story(an_action(target=pod, inputs=wanted)).open()
    attempt = story.attempt()
    assert attempt.wants == ("pod (string): The suspect",)
    assert attempt.steps[0].target == Target("default", "Pod", "prod")
    story.say("yes", inputs={"pod": "api-7d9f-x2k4m"})
    assert story.asked(Look)[0].steps[0].target == Target("default", "Pod", "prod", "api-7d9f-x2k4m", "api")


def test_a_sequence_needs_the_inputs_of_its_steps() -> None:
    story = Story(an_action("both", "", do=("limit", "roll-back"), params={}), limit(), an_action()).open()
    attempt = story.attempt()
    assert (attempt.wants, [step.plugin for step in attempt.steps]) == (
        (NEEDS,),
        ["kubernetes.scale", "kubernetes.rollout_undo"],
    )
    story.say("yes", inputs={"rps": 50})
    assert [step.params for step in story.attempt().steps] == [{"revision": 50}, {"revision": 6}]


@pytest.mark.parametrize("brain", [{"automation": "suggest"}, {}], ids=["ceiling", "own mode"])
def test_what_is_only_suggested_is_not_offered_without_its_inputs(brain: dict[str, Any]) -> None:
    story = Story(limit(mode="approve" if brain else "suggest"), **brain).open()
    assert story.incident.attempts == ()
    assert story.incident.doubts == (Doubt("limit", "the input rps is not given"),)


def test_what_lacks_more_than_inputs_is_not_offered() -> None:
    story = Story(limit(params={"revision": "${inputs.rps}", "other": "${labels.pod}"})).open()
    assert story.incident.attempts == ()
    assert [doubt.why for doubt in story.incident.doubts] == ["no label pod"]


def test_nobody_is_asked_for_what_may_yet_be_suggested() -> None:
    suggested = an_action(
        "limit",
        "kubernetes.scale",
        inputs={"rps": {"type": "int", "suggest": "int(more.value * 100.0)"}},
        params={"revision": "${inputs.rps}"},
    )
    playbook = a_playbook(suggested)
    more = DiagnosticStep("more", "prometheus.query")
    story = Story(playbook=replace(playbook, diagnostics=(*playbook.diagnostics, more)))
    story.turn(fired(story.alert).what, after=0)
    rate, other = sorted(story.asked(Diagnose), key=lambda one: one.name, reverse=True)
    story.turn(story.reading(rate))
    assert (story.incident.attempts, story.incident.doubts) == ((), ())
    story.turn(replace(story.reading(other), reading=replace(story.reading(rate).reading, name="more")))
    assert (story.attempt().wants, story.attempt().inputs) == ((), {"rps": 20})
