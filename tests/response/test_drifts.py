"""What moved since people said yes is asked anew, told by its parts and by who wrote it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from responder.model import codec
from responder.model.action import ActionState
from responder.model.incident import Incident
from responder.model.timeline import ActionMoved
from tests.response.story import GOOD, Story, an_action

SPEC = {"replicas": 3, "image": "r/api:41", "env": "#1f0c"}
BASIS = {"uid": "u-1", "its spec": SPEC}
NEW = {"beside", "wrote", "versions"}


def approved(**seen: Any) -> Story:
    """Begin a story up to where ann has said yes to what was seen."""
    story = Story(an_action()).open()
    story.preview(**seen)
    story.say("yes")
    return story


def told(story: Story) -> str:
    """Say why people are asked anew."""
    assert story.state is ActionState.PROPOSED
    assert story.attempt().approvals == ()
    assert not story.starts
    return [event.what.why for event in story.records if isinstance(event.what, ActionMoved)][-1]


def as_of_old(incident: Incident) -> Incident:
    """Load an incident as a version stored it that knew one lock only, and no versions beside the facts."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(each) for key, each in value.items() if key not in NEW}
        return [without(each) for each in value] if isinstance(value, list) else value

    return codec.INCIDENT.load(json.dumps(without(json.loads(codec.INCIDENT.dump(incident)))))


def test_a_spec_that_moved_is_told_by_its_parts_and_by_who_wrote_it() -> None:
    story = approved(basis=BASIS)
    spec = {**SPEC, "image": "r/api:42", "env": "#2f0c"}
    story.preview(basis={**BASIS, "its spec": spec}, wrote={"its spec": "argocd-controller at 14:02 UTC"})
    since = "its spec was changed by argocd-controller at 14:02 UTC since ann approved"
    assert told(story) == f"{since} (env, image r/api:41 -> r/api:42)"


def test_who_wrote_it_before_they_said_yes_is_not_told_to_have_changed_it() -> None:
    wrote = {"its spec": "helm at 11:00 UTC"}
    story = approved(basis=BASIS, wrote=wrote)
    story.preview(basis={**BASIS, "its spec": {**SPEC, "replicas": 5}}, wrote=wrote)
    assert told(story) == "its spec was changed since ann approved (replicas 3 -> 5)"


def test_who_wrote_it_and_as_which_version_it_was_read_are_no_facts() -> None:
    story = approved(basis=BASIS, wrote={"its spec": "helm at 11:00 UTC"}, versions={"generation": 7})
    digest = story.attempt().digest
    story.preview(basis=BASIS, wrote={"its spec": "argocd-controller at 14:02 UTC"}, versions={"generation": 9})
    assert (story.state, story.attempt().digest) == (ActionState.RUNNING, digest)


def test_what_was_approved_of_an_older_version_is_asked_anew() -> None:
    story = approved(basis={"uid": "u-1", "generation": 7})
    story.incident = as_of_old(story.incident)
    story.preview(basis=BASIS, versions={"generation": 7})
    assert told(story) == (
        "generation was 7 when ann approved, is not there now; its spec was not there when ann approved, is there now"
    )


@pytest.mark.parametrize("lock", [GOOD.lock, ""])
def test_what_an_older_version_stored_holds_what_it_held(lock: str) -> None:
    story = approved()
    story.preview(lock=lock)
    before = story.attempt().steps[0].preview
    story.incident = as_of_old(story.incident)
    after = story.attempt().steps[0].preview
    assert before is not None
    assert after == replace(before, beside=(), wrote={}, versions={})
    assert after.locks == ((lock,) if lock else ())
