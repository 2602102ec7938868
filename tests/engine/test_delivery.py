"""Reading deliveries, alert by alert."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from responder.engine.delivery import parse, unquoted
from responder.errors import RejectedDelivery
from responder.model.alert import AlertStatus
from responder.model.labels import fingerprint
from tests.engine.world import alert, delivery

RECORDED = sorted(Path("fixtures").rglob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=str)
def test_every_recorded_delivery_is_read_whole(path: Path) -> None:
    body = path.read_bytes()
    parsed = parse(body)
    assert not parsed.bad
    assert len(parsed.delivery.alerts) == len(json.loads(body)["alerts"]) > 0
    assert all(one.fingerprint == fingerprint(one.labels) for one in parsed.delivery.alerts)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {}},
        {"labels": {"a": 1}},
        {"labels": None},
        {"startsAt": "yesterday"},
        {"startsAt": "2026-01-01T00:00:00"},
        {"startsAt": "0001-01-01T00:00:00+14:00"},
        {"status": "burning"},
        {"annotations": ["x"]},
    ],
    ids=str,
)
def test_a_bad_alert_is_set_aside_and_its_neighbours_go_on(change: dict[str, Any]) -> None:
    parsed = parse(delivery(alert(pod="a"), {**alert(pod="b"), **change}, alert(pod="c")))
    assert [one.labels["pod"] for one in parsed.delivery.alerts] == ["a", "c"]
    assert [bad.place for bad in parsed.bad] == [2]
    assert parsed.bad[0].reason


@pytest.mark.parametrize("bad", ["alert", None, 7, ["x"]])
def test_what_is_no_object_among_the_alerts_is_set_aside(bad: object) -> None:
    body = json.dumps({"alerts": [bad, alert()]}).encode()
    parsed = parse(body)
    assert len(parsed.delivery.alerts) == len(parsed.bad) == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("alert", "an alert must be an object with status, labels and startsAt"),
        ({**alert(), "labels": ["a"]}, "labels must be an object"),
        ({**alert(), "labels": {}}, "labels is empty"),
        ({**alert(), "labels": {"pod": 7}}, "labels.pod must be a string"),
        ({"status": "firing", "labels": {"a": "b"}}, "startsAt is missing"),
        ({**alert(), "status": "burning"}, 'status must be "firing" or "resolved"'),
        (
            {**alert(), "startsAt": "2026-01-01T00:00:00"},
            "startsAt names no time zone: write it as 2026-03-01T12:00:00Z",
        ),
        ({**alert(), "startsAt": "yesterday"}, "startsAt is no moment: write it as 2026-03-01T12:00:00Z"),
        ({**alert(), "startsAt": []}, "startsAt is no moment: write it as 2026-03-01T12:00:00Z"),
    ],
)
def test_why_an_alert_is_set_aside_is_said_in_words(bad: object, reason: str) -> None:
    assert parse(json.dumps({"alerts": [bad]}).encode()).bad[0].reason == reason


def test_the_zero_time_of_a_firing_alert_is_no_end() -> None:
    (one,) = parse(delivery(alert())).delivery.alerts
    assert one.status is AlertStatus.FIRING
    assert one.ends_at is None


def test_moments_with_nine_digits_and_an_offset_are_utc_to_the_microsecond() -> None:
    body = delivery({**alert(), "startsAt": "2026-11-21T20:00:00.123456789+08:00"})
    assert parse(body).delivery.alerts[0].starts_at == datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def test_nul_and_lone_surrogates_in_labels_become_replacement_characters() -> None:
    raw = delivery({**alert(), "labels": {"alertname": "A", "pod": "x"}}).replace(b'"x"', b'"a\\u0000b\\ud800c"')
    (one,) = parse(raw).delivery.alerts
    assert one.labels["pod"] == "a\ufffdb\ufffdc"


def test_texts_that_are_no_texts_for_people_are_cut() -> None:
    more = {"annotations": {"summary": "x" * 50_000, "n" * 9_000: "y"}, "generatorURL": "u" * 50_000}
    (one,) = parse(delivery({**alert(pod="p" * 5_000), **more})).delivery.alerts
    assert len(one.labels["pod"]) == 4096
    assert {len(name): len(text) for name, text in one.annotations.items()} == {7: 16384, 4096: 1}
    assert len(one.generator_url) == 16384


def test_a_fingerprint_that_is_none_is_computed() -> None:
    (one,) = parse(delivery({**alert(), "fingerprint": "x" * 1_000_000})).delivery.alerts
    assert one.fingerprint == fingerprint(one.labels)


def test_unknown_fields_and_odd_ones_of_the_group_are_passed_over() -> None:
    body = delivery({**alert(), "new": {"deep": [1]}}, notification_reason="unknown", truncatedAlerts=-4, groupKey=7)
    parsed = parse(body)
    assert len(parsed.delivery.alerts) == 1
    assert parsed.delivery.truncated == 0


@pytest.mark.parametrize(("quoted", "name"), [(r"a\.b", "a.b"), (r"team\-x", r"team\-x"), (r"\\\(1\)", r"\(1)")])
def test_the_receiver_loses_what_quote_meta_put_in(quoted: str, name: str) -> None:
    assert unquoted(quoted) == name


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[1]", 422), (b'{"alerts": {}}', 422), (b"[" * 100_000, 400)],
    ids=["empty", "cut", "not UTF-8", "a list", "no list", "deep"],
)
def test_what_is_no_delivery_is_refused(body: bytes, status: int) -> None:
    with pytest.raises(RejectedDelivery) as refused:
        parse(body)
    assert refused.value.status == status
