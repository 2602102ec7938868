"""What rules want to follow an action, and what cannot: said when they are checked, not when it is too late."""

from pathlib import Path

import pytest

from tests.rules.test_evidence_first import Pack

KEEP = "keep: {evidence.capture: {logs: true}, mode: approve, offer: always}"
UNDO = "verify: {until: 'true', otherwise: [undo, escalate]}"


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return Pack(tmp_path / "pack")


def test_it_is_said_that_what_is_to_be_taken_back_cannot_be(pack: Pack) -> None:
    wrong = pack.wrong(f"restart: {{kubernetes.rollout_restart: {{}}, mode: approve, {UNDO}}}")
    assert wrong == ["6: `restart` has `otherwise: undo`, and kubernetes.rollout_restart cannot be undone"]


def test_it_is_said_which_step_of_a_sequence_cannot_be_taken_back(pack: Pack) -> None:
    wrong = pack.wrong(
        KEEP,
        "grow: {kubernetes.scale: {by: 1}}",
        "restart: {kubernetes.rollout_restart: {}}",
        f"both: {{do: [keep, grow, restart], mode: approve, {UNDO}}}",
    )
    assert wrong == ["9: `both` has `otherwise: undo`, and kubernetes.rollout_restart cannot be undone"]


@pytest.mark.parametrize(
    "action",
    [
        f"both: {{do: [keep, grow], mode: approve, {UNDO}}}",
        "both: {do: [grow, restart], mode: approve, verify: {until: 'true', otherwise: [next, escalate]}}",
        f"both: {{do: [grow, restart], mode: suggest, {UNDO}}}",
        "both: {do: [grow], mode: approve, verify: {run: restart, otherwise: undo}}",
    ],
    ids=["it can", "it need not", "it is only suggested", "what only verifies"],
)
def test_nothing_is_said_where_all_can_be_taken_back_or_need_not(pack: Pack, action: str) -> None:
    more = ("grow: {kubernetes.scale: {by: 1}}", "restart: {kubernetes.rollout_restart: {}}")
    assert pack.wrong(KEEP, *more, action) == []


def test_it_is_said_that_what_nothing_verifies_goes_by_itself_once_a_day(pack: Pack) -> None:
    wrong = pack.wrong("restart: {kubernetes.rollout_restart: {}, mode: auto}")
    assert wrong == [
        "6: `restart` goes by itself once a day on one object, no more: nothing says whether it helped",
    ]


@pytest.mark.parametrize(
    "action",
    [
        "restart: {kubernetes.rollout_restart: {}, mode: auto, verify: {until: 'true'}}",
        "restart: {kubernetes.rollout_restart: {}, mode: approve}",
        "keep: {evidence.capture: {logs: true}, mode: auto}",
    ],
)
def test_nothing_is_said_of_what_is_verified_asked_about_or_harmless(pack: Pack, action: str) -> None:
    assert pack.wrong(action) == []


@pytest.mark.parametrize("verify", ["hold: 10m", "hold: 15m", "hold: 5m, within: 5m"])
def test_what_would_have_to_hold_for_longer_than_there_is_time_is_an_error(pack: Pack, verify: str) -> None:
    report = pack.check(
        f"restart: {{kubernetes.rollout_restart: {{}}, mode: approve, verify: {{until: 'true', {verify}}}}}"
    )
    (error,) = report.errors
    assert "is not shorter than `within: " in error.message
    assert error.origin.column == 94
    assert "a longer `within`" in error.hint


def test_what_holds_for_less_than_there_is_time_is_none(pack: Pack) -> None:
    assert (
        pack.wrong(
            "restart: {kubernetes.rollout_restart: {}, mode: approve, verify: {until: 'true', hold: 5m, within: 5m1s}}"
        )
        == []
    )
