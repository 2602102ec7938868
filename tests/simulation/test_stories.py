"""Whoever dies or stands still wherever, and whatever people and the world do meanwhile: every law holds."""

import os
from dataclasses import replace

import pytest

from tests.simulation.plan import Plan, Told, one_of, plan_of
from tests.simulation.run import tell, tell_on_postgres

SEEDS = int(os.environ.get("RESPONDER_SEEDS", "200"))
"""Stories of an ordinary run; `make simulate` tells tens of thousands."""
STRIDE = int(os.environ.get("RESPONDER_STRIDE", "43"))
"""Of the awaits of a small story each so manieth is tried; 1 tries them all."""
_AT_ONCE = 5
_SHOWN = 150
"""Lines at the end of a story that are shown when a law is broken."""


def hold(plan: Plan, told: Told) -> None:
    """Fail with the story when a law is broken."""
    if told.broken:
        lines = "\n".join(told.trace[-_SHOWN:])
        again = f"python -m tests.simulation --seed {plan.seed}"
        pytest.fail(f"{lines}\n{plan}\n{told.broken}\nthe same again, whole: {again}", pytrace=False)


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_ONCE))
def test_every_law_holds_in_every_story(first: int, request: pytest.FixtureRequest) -> None:
    asked = request.config.getoption("--seed", None)
    if asked is not None and first:
        pytest.skip("one seed was asked for")
    for seed in range(first, first + _AT_ONCE) if asked is None else [asked]:
        plan = plan_of(seed)
        hold(plan, tell(plan))


@pytest.mark.parametrize("plugin", ["sim.switch", "sim.make", "sim.mark", "sim.press", "sim.put"])
@pytest.mark.parametrize("way", ["deaths", "freezes"])
def test_every_await_of_a_story_may_be_the_last_of_its_process(plugin: str, way: str) -> None:
    plan = one_of(plugin)
    quiet = tell(plan)
    hold(plan, quiet)
    assert quiet.effects >= 1
    for number in range(1 + len(plugin) % STRIDE, quiet.points + 1, STRIDE):
        there = replace(plan, **{way: frozenset({number})})
        hold(there, tell(there))


def test_the_same_seed_is_the_same_story() -> None:
    assert tell(plan_of(3)).trace == tell(plan_of(3)).trace


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(7000, 7002))
async def test_every_law_holds_on_postgres_too(seed: int, postgres_database: str) -> None:
    plan = replace(plan_of(seed), replicas=3, steps=150)
    hold(plan, await tell_on_postgres(plan, postgres_database))
