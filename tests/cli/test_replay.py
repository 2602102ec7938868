"""`responder replay` and `responder demo`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
STORIES = ("authentication-failures", "high-error-rate", "memory-leak")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "responder", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=ROOT)


def stories() -> list[Path]:
    return [FIXTURES / name for name in STORIES]


def test_the_shipped_pack_still_says_what_was_expected_of_it() -> None:
    done = run("replay", "fixtures", "--rules", "rules", "--expect", FIXTURES / "expected.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 as expected, 0 different" in done.stdout
    assert done.stderr == ""


def test_a_difference_is_shown_and_fails(tmp_path: Path) -> None:
    expected = yaml.safe_load((FIXTURES / "expected.yaml").read_text(encoding="utf-8"))
    expected["high-error-rate"]["incidents"][0]["severity"] = "sleepy"
    wrong = tmp_path / "expected.yaml"
    wrong.write_text(yaml.safe_dump(expected, allow_unicode=True, sort_keys=False), encoding="utf-8")
    report = tmp_path / "junit.xml"
    done = run("replay", *stories(), "--rules", "rules/ai-orchestrator", "--expect", wrong, "--junit", report)
    assert done.returncode == 1
    assert "-  severity: sleepy" in done.stdout
    assert "+  severity: critical" in done.stdout
    suite = Xml.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")


def test_the_report_tells_what_became_of_actions(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    done = run("replay", *stories(), "--rules", "rules/ai-orchestrator", "--approve-all", "--junit", report)
    assert done.returncode == 0, done.stderr
    assert "  actions   1 action: 1 would have run\n" in done.stdout
    assert (
        "roll-back: kubernetes.rollout_undo on deployment/ai-orchestrator in ai-orchestrator, approved by"
        in done.stdout
    )
    assert "assumed: rotate: the recording does not say what it would do: taken as possible" in done.stdout
    told = {case.get("name"): case.findtext("system-out") for case in Xml.parse(report).iter("testcase")}
    assert "INC-1: 1 action: 1 would have run\n  would have run at 12:18:4" in (told["high-error-rate"] or "")


def test_without_approval_actions_wait_or_say_which_guard_refused_them() -> None:
    rules = ("--rules", "rules/ai-orchestrator")
    done = run("replay", FIXTURES / "memory-leak", *rules, "--automation", "approve")
    assert "  actions   3 actions: 2 waiting for approval, 1 refused\n" in done.stdout
    assert "    waits for 1 approval: heap: evidence.capture on pod/" in done.stdout
    assert "    refused by evidence at 12:18:42: restart: kubernetes.rollout_restart on" in done.stdout
    suggested = run("replay", FIXTURES / "memory-leak", *rules, "--automation", "suggest")
    assert "  actions   3 actions: 3 only suggested\n" in suggested.stdout
    none = run("replay", FIXTURES / "deliveries" / "alertmanager-0.25", *rules)
    assert "  actions   none was called for\n" in none.stdout


def test_update_writes_what_expect_then_agrees_with(tmp_path: Path) -> None:
    written = tmp_path / "expected.yaml"
    story = FIXTURES / "memory-leak"
    again = ("replay", story, "--rules", "rules/ai-orchestrator", "--expect", written)
    assert run(*again, "--update").returncode == 0
    assert run(*again).returncode == 0


def test_every_recorded_delivery_becomes_an_incident_or_says_why_not() -> None:
    done = run("replay", FIXTURES / "deliveries" / "alertmanager-0.25", "--rules", "rules/ai-orchestrator")
    assert done.returncode == 0, done.stderr
    assert "INC-1" in done.stdout
    assert "built-in/" in done.stdout


def test_recordings_of_one_name_in_two_folders_each_keep_their_outcome(tmp_path: Path) -> None:
    for folder, story in (("one", "memory-leak"), ("two", "high-error-rate")):
        shutil.copytree(FIXTURES / "deliveries", tmp_path / folder / "deliveries")
        shutil.copytree(FIXTURES / story, tmp_path / folder / "story")
    written, report = tmp_path / "expected.yaml", tmp_path / "junit.xml"
    rules = ("--rules", "rules/ai-orchestrator", "--expect", written)
    both = ("replay", tmp_path / "one" / "story", tmp_path / "two" / "story", *rules)
    assert run(*both, "--update").returncode == 0
    assert list(yaml.safe_load(written.read_text(encoding="utf-8"))) == ["one/story", "two/story"]
    assert run(*both, "--junit", report).returncode == 0
    assert [case.get("name") for case in Xml.parse(report).iter("testcase")] == ["one/story", "two/story"]
    assert run("replay", tmp_path / "two" / "story", *rules).returncode == 0


def test_update_keeps_what_was_not_played(tmp_path: Path) -> None:
    written = tmp_path / "expected.yaml"
    written.write_text("another: {incidents: []}\n", encoding="utf-8")
    rules = ("--rules", "rules/ai-orchestrator", "--expect", written)
    done = run("replay", FIXTURES / "memory-leak", *rules, "--update")
    assert "kept, though not played now: another" in done.stdout
    assert list(yaml.safe_load(written.read_text(encoding="utf-8"))) == ["another", "memory-leak"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "nowhere"), "nowhere: no recording here"),
        (("replay", "fixtures/memory-leak", "--rules", "rules/ai-orchestrator", "--update"), "--update needs --expect"),
        (("replay", "fixtures/memory-leak", "--expect", "missing.yaml"), "missing.yaml"),
    ],
)
def test_a_wrong_call_says_what_to_do(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_demonstration_shows_three_incidents_from_their_first_message_to_their_end() -> None:
    done = run("demo", "--fast")
    assert done.returncode == 0, done.stderr
    for number in (1, 2, 3):
        assert f"Open, INC-{number}" in done.stdout
        assert f"Resolved, INC-{number}" in done.stdout
    assert "kubectl rollout restart deployment/ai-orchestrator" in done.stdout
    assert "ann reads it, and says yes to roll-back" in done.stdout
    assert "roll-back on deployment/ai-orchestrator in ai-orchestrator · helped · approved by ann" in done.stdout
    assert "How to go on" in done.stdout
    spans = re.findall(r"^Fired: .*, for (.+)$", done.stdout, re.MULTILINE)
    assert len(spans) >= 3
    assert not [span for span in spans if "m" in span], "an alert lasted longer than the demonstration"
