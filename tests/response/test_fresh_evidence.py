"""Evidence shows what there is to lose now: neither of before the last episode, nor of before the last such action."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.model.action import ActionState, Kept, Outcome, Run
from responder.model.command import Act, Diagnose, Look
from responder.model.timeline import ActionAsked
from tests.response.given import NOON, an_alert, fired
from tests.response.story import GOOD, Story, an_action, why

LOOK = replace(GOOD, summary="keep logs", lock="default/evidence/INC-7", namespace="prod")
SECRET = replace(GOOD, summary="rotate", lock="default/secret/prod/api")
KEPT = Outcome("done", "kept", kept=(Kept("logs.txt", "00" * 32, 5, "/evidence/logs.txt"),))


def kept(*, guard: dict[str, Any] | None = None, mode: str = "approve", outcome: Outcome = KEPT, **brain: Any) -> Story:
    """Keep evidence, for an action that waits for it."""
    needs = {"evidence": ["keep"]} if guard is None else guard
    story = Story(
        an_action("keep", "evidence.capture", mode=mode),
        an_action("secret", "kubernetes.patch_secret", guard=needs),
        **brain,
    ).open()
    story.preview(LOOK)
    story.preview(SECRET)
    assert "no evidence has been kept yet" in "; ".join(story.attempt(2).blocks)
    if mode == "approve":
        story.say("yes", number=1)
    story.preview(LOOK)
    story.act(outcome)
    story.preview(SECRET)
    assert story.attempt(2).state is ActionState.PROPOSED
    return story


def fires_again(story: Story, *, seconds: float) -> None:
    """Let another alert of the incident begin to fire, so many seconds from now."""
    story.now += timedelta(seconds=seconds)
    other = replace(an_alert(alertname="Restarts"), starts_at=story.now)
    story.turn(fired(other).what, after=1)


def look_again(story: Story) -> None:
    """Let people ask anew for what waits for a yes."""
    story.say("no", number=2)
    story.say("yes", number=2)


def test_evidence_of_before_an_alert_fired_does_not_count() -> None:
    story = kept()
    fires_again(story, seconds=3600)
    look_again(story)
    story.preview(SECRET)
    told = f"no evidence has been kept since an alert fired at {story.now:%H:%M} UTC"
    assert story.attempt(3).blocks == (f"{told}: run the action `keep` first",)


def test_what_was_only_tried_has_kept_nothing_for_what_is_done_in_earnest() -> None:
    story = kept(outcome=Outcome("done", "would keep"), dry_run=True)
    story.change(dry_run=False)
    look_again(story)
    story.preview(SECRET)
    assert not story.attempt(3).dry_run
    assert story.attempt(3).blocks == ("no evidence has been kept yet: run the action `keep` first",)


def test_evidence_counts_while_alerts_go_on_that_fired_before_it() -> None:
    story = kept()
    story.now += timedelta(minutes=10)
    look_again(story)
    story.preview(SECRET)
    assert story.state is ActionState.PROPOSED


def test_an_alert_that_fires_between_the_yes_and_the_start_makes_the_evidence_old() -> None:
    story = kept()
    story.say("yes", number=2)
    fires_again(story, seconds=5)
    story.preview(SECRET)
    assert story.attempt(2).state is ActionState.REFUSED
    assert "no evidence has been kept since an alert fired" in story.attempt(2).why


@pytest.mark.parametrize(
    ("run", "stale"),
    [
        ({}, True),
        ({"lock": "default/deployment/prod/web", "beside": (SECRET.lock,)}, True),
        ({"lock": "default/secret/prod/other"}, False),
        ({"plugin": "kubernetes.scale"}, False),
        ({"dry_run": True}, False),
        ({"undo": True}, False),
        ({"after": -60}, False),
    ],
    ids=str,
)
def test_evidence_of_before_the_same_was_done_to_the_same_object_does_not_count(
    run: dict[str, Any], stale: bool
) -> None:
    """Also where another incident did it; neither for another object, nor after another kind of action."""
    story = kept()
    ended = story.now + timedelta(seconds=run.pop("after", 1))
    made = Run(
        3, 1, "kubernetes.patch_secret", "x", SECRET.lock, "shop/errors", "prod", "default", ended, ended, "done"
    )
    story.change(usage=[replace(made, **run)])
    look_again(story)
    story.preview(SECRET)
    told = f"no evidence has been kept since kubernetes.patch_secret on deployment/api in prod at {ended:%H:%M} UTC"
    assert any(told in block for block in story.attempt(3).blocks) is stale
    assert (story.attempt(3).state is ActionState.BLOCKED) is stale


def test_what_names_no_evidence_needs_some_that_is_as_new() -> None:
    story = kept(guard={})
    fires_again(story, seconds=3600)
    look_again(story)
    story.preview(SECRET)
    told = "kubernetes.patch_secret touches security, and no evidence has been kept since an alert fired at"
    assert why(story).startswith(told)


def test_old_evidence_is_taken_anew_for_what_waits_for_it_and_lets_that_go_on() -> None:
    story = kept(mode="auto")
    fires_again(story, seconds=3600)
    look_again(story)
    story.preview(SECRET)
    assert story.attempt(3).state is ActionState.BLOCKED
    story.turn()
    assert (story.attempt().name, story.attempt().number) == ("keep", 4)
    for _ in range(2):
        story.preview(LOOK)
    story.act(KEPT)
    story.preview(SECRET)
    assert story.attempt(3).state is ActionState.PROPOSED
    story.turn()
    assert len(story.incident.attempts) == 4


def at_work(story: Story, *, turns: int) -> None:
    """Answer whatever is asked for, and let a second pass where nothing is."""
    for _ in range(turns):
        if story.asked(Act):
            story.act(KEPT)
        elif looks := story.asked(Look):
            story.preview(*(LOOK if step.plugin == "evidence.capture" else SECRET for step in looks[0].steps))
        elif story.asked(Diagnose):
            story.look_at()
        else:
            story.turn()


def ahead(*, minutes: float) -> Story:
    """Let an alert fire that says to begin only in so many minutes, while something waits for evidence."""
    story = Story(
        an_action("keep", "evidence.capture", mode="auto"),
        an_action("secret", "kubernetes.patch_secret", guard={"evidence": ["keep"]}),
    )
    story.alert = replace(story.alert, starts_at=story.now + timedelta(minutes=minutes))
    return story.open()


def test_an_alert_that_says_to_begin_later_began_when_it_was_taken_in_and_evidence_counts() -> None:
    story = ahead(minutes=10)
    at_work(story, turns=60)
    assert [(each.name, each.state) for each in story.incident.attempts] == [
        ("keep", ActionState.DONE),
        ("secret", ActionState.PROPOSED),
    ]
    assert [episode.started_at for episode in story.incident.episodes] == [NOON]


def test_evidence_is_not_taken_anew_where_that_would_be_too_old_as_well() -> None:
    story = ahead(minutes=10)
    later = replace(story.incident.episodes[0], started_at=story.now + timedelta(minutes=10))
    story.incident = replace(story.incident, episodes=(later,))
    at_work(story, turns=60)
    assert [each.name for each in story.incident.attempts] == ["keep", "secret"]
    assert story.attempt(2).state is ActionState.BLOCKED
    story.turn(after=900)
    at_work(story, turns=20)
    assert [each.name for each in story.incident.attempts] == ["keep", "secret", "keep"]
    assert story.attempt(2).state is ActionState.PROPOSED


def test_old_evidence_that_nothing_waits_for_is_not_taken_anew() -> None:
    story = kept(mode="auto")
    story.say("no", number=2)
    fires_again(story, seconds=3600)
    story.turn()
    assert len(story.incident.attempts) == 2


def test_evidence_that_a_person_keeps_anew_counts() -> None:
    story = kept()
    fires_again(story, seconds=3600)
    story.turn(ActionAsked("ann", "evidence.capture", {}))
    number = story.attempt().number
    story.preview(LOOK)
    story.say("yes", number=number)
    story.preview(LOOK)
    story.act(KEPT)
    look_again(story)
    story.preview(SECRET)
    assert story.state is ActionState.PROPOSED
