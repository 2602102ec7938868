"""The life of an attempt, from its proposal to its end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import BaseModel

from responder.model.action import ActionState, Change, Kept, Outcome, Preview, Stop
from responder.model.command import Act, Diagnose, Follow, Look
from responder.model.incident import Status
from responder.model.message import Message, Paragraph, plain
from responder.model.playbook import Conclusion, DiagnosticStep
from responder.model.timeline import ActionAsked, ActionMoved, Answered, AutomationChanged, Previewed
from responder.response.message import living
from tests.response.given import NOON, Playbook
from tests.response.story import ALL_PARAMS, DONE, GOOD, UNTIL, Story, a_playbook, an_action, asked, running

VERIFIED_BY = {"until": UNTIL, "hold": "1m", "within": "5m"}


def notes(story: Story) -> list[Message]:
    return [note for post in story.incident.posts.values() for note in post.waiting]


def helped(**fields: object) -> dict[str, object]:
    return {**VERIFIED_BY, **fields}


# --- asked ---


def test_a_proposal_that_may_be_done_is_looked_at_before_anybody_is_asked() -> None:
    story = Story().open()
    assert story.state is ActionState.PROPOSED
    assert [look.key for look in story.asked(Look)] == ["look/1/1"]
    assert not story.attempt().expires_at


def test_a_proposal_that_is_only_suggested_is_never_attempted() -> None:
    assert Story(an_action(mode="suggest")).open().incident.attempts == ()


def test_automation_at_suggest_attempts_nothing() -> None:
    assert Story(automation="suggest").open().incident.attempts == ()


def test_an_action_whose_plugin_is_not_known_is_never_attempted() -> None:
    assert Story(action=lambda plugin: None).open().incident.attempts == ()


def test_people_are_asked_with_a_digest_of_what_they_see_and_until_when() -> None:
    story = asked()
    attempt = story.attempt()
    assert (attempt.state, len(attempt.digest)) == (ActionState.PROPOSED, 16)
    assert attempt.expires_at is not None
    assert (attempt.expires_at - story.now).total_seconds() == 15 * 60
    assert story.timers["attempt/1"] == attempt.expires_at


@pytest.mark.parametrize(
    "change",
    [
        {"summary": "other"},
        {"changes": (Change("image", "a", "b"),)},
        {"basis": {"generation": 8}},
        {"among": ("7@12:00",)},
    ],
    ids=["summary", "changes", "basis", "among"],
)
def test_another_preview_has_another_digest(change: dict[str, object]) -> None:
    other = Story().open()
    other.preview(**change)
    assert other.attempt().digest != asked().attempt().digest


def test_what_cannot_be_done_as_things_are_is_blocked_with_the_reason_and_looked_at_again() -> None:
    story = Story().open()
    story.preview(refusal="there is no revision 6")
    assert (story.state, story.attempt().blocks) == (ActionState.BLOCKED, ("there is no revision 6",))
    waits = []
    for _ in range(5):
        before = story.now
        story.turn(after=(story.timers["attempt/1"] - story.now).total_seconds())
        waits.append((story.now - before).total_seconds())
        story.preview(refusal="there is no revision 6", after=0)
    assert waits == [60, 120, 300, 600, 600]
    story.turn(after=600)
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_a_block_is_looked_at_again_in_the_next_round_of_diagnosis() -> None:
    story = Story().open()
    for _ in range(6):
        story.preview(refusal="no")
        if story.timers["attempt/1"] > story.timers["refresh"]:
            break
        story.turn(after=(story.timers["attempt/1"] - story.now).total_seconds())
    story.turn(after=(story.timers["refresh"] - story.now).total_seconds())
    assert len(story.asked(Look)) == 1


def test_an_answer_to_an_old_look_changes_nothing() -> None:
    story = Story().open()
    story.turn(Previewed(1, 9, (GOOD,)))
    assert not story.attempt().digest


def test_what_nobody_answers_expires_and_is_not_asked_again_by_itself() -> None:
    story = asked()
    story.turn(after=15 * 60)
    assert story.state is ActionState.EXPIRED
    for _ in range(4):
        story.look_at()
        story.turn(after=600)
    assert len(story.incident.attempts) == 1


@pytest.mark.parametrize("end", ["expired", "rejected"])
def test_a_person_can_ask_again_and_gets_a_fresh_look_that_their_yes_does_not_count_for(end: str) -> None:
    story = asked()
    if end == "expired":
        story.turn(after=15 * 60)
    else:
        story.say("no")
    story.say("yes", digest="")
    assert [attempt.number for attempt in story.incident.attempts] == [1, 2]
    story.preview()
    assert (story.state, story.attempt().approvals) == (ActionState.PROPOSED, ())


def test_a_yes_that_arrives_after_the_expiry_asks_again_instead_of_counting() -> None:
    story = asked()
    story.timers.clear()
    story.say("yes", after=16 * 60)
    assert [a.state for a in story.incident.attempts] == [ActionState.EXPIRED, ActionState.PROPOSED]


def test_what_was_asked_is_withdrawn_when_nothing_calls_for_it_any_more() -> None:
    story = asked()
    story.rate = 0.01
    story.turn(after=600)
    story.look_at()
    assert story.attempt(1).state is ActionState.WITHDRAWN
    assert "attempt/1" not in story.timers


def test_what_was_asked_is_withdrawn_when_no_alert_fires_any_more() -> None:
    story = asked()
    story.heal()
    assert (story.state, story.attempt().why) == (ActionState.WITHDRAWN, "no alert fires any more")


def test_what_was_approved_goes_on_when_its_finding_goes() -> None:
    story = running()
    story.rate = 0.01
    story.turn(after=600)
    story.look_at()
    assert story.state is ActionState.RUNNING


def test_what_would_be_another_thing_now_is_withdrawn_and_asked_anew() -> None:
    scaled = an_action("scale", "kubernetes.scale", params={"revision": "${int(rate.value * 10.0)}"})
    story = asked(scaled)
    story.rate = 0.4
    story.turn(after=600)
    story.look_at()
    assert [a.state for a in story.incident.attempts] == [ActionState.WITHDRAWN, ActionState.PROPOSED]
    assert story.attempt().steps[0].params == {"revision": 4}


def test_what_somebody_has_said_yes_to_is_not_exchanged_for_another_thing() -> None:
    guard = {"approvals": 2, "approve_within": "1h"}
    story = asked(an_action("scale", "kubernetes.scale", params={"revision": "${int(rate.value * 10.0)}"}, guard=guard))
    story.say("yes")
    story.rate = 0.4
    story.turn(after=600)
    story.look_at()
    assert [(a.state, a.approved_by) for a in story.incident.attempts] == [(ActionState.PROPOSED, ("ann",))]
    assert story.attempt().steps[0].params == {"revision": 2}


# --- approved, checked, started ---


def test_an_approved_action_is_looked_at_once_more_before_it_starts() -> None:
    story = asked()
    story.say("yes")
    assert story.state is ActionState.APPROVED
    assert len(story.asked(Look)) == 1
    assert not story.asked(Act)
    decision = story.preview()
    assert story.moves == ["approved", "checked", "running"]
    act = story.asked(Act)[0]
    assert (act.key, act.reason, act.what.preview, act.dry_run) == ("act/1/0", "INC-7, approved by ann", GOOD, False)
    assert [(run.plugin, run.lock, run.namespace, run.step) for run in decision.starts] == [
        ("kubernetes.rollout_undo", "default/deployment/prod/api", "prod", 0)
    ]


def test_a_fact_that_changed_between_approval_and_start_asks_anew_and_says_which() -> None:
    story = asked()
    story.say("yes")
    story.preview(basis={"generation": 8})
    assert story.state is ActionState.PROPOSED
    assert story.attempt().approvals == ()
    assert not story.starts
    moved = story.records[-1].what
    assert getattr(moved, "why", "") == "generation was 7 when ann approved, is 8 now"
    story.say("yes")
    story.preview(basis={"generation": 8})
    assert story.state is ActionState.RUNNING


@pytest.mark.parametrize("basis", [{}, {"generation": 7, "uid": "x"}], ids=["gone", "new"])
def test_a_fact_that_went_or_came_counts_as_changed(basis: dict[str, object]) -> None:
    story = asked()
    story.say("yes")
    story.preview(basis=basis)
    assert story.state is ActionState.PROPOSED


def test_of_things_that_come_and_go_those_are_acted_on_that_were_approved_and_are_still_there() -> None:
    story = Story().open()
    story.preview(among=("a", "b", "c"))
    story.say("yes")
    story.preview(among=("d", "c", "a"))
    assert story.state is ActionState.RUNNING
    preview = story.asked(Act)[0].what.preview
    assert preview is not None
    assert preview.among == ("c", "a")


@pytest.mark.parametrize("now", [("d", "e"), ()], ids=["others", "none"])
def test_when_nothing_is_left_of_what_was_approved_nothing_is_done(now: tuple[str, ...]) -> None:
    story = Story().open()
    story.preview(among=("a", "b"))
    story.say("yes")
    story.preview(among=now)
    assert story.state is ActionState.REFUSED
    assert story.attempt().why == "none of the 2 that were approved is there any more"
    assert not story.starts


def test_what_is_refused_at_its_start_is_not_done_and_says_why() -> None:
    story = asked()
    story.say("yes")
    story.preview(refusal="the deployment is paused")
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "the deployment is paused")
    assert not story.starts
    assert not story.asked(Act)


def test_what_was_refused_is_asked_again_after_the_next_round_only() -> None:
    story = asked()
    story.say("yes")
    story.preview(refusal="the deployment is paused")
    story.turn(after=60)
    assert len(story.incident.attempts) == 1
    story.turn(after=600)
    story.look_at()
    assert len(story.incident.attempts) == 2


def test_an_incident_that_ended_meanwhile_is_not_acted_on() -> None:
    story = asked()
    story.say("yes")
    story.heal()
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "no alert fires any more")


def test_an_action_of_mode_auto_goes_by_itself_when_nothing_stands_in_its_way() -> None:
    story = Story(an_action(mode="auto")).open()
    story.preview()
    assert story.state is ActionState.APPROVED
    story.preview()
    assert story.state is ActionState.RUNNING
    assert story.asked(Act)[0].reason == "INC-7, by itself (mode auto)"


def test_what_another_program_keeps_as_it_is_never_goes_by_itself() -> None:
    story = Story(an_action(mode="auto")).open()
    story.preview(owner="Argo CD (shop)")
    assert story.state is ActionState.PROPOSED


@pytest.mark.parametrize(
    "action",
    [
        an_action(mode="auto", guard={"approvals": 1}),
        an_action("flush", "redis.flush_db", mode="auto", guard={"evidence": []}),
        an_action(
            "roll-back", mode="auto", inputs={"n": {"type": "int", "suggest": "3"}}, params={"revision": "${inputs.n}"}
        ),
    ],
    ids=["the rules want one", "the plugin wants two", "it takes inputs"],
)
def test_what_needs_people_does_not_go_by_itself(action: object) -> None:
    story = Story(action).open()  # type: ignore[arg-type]
    story.preview()
    assert story.state in (ActionState.PROPOSED, ActionState.BLOCKED)
    assert not story.asked(Act)


def test_only_the_preferred_alternative_goes_by_itself() -> None:
    story = Story(
        an_action(mode="auto", verify=helped(otherwise="next")), an_action("scale", "kubernetes.scale", mode="auto")
    ).open()
    story.preview()
    story.preview()
    assert [a.state for a in story.incident.attempts] == [ActionState.APPROVED, ActionState.PROPOSED]


def test_the_ceiling_that_falls_between_approval_and_start_holds() -> None:
    story = asked()
    story.say("yes")
    story.change(automation="suggest")
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "automation is `suggest`")


def test_the_stop_blocks_what_is_asked_and_lifting_it_lets_it_be_asked() -> None:
    stop = Stop("bob", NOON, why="we are migrating")
    story = Story(stop=stop).open()
    story.preview()
    assert story.state is ActionState.BLOCKED
    assert story.attempt().blocks == ("all automation was stopped by bob: we are migrating",)
    story.change(stop=None)
    story.turn(AutomationChanged("bob", stopped=False))
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_the_stop_keeps_an_approved_action_from_starting() -> None:
    story = asked()
    story.say("yes")
    story.change(stop=Stop("bob", story.now))
    story.preview()
    assert story.state is ActionState.REFUSED
    assert not story.starts


def test_a_stop_whose_time_is_over_stands_no_more() -> None:
    story = Story(stop=Stop("bob", NOON, until=NOON)).open()
    story.preview()
    assert story.state is ActionState.PROPOSED


# --- running ---


def test_an_action_without_a_verification_is_done_when_it_has_happened() -> None:
    story = running()
    story.act()
    assert (story.state, story.attempt().why) == (ActionState.DONE, "rolled back")


def test_a_done_action_is_not_proposed_again_while_its_finding_stands() -> None:
    story = running(an_action(mode="auto", plugin="kubernetes.scale"), automation="approve")
    story.act()
    for _ in range(5):
        story.turn(after=600)
        story.look_at()
    assert len(story.incident.attempts) == 1


def test_a_done_action_may_be_proposed_again_when_its_finding_went_and_came_back() -> None:
    story = running()
    story.act()
    for rate in (0.01, 0.3):
        story.rate = rate
        story.turn(after=600)
        story.look_at()
    assert [a.state for a in story.incident.attempts] == [ActionState.DONE, ActionState.PROPOSED]


def test_a_rollout_is_followed_until_it_is_complete() -> None:
    story = running()
    story.act(replace(DONE, follow=True))
    for updated in (1, 2):
        story.follow(complete=False, updated=updated, wanted=4)
        assert story.state is ActionState.RUNNING
        assert story.attempt().steps[0].progress is not None
    story.follow()
    assert story.state is ActionState.DONE


def test_a_rollout_that_stalls_has_failed_with_its_reason() -> None:
    story = running()
    story.act(replace(DONE, follow=True))
    story.follow(complete=False, failed="the image cannot be pulled")
    assert (story.state, story.attempt().why) == (ActionState.FAILED, "the image cannot be pulled")


def test_a_rollout_is_not_followed_for_ever() -> None:
    story = running()
    story.act(replace(DONE, follow=True))
    story.follow(complete=False, after=3700)
    assert story.state is ActionState.FAILED


def test_what_was_not_done_before_anything_happened_is_refused() -> None:
    story = running()
    story.act(Outcome("not_done", "somebody else rolled out meanwhile"))
    assert story.state is ActionState.REFUSED


def test_a_failed_action_is_not_proposed_again_by_the_playbook() -> None:
    story = running()
    story.act(Outcome("failed", "forbidden"))
    assert story.state is ActionState.FAILED
    for _ in range(3):
        story.turn(after=600)
        story.look_at()
    assert len(story.incident.attempts) == 1


def test_a_second_answer_about_the_same_effect_changes_nothing() -> None:
    story = running()
    act = story.asked(Act)[0]
    story.act()
    from_before = story.incident
    story.commands[act.key] = act
    story.act(Outcome("failed", "late"))
    assert story.incident.attempts == from_before.attempts


def test_a_doubt_asks_people_and_holds_the_target() -> None:
    story = running()
    story.act(Outcome("in_doubt", "no answer came"))
    assert story.state is ActionState.IN_DOUBT
    assert story.state.at_work
    assert not story.asked(Act)


@pytest.mark.parametrize(("answer", "state"), [("happened", ActionState.DONE), ("not_happened", ActionState.FAILED)])
def test_a_person_settles_a_doubt(answer: str, state: ActionState) -> None:
    story = running()
    story.act(Outcome("in_doubt", "no answer came"))
    story.say(answer)
    assert story.state is state
    story.say(answer)
    assert story.refused == [f"there is no doubt about it: it is {state}"]


# --- sequences ---


def sequence(**fields: object) -> tuple[object, ...]:
    return (
        an_action("both", "", do=("one", "two"), params={}, **fields),  # type: ignore[arg-type]
        an_action("one", "kubernetes.scale"),
        an_action("two"),
    )


def test_a_sequence_is_one_decision_done_in_its_order() -> None:
    story = running(*sequence())  # type: ignore[arg-type]
    assert [run.step for run in story.starts] == [0, 1]
    assert [act.key for act in story.asked(Act)] == ["act/1/0"]
    story.act()
    assert [act.key for act in story.asked(Act)] == ["act/1/1"]
    story.act()
    assert story.state is ActionState.DONE


def test_a_sequence_that_breaks_offers_to_take_back_what_was_done() -> None:
    story = running(*sequence())  # type: ignore[arg-type]
    story.act()
    story.act(Outcome("failed", "forbidden"))
    assert story.state is ActionState.FAILED
    story.say("undo")
    assert [(act.step, act.undo) for act in story.asked(Act)] == [(0, True)]
    story.act()
    assert story.state is ActionState.UNDONE


def test_a_sequence_that_does_not_help_is_taken_back_in_reverse() -> None:
    story = running(*sequence(verify=helped(otherwise=["undo", "escalate"])))  # type: ignore[arg-type]
    story.act()
    story.act()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert story.state is ActionState.UNDOING
    assert story.asked(Act)[0].step == 1
    story.act()
    assert story.asked(Act)[0].step == 0
    story.act()
    assert story.moves[-4:] == ["ineffective", "undoing", "undone", "escalated"]
    assert all(run.undo for run in story.starts[2:])


def test_what_is_stopped_between_its_steps_begins_no_other() -> None:
    story = running(*sequence())  # type: ignore[arg-type]
    story.change(stop=Stop("bob", story.now))
    story.act()
    assert story.state is ActionState.FAILED
    assert story.attempt().why.startswith("only 1 of 2 steps were done: all automation was stopped by bob")


def test_the_guard_of_a_step_binds_the_sequence() -> None:
    one = an_action("one", "kubernetes.scale", guard={"never": ["prod"]})
    story = asked(an_action("both", "", do=("one", "two"), params={}), one, an_action("two"))
    assert story.attempt().blocks == ("nothing may be done in prod: it is on a `never` list",)


# --- verified ---


def verifying(**fields: object) -> Story:
    story = running(an_action(verify=helped(**fields)))
    story.act()
    return story


def test_an_action_is_verified_when_its_condition_has_held_long_enough() -> None:
    story = verifying()
    assert story.state is ActionState.VERIFYING
    story.rate = 0.004
    for _ in range(10):
        story.verify()
        if story.state is not ActionState.VERIFYING:
            break
        story.turn(after=15)
    assert story.state is ActionState.VERIFIED
    assert story.attempt().why == "rate.value < 0.01 holds (20.0% → 0.4%)"


def test_who_sees_it_get_worse_need_not_wait_for_the_end_of_the_verification() -> None:
    story = verifying()
    story.rate = 0.004
    story.say("undo", why="it got worse")
    assert story.state is ActionState.UNDOING
    story.verify()
    assert story.state is ActionState.UNDOING
    assert story.asked(Act)[0].undo
    story.act(Outcome("done", "back at revision 7"))
    assert story.state is ActionState.UNDONE


def test_the_looks_of_a_verification_read_only_what_came_after_the_action() -> None:
    story = verifying()
    looks = story.asked(Diagnose)
    began = story.attempt().verification
    assert began is not None
    assert {(look.name, look.since, look.attempt) for look in looks if look.attempt} == {
        ("rate", began.began_at, 1),
        ("pods", began.began_at, 1),
    }


@pytest.mark.parametrize(
    ("written", "read"), [({}, "19s"), ({"since": "10m"}, "19s"), ({"since": "5s"}, "5s"), ({"previous": True}, None)]
)
def test_a_verification_reads_no_log_line_from_before_the_action_ended(
    written: dict[str, object], read: str | None
) -> None:
    class Logs(BaseModel):
        since: str = ""
        previous: bool = False

    playbook = a_playbook(an_action(verify=helped()))
    logs = DiagnosticStep("logs", "kubernetes.logs", written, only="verify")
    with_logs = replace(playbook, diagnostics=(*playbook.diagnostics, logs))
    story = running(playbook=with_logs, plugin_params={**ALL_PARAMS, "kubernetes.logs": Logs}.get)
    story.act()
    story.verify()
    story.turn(after=15)
    looks = [one for one in story.asked(Diagnose) if one.name == "logs"]
    assert [look.params.get("since") for look in looks] == [read]


def test_steps_that_only_verify_run_at_no_other_time() -> None:
    story = asked()
    assert not any(key.startswith("diagnose/pods") for key in story.seen)


def test_the_readings_of_a_verification_change_no_finding() -> None:
    story = verifying()
    story.rate = 0.001
    looks = [look for look in story.asked(Diagnose) if look.attempt]
    for look in looks:
        del story.commands[look.key]
        story.turn(story.reading(look))
    assert [finding.name for finding in story.incident.findings] == ["errors"]


def test_a_condition_that_fails_in_between_has_to_hold_anew() -> None:
    story = verifying()
    for rate in (0.001, 0.001, 0.3, 0.001, 0.001):
        story.rate = rate
        story.verify()
        story.turn(after=25)
    assert story.state is ActionState.VERIFYING


def test_no_data_is_no_proof() -> None:
    story = verifying(hold="0s")
    story.rate = None
    story.verify()
    assert story.state is ActionState.VERIFYING
    verification = story.attempt().verification
    assert verification is not None
    assert "could not decide" in verification.why


def test_pods_that_are_not_ready_are_no_proof() -> None:
    story = verifying(hold="0s")
    story.rate = 0.001
    story.verify(ready=False, say="2 of 4 ready")
    assert story.state is ActionState.VERIFYING
    story.turn(after=15)
    story.verify()
    assert story.state is ActionState.VERIFIED


def test_what_does_not_help_in_time_is_ineffective_and_calls_people() -> None:
    story = verifying()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert story.moves[-2:] == ["ineffective", "escalated"]
    replies = [note for post in story.incident.posts.values() for note in post.waiting]
    assert any("a person is needed" in note.summary for note in replies)


def test_a_look_that_nobody_answers_does_not_hold_an_attempt_for_ever() -> None:
    story = verifying()
    story.turn(after=5 * 60 + 5 * 60)
    assert story.state is ActionState.ESCALATED


def test_the_next_alternative_is_tried_when_the_first_did_not_help() -> None:
    story = Story(
        an_action(mode="auto", verify=helped(otherwise="next", hold="0s")),
        an_action("scale", "kubernetes.scale", mode="auto"),
    ).open()
    story.preview()
    story.preview(lock="default/hpa/prod/api")
    story.preview()
    story.act()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert story.attempt(1).state is ActionState.INEFFECTIVE
    story.preview(lock="default/hpa/prod/api")
    assert story.attempt(2).state is ActionState.APPROVED


def test_people_are_called_when_there_is_no_other_alternative() -> None:
    story = verifying(otherwise="next")
    story.verify()
    story.turn(after=300)
    story.verify()
    assert story.state is ActionState.ESCALATED
    assert "nothing else is left to try" in story.attempt().why


def test_what_somebody_changes_back_is_reverted_and_calls_people() -> None:
    story = verifying()
    story.follow(reverted="Argo CD")
    assert (story.state, story.attempt().why) == (ActionState.REVERTED, "Argo CD changed it back")


def test_an_alert_that_resolves_does_not_end_the_verification_nor_the_incident() -> None:
    story = verifying()
    story.heal()
    story.turn(after=290)
    assert story.incident.status is Status.MONITORING
    assert story.state is ActionState.VERIFYING
    story.rate = 0.0
    for _ in range(60):
        story.verify()
        if story.incident.status is Status.RESOLVED:
            break
        story.turn(after=15)
    assert story.attempt().state in (ActionState.VERIFIED, ActionState.ESCALATED)
    assert story.incident.status is Status.RESOLVED


def test_a_smoke_test_that_fails_says_that_it_did_not_help() -> None:
    checked = an_action(verify={"run": "smoke", "otherwise": ["undo"]})
    playbook = a_playbook(checked, an_action("smoke", "kubernetes.run_job"), propose=("roll-back",))
    story = running(playbook=playbook)
    story.act()
    assert story.asked(Act)[0].what.plugin == "kubernetes.run_job"
    story.act(Outcome("failed", "2 of 9 checks failed"))
    assert story.moves[-2:] == ["ineffective", "undoing"]
    assert story.asked(Act)[0].step == 0


# --- undone ---


def test_a_person_takes_back_what_was_done() -> None:
    story = running()
    story.act()
    story.say("undo", "bob")
    assert story.state is ActionState.UNDOING
    assert (story.asked(Act)[0].key, story.starts[-1].undo) == ("undo/1/0", True)
    story.act()
    assert story.state is ActionState.UNDONE


def test_what_cannot_be_taken_back_says_so() -> None:
    story = running(an_action("restart", "kubernetes.rollout_restart"))
    story.act()
    story.say("undo")
    assert story.refused == ["kubernetes.rollout_restart on deployment/api in prod cannot be undone"]
    assert story.state is ActionState.DONE


def test_what_left_nothing_to_put_back_is_not_taken_back() -> None:
    story = Story().open()
    for _ in range(2):
        story.preview(undo=None)
        story.say("yes")
    story.act()
    story.say("undo")
    assert story.refused[-1].startswith("nothing was recorded to put back")


def test_taking_back_does_not_pass_the_stop() -> None:
    story = running()
    story.act()
    story.change(stop=Stop("bob", story.now))
    story.say("undo")
    assert story.refused == ["all automation was stopped by bob"]


def test_taking_back_that_fails_is_said_and_tried_again_only_when_a_person_asks() -> None:
    story = running()
    story.act()
    story.say("undo")
    story.act(Outcome("failed", "others have changed it since"))
    assert (story.state, story.attempt().why) == (
        ActionState.FAILED,
        "it could not be undone: others have changed it since",
    )
    story.turn(after=3600)
    assert not story.asked(Act)
    story.say("undo")
    (act,) = story.asked(Act)
    assert (act.key, act.step, act.undo, act.what.undone) == ("undo/1/0/1", 0, True, None)
    story.act(Outcome("done", "put back"))
    assert story.state is ActionState.UNDONE


def test_what_may_have_been_undone_is_not_tried_again() -> None:
    story = running()
    story.act()
    story.say("undo")
    story.act(Outcome("in_doubt", "no answer came"))
    assert story.state is ActionState.IN_DOUBT
    story.say("undo")
    assert "was tried already" in story.refused[-1]


def taking_back() -> Story:
    story = running()
    story.act(replace(DONE, follow=True))
    story.follow()
    story.say("undo")
    story.act(Outcome("done", "put back", follow=True, basis={"undone": True}))
    return story


def test_taking_back_a_rollout_is_followed_until_it_is_complete() -> None:
    story = taking_back()
    for updated in (1, 2):
        story.follow(say=f"{updated} of 4 pods updated", complete=False, updated=updated, wanted=4)
        assert story.state is ActionState.UNDOING
        told = living(story.incident, story.brain, story.now)
        assert f"undoing it: {updated} of 4 pods updated" in "".join(
            plain(block.text) for block in told.blocks if isinstance(block, Paragraph)
        )
    follow = story.asked(Follow)[0]
    assert follow.what.undone is not None
    assert follow.what.undone.basis == {"undone": True}
    story.follow()
    assert (story.state, story.attempt().why) == (ActionState.UNDONE, "it was undone")


@pytest.mark.parametrize(
    ("progress", "after", "why"),
    [
        ({"failed": "the image cannot be pulled"}, 5, "undo stalled: the image cannot be pulled"),
        ({"reverted": "Argo CD"}, 5, "it was undone, and changed again: Argo CD"),
        ({"say": "1 of 4"}, 3700, "undo stalled: it is still under way after 1h: 1 of 4"),
    ],
)
def test_taking_back_that_stalls_has_failed_and_calls_people(
    progress: dict[str, object], after: float, why: str
) -> None:
    story = taking_back()
    story.follow(complete=False, after=after, **progress)
    assert (story.state, story.attempt().why) == (ActionState.FAILED, why)
    assert any("a person is needed" in note.summary for note in notes(story))
    assert not story.asked(Follow)


def test_a_sequence_is_taken_back_further_only_when_a_step_has_gone_back_whole() -> None:
    story = running(*sequence())  # type: ignore[arg-type]
    story.act()
    story.act()
    story.say("undo")
    story.act(replace(DONE, follow=True))
    assert not story.asked(Act)
    story.follow()
    assert [(act.step, act.undo) for act in story.asked(Act)] == [(0, True)]


def test_a_doubt_while_taking_back_is_settled_as_such() -> None:
    story = running()
    story.act()
    story.say("undo")
    story.act(Outcome("in_doubt", "no answer came"))
    story.say("happened")
    assert story.state is ActionState.UNDONE


def test_what_is_temporary_is_reminded_of_until_it_is_taken_back() -> None:
    story = running(an_action(temporary=timedelta(hours=4)))
    story.act()
    story.heal()
    assert (story.timers["attempt/1"] - story.now).total_seconds() == pytest.approx(4 * 3600, abs=2)
    for reminded in (1, 2):
        story.turn(after=(story.timers["attempt/1"] - story.now).total_seconds())
        assert story.attempt().reminded == reminded
    assert (story.timers["attempt/1"] - story.now).total_seconds() == 2 * 3600
    story.say("undo")
    story.act()
    assert "attempt/1" not in story.timers


# --- dry runs, by hand ---


def test_a_dry_run_is_decided_whole_and_changes_nothing() -> None:
    story = running(an_action(verify=helped()), dry_run=True)
    assert story.asked(Act)[0].dry_run
    story.act(Outcome("done", "would be rolled back", follow=True))
    assert (story.state, story.attempt().why) == (ActionState.DONE, "DRY RUN: nothing was changed")
    assert not story.asked(Follow)
    story.say("undo")
    assert story.refused == ["it was a dry run: nothing was changed"]


def test_a_person_asks_for_an_action_by_hand_and_says_yes_to_its_preview() -> None:
    story = Story(an_action(mode="suggest")).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}, reason="load"))
    assert (story.state, story.attempt().proposed_by) == (ActionState.PROPOSED, "ann")
    story.preview()
    story.say("yes")
    story.preview()
    assert story.state is ActionState.RUNNING


@pytest.mark.parametrize(
    ("plugin", "params", "brain", "why"),
    [
        ("kubernetes.nothing", {}, {}, "no action is called kubernetes.nothing"),
        ("kubernetes.scal", {}, {}, "no action is called kubernetes.scal (did you mean kubernetes.scale?)"),
        ("scale", {}, {}, "no action is called scale (did you mean kubernetes.scale?)"),
        ("roll-bak", {}, {}, "no action is called roll-bak (did you mean roll-back?)"),
        ("kubernetes.scale", {"revision": "many"}, {}, "revision: must be a valid integer"),
        ("postgres.execute", {}, {}, "postgres.execute does only what rules say"),
        ("kubernetes.scale", {}, {"automation": "suggest"}, "nothing may be done now, by hand neither"),
        ("kubernetes.scale", {}, {"forbidden": ("kubernetes.scale",)}, "is forbidden during such an incident"),
    ],
)
def test_what_a_person_asks_for_in_vain_is_refused_with_the_reason(
    plugin: str, params: dict[str, object], brain: dict[str, object], why: str
) -> None:
    story = Story(an_action(mode="suggest"), **brain).open()
    story.turn(ActionAsked("ann", plugin, params))
    assert story.incident.attempts == ()
    assert why in story.refused[0]


def test_nothing_is_done_by_hand_in_another_cluster() -> None:
    story = Story(an_action(mode="suggest")).open()
    other = replace(story.incident.target, cluster="west")
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}, target=other))
    assert story.refused == ["the incident is about the cluster default, not west"]


def test_values_given_by_hand_are_never_templates() -> None:
    story = Story(an_action(mode="suggest")).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": "${rate.value}"}))
    assert story.incident.attempts == ()


def test_whoever_asks_by_hand_for_what_takes_two_is_not_one_of_them() -> None:
    story = Story(an_action(mode="suggest"), an_action("evidence", "evidence.capture")).open()
    evidence(story)
    story.turn(ActionAsked("ann", "redis.flush_db", {}))
    story.preview(lock="default/redis/prod/cache")
    story.say("yes", "ann")
    assert story.refused == ["whoever asks for an action that takes two cannot be one of them"]
    for by in ("bob", "cem"):
        story.say("yes", by)
    assert story.state is ActionState.APPROVED


def evidence(story: Story) -> None:
    kept = Kept("pods.yaml", "ab" * 32, 10, "/evidence/pods.yaml")
    look = Preview("keep logs and manifests", lock="default/evidence/INC-7")
    story.preview(look)
    story.say("yes")
    story.preview(look)
    story.act(Outcome("done", "kept", kept=(kept,)))


def test_the_same_is_not_asked_for_by_hand_beside_itself() -> None:
    story = asked()
    story.turn(ActionAsked("ann", "kubernetes.rollout_undo", {"revision": 6}))
    assert story.refused == ["INC-7/1 is the same, and it is proposed: answer that one"]


def test_a_mistaken_wish_does_not_bar_the_right_one() -> None:
    story = Story(an_action(mode="suggest")).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 50}))
    story.preview(refusal="the quota allows 10")
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    assert [attempt.state for attempt in story.incident.attempts] == [ActionState.BLOCKED, ActionState.PROPOSED]
    assert not story.refused


def test_a_person_may_do_by_hand_what_the_playbook_does_no_more() -> None:
    story = running()
    story.act(Outcome("failed", "forbidden"))
    story.turn(ActionAsked("ann", "kubernetes.rollout_undo", {"revision": 6}))
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_what_two_conclusions_call_for_is_attempted_once() -> None:
    playbook = a_playbook(an_action())
    twice = (
        *playbook.conclusions,
        Conclusion("more", "More", "rate.value > 0.1", propose=("roll-back",), reads=("rate",)),
    )
    story = Story(playbook=replace(playbook, conclusions=twice)).open()
    assert len(story.incident.attempts) == 1


def test_an_answer_to_no_attempt_is_refused() -> None:
    story = Story(playbook=Playbook("shop/none")).open()
    story.turn(Answered(3, "yes", "ann"))
    assert story.refused == ["there is no such attempt"]


# --- from the first moment on the timeline ---


def made(story: Story) -> list[tuple[int, str, str]]:
    moves = [event.what for event in story.records if isinstance(event.what, ActionMoved)]
    return [(move.attempt, move.by, move.why) for move in moves if (move.before, move.after) == ("", "proposed")]


def test_every_attempt_begins_on_the_timeline_with_who_wanted_it_and_why() -> None:
    story = asked()
    assert made(story) == [(1, "", "errors calls for it")]
    story.say("no", "bob")
    story.say("yes", "ann")
    assert made(story)[1:] == [(2, "ann", "asked for again by ann")]


def test_an_attempt_that_is_made_again_after_a_refusal_is_on_the_timeline_too() -> None:
    story = running()
    story.act(Outcome("not_done", "its spec was changed"))
    assert story.state is ActionState.REFUSED
    story.turn(after=600)
    story.look_at()
    assert [number for number, _, _ in made(story)] == [1, 2]


def test_what_a_person_asks_for_is_on_the_timeline_with_their_reason() -> None:
    story = Story(an_action(mode="suggest")).open()
    story.turn(ActionAsked("ann", "kubernetes.scale", {}, reason="the queue grows"))
    assert made(story) == [(1, "ann", "the queue grows")]


def test_the_next_alternative_is_on_the_timeline_with_the_one_that_did_not_help() -> None:
    story = Story(an_action(verify=helped(otherwise=["next"])), an_action("scale", "kubernetes.scale")).open()
    story.preview()
    story.preview(lock="default/deployment/prod/web")
    story.say("no", number=2)
    story.say("yes", number=1)
    story.preview()
    story.act()
    story.verify()
    story.turn(after=300)
    story.verify()
    assert made(story)[-1] == (3, "", "roll-back did not help (INC-7/1)")
