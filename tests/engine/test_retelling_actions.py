"""The actions of an incident told again, written into a recording and read from it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from responder.engine import recording
from responder.engine.recording_actions import Acts
from responder.engine.retelling import retell
from responder.model.action import Attempt, Change, Outcome, Preview, Progress, Step
from responder.model.target import Target
from responder.model.timeline import Acted, ActionAsked, Answered, Event, Followed, Happening, Previewed
from tests.engine.test_retelling import INCIDENT, OPENED, fired

TARGET = Target("default", "Deployment", "prod", "api", "api")
PREVIEW = Preview(
    "set TOKEN",
    changes=(Change("password", "hunter2", "hunter3"),),
    basis={"generation": 7},
    undo={"template": {"env": [{"name": "PASSWORD", "value": "hunter2"}]}},
    pods=3,
)
STEP = Step("set", "kubernetes.set_env", {"env": {"LEVEL": "debug"}}, TARGET, ended_at=OPENED + timedelta(minutes=3))
ATTEMPT = Attempt(1, "set", (STEP,), "approve", OPENED)


def acts(*told: tuple[int, Happening]) -> Acts:
    """Tell what happened so many minutes after the beginning."""
    happened = [(0, fired()), *told]
    events = [Event(OPENED + timedelta(minutes=at), what, number) for number, (at, what) in enumerate(happened)]
    retold = retell(replace(INCIDENT, attempts=(ATTEMPT,)), events)
    assert retold is not None
    return retold.acts


TOLD = (
    (1, Previewed(1, 1, (PREVIEW,))),
    (2, Answered(1, "yes", "ann", ("on-call",), "digest", {"level": "debug"}, "token=hunter2")),
    (2, Previewed(1, 2, (PREVIEW,))),
    (3, Acted(1, 0, Outcome("done", "given password=hunter2", undo={"value": "hunter2"}, follow=True))),
    (3, Followed(1, 0, 3, Progress("1 of 3 pods updated", complete=False))),
    (4, Followed(1, 0, 4, Progress("1 of 3 pods updated", complete=False))),
    (5, Followed(1, 0, 5, Progress("rolled out"))),
    (6, ActionAsked("bob", "kubernetes.scale", {"replicas": 5}, reason="more", target=TARGET)),
)


def test_previews_outcomes_progress_and_words_are_told_without_repeats() -> None:
    told = acts(*TOLD)
    action = told.actions["set"]
    assert [(look.since, look.steps[0].preview.summary) for look in action.looks] == [(timedelta(0), "set TOKEN")]
    assert (action.looks[0].steps[0].target, action.looks[0].steps[0].fits(STEP)) == ("deployment/api in prod", True)
    assert [(one.step, one.undo, one.outcome.status, one.outcome.follow) for one in action.outcomes] == [
        (0, False, "done", True)
    ]
    assert [(one.after, one.progress.complete) for one in action.progress] == [
        (timedelta(0), False),
        (timedelta(minutes=2), True),
    ]
    (answer,) = told.answers
    assert (answer.action, answer.answer, answer.by, answer.roles) == ("set", "yes", "ann", ["on-call"])
    assert [(one.by, one.plugin, one.target) for one in told.requests] == [("bob", "kubernetes.scale", TARGET)]


def test_secrets_and_what_taking_it_back_needs_are_left_out(tmp_path: Path) -> None:
    told = acts(*TOLD)
    path = recording.write(
        tmp_path / "new", about="", deliveries=[(timedelta(0), b'{"alerts": []}')], runs={}, acts=told
    )
    text = path.read_text(encoding="utf-8")
    assert "hunter" not in text
    preview = told.actions["set"].looks[0].steps[0].preview
    assert (preview.undo, preview.basis) == (True, {"generation": 7})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    told = acts(*TOLD)
    body = json.dumps({"alerts": [{"startsAt": "2026-03-01T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]}).encode()
    path = recording.write(tmp_path / "new", about="", deliveries=[(timedelta(0), body)], runs={}, acts=told)
    read = recording.load(path).acts
    assert (dict(read.actions), list(read.answers), list(read.requests)) == (
        dict(told.actions),
        list(told.answers),
        list(told.requests),
    )


def test_an_incident_without_actions_tells_of_none() -> None:
    told = acts()
    assert (dict(told.actions), list(told.answers), list(told.requests)) == ({}, [], [])
