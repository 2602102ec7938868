"""What the README tells people to write does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from responder.rules.loading import check
from responder.rules.powerless import powerless
from responder.wiring import plugins

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
AUTO = next(block for block in BLOCKS if "mode: auto" in block)


def replayed(rules: str, folder: Path) -> str:
    own = folder / "team.yaml"
    own.write_text(rules, encoding="utf-8")
    words = ("replay", "fixtures/high-error-rate", "--rules", "rules", "--rules", str(own), "--automation", "auto")
    done = subprocess.run(
        [sys.executable, "-m", "responder", *words], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", BLOCKS)
def test_its_rules_are_valid_and_nothing_is_wrong_with_them(block: str, tmp_path: Path) -> None:
    own = tmp_path / "team.yaml"
    own.write_text(block, encoding="utf-8")
    report = check([ROOT / "rules", own], plugins())
    assert report.errors == ()
    warned = (*report.problems, *powerless(report.ruleset, plugins()))
    assert [str(problem) for problem in warned if problem.origin.file.endswith(own.name)] == []


def test_the_last_step_of_letting_it_act_goes_by_itself(tmp_path: Path) -> None:
    """Its recording is of a Saturday: on those days that the example names, nothing else stands in the way."""
    saturday = AUTO.replace("[mon, tue, wed, thu]", "[sat]")
    assert saturday != AUTO
    assert (
        "roll-back: kubernetes.rollout_undo on deployment/ai-orchestrator in ai-orchestrator, approved by rule (auto)"
        in replayed(saturday, tmp_path)
    )


def test_the_last_step_of_letting_it_act_keeps_to_its_hours(tmp_path: Path) -> None:
    told = "it may run only in these hours: mon, tue, wed, thu 09:00-17:00 Europe/Berlin"
    shown = replayed(AUTO, tmp_path)
    assert "refused by windows" in shown
    assert told in shown


def test_the_change_freeze_that_it_shows_is_one(tmp_path: Path) -> None:
    frozen = AUTO.replace("from: 2026-12-20", "from: 2026-11-20")
    assert frozen != AUTO
    assert "change freeze until 4 January 00:00 Europe/Berlin" in replayed(frozen, tmp_path)
