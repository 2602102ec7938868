"""What the one message says, and what it never says."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model import codec
from responder.model.finding import Diagnosis, DiagnosticStatus, Reading, Weight
from responder.model.incident import Incident, Paging, Post, Status
from responder.model.message import (
    Chart,
    Code,
    Fields,
    Item,
    Line,
    Link,
    Listing,
    Message,
    Note,
    Paragraph,
    Point,
    plain,
)
from responder.model.playbook import DiagnosticStep, Playbook
from responder.model.timeline import AlertSilenced, SeveritySet
from responder.response.brain import Brain
from responder.response.decide import decide
from responder.response.message import evidence, gist, living
from tests.response.given import (
    BARE,
    NOON,
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


def shown(message: Message) -> str:
    """Flatten a message to lines."""
    return "\n".join((plain(message.title), *(line for block in message.blocks for line in lines(block))))


def lines(block: object) -> list[str]:
    match block:
        case Paragraph(text=text) | Note(text=text):
            return [plain(text)]
        case Fields(fields=fields):
            return [f"{field.name}: {plain(field.value)}" for field in fields]
        case Listing(title=title, items=items):
            return [f"{title}{plain(block.aside)}:", *(f"- {plain(item.text)}" for item in items)]
        case Code(title=title, lines=code):
            return [title, *code]
    return []


def grown(*events: object, brain: Brain | None = None, seconds: float = 1) -> tuple[Incident, Brain]:
    brain = brain or a_brain()
    alert = an_alert()
    first = decide(an_incident(alert, brain), [fired(alert)], [], at(0), brain).incident
    return decide(first, events, [], at(seconds), brain).incident, brain  # type: ignore[arg-type]


def text_of(*events: object, brain: Brain | None = None, seconds: float = 1) -> str:
    incident, brain = grown(*events, brain=brain, seconds=seconds)
    return shown(living(incident, brain, at(seconds)))


def test_it_is_complete_from_labels_and_annotations_alone() -> None:
    text = text_of()
    for wanted in (
        "High error rate on api",
        "Firing since: 2026-11-21 11:59 UTC",
        "Where: deployment/api in prod",
        "Alerts: 1 firing",
        "Severity: P2: label severity is warning",
        "HighErrorRate: Errors are high",
        "Still looking at: rate, pods, rollouts, previous (0 of 4 done)",
        "Over when:\n- errors under 1 % (not known yet)",
        "Runbook · Graph · Silence",
        "Look into Sentry for prod",
        "INC-7 · rule shop/errors",
    ):
        assert wanted in text


def test_it_fills_in_as_facts_arrive() -> None:
    text = text_of(
        read("rate", value=0.2),
        read("pods", total=3, ready=1, crash_looping=2),
        read("rollouts", current=4, shortly_before=True, changed="image x"),
        failed("previous"),
    )
    for wanted in (
        "Likely cause: deployment — Began after revision 4: image x (as of 12:00 UTC)",
        "Findings, as of 12:00 UTC:\n- Errors at 20 %\n- 2 pods crash\n",
        "Impact: rate read (as of 12:00 UTC)",
        "Looked at, as of 12:00 UTC:\n- rate: rate read\n- pods: pods read\n",
        "roll-back on deployment/api in prod, because of deployment (needs an approval)",
        "kubectl -n prod rollout undo deployment/api {'revision': 3}",
        "Over when:",
    ):
        assert wanted in text


def test_the_age_stands_on_a_line_only_where_it_is_another_than_that_of_its_section() -> None:
    incident, brain = grown(read("rate", value=0.2), read("pods", total=3), read("rollouts", seconds=70), seconds=70)
    text = shown(living(incident, brain, NOON))
    assert "Looked at, as of 12:00 UTC:\n" in text
    assert "- rollouts: rollouts read (as of 12:01 UTC)\n" in text
    assert text.count("(as of 12:00 UTC)") == 1


def test_seconds_of_age_change_nothing() -> None:
    incident, brain = grown(read("rate", value=0.2, seconds=1))
    later, _ = grown(read("rate", value=0.2, seconds=59))
    assert living(incident, brain, NOON) == living(later, brain, NOON)


def test_a_bare_number_is_no_impact() -> None:
    steps = (DiagnosticStep("rate", "prometheus.query", {"query": "x"}), DiagnosticStep("pods", "kubernetes.pods"))
    assert "Impact" not in text_of(read("rate", value=0.2), brain=a_brain(Playbook("p/bare", diagnostics=steps)))


def test_the_impact_is_called_a_measurement_once_nothing_fires() -> None:
    text = text_of(read("rate", value=0.2), ended(an_alert(), 1))
    assert "Last measured: rate read" in text
    assert "Impact" not in text


def test_the_alerts_own_words_stand_above_all_until_something_is_found() -> None:
    first, later = text_of(), text_of(read("rate", value=0.2))
    assert first.index("HighErrorRate: Errors are high") < first.index("Still to do by hand")
    assert later.index("Errors at 20 %") < later.index("HighErrorRate: Errors are high")


def test_actions_stand_before_lines_readings_and_steps_for_people() -> None:
    top = Reading("pods", DiagnosticStatus.FOUND, {"top": [{"count": 3, "example": "boom"}]}, headline="pods read")
    incident, brain = grown(read("rate", value=0.2), read("rollouts", current=4, shortly_before=True))
    pods = {"pods": Diagnosis("pods", top.status, 1, top, NOON)}
    incident = replace(incident, diagnoses={**incident.diagnoses, **pods}, troubles=("odd",))
    text = shown(living(incident, brain, NOON))
    order = ("Alerts:", "Impact:", "Severity:", "Likely cause:", "Findings", "Proposed actions", "Most frequent lines")
    order += (
        "Looked at",
        "Still to do by hand",
        "Over when",
        "Runbook",
        "Trouble:",
        "Still looking at",
        "INC-7 · rule",
    )
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_a_cause_that_holds_no_more_is_kept_as_an_earlier_one() -> None:
    incident, brain = grown(read("rate", value=0.2), read("rollouts", current=4, shortly_before=True, changed="x"))
    incident = replace(incident, round=2, diagnoses={n: replace(d, running=True, round=2) for n, d in _all(incident)})
    incident = decide(incident, [read("rate", 2, value=0.001, seconds=700)], [], at(700), brain).incident
    text = shown(living(incident, brain, NOON))
    assert "Likely cause" not in text
    assert (
        "Earlier:\n- Errors at 20 % (until 12:11 UTC)\n- deployment — Began after revision 4: x (until 12:11 UTC)"
        in text
    )
    over = decide(incident, [ended(an_alert(), 710)], [], at(710), brain).incident
    over = decide(over, [], ["quiet"], at(1200), brain).incident
    text, summary = shown(living(over, brain, NOON)), living(over, brain, NOON).summary
    assert "Likely cause was: deployment — Began after revision 4: x (until 12:11 UTC)" in text
    assert "Earlier:\n- Errors at 20 % (until 12:11 UTC)\n" in text
    assert "Began after revision 4: x (resolved, INC-7)" in summary


def _all(incident: Incident) -> list[tuple[str, Diagnosis]]:
    return list(incident.diagnoses.items())


def test_a_finding_that_holds_again_is_no_earlier_one() -> None:
    incident, brain = grown(read("rate", value=0.2))
    for round_, value in ((2, 0.001), (3, 0.3)):
        running = {n: replace(d, running=True, round=round_) for n, d in _all(incident)}
        events = [read("rate", round_, value=value)]
        incident = decide(replace(incident, round=round_, diagnoses=running), events, [], at(2), brain).incident
        assert [finding.name for finding in incident.earlier] == (["severe"] if round_ == 2 else [])


def test_a_checklist_says_what_could_not_be_decided_once_it_is_known() -> None:
    assert "- errors under 1 % (could not decide)" in text_of(failed("rate"))


def test_what_could_not_be_looked_at_is_said() -> None:
    text = text_of(failed("pods", why="connection refused"))
    assert "pods: could not look: connection refused" in text
    assert "Not looked at:\n- previous: could not decide" in text
    assert "Could not decide crash-loop: pods could not be read" in text


def test_several_doubts_of_one_reason_share_a_line() -> None:
    text = text_of(failed("rate"), read("rollouts", current=4, shortly_before=True))
    assert "Could not decide severe, deployment: rate could not be read" in text
    assert text.count("timed out") == 1


def test_several_that_could_not_look_for_one_reason_share_a_line() -> None:
    text = text_of(failed("rate", why="no network"), failed("pods", why="no network"))
    assert "rate, pods: could not look: no network" in text or "pods, rate: could not look: no network" in text
    assert text.count("could not look") == 1


def test_other_causes_are_also_possible() -> None:
    incident, brain = grown(
        read("rate", value=0.2),
        read("pods", total=3, crash_looping=1),
        read("rollouts", current=4, shortly_before=True),
    )
    incident = decide(incident, [read("previous", count=3)], [], at(2), brain).incident
    assert "Also possible: bug" in shown(living(incident, brain, NOON))


def test_troubling_readings_come_first() -> None:
    incident, brain = grown()
    calm = Reading("calm", DiagnosticStatus.FOUND, headline="all is well")
    bad = Reading("bad", DiagnosticStatus.FOUND, headline="all is broken", weight=Weight.TROUBLE)
    diagnoses = {r.name: Diagnosis(r.name, r.status, 1, r, NOON) for r in (calm, bad)}
    text = shown(living(replace(incident, diagnoses=diagnoses), brain, NOON))
    assert text.index("all is broken") < text.index("all is well")


def test_the_most_frequent_lines_of_all_logs_are_shown() -> None:
    incident, brain = grown()
    top = [{"pattern": "timeout *", "count": 132, "example": "timeout 17"}, {"pattern": "x", "count": 4, "example": ""}]
    logs = Reading("logs", DiagnosticStatus.FOUND, {"top": top})
    same = {name: Diagnosis(name, logs.status, 1, logs, NOON) for name in ("logs", "errors")}
    incident = replace(incident, diagnoses=same)
    text = shown(living(incident, brain, NOON))
    assert text.count("timeout 17") == 1
    assert "Most frequent lines\n132× timeout 17\n  4× x" in text


def test_several_alerts_are_told_apart_by_their_labels() -> None:
    incident, brain = grown(fired(an_alert(pod="api-1")), fired(an_alert(pod="api-2")))
    text = shown(living(incident, brain, NOON))
    assert "Alerts: 3 firing" in text
    assert "HighErrorRate pod=api-1 Errors are high since 11:59 UTC" in text


def test_a_crowd_of_alerts_is_counted_not_listed() -> None:
    incident, brain = grown(*(fired(an_alert(pod=f"api-{n}")) for n in range(40)))
    text = shown(living(incident, brain, NOON))
    assert "- and 33 more" in text
    assert text.count("pod=api-") < 10


def test_it_says_that_it_is_quiet_and_then_that_it_is_over_with_the_duration() -> None:
    incident, brain = grown(ended(an_alert(), 1590), seconds=1590)
    assert "Fired: 2026-11-21 11:59 UTC, for 27m" in shown(living(incident, brain, at(1590)))
    quiet = "Quiet since: 12:26 UTC, resolves at 12:31 UTC unless it fires again"
    assert quiet in shown(living(incident, brain, at(1590)))
    over = decide(incident, [], ["quiet"], at(2000), brain).incident
    message = living(over, brain, at(2000))
    assert message.status == "resolved"
    assert "Resolved: 2026-11-21 12:33 UTC" in shown(message)
    assert "Silence" not in shown(message)


def test_silences_acknowledgements_and_suggestions_are_shown() -> None:
    alert = an_alert()
    silenced = told(AlertSilenced(alert.fingerprint, ("s1",)))
    text = text_of(silenced, told(SeveritySet("ann", "P3")), read("rate", value=0.5))
    assert "Silenced: all that fires" in text
    assert "Severity: P3: set by ann" in text
    assert "Suggested severity: P1: Errors at 50 %" in text


def test_troubles_of_telling_are_shown_to_those_who_can_be_told() -> None:
    incident, brain = grown()
    posts = {**incident.posts, "default/leads": Post("default/leads", error="channel_not_found")}
    pagings = {"default/on-call": Paging("default/on-call", error="bad key")}
    text = shown(living(replace(incident, posts=posts, pagings=pagings), brain, NOON))
    assert "- default/leads could not be told: channel_not_found" in text
    assert "- default/on-call could not be paged: bad key" in text


def test_an_unknown_cluster_is_said() -> None:
    brain = a_brain(cluster_known=lambda cluster: False)
    assert 'The settings know no cluster "default": nothing is read or changed' in text_of(brain=brain)


def test_a_playbook_without_diagnostics_says_so() -> None:
    assert "No diagnostics in this playbook." in text_of(brain=a_brain(BARE))


def test_the_runbook_of_the_alert_is_taken_where_the_playbook_has_none() -> None:
    brain, alert = a_brain(BARE), an_alert(annotations={"runbook_url": "https://example.com/r", "summary": "s"})
    incident = decide(an_incident(alert, brain), [fired(alert)], [], at(0), brain).incident
    links = [p for b in living(incident, brain, NOON).blocks if isinstance(b, Paragraph) for p in b.text]
    assert Link("Runbook", "https://example.com/r") in links


def test_a_link_that_is_none_is_left_out() -> None:
    brain, alert = a_brain(BARE), an_alert(annotations={"runbook_url": "javascript:alert(1)", "summary": "s"})
    incident = decide(an_incident(alert, brain), [fired(alert)], [], at(0), brain).incident
    assert "Runbook" not in shown(living(incident, brain, NOON))


def test_the_silence_link_fills_alertmanagers_form_with_the_labels() -> None:
    incident, brain = grown()
    links = [p for b in living(incident, brain, NOON).blocks if isinstance(b, Paragraph) for p in b.text]
    (url,) = [p.url for p in links if isinstance(p, Link) and p.label == "Silence"]
    assert url.startswith(
        "https://alertmanager.example.com/#/silences/new?filter=%7Balertname%3D%22HighErrorRate%22%2C"
    )


@pytest.mark.parametrize("place", ["annotation", "label", "headline", "error", "line", "trouble"])
def test_no_secret_leaves_by_the_message(place: str) -> None:
    secret = "password=hunter2 token: xoxb-1234567890-abcdef"
    brain = a_brain(BARE)
    alert = an_alert(
        annotations={"summary": secret if place == "annotation" else "s"}, note=secret if place == "label" else ""
    )
    incident = decide(an_incident(alert, brain), [fired(alert), fired(an_alert(pod="p"))], [], at(0), brain).incident
    reading = {
        "headline": Reading("x", DiagnosticStatus.FOUND, headline=secret),
        "error": Reading("x", DiagnosticStatus.FAILED, error=secret),
        "line": Reading("x", DiagnosticStatus.FOUND, {"top": [{"count": 1, "example": secret}]}, evidence=(secret,)),
    }.get(place)
    if reading:
        incident = replace(incident, diagnoses={"x": Diagnosis("x", reading.status, 1, reading, NOON)})
    if place == "trouble":
        incident = replace(incident, troubles=(secret,))
    out = codec.MESSAGE.dump(living(incident, brain, NOON))
    note = evidence(incident, brain)
    out += codec.MESSAGE.dump(note) if note else ""
    assert "hunter2" not in out
    assert "xoxb-1234567890" not in out


def test_evidence_holds_the_lines_and_the_charts() -> None:
    chart = Chart("Error rate", (Line("", (Point(NOON, 0.2),)),), "ratio")
    incident, brain = grown()
    assert evidence(incident, brain) is None
    reading = Reading("rate", DiagnosticStatus.FOUND, headline="20 %", evidence=("a", "b"), chart=chart)
    incident = replace(incident, diagnoses={"rate": Diagnosis("rate", reading.status, 1, reading, NOON)})
    note = evidence(incident, brain)
    assert note
    assert note.blocks == (chart, Code(("a", "b"), title="rate"))


def test_new_figures_alone_are_no_news_but_a_new_finding_is() -> None:
    incident, brain = grown(read("rate", value=0.06))
    later = decide(incident, [], [], at(2), brain).incident
    assert gist(incident) == gist(later) != ""
    found = decide(incident, [read("pods", total=2, crash_looping=1)], [], at(3), brain).incident
    assert gist(found) != gist(incident)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_time_alone_changes_nothing(passed: timedelta) -> None:
    incident, brain = grown(read("rate", value=0.2))
    assert living(incident, brain, NOON) == living(incident, brain, NOON + passed)


def test_a_stored_incident_shows_the_same() -> None:
    incident, brain = grown(read("rate", value=0.2), read("rollouts", current=4, shortly_before=True))
    stored = codec.INCIDENT.load(codec.INCIDENT.dump(incident))
    digests = {codec.MESSAGE.digest(living(one, brain, NOON)) for one in (incident, stored)}
    assert len(digests) == 1


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_shown_with_nothing_known(status: Status) -> None:
    incident = replace(an_incident(), status=status)
    assert living(incident, a_brain(), NOON).status == status.value
    assert "High error rate" in living(incident, a_brain(), NOON).summary


def test_the_checklist_has_ticks() -> None:
    incident, brain = grown(read("rate", value=0.001))
    (checks,) = [b for b in living(incident, brain, NOON).blocks if isinstance(b, Listing) and b.style == "checks"]
    assert checks.items == (Item(checks.items[0].text, done=True),)


def test_a_playbook_that_names_nothing_is_shown_too() -> None:
    brain = a_brain(Playbook("p/empty", refresh=None))
    alert = an_alert(annotations={}, deployment="", namespace="", severity="")
    incident = decide(an_incident(alert, brain), [fired(alert)], [], at(0), brain).incident
    text = shown(living(incident, brain, NOON))
    assert "HighErrorRate" in text
    assert "Where: no object" in text
