"""An incident told again out of its timeline."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.engine.recording_readings import moments
from responder.engine.retelling import Retold, retell
from responder.model.finding import DiagnosticStatus, Reading
from responder.model.incident import Incident
from responder.model.message import Chart, Line, Point
from responder.model.target import Target
from responder.model.timeline import AlertEnded, AlertFired, Diagnosed, Event, Happening

OPENED = datetime(2026, 3, 1, 12, 0, 0, 370_000, tzinfo=UTC)
START = OPENED.replace(microsecond=0)
INCIDENT = Incident(
    number=17,
    rule="pack/errors",
    key="",
    cluster="default",
    target=Target("default"),
    severity="P1",
    title="Errors",
    opened_at=OPENED,
    started_at=OPENED,
)


def fired(print_: str = "a" * 16, **labels: str) -> AlertFired:
    return AlertFired(
        fingerprint=print_,
        started_at=OPENED - timedelta(minutes=1),
        labels={"alertname": "Errors", **labels},
        annotations={"summary": "Too many"},
        generator_url="http://prometheus/graph",
        alertmanager="http://alertmanager",
    )


def found(name: str = "rate", took: float = 0.5, **result: Any) -> Diagnosed:
    reading = Reading(name, DiagnosticStatus.FOUND, result=result, headline="12 %")
    return Diagnosed(name, 1, reading, took=took)


def told(*events: tuple[timedelta, Happening]) -> Retold:
    retold = retell(INCIDENT, [Event(OPENED + at, what, number) for number, (at, what) in enumerate(events)])
    assert retold is not None
    return retold


NOW = timedelta(0)


def test_what_came_at_one_moment_is_one_delivery_and_an_end_has_the_labels_of_its_beginning() -> None:
    retold = told(
        (NOW, fired()),
        (NOW, fired("b" * 16, pod="x")),
        (timedelta(minutes=12), AlertEnded("b" * 16, OPENED + timedelta(minutes=11))),
    )
    (first_at, first), (second_at, second) = retold.deliveries
    assert (retold.start, first_at, second_at) == (
        START,
        timedelta(milliseconds=370),
        timedelta(minutes=12, seconds=0.37),
    )
    assert [alert["fingerprint"] for alert in json.loads(first)["alerts"]] == ["a" * 16, "b" * 16]
    assert (json.loads(first)["externalURL"], json.loads(first)["status"]) == ("http://alertmanager", "firing")
    (ended,) = json.loads(second)["alerts"]
    assert ended == {
        "status": "resolved",
        "labels": {"alertname": "Errors", "pod": "x"},
        "annotations": {"summary": "Too many"},
        "startsAt": "2026-03-01T11:59:00.370000+00:00",
        "endsAt": "2026-03-01T12:11:00.370000+00:00",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "b" * 16,
    }


def test_an_alert_that_ended_unseen_and_fired_again_was_one_firing_alert() -> None:
    again = timedelta(minutes=5)
    retold = told((NOW, fired()), (again, AlertEnded("a" * 16, OPENED + again)), (again, fired()))
    assert [[a["status"] for a in json.loads(body)["alerts"]] for _, body in retold.deliveries] == [["firing"]] * 2


def test_a_later_run_counts_from_shortly_before_it_began() -> None:
    runs = told(
        (NOW, fired()),
        (timedelta(seconds=1), found(value=0.5)),
        (timedelta(minutes=5), found(value=0.1)),
        (timedelta(minutes=5, seconds=10), found(value=0.2)),
    ).runs["rate"]
    assert [(run.since, (run.result or {})["value"]) for run in runs] == [
        (timedelta(0), 0.5),
        (timedelta(minutes=4, seconds=29, milliseconds=870), 0.1),
        (timedelta(minutes=5, seconds=4, milliseconds=870), 0.2),
    ]
    assert runs[0].took == timedelta(milliseconds=500)


def test_what_could_not_look_says_why_and_what_was_skipped_is_left_out() -> None:
    failed = Reading("pods", DiagnosticStatus.FAILED, error="no answer within 10s")
    skipped = Reading("logs", DiagnosticStatus.SKIPPED)
    runs = told((NOW, fired()), (NOW, Diagnosed("pods", 1, failed)), (NOW, Diagnosed("logs", 1, skipped))).runs
    assert list(runs) == ["pods"]
    assert (runs["pods"][0].failed, runs["pods"][0].result) == ("no answer within 10s", None)


def test_moments_in_results_are_counted_from_the_start_and_come_back_the_same() -> None:
    result = {
        "at": "2026-03-01T11:48:00Z",
        "finer": "2026-03-01T12:00:03.250000Z",
        "finest": "2026-03-01T12:00:03.000001Z",
        "items": [{"line": "at 2026-03-01T11:48:00Z"}],
    }
    (run,) = told((NOW, fired()), (NOW, found(**result))).runs["rate"]
    assert run.result is not None
    assert run.result["at"] == "start-12m"
    assert run.result["finest"] == result["finest"]
    back = moments(run.result, START)
    assert {key: _as_moment(value) for key, value in back.items()} == {k: _as_moment(v) for k, v in result.items()}


def test_secrets_are_out_whatever_the_timeline_held() -> None:
    secret = AlertFired("a" * 16, OPENED, {"alertname": "A", "api_token": "hunter2"}, {"note": "password=hunter2"})
    retold = told((NOW, secret), (NOW, found(line="Authorization: Bearer hunter2hunter2")))
    assert b"hunter2" not in b"".join(body for _, body in retold.deliveries)
    assert "hunter2" not in str(retold.runs)


def test_a_chart_keeps_its_lines_and_its_gaps() -> None:
    def line(name: str, *values: float | None) -> Line:
        points = (Point(OPENED + timedelta(minutes=place), value) for place, value in enumerate(values))
        return Line(name, tuple(point for point in points if point.value is not None))

    def figure(*lines: Line) -> Any:
        reading = Reading("rate", DiagnosticStatus.FOUND, chart=Chart("Rate", lines, unit="ratio"))
        (run,) = told((NOW, fired()), (NOW, Diagnosed("rate", 1, reading))).runs["rate"]
        return run.chart

    one = figure(line("", 1.0, None, 3.0, 4.0))
    assert (one.over, one.unit, one.values) == (timedelta(minutes=3), "ratio", [1.0, None, 3.0, 4.0])
    two = figure(line("a", 1.0, 2.0), line("b", None, 5.0))
    assert two.named == {"a": [1.0, 2.0], "b": [None, 5.0]}
    assert figure(line("", 1.0)) is None


def test_an_incident_without_deliveries_cannot_be_told_again() -> None:
    assert retell(INCIDENT, [Event(OPENED, found())]) is None


def _as_moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
