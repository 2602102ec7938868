"""What a turn decides: severity, diagnosis, findings, proposals, status, and whom it tells."""

from dataclasses import replace
from datetime import timedelta

import pytest

from responder.model.command import Diagnose, Notify, Page
from responder.model.finding import DiagnosticStatus
from responder.model.incident import Incident, Status
from responder.model.message import Purpose, plain
from responder.model.playbook import ActionStep, Conclusion, DiagnosticStep, Playbook, TargetTemplate
from responder.model.rule import Rule, SeveritySource
from responder.model.severity import DEFAULT_SCALE
from responder.model.timeline import (
    Acknowledged,
    AlertSilenced,
    Event,
    Found,
    Notified,
    NotifyFailed,
    Opened,
    Paged,
    PageFailed,
    Proposed,
    Retracted,
    SeverityRaised,
    SeveritySet,
    StatusChanged,
)
from responder.response.brain import Brain, Decision
from responder.response.decide import decide
from responder.response.severity import of_alert
from tests.response.given import (
    BARE,
    CHAT,
    HOOK,
    PAGER,
    PLAYBOOK,
    RULE,
    SCALE,
    a_brain,
    an_alert,
    an_incident,
    at,
    ended,
    failed,
    fired,
    read,
    told,
)


class Talk:
    """One incident, turn after turn."""

    def __init__(self, brain: Brain | None = None, *, rule: Rule = RULE, **labels: str) -> None:
        self.brain = brain or a_brain()
        self.alert = an_alert(**labels)
        self.incident: Incident = an_incident(self.alert, self.brain, rule=rule)
        self.last = self.turn(fired(self.alert, rule=rule.name))

    def turn(self, *events: Event, seconds: float = 0, due: tuple[str, ...] = ()) -> Decision:
        self.last = decide(self.incident, events, due, at(seconds), self.brain)
        self.incident = self.last.incident
        return self.last

    def diagnosed(self) -> Decision:
        self.turn(read("rate", value=0.08), read("pods", total=3, ready=3), seconds=1)
        return self.turn(read("rollouts", current=4, shortly_before=True, changed="image x"), seconds=2)

    @property
    def keys(self) -> list[str]:
        return [planned.command.key for planned in self.last.commands]

    @property
    def happened(self) -> list[type]:
        return [type(event.what) for event in self.last.records]


def sent(sequence: int = 1, *, receiver: str = CHAT.name, seconds: float = 0, digest: str = "") -> Event:
    return told(Notified(receiver, Purpose.MESSAGE, sequence, {"ts": "1"}, digest), seconds)


# --- severity ---


@pytest.mark.parametrize(
    ("word", "expected", "is_trouble"),
    [
        ("critical", "P1", False),
        ("HIGH", "P1", False),
        ("warning", "P2", False),
        ("P3", "P3", False),
        ("", "P2", False),
        ("catastrophic", "P2", True),
        ("emergency", "P1", True),
        ("P0", "P1", True),
    ],
)
def test_the_label_names_a_level_but_never_the_one_above_critical(word: str, expected: str, is_trouble: bool) -> None:
    judged = of_alert(RULE, {"severity": word}, SCALE)
    assert judged.severity == expected
    assert bool(judged.trouble) is is_trouble


def test_where_critical_is_the_top_a_label_may_say_so() -> None:
    assert of_alert(RULE, {"severity": "critical"}, DEFAULT_SCALE).severity == "critical"


def test_a_rule_may_give_the_top_level() -> None:
    rule = Rule("p/r", (), severity=SeveritySource(otherwise="P0"))
    assert of_alert(rule, {"severity": "info"}, SCALE).severity == "P0"


def test_an_unknown_word_is_shown_and_takes_what_the_rule_says_otherwise() -> None:
    talk = Talk(severity="catastrophic")
    assert talk.incident.severity == "P2"
    assert any("catastrophic" in trouble for trouble in talk.incident.troubles)


def test_a_worse_alert_that_joins_raises_the_severity() -> None:
    talk = Talk()
    talk.turn(sent(), seconds=1)
    talk.turn(fired(an_alert(pod="api-1", severity="critical")), seconds=2)
    assert talk.incident.severity == "P1"
    assert SeverityRaised in talk.happened
    assert "page/default/on-call/trigger/1" in talk.keys


def test_a_milder_alert_that_joins_lowers_nothing() -> None:
    talk = Talk(severity="critical")
    talk.turn(fired(an_alert(pod="api-1", severity="info")), seconds=2)
    assert talk.incident.severity == "P1"


def test_once_a_person_has_set_the_severity_machines_only_suggest() -> None:
    talk = Talk()
    talk.turn(told(SeveritySet("ann", "low")))
    assert (talk.incident.severity, talk.incident.severity_by) == ("P3", "person")
    talk.turn(read("rate", value=0.5), seconds=1)
    assert talk.incident.severity == "P3"
    assert talk.incident.suggested == "P1"
    talk.turn(told(SeveritySet("ann", "P1")))
    assert talk.incident.suggested == ""


def test_a_raise_is_told_by_a_note_to_the_whole_channel() -> None:
    talk = Talk()
    talk.turn(sent(), seconds=1)
    talk.turn(read("rate", value=0.5), seconds=2)
    notes = [p.command for p in talk.last.commands if isinstance(p.command, Notify) and p.command.reply]
    assert [note.purpose for note in notes] == [Purpose.REPLY]
    assert notes[0].reply
    assert notes[0].reply.broadcast
    assert "P1" in plain(notes[0].reply.title)


# --- opening ---


def test_the_first_turn_looks_and_tells_at_the_same_time() -> None:
    talk = Talk()
    assert talk.keys == ["diagnose/rate/1", "diagnose/pods/1", "diagnose/rollouts/1", f"notify/{CHAT.name}/message/1"]
    assert talk.happened == [Opened]
    assert all(planned.due_at == at(0) for planned in talk.last.commands)


def test_the_title_is_the_playbooks() -> None:
    assert Talk().incident.title == "High error rate on api"


@pytest.mark.parametrize(
    ("annotations", "title"),
    [({"summary": "Too many\n errors"}, "Too many errors"), ({}, "HighErrorRate"), ({"summary": ""}, "HighErrorRate")],
)
def test_without_a_title_the_summary_is_taken_else_the_alerts_name(annotations: dict[str, str], title: str) -> None:
    alert = replace(an_alert(), annotations=annotations)
    assert an_incident(alert, a_brain(BARE)).title == title


def test_a_password_in_a_summary_does_not_get_into_the_title() -> None:
    alert = an_alert(annotations={"summary": "login with password=hunter2 failed"})
    assert "hunter2" not in an_incident(alert, a_brain(BARE)).title


def test_a_playbook_may_name_its_target() -> None:
    named = replace(PLAYBOOK, target=TargetTemplate("Service", "${labels.service}", "${labels.namespace}"))
    brain = a_brain(named)
    incident = an_incident(an_alert(service="checkout"), brain)
    assert (incident.target.kind, incident.target.name, incident.target.namespace) == ("Service", "checkout", "prod")


def test_a_target_that_cannot_be_named_is_said_and_not_guessed() -> None:
    named = replace(PLAYBOOK, target=TargetTemplate("Service", "${labels.service}"))
    incident = an_incident(an_alert(), a_brain(named))
    assert not incident.target.known
    assert any("target" in trouble for trouble in incident.troubles)


def test_a_hostile_label_never_names_an_object() -> None:
    named = replace(PLAYBOOK, target=TargetTemplate("Service", "${labels.service}"))
    incident = an_incident(an_alert(service="a/../../secrets"), a_brain(named))
    assert not incident.target.known


def test_in_an_unknown_cluster_nothing_is_looked_at() -> None:
    talk = Talk(a_brain(cluster_known=lambda cluster: False))
    assert talk.keys == [f"notify/{CHAT.name}/message/1"]
    assert not talk.last.timers


# --- diagnosis ---


def test_a_step_starts_the_moment_what_it_reads_is_there() -> None:
    talk = Talk()
    talk.turn(read("pods", total=3, ready=1, crash_looping=2), seconds=1)
    assert "diagnose/previous/1" in talk.keys


def test_a_step_whose_condition_does_not_hold_is_left_out_with_the_reason() -> None:
    talk = Talk()
    talk.turn(read("pods", total=3, ready=3), seconds=1)
    skipped = talk.incident.diagnoses["previous"]
    assert skipped.status is DiagnosticStatus.SKIPPED
    assert "pods.crash_looping > 0" in skipped.why


def test_a_step_whose_condition_cannot_be_decided_is_left_out_and_says_so() -> None:
    talk = Talk()
    talk.turn(failed("pods"), seconds=1)
    assert talk.incident.diagnoses["previous"].why.startswith("could not decide: ")
    assert "timed out" in talk.incident.diagnoses["previous"].why


def test_a_step_without_its_parameters_is_left_out_and_says_what_is_missing() -> None:
    step = DiagnosticStep("pods", "kubernetes.pods", {"pod": "${labels.pod}"})
    talk = Talk(a_brain(Playbook("p/x", diagnostics=(step,))))
    assert "no label pod" in talk.incident.diagnoses["pods"].why


def test_a_chain_of_steps_that_are_left_out_ends_in_one_turn() -> None:
    steps = (
        DiagnosticStep("rate", "prometheus.query", when="false"),
        DiagnosticStep("pods", "kubernetes.pods", when="rate.value > 0.0", reads=("rate",)),
        DiagnosticStep("previous", "kubernetes.logs", when="pods.total > 0", reads=("pods",)),
    )
    talk = Talk(a_brain(Playbook("p/x", diagnostics=tuple(reversed(steps)))))
    assert all(d.status is DiagnosticStatus.SKIPPED for d in talk.incident.diagnoses.values())


def test_a_step_may_look_at_another_object() -> None:
    step = DiagnosticStep(
        "pods", "kubernetes.pods", target=TargetTemplate("Deployment", "ingress", "ingress-${labels.namespace}")
    )
    talk = Talk(a_brain(Playbook("p/x", diagnostics=(step,))))
    command = talk.last.commands[0].command
    assert isinstance(command, Diagnose)
    assert (command.target.name, command.target.namespace) == ("ingress", "ingress-prod")


def test_values_in_parameters_are_escaped_for_where_they_stand() -> None:
    talk = Talk(namespace='x"} or vector(1) #')
    command = next(p.command for p in talk.last.commands if p.command.key == "diagnose/rate/1")
    assert isinstance(command, Diagnose)
    assert '\\"' in command.params["query"]


def test_steps_for_verification_only_do_not_run() -> None:
    talk = Talk(a_brain(Playbook("p/x", diagnostics=(DiagnosticStep("pods", "kubernetes.pods", only="verify"),))))
    assert not [key for key in talk.keys if key.startswith("diagnose/")]


def test_diagnostics_run_again_every_refresh_and_the_earlier_reading_stands_meanwhile() -> None:
    talk = Talk()
    assert talk.last.timers["refresh"] == at(600)
    talk.diagnosed()
    talk.turn(due=("refresh",), seconds=600)
    assert "diagnose/rate/2" in talk.keys
    assert talk.last.timers["refresh"] == at(1200)
    rate = talk.incident.diagnoses["rate"]
    assert rate.running
    assert rate.reading
    assert rate.as_of == at(1)


def test_a_new_alert_lets_the_diagnostics_run_again_but_not_at_once() -> None:
    talk = Talk()
    talk.diagnosed()
    talk.turn(fired(an_alert(pod="api-1")), seconds=5)
    assert talk.last.timers["refresh"] == at(30)
    talk.turn(due=("refresh",), seconds=30)
    assert "diagnose/pods/2" in talk.keys


def test_a_late_result_of_an_earlier_round_is_not_taken_for_the_new_one() -> None:
    talk = Talk()
    talk.diagnosed()
    talk.turn(due=("refresh",), seconds=600)
    before = talk.incident
    talk.turn(read("rate", 1, value=0.9), seconds=601)
    assert talk.incident.diagnoses == before.diagnoses


# --- findings ---


def test_conclusions_that_hold_are_findings_in_the_files_order_and_the_first_cause_leads() -> None:
    talk = Talk()
    talk.turn(read("rollouts", current=4, shortly_before=True, changed="image x"), seconds=1)
    assert not talk.incident.findings
    talk.turn(read("pods", total=3, crash_looping=1), read("rate", value=0.2), seconds=2)
    assert [f.name for f in talk.incident.findings] == ["severe", "deployment", "crash-loop"]
    assert talk.happened.count(Found) == 3
    assert talk.incident.findings[1].as_of == at(1)


def test_a_finding_that_holds_no_longer_is_taken_back_with_its_proposals() -> None:
    talk = Talk()
    talk.diagnosed()
    assert [p.name for p in talk.incident.proposals] == ["roll-back", "scale-out"]
    talk.turn(due=("refresh",), seconds=600)
    talk.turn(read("rate", 2, value=0.001), seconds=601)
    assert not talk.incident.findings
    assert not talk.incident.proposals
    assert Retracted in talk.happened


def test_what_could_not_be_read_is_a_doubt_and_never_true() -> None:
    talk = Talk()
    talk.turn(failed("rate"), read("rollouts", current=4, shortly_before=True), seconds=1)
    assert {doubt.name for doubt in talk.incident.doubts} == {"severe", "deployment"}
    assert not talk.incident.findings


def test_no_data_is_a_doubt_too() -> None:
    talk = Talk()
    talk.turn(read("rate", value=None), seconds=1)
    assert [doubt.name for doubt in talk.incident.doubts] == ["severe"]


def test_what_was_not_needed_leaves_no_doubt() -> None:
    talk = Talk()
    talk.diagnosed()
    assert talk.incident.diagnoses["previous"].status is DiagnosticStatus.SKIPPED
    assert not talk.incident.doubts


def test_the_checklist_tells_yes_no_and_unknown_apart() -> None:
    talk = Talk()
    assert talk.incident.checks == {"errors under 1 %": None}
    talk.turn(read("rate", value=0.2), seconds=1)
    assert talk.incident.checks == {"errors under 1 %": False}


def test_a_secret_in_a_finding_is_taken_out() -> None:
    talk = Talk()
    talk.turn(read("rate", value=0.08), seconds=1)
    talk.turn(read("rollouts", current=4, shortly_before=True, changed="DB_PASSWORD=hunter2"), seconds=2)
    assert "hunter2" not in plain(talk.incident.findings[0].say)


# --- proposals ---


def test_a_proposal_freezes_its_parameters_and_shows_the_command() -> None:
    talk = Talk()
    talk.diagnosed()
    proposal = talk.incident.proposals[0]
    assert proposal.params == {"revision": 3}
    assert proposal.commands == ("kubectl -n prod rollout undo deployment/api {'revision': 3}",)
    assert (proposal.mode, proposal.because) == ("approve", "deployment")
    assert talk.happened.count(Proposed) == 2


def test_a_proposal_stays_as_it_was_made_until_its_parameters_change() -> None:
    talk = Talk()
    talk.diagnosed()
    talk.turn(due=("refresh",), seconds=600)
    talk.turn(read("rollouts", 2, current=4, shortly_before=True, changed="image x"), seconds=601)
    assert talk.incident.proposals[0].proposed_at == at(2)
    talk.turn(due=("refresh",), seconds=1200)
    talk.turn(read("rollouts", 3, current=5, shortly_before=True, changed="image y"), seconds=1201)
    assert (talk.incident.proposals[0].params, talk.incident.proposals[0].proposed_at) == ({"revision": 4}, at(1201))


@pytest.mark.parametrize(
    ("ceiling", "modes"), [("off", []), ("suggest", ["suggest"] * 2), ("auto", ["approve", "auto"])]
)
def test_an_action_is_under_its_own_ceiling_and_the_deployments(ceiling: str, modes: list[str]) -> None:
    talk = Talk(a_brain(automation=ceiling))
    talk.diagnosed()
    assert [p.mode for p in talk.incident.proposals] == modes


def test_what_is_forbidden_during_such_an_incident_is_not_proposed() -> None:
    talk = Talk(a_brain(replace(PLAYBOOK, forbid=("kubernetes.rollout_undo",))))
    talk.diagnosed()
    assert [p.name for p in talk.incident.proposals] == ["scale-out"]
    assert any("forbidden" in doubt.why for doubt in talk.incident.doubts)


def with_actions(*actions: ActionStep, propose: tuple[str, ...]) -> Brain:
    always = Conclusion("always", "so it is", propose=propose)
    return a_brain(Playbook("p/x", conclusions=(always,), actions=actions))


def test_a_sequence_shows_all_its_commands() -> None:
    one = ActionStep("one", "kubernetes.scale", {"revision": 1})
    two = ActionStep("two", "kubernetes.rollout_undo", {"revision": 2})
    both = ActionStep("both", do=("one", "two"))
    talk = Talk(with_actions(one, two, both, propose=("both",)))
    (proposal,) = talk.incident.proposals
    assert len(proposal.commands) == 2
    assert proposal.params == {"one": {"revision": 1}, "two": {"revision": 2}}


def test_what_is_always_offered_needs_no_finding() -> None:
    action = ActionStep("heap", "kubernetes.scale", {"revision": 1}, offer="always")
    talk = Talk(a_brain(Playbook("p/x", actions=(action,))))
    assert [(p.name, p.because) for p in talk.incident.proposals] == [("heap", "")]


def test_an_action_that_lacks_a_value_is_not_proposed_but_said() -> None:
    action = ActionStep("scale", "kubernetes.scale", {"revision": "${int(labels.replicas)}"})
    talk = Talk(with_actions(action, propose=("scale",)))
    assert not talk.incident.proposals
    assert [doubt.name for doubt in talk.incident.doubts] == ["scale"]


def test_an_action_that_cannot_be_done_to_the_target_is_not_proposed_but_said() -> None:
    action = ActionStep("scale", "kubernetes.scale", {"revision": 1})
    talk = Talk(with_actions(action, propose=("scale",)), deployment="", namespace="")
    assert not talk.incident.proposals
    assert talk.incident.doubts[0].why == "no object to act on"


def test_a_suggested_input_is_shown_and_used() -> None:
    inputs = {"revision": {"type": "int", "describe": "To which", "suggest": "1 + 2"}}
    action = ActionStep("undo", "kubernetes.rollout_undo", {"revision": "${inputs.revision}"}, inputs=inputs)
    talk = Talk(with_actions(action, propose=("undo",)))
    (proposal,) = talk.incident.proposals
    assert (proposal.inputs, proposal.params) == ({"revision": 3}, {"revision": 3})


# --- lifecycle ---


def test_when_nothing_fires_any_more_the_quiet_time_runs_and_then_it_is_resolved() -> None:
    talk = Talk()
    talk.diagnosed()
    decision = talk.turn(ended(talk.alert, 100), seconds=100)
    assert talk.incident.status is Status.MONITORING
    assert decision.timers["quiet"] == at(400)
    assert not decision.released
    decision = talk.turn(due=("quiet",), seconds=400)
    assert (talk.incident.status, talk.incident.resolved_at) == (Status.RESOLVED, at(400))
    assert decision.released
    assert StatusChanged in talk.happened


def test_one_alert_of_several_that_ends_resolves_nothing() -> None:
    talk = Talk()
    talk.turn(fired(an_alert(pod="api-1")), seconds=1)
    talk.turn(ended(talk.alert, 100), seconds=100)
    assert talk.incident.status is Status.OPEN


def test_a_refire_within_the_quiet_time_continues_the_incident_and_says_so() -> None:
    talk = Talk()
    talk.turn(sent(), seconds=1)
    talk.turn(ended(talk.alert, 100), seconds=100)
    talk.turn(fired(replace(talk.alert, starts_at=at(200))), seconds=201)
    assert (talk.incident.status, talk.incident.refires) == (Status.OPEN, 1)
    assert talk.last.timers["quiet"] is None
    post = talk.incident.posts[CHAT.name]
    notes = [p.command.reply for p in talk.last.commands if isinstance(p.command, Notify) and p.command.reply]
    assert "Fires again" in plain((*notes, *post.waiting)[0].title)


def test_a_refire_that_is_told_together_with_the_end_of_the_quiet_time_wins() -> None:
    talk = Talk()
    talk.turn(ended(talk.alert, 100), seconds=100)
    talk.turn(fired(replace(talk.alert, starts_at=at(399))), due=("quiet",), seconds=401)
    assert talk.incident.status is Status.OPEN


def test_the_findings_stay_when_nothing_fires_any_more_and_the_checklist_is_looked_at_once_more() -> None:
    talk = Talk()
    talk.diagnosed()
    talk.turn(ended(talk.alert, 100), seconds=100)
    assert "diagnose/rate/2" in talk.keys
    assert talk.last.timers["refresh"] is None
    talk.turn(read("rate", 2, value=0.001), seconds=101)
    assert [f.name for f in talk.incident.findings] == ["deployment"]
    assert talk.incident.checks == {"errors under 1 %": True}


def test_an_acknowledgement_changes_the_status_and_nothing_else() -> None:
    talk = Talk()
    talk.turn(told(Acknowledged("ann")), seconds=1)
    assert (talk.incident.status, talk.incident.acknowledged_by) == (Status.ACKNOWLEDGED, "ann")
    talk.turn(ended(talk.alert, 100), seconds=100)
    assert talk.incident.status is Status.MONITORING


def test_silences_are_kept_by_alert() -> None:
    talk = Talk()
    talk.turn(told(AlertSilenced(talk.alert.fingerprint, ("s1",))), seconds=1)
    assert talk.incident.silenced
    talk.turn(told(AlertSilenced(talk.alert.fingerprint, ())), seconds=2)
    assert not talk.incident.silenced


def test_a_start_that_moves_backwards_moves_the_start_of_the_incident() -> None:
    talk = Talk()
    talk.turn(fired(replace(talk.alert, starts_at=at(-300))), seconds=1)
    assert talk.incident.started_at == at(-300)
    assert len(talk.incident.episodes) == 1


# --- telling ---


def test_while_a_sending_is_in_flight_no_other_is_asked_for() -> None:
    talk = Talk()
    talk.turn(read("rate", value=0.2), seconds=1)
    assert f"notify/{CHAT.name}/message/2" not in talk.keys


def test_what_changed_meanwhile_is_edited_in_at_most_one_a_second() -> None:
    talk = Talk()
    talk.turn(read("rate", value=0.2), seconds=0.1)
    talk.turn(sent(seconds=0.2), seconds=0.2)
    (edit,) = [p for p in talk.last.commands if p.command.key == f"notify/{CHAT.name}/message/2"]
    assert edit.due_at == at(1.2)


def test_a_failure_is_shown_and_tried_again_with_growing_pauses() -> None:
    talk = Talk()
    refused = NotifyFailed(CHAT.name, Purpose.MESSAGE, 1, "channel_not_found")
    talk.turn(told(refused, 1), seconds=1)
    assert talk.incident.posts[CHAT.name].error == "channel_not_found"
    assert talk.last.timers[f"notify/{CHAT.name}"] == at(31)
    talk.turn(due=(f"notify/{CHAT.name}",), seconds=31)
    assert f"notify/{CHAT.name}/message/2" in talk.keys
    talk.turn(told(replace(refused, sequence=2), 32), seconds=32)
    assert talk.last.timers[f"notify/{CHAT.name}"] == at(92)


def test_notes_wait_for_the_message_and_come_one_by_one() -> None:
    talk = Talk()
    talk.turn(told(SeveritySet("ann", "P1")), seconds=1)
    talk.turn(told(SeveritySet("ann", "P0")), seconds=1)
    assert not [key for key in talk.keys if "/reply/" in key]
    talk.turn(sent(seconds=2), seconds=2)
    assert [key for key in talk.keys if "/reply/" in key] == [f"notify/{CHAT.name}/reply/1"]
    talk.turn(told(Notified(CHAT.name, Purpose.REPLY, 1, {}), 3), seconds=3)
    assert [key for key in talk.keys if "/reply/" in key] == [f"notify/{CHAT.name}/reply/2"]


def test_a_note_that_failed_is_sent_again() -> None:
    talk = Talk()
    talk.turn(sent(seconds=1), seconds=1)
    talk.turn(told(SeveritySet("ann", "P1")), seconds=2)
    talk.turn(told(NotifyFailed(CHAT.name, Purpose.REPLY, 1, "no"), 3), seconds=3)
    talk.turn(due=(f"notify/{CHAT.name}",), seconds=40)
    assert f"notify/{CHAT.name}/reply/2" in talk.keys


def test_a_note_that_failed_holds_up_no_edit_of_the_message_and_stays_known_until_it_goes_through() -> None:
    talk = Talk()
    talk.turn(sent(seconds=1), seconds=1)
    talk.turn(told(SeveritySet("ann", "P1")), seconds=2)
    shown = sent(2, seconds=3)
    talk.turn(shown, told(NotifyFailed(CHAT.name, Purpose.REPLY, 1, "no"), 3), seconds=3)
    assert f"notify/{CHAT.name}/message/3" in talk.keys
    assert talk.incident.posts[CHAT.name].note_error == "no"
    assert talk.last.timers[f"notify/{CHAT.name}"] == at(33)
    talk.turn(sent(3, seconds=4), read("rate", value=0.2), seconds=5)
    assert f"notify/{CHAT.name}/message/4" in talk.keys
    assert f"notify/{CHAT.name}/reply/2" not in talk.keys
    assert talk.incident.posts[CHAT.name].note_error == "no"
    talk.turn(due=(f"notify/{CHAT.name}",), seconds=33)
    talk.turn(told(Notified(CHAT.name, Purpose.REPLY, 2, {}), 34), seconds=34)
    assert talk.incident.posts[CHAT.name].note_error == ""


def test_a_new_severity_reaches_its_receivers_too() -> None:
    talk = Talk()
    talk.turn(told(SeveritySet("ann", "P0")), seconds=1)
    assert f"notify/{HOOK.name}/message/1" in talk.keys
    assert f"page/{PAGER.name}/trigger/1" in talk.keys


def test_a_severity_that_nobody_is_told_of_is_kept_silent() -> None:
    assert not [key for key in Talk(severity="info").keys if key.startswith("notify/")]


def test_a_rule_may_add_receivers_or_replace_them() -> None:
    added, only = replace(RULE, notify=("leads",)), replace(RULE, notify_only=("leads",))
    assert {k for k in Talk(a_brain(rules=(added,)), rule=added).keys if "notify" in k} == {
        f"notify/{CHAT.name}/message/1",
        f"notify/{HOOK.name}/message/1",
    }
    assert {k for k in Talk(a_brain(rules=(only,)), rule=only).keys if "notify" in k} == {
        f"notify/{HOOK.name}/message/1"
    }


def test_a_confidential_playbook_tells_only_whom_it_names() -> None:
    secret = replace(PLAYBOOK, confidential=True, notify_only=("leads",))
    talk = Talk(a_brain(secret), severity="critical")
    assert {k for k in talk.keys if not k.startswith("diagnose")} == {f"notify/{HOOK.name}/message/1"}


def test_evidence_comes_once_when_all_has_been_looked_at() -> None:
    talk = Talk()
    talk.turn(sent(seconds=0.5), seconds=0.5)
    talk.diagnosed()
    assert f"notify/{CHAT.name}/evidence/1" in talk.keys
    talk.turn(told(Notified(CHAT.name, Purpose.EVIDENCE, 1, {}), 3), seconds=3)
    talk.turn(due=("refresh",), seconds=600)
    for name, result in (("rate", {"value": 0.07}), ("rollouts", {"current": 4, "shortly_before": True})):
        talk.turn(read(name, 2, seconds=601, **result), seconds=601)
    talk.turn(read("pods", 2, total=3, ready=3), seconds=602)
    assert not [key for key in talk.keys if "/evidence/" in key]


def test_the_worst_is_told_first_and_paging_before_all() -> None:
    talk = Talk(severity="critical")
    priorities = {planned.command.key: planned.priority for planned in talk.last.commands}
    assert talk.keys[0] == f"page/{PAGER.name}/trigger/1"
    assert priorities[f"page/{PAGER.name}/trigger/1"] < priorities[f"notify/{CHAT.name}/message/1"]
    mild = {planned.command.key: planned.priority for planned in Talk().last.commands}
    assert priorities[f"notify/{CHAT.name}/message/1"] < mild[f"notify/{CHAT.name}/message/1"]


# --- paging ---


def paged(event: str, sequence: int, seconds: float) -> Event:
    return told(Paged(PAGER.name, event, sequence), seconds)  # type: ignore[arg-type]


def test_a_pager_is_told_of_the_acknowledgement_and_of_the_end() -> None:
    talk = Talk(severity="critical")
    talk.turn(told(Acknowledged("ann")), seconds=1)
    assert not [p for p in talk.last.commands if isinstance(p.command, Page)], "it must not overtake the trigger"
    talk.turn(paged("trigger", 1, 2), seconds=2)
    assert f"page/{PAGER.name}/acknowledge/2" in talk.keys
    talk.turn(paged("acknowledge", 2, 3), ended(talk.alert, 3), seconds=3)
    talk.turn(due=("quiet",), seconds=400)
    assert f"page/{PAGER.name}/resolve/3" in talk.keys


def test_a_refused_page_is_shown_and_tried_again() -> None:
    talk = Talk(severity="critical")
    talk.turn(told(PageFailed(PAGER.name, "trigger", 1, "bad key"), 1), seconds=1)
    assert talk.incident.pagings[PAGER.name].error == "bad key"
    assert talk.last.timers[f"page/{PAGER.name}"] == at(31)
    talk.turn(due=(f"page/{PAGER.name}",), seconds=31)
    assert f"page/{PAGER.name}/trigger/2" in talk.keys
    talk.turn(paged("trigger", 2, 32), seconds=32)
    assert talk.incident.pagings[PAGER.name].error == ""


def test_an_end_that_the_pager_refused_is_told_again() -> None:
    talk = Talk(severity="critical")
    talk.turn(paged("trigger", 1, 1), ended(talk.alert, 1), seconds=1)
    talk.turn(due=("quiet",), seconds=400)
    talk.turn(told(PageFailed(PAGER.name, "resolve", 2, "down"), 401), seconds=401)
    talk.turn(due=(f"page/{PAGER.name}",), seconds=431)
    assert f"page/{PAGER.name}/resolve/3" in talk.keys


def test_a_refire_wakes_people_again_after_they_had_acknowledged() -> None:
    talk = Talk(severity="critical")
    talk.turn(paged("trigger", 1, 1), told(Acknowledged("ann")), seconds=1)
    talk.turn(paged("acknowledge", 2, 2), ended(talk.alert, 2), seconds=2)
    talk.turn(fired(replace(talk.alert, starts_at=at(100))), seconds=100)
    assert f"page/{PAGER.name}/trigger/3" in talk.keys


def test_nobody_is_paged_for_what_has_ended_already() -> None:
    talk = Talk()
    talk.turn(ended(talk.alert, 1), seconds=1)
    talk.turn(read("rate", value=0.5), seconds=2)
    assert talk.incident.severity == "P1"
    assert not [p for p in talk.last.commands if isinstance(p.command, Page)]


def test_the_incident_waits_longer_where_the_settings_say_so() -> None:
    talk = Talk(a_brain(quiet_for=timedelta(hours=1)))
    assert talk.turn(ended(talk.alert, 10), seconds=10).timers["quiet"] == at(3610)
