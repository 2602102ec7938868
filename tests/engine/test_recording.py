"""Recordings in files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from responder.engine import recording, recording_readings
from responder.errors import ConfigError

DELIVERY: dict[str, Any] = {
    "version": "4",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "A"},
            "startsAt": "2026-11-21T09:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ],
}
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def write(folder: Path, text: str) -> Path:
    (folder / "a.json").write_text(json.dumps(DELIVERY), encoding="utf-8")
    path = folder / recording.FILE
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recording_yields_what_was_found_at_that_time(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
deliveries: [{at: 0s, body: a.json}]
diagnostics:
  rate:
    - {result: {value: 0.5}}
    - {since: 8m, result: {value: 0.1}}
  other/rate: [{failed: no answer}]
""",
    )
    played = recording.load(path)
    assert played.start == START
    early = played.result(playbook="p/q", step="rate", elapsed=timedelta(minutes=1))
    late = played.result(playbook="p/q", step="rate", elapsed=timedelta(minutes=9))
    assert early is not None
    assert early.result == {"value": 0.5}
    assert late is not None
    assert late.result == {"value": 0.1}
    assert played.result(playbook="p/q", step="pods", elapsed=timedelta(0)) is None


def test_a_moment_is_counted_from_the_start() -> None:
    moved = recording_readings.moments({"at": ["start-12m", "start", "restart"]}, START)
    assert moved == {"at": ["2026-11-21T08:48:00Z", "2026-11-21T09:00:00Z", "restart"]}


def test_a_moved_recording_keeps_distances_and_the_open_end(tmp_path: Path) -> None:
    played = recording.load(write(tmp_path, "deliveries: [{at: 5s, body: a.json}]"))
    moved = played.moved(START + timedelta(days=1))
    at, body = moved.deliveries[0]
    alert = json.loads(body)["alerts"][0]
    assert at == timedelta(seconds=5)
    assert alert["startsAt"] == "2026-11-22T09:00:00+00:00"
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"


def test_a_folder_of_deliveries_plays_by_name_and_a_single_file_alone(tmp_path: Path) -> None:
    for name in ("2.json", "1.json"):
        (tmp_path / name).write_text(json.dumps(DELIVERY | {"receiver": name}), encoding="utf-8")
    (folder,) = recording.find([tmp_path])
    assert [json.loads(body)["receiver"] for _, body in folder.deliveries] == ["1.json", "2.json"]
    (single,) = recording.find([tmp_path / "2.json"])
    assert len(single.deliveries) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deliveries: [{at: 0s, body: missing.json}]", "missing.json"),
        ("deliveries: [{at: soon, body: a.json}]", "not a duration"),
        ("deliveries: [{at: 0s, body: a.json}]\ndiagnostics: {rate: [{}]}", "either `result` or `failed`"),
        ("deliveries: [", "recording.yaml"),
    ],
)
def test_a_wrong_recording_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recording.load(write(tmp_path, text))


def test_a_path_without_recordings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no recording here"):
        recording.find([tmp_path])


def test_what_is_written_is_read_again_without_its_secrets(tmp_path: Path) -> None:
    body = json.dumps(DELIVERY | {"commonAnnotations": {"note": "password=hunter2"}}).encode()
    runs = {"p/rate": [recording_readings.Recorded(result={"value": 1.5, "line": "token: abcdef"})]}
    path = recording.write(tmp_path / "new", about="Why", deliveries=[(timedelta(0), body)], runs=runs)
    read = recording.load(path)
    assert b"hunter2" not in read.deliveries[0][1]
    assert "abcdef" not in path.read_text(encoding="utf-8")
    found = read.result(playbook="p", step="rate", elapsed=timedelta(0))
    assert found is not None
    assert found.result is not None
    assert found.result["value"] == 1.5


def test_an_end_can_be_said_apart_from_the_body(tmp_path: Path) -> None:
    ended = {**DELIVERY, "alerts": [{**DELIVERY["alerts"][0], "status": "resolved", "endsAt": "2026-11-21T09:00:05Z"}]}
    (tmp_path / "b.json").write_text(json.dumps(ended), encoding="utf-8")
    text = "deliveries: [{at: 0s, body: a.json}, {at: 12m, body: b.json, ended: 11m}]"
    played = recording.load(write(tmp_path, text))
    assert json.loads(played.deliveries[1][1])["alerts"][0]["endsAt"] == "2026-11-21T09:11:00+00:00"


def test_recordings_that_share_a_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for place in ("one/story", "two/deeper/story", "two/other", "two/v1.5"):
        (tmp_path / place).mkdir(parents=True)
        write(tmp_path / place, "deliveries: [{at: 0s, body: a.json}]")
    names = [found.name for found in recording.find([tmp_path])]
    assert names == ["one/story", "two/deeper/story", "other", "v1.5"]
    twice = recording.find([tmp_path / "one", tmp_path / "two" / ".." / "one" / "story"])
    assert [found.name for found in twice] == ["story"]


def test_a_recording_in_the_current_folder_has_the_name_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "deliveries: [{at: 0s, body: a.json}]")
    monkeypatch.chdir(tmp_path)
    assert [found.name for found in recording.find([Path()])] == [tmp_path.name]


def test_what_is_no_delivery_moves_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b"{")
    played = recording.load(write(tmp_path, "start: 2026-11-21T09:00:00Z\ndeliveries: [{at: 0s, body: b.json}]"))
    assert played.moved(START + timedelta(days=1)).deliveries == ((timedelta(0), b"{"),)


def test_spans_and_moments_are_written_to_the_millisecond(tmp_path: Path) -> None:
    at = timedelta(hours=1, minutes=12, seconds=3, milliseconds=250)
    run = recording_readings.Recorded(result={}, took=timedelta(milliseconds=1500), since=at)
    path = recording.write(
        tmp_path / "new", about="", start=START, deliveries=[(at, json.dumps(DELIVERY).encode())], runs={"rate": [run]}
    )
    read = recording.load(path)
    assert (read.start, read.deliveries[0][0], read.diagnostics["rate"]) == (START, at, (run,))


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a folder of its own"):
        recording.write(tmp_path, about="", deliveries=[], runs={})


@pytest.mark.parametrize(
    "chart", ["{over: 1h}", "{over: 1h, values: [1]}", "{over: 1h, values: [1, 2], lines: {a: [1, 2]}}"]
)
def test_a_chart_that_cannot_be_drawn_is_refused(tmp_path: Path, chart: str) -> None:
    text = f"deliveries: [{{at: 0s, body: a.json}}]\ndiagnostics: {{rate: [{{result: {{}}, chart: {chart}}}]}}"
    with pytest.raises(ConfigError, match="values"):
        recording.load(write(tmp_path, text))
