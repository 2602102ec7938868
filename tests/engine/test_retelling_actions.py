"""The actions of an incident told again, written into a recording and read from it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from responder.engine import recording
from responder.engine.recording_actions import Acts
from responder.engine.retelling import retell
from responder.model.action import Attempt, Change, Outcome, Preview, Progress, Step, Verification
from responder.model.secrecy import Held
from responder.model.target import Target
from responder.model.timeline import Acted, ActionAsked, Answered, Event, Followed, Happening, Previewed
from tests.engine.test_retelling import INCIDENT, OPENED, fired, found

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


def acts(*told: tuple[int, Happening], attempt: Attempt = ATTEMPT) -> Acts:
    """Tell what happened so many minutes after the beginning."""
    happened = [(0, fired()), *told]
    events = [Event(OPENED + timedelta(minutes=at), what, number) for number, (at, what) in enumerate(happened)]
    retold = retell(replace(INCIDENT, attempts=(attempt,)), events)
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


def test_what_was_looked_at_with_other_inputs_is_told_without_the_parameters_of_the_end() -> None:
    other = replace(PREVIEW, summary="set it to info")
    told = acts((1, Previewed(1, 1, (other,))), *TOLD[1:4]).actions["set"]
    assert [look.steps[0].params for look in told.looks] == [None, {"env": {"LEVEL": "debug"}}]
    early, late = (told.look(timedelta(minutes=at), (STEP,)) for at in (0, 9))
    assert [look.steps[0].preview.summary for look in (early, late) if look] == ["set it to info", "set TOKEN"]
    another = replace(STEP, params={"env": {"LEVEL": "info"}})
    assert told.look(timedelta(minutes=9), (another,)) == told.looks[0]


def test_a_look_between_two_steps_is_told_of_the_step_that_was_next(tmp_path: Path) -> None:
    scale = Step("scale", "kubernetes.scale", {"replicas": 4}, TARGET)
    undo, again = (Step(name, "kubernetes.rollout_undo", {}, TARGET) for name in ("roll-back", "again"))
    attempt = Attempt(1, "both", (scale, undo, again), "approve", OPENED)
    before, after = (replace(PREVIEW, basis={"replicas": number}) for number in (3, 4))
    told = acts(
        (1, Previewed(1, 1, (before, before, before))),
        (3, Previewed(1, 2, (after,), first=1)),
        (4, Previewed(1, 3, (after,), first=2)),
        attempt=attempt,
    )
    body = json.dumps({"alerts": [{"startsAt": "2026-03-01T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]}).encode()
    path = recording.write(tmp_path / "new", about="", deliveries=[(timedelta(0), body)], runs={}, acts=told)
    action = recording.load(path).acts.actions["both"]
    assert [(look.first, [step.plugin for step in look.steps]) for look in action.looks] == [
        (0, ["kubernetes.scale", "kubernetes.rollout_undo", "kubernetes.rollout_undo"]),
        (1, ["kubernetes.rollout_undo"]),
        (2, ["kubernetes.rollout_undo"]),
    ]
    late = timedelta(minutes=9)
    assert action.look(late, attempt.steps) == action.looks[0]
    assert action.look(late, (undo,), first=1) == action.looks[1]
    assert action.look(late, (again,), first=2) == action.looks[2]
    assert action.look(late, (undo,), first=3) is None


def test_a_secret_that_was_given_is_told_by_its_name_alone() -> None:
    held = Held("the-ticket", "the-owner", OPENED).mark
    (answer,) = acts((1, Answered(1, "yes", "ann", inputs={"token": held, "level": "debug"}))).answers
    assert (answer.inputs, answer.withheld) == ({"level": "debug"}, ["token"])
    assert "the-" not in answer.model_dump_json()


def test_each_of_several_attempts_at_an_action_is_told_by_itself() -> None:
    second = replace(ATTEMPT, number=2, verification=Verification("true", OPENED + timedelta(minutes=8), OPENED))
    first = replace(ATTEMPT, verification=Verification("true", OPENED + timedelta(minutes=3), OPENED))
    happened = [
        (0, fired()),
        (3, Acted(1, 0, Outcome("done", "the first"))),
        (4, replace(found(value=0.5, took=0), attempt=1)),
        (5, replace(found(value=0.4, took=0), attempt=1)),
        (8, Acted(2, 0, Outcome("done", "the second"))),
        (9, replace(found(value=0.1, took=0), attempt=2)),
    ]
    events = [Event(OPENED + timedelta(minutes=at), what, number) for number, (at, what) in enumerate(happened)]
    retold = retell(replace(INCIDENT, attempts=(first, second)), events)
    assert retold is not None
    told = retold.acts.actions["set"]
    outcomes = [told.outcome(0, undo=False, again=again) for again in (0, 1, 2)]
    assert [one.say for one in outcomes if one] == ["the first", "the second", "the second"]
    seen = [told.verified("rate", timedelta(seconds=at), again=again) for again, at in ((0, 0), (0, 100), (1, 0))]
    assert [one.result for one in seen if one] == [{"value": 0.5}, {"value": 0.4}, {"value": 0.1}]
    assert dict(retold.runs) == {}
