"""Budgets and locks are counted in the store: over all incidents and all replicas, one start at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.engine.counting import run_of
from responder.engine.runtime import Limits
from responder.engine.worker import Engine
from responder.model.action import ActionState, Run
from responder.store.opening import open_store
from responder.store.rows import micros
from tests.engine.acting import Stage, play
from tests.engine.conftest import Build
from tests.engine.world import alert

EACH = "'${labels.namespace}'"
on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
OTHERS = ("b", "c", "d", "e", "f", "g")


async def runs(stage: Stage) -> list[Run]:
    """Return the starts that are counted, the oldest first."""
    rows = [run_of(row) for row in await stage.world.store.read("runs_counted", 0, 99)]
    return sorted(rows, key=lambda run: (run.incident, run.attempt, run.undo))


async def several(start: Build, action: str, **settings: Any) -> Stage:
    """Open an incident for each of seven namespaces; each proposes an action, which waits for people."""
    stage = await play(start, action, **settings)
    await stage.world.deliver(*(alert(namespace=name) for name in OTHERS))
    return stage


@asynccontextmanager
async def replicas(stage: Stage, database_url: str) -> AsyncIterator[list[Engine]]:
    """Start three that share a database; every incident is approved already, and each finds that it may start."""
    for number in range(1, len(OTHERS) + 2):
        await stage.answer(incident=number)
    stores = [await open_store(database_url) for _ in range(3)]
    yield [Engine(store, stage.world.runtime) for store in stores]
    for store in stores:
        await store.close()


async def settled(stage: Stage, database_url: str) -> None:
    """Let all replicas do all that they may."""
    async with replicas(stage, database_url) as engines:
        await asyncio.gather(*(engine.settle() for engine in engines))


async def held_up(stage: Stage, database_url: str) -> list[Run]:
    """Let all replicas do what they may while the first effect does not end; answers what is held then."""
    after = stage.touch("after")
    async with replicas(stage, database_url) as engines:
        settling = [asyncio.create_task(engine.settle()) for engine in engines]
        async with asyncio.timeout(30):
            while sum(not task.done() for task in settling) > 1 or not stage.effects:
                await asyncio.sleep(0.01)
        held = [run for run in await runs(stage) if run.ended_at is None]
        assert len(stage.effects) == len(held)
        after.unlink()
        await asyncio.gather(*settling)
    return held


async def states(stage: Stage) -> list[ActionState]:
    return [incident.attempts[-1].state for incident in await stage.world.incidents()]


async def test_a_start_is_counted_from_its_beginning_to_its_end(start: Build) -> None:
    stage = await play(start)
    assert await runs(stage) == []
    await stage.answer()
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 1)
    (run,) = await runs(stage)
    began = stage.world.clock.now()
    place = ("default/object/api", "rules/errors", "prod", "default")
    assert (run.lock, run.rule, run.namespace, run.cluster) == place
    assert (run.plugin, run.action, run.started_at, run.ended_at) == ("trial.switch", "act", began, None)
    after.unlink()
    await settling
    (run,) = await runs(stage)
    assert (run.ended_at, run.outcome) == (began, "done")


async def test_taking_back_holds_the_target_too(start: Build) -> None:
    stage = await play(start)
    await stage.approve()
    await stage.answer("undo")
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 2)
    assert [(run.undo, run.ended_at is None) for run in await runs(stage)] == [(False, False), (True, True)]
    after.unlink()
    await settling
    assert [run.outcome for run in await runs(stage)] == ["done", "undone"]


async def test_what_is_in_doubt_holds_its_target_until_a_person_settles_it(start: Build) -> None:
    stage = await play(start)
    stage.touch("breaks")
    await stage.approve()
    assert await stage.state() is ActionState.IN_DOUBT
    assert [run.ended_at for run in await runs(stage)] == [None]
    (stage.world.folder / "breaks").unlink()
    await stage.answer("happened")
    await stage.world.engine.settle()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)
    assert [run.ended_at for run in await runs(stage)] == [stage.world.clock.now()]


async def test_two_incidents_do_not_act_on_one_target_at_a_time(start: Build) -> None:
    stage = await play(start)
    await stage.world.deliver(alert(namespace="other"))
    await stage.answer()
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 1)
    await stage.answer(incident=2)
    another = Engine(stage.world.store, stage.world.runtime)
    await another.settle()
    assert len(stage.effects) == 1
    assert not (await stage.state(2)).at_work
    after.unlink()
    await settling
    assert [run.incident for run in await runs(stage)] == [1]


async def test_a_start_is_one_row_however_much_it_holds_and_holds_all_of_it(start: Build) -> None:
    stage = await play(start, name="api, beside: [web, db]")
    await stage.answer()
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 1)
    (run,) = await runs(stage)
    assert run.locks == {"default/object/api", "default/object/web", "default/object/db"}
    after.unlink()
    await settling
    (run,) = await runs(stage)
    assert (run.ended_at, run.outcome) == (stage.world.clock.now(), "done")


async def test_whoever_touches_one_of_several_objects_waits_for_all(start: Build) -> None:
    stage = await play(start, name="'${labels.namespace}', beside: [web]")
    await stage.world.deliver(alert(namespace="web"))
    await stage.answer()
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 1)
    await stage.answer(incident=2)
    another = Engine(stage.world.store, stage.world.runtime)
    await another.settle()
    assert len(stage.effects) == 1
    assert not (await stage.state(2)).at_work
    after.unlink()
    await settling
    await stage.world.later(minutes=5)
    assert [run.incident for run in await runs(stage)] == [1, 2]


async def test_a_start_of_an_older_version_holds_its_target(start: Build) -> None:
    stage = await play(start)
    async with stage.world.store.transaction() as tx:
        now = micros(stage.world.clock.now())
        of = ("trial.press", "x", "default/object/api", "[]", "r", "prod", "default")
        tx.run("run_begin", 9, 1, 0, 0, *of, now, 0, "[]")
    await stage.world.later(minutes=5)
    await stage.approve()
    assert stage.effects == []
    told = await stage.attempt()
    assert "trial.press of INC-9/1 is at work on it" in " ".join((told.why, *told.blocks))


async def test_a_start_after_another_look_counts_where_that_found_it(start: Build) -> None:
    stage = await play(start)
    now = micros(stage.world.clock.now())
    for plugin, place in (("trial.press", "prod"), ("trial.switch", "stage")):
        of = (plugin, "x", f"{place}/object/api", "[]", "r", place, place)
        async with stage.world.store.transaction() as tx:
            tx.run("run_begin", 9, 1, 0, 0, *of, now, 0, "[]")
    (run,) = await runs(stage)
    assert (run.plugin, run.lock, run.namespace, run.cluster) == ("trial.switch", "stage/object/api", "stage", "stage")


async def test_what_was_started_in_a_dry_run_counts_no_more_when_that_is_over(start: Build) -> None:
    stage = await several(start, "trial.press", name=EACH, more=", guard: {at_most: {overall: 1 per 1h}}", dry_run=True)
    await stage.approve(incident=1)
    await stage.approve(incident=2)
    assert (await stage.state(1), (await stage.state(2)).at_work) == (ActionState.DONE, False)
    assert [(run.incident, run.dry_run) for run in await runs(stage)] == [(1, True)]
    stage.world.engine = Engine(stage.world.store, replace(stage.world.runtime, dry_run=False))
    await stage.world.deliver(alert(namespace="new"))
    await stage.approve(incident=8)
    assert (await stage.state(8), len(stage.effects)) == (ActionState.DONE, 1)
    assert [(run.incident, run.dry_run) for run in await runs(stage)] == [(1, True), (8, False)]


async def test_a_budget_over_everything_lets_no_more_start_and_says_why(start: Build) -> None:
    stage = await several(start, "trial.press", name=EACH, more=", guard: {at_most: {overall: 2 per 1h}}")
    for number in (1, 2, 3):
        await stage.approve(incident=number)
    assert len(stage.effects) == 2
    refused = await stage.attempt(3)
    assert not refused.state.at_work
    assert "at most 2 per 1h is allowed" in " ".join((refused.why, *refused.blocks))


@on_postgres
async def test_the_last_of_a_budget_is_had_by_one_of_several_replicas(start: Build, database_url: str) -> None:
    stage = await several(start, "trial.press", name=EACH, more=", guard: {at_most: {overall: 1 per 1h}}")
    await settled(stage, database_url)
    assert len(await runs(stage)) == len(stage.effects) == 1
    assert [state for state in await states(stage) if state is ActionState.DONE] == [ActionState.DONE]


@on_postgres
async def test_the_last_of_a_budget_of_what_all_touch_is_had_by_one_of_them(start: Build, database_url: str) -> None:
    limited = ", guard: {at_most: {target: 1 per 1h, overall: 3 per 1h}}"
    stage = await several(start, "trial.press", name=f"{EACH}, beside: [shared]", more=limited)
    await settled(stage, database_url)
    assert len(await runs(stage)) == len(stage.effects) == 1


@on_postgres
@pytest.mark.parametrize("name", ["api", f"{EACH}, beside: [shared]"], ids=["their target", "beside their targets"])
async def test_what_all_touch_is_had_by_one_of_several_replicas(start: Build, database_url: str, name: str) -> None:
    stage = await several(start, "trial.switch", name=name)
    assert len(await held_up(stage, database_url)) == 1


async def test_a_cooldown_longer_than_a_week_is_looked_back_at(start: Build) -> None:
    stage = await play(start, more=", guard: {cooldown: 20d}")
    await stage.approve()
    await stage.world.later(days=10)
    await stage.world.deliver(alert(namespace="other", start=864_000))
    await stage.approve(incident=2)
    assert len(stage.effects) == 1
    told = await stage.attempt(2)
    assert "its cooldown is 20d" in " ".join((told.why, *told.blocks))


async def test_old_starts_are_forgotten_and_those_that_hold_a_target_are_not(start: Build) -> None:
    stage = await play(start)
    stage.touch("breaks")
    await stage.approve()
    await stage.world.deliver(alert(namespace="other"))
    (stage.world.folder / "breaks").unlink()
    await stage.world.later(days=91)
    await stage.world.engine.keeper.step()
    assert [run.incident for run in await runs(stage)] == [1]
    await stage.answer("not_happened")
    await stage.world.engine.settle()
    await stage.world.later(days=91)
    await stage.world.engine.keeper.step()
    assert await runs(stage) == []


async def test_a_removed_incident_holds_no_target(start: Build) -> None:
    stage = await play(start, limits=Limits(keep_resolved=timedelta(days=1)))
    stage.touch("breaks")
    await stage.approve()
    await stage.world.deliver(alert(status="resolved", end=30))
    await stage.world.later(minutes=10)
    await stage.world.later(days=2)
    await stage.world.engine.keeper.step()
    assert await stage.world.incidents() == []
    assert [(run.ended_at, run.outcome) for run in await runs(stage)] == [(stage.world.clock.now(), "forgotten")]
