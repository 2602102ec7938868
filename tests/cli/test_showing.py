"""Attempts in a terminal: who has to say yes, and whether it helped."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.cli.showing import attempt_lines
from responder.model.action import ActionState, Attempt, Figure, Outcome, Preview, Verification
from responder.web.action_documents import action
from tests.web.acting_world import attempt
from tests.web.house import NOW


def shown(one: Attempt) -> str:
    view = action(one, "INC-17", asks={}, own=lambda plugin: 1)
    return "\n".join(attempt_lines(view.model_dump(mode="json")))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "1 person"),
        ({"guard": {"approvals": 2}}, "2 people"),
        ({"guard": {"approvers": ["lead", "boss"]}}, "1 person with the role lead or boss"),
        ({"proposed_by": "ann"}, "1 person"),
        ({"proposed_by": "ann", "guard": {"approvals": 2}}, "2 people other than ann"),
    ],
    ids=str,
)
def test_how_many_must_say_yes_in_which_role_is_told_while_it_waits(fields: dict[str, Any], told: str) -> None:
    assert f"\n  takes the yes of {told}, until 2026-03-01 12:15 UTC" in shown(attempt(**fields))
    assert "takes the yes" not in shown(attempt(state=ActionState.RUNNING, **fields))


def test_what_an_action_is_verified_by_is_shown_with_its_figures() -> None:
    until = Verification(
        "rate.value < 0.01",
        NOW,
        NOW + timedelta(minutes=10),
        figures=(Figure("rate", "12 %"), Figure("p99", "2 s", "1 s")),
    )
    told = "does it help: rate.value < 0.01; rate 12 % → …; p99 2 s → 1 s"
    assert told in shown(attempt(state=ActionState.VERIFYING, verification=until))
    assert f"{told}; it holds" in shown(attempt(verification=replace(until, why="it holds")))


def test_pods_that_nobody_can_count_are_not_kept_quiet() -> None:
    for pods, told in ((None, "how many pods it disturbs is not known"), (2, "disturbs 2 pods")):
        one = attempt()
        step = replace(one.steps[0], preview=Preview("do it", pods=pods))
        assert told in shown(replace(one, steps=(step,)))


def test_what_stands_for_a_while_is_shown_with_until_when_and_how_to_undo_it() -> None:
    step = replace(attempt().steps[0], outcome=Outcome("done", "restarted"))
    stands = attempt(state=ActionState.VERIFIED, steps=(step,), temporary=timedelta(hours=4))
    assert "\n  TEMPORARY, and it still stands: responder undo INC-17/1" in shown(stands)
    until = replace(stands, temporary_until=NOW + timedelta(hours=3))
    assert "TEMPORARY, and it still stands: to be undone at 2026-03-01 15:00 UTC: responder undo" in shown(until)
    assert "TEMPORARY" not in shown(replace(stands, state=ActionState.UNDOING))
