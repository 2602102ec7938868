"""An action happens at most once, whoever dies when; what nobody can tell is in doubt, and said to people."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from responder.engine.acting import DRY_RUN, Acting
from responder.engine.brains import Brains
from responder.engine.lanes import ACT
from responder.engine.reader import Reader
from responder.engine.runtime import Limits, NoMetrics
from responder.engine.telling import Again
from responder.engine.worker import Engine
from responder.errors import StoreUnavailable
from responder.model import codec
from responder.model.action import ActionState
from responder.model.command import Act
from responder.model.timeline import Acted, Previewed
from responder.store.rows import CommandRow, micros
from responder.store.store import Call, Rows, Store, Transaction
from tests.engine.acting import Stage, play
from tests.engine.conftest import Build

PRESS = "trial.press"
NOBODY = Limits(actions=0)


async def acted(stage: Stage) -> list[Acted]:
    """Return what became of every try that counted."""
    return [what for what in await stage.world.happenings() if isinstance(what, Acted)]


async def claim(stage: Stage, owner: str = "another", minutes: int = 1) -> CommandRow:
    """Claim the effect, as another process would."""
    now = stage.world.clock.now()
    async with stage.world.store.transaction() as tx:
        later = micros(now + timedelta(minutes=minutes))
        (row,) = await tx.fetch("command_claim", owner, later, micros(now), ACT, 9)
    return CommandRow.of(row)


def somebody(stage: Stage) -> None:
    """Begin a process that has room for actions."""
    runtime = replace(stage.world.runtime, limits=Limits())
    stage.world.engine = Engine(stage.world.store, runtime)


async def carry_out(stage: Stage, row: CommandRow) -> Acted | Again:
    """Do what a process does that has claimed the effect."""
    command = codec.COMMAND.load(row.args)
    assert isinstance(command, Act)
    world = stage.world
    acting = Acting(world.store, world.runtime, Brains(world.store, world.runtime), world.engine.vault)
    return await acting.act(row, command, await stage.incident())


async def test_what_a_person_approves_happens_once_and_is_told(start: Build) -> None:
    stage = await play(start)
    assert await stage.state() is ActionState.PROPOSED
    assert stage.effects == []
    await stage.approve()
    assert await stage.state() is ActionState.DONE
    (effect,) = stage.effects
    assert (effect["by"], effect["value"]) == ("ann", 2)
    assert effect["attempt"].endswith("/1/0")
    assert "INC-1" in effect["reason"]


async def test_the_store_counts_what_waits_for_people_until_it_is_over(start: Build) -> None:
    stage = await play(start)
    reader = Reader(stage.world.store)
    waits = await reader.counts()
    assert (waits.attempts, waits.approvals) == ({"proposed": 1}, 1)
    assert waits.asked_at is not None
    assert waits.asked_at <= stage.world.clock.now()
    await stage.approve()
    over = await reader.counts()
    assert (over.attempts, over.approvals, over.asked_at) == ({}, 0, None)


class Counted(NoMetrics):
    """Remembers what is counted of actions."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, str]] = []
        self.states: list[str] = []

    def acted(self, plugin: str, outcome: str, took: timedelta) -> None:
        self.tried.append((plugin, outcome))

    def moved(self, state: str) -> None:
        self.states.append(state)


@pytest.mark.parametrize(("dry_run", "outcome"), [(False, "done"), (True, "dry_run")])
async def test_what_was_tried_is_counted_once_and_a_dry_run_as_one(start: Build, dry_run: bool, outcome: str) -> None:
    metrics = Counted()
    stage = await play(start, metrics=metrics, dry_run=dry_run)
    await stage.approve()
    assert metrics.tried == [("trial.switch", outcome)]
    assert metrics.states == ["proposed", "approved", "checked", "running", "done"]


async def test_what_is_taken_back_is_counted_as_undone(start: Build) -> None:
    metrics = Counted()
    stage = await play(start, metrics=metrics)
    await stage.approve()
    await stage.answer("undo")
    await stage.world.engine.settle()
    assert metrics.tried == [("trial.switch", "done"), ("trial.switch", "undone")]


async def test_what_an_action_says_is_stored_without_secrets(start: Build) -> None:
    stage = await play(start)
    await stage.approve()
    (told,) = await acted(stage)
    assert told.outcome.say == "switched api with password=[redacted]"
    assert told.outcome.details == ("token: [redacted]",)


async def test_a_preview_that_cannot_look_keeps_it_from_being_offered_until_it_can(start: Build) -> None:
    clock_stage = await play(start, more=", offer: always")
    stage = clock_stage
    assert await stage.state() is ActionState.PROPOSED
    stage.touch("away")
    await stage.approve()
    assert stage.effects == []
    previewed = [what for what in await stage.world.happenings() if isinstance(what, Previewed)]
    assert previewed[-1].previews[0].refusal == "could not look: the world is away: password=[redacted]"


# --- who dies when ---


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_who_dies_before_the_claim_leaves_it_to_the_next(start: Build, action: str) -> None:
    stage = await play(start, action, limits=Limits(actions=1))
    await stage.answer()
    stage.world.engine = Engine(stage.world.store, replace(stage.world.runtime, limits=NOBODY))
    await stage.world.engine.settle()
    assert stage.effects == []
    somebody(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


async def waiting(start: Build, action: str) -> Stage:
    """Bring an attempt to where its effect waits to be claimed."""
    stage = await play(start, action)
    await stage.answer()
    stage.world.engine._performer.lanes.busy[ACT] = Limits().actions
    await stage.world.engine.settle()
    assert (await stage.state(), stage.effects) == (ActionState.RUNNING, [])
    return stage


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_who_dies_between_the_claim_and_the_effect_leaves_no_doubt(start: Build, action: str) -> None:
    stage = await waiting(start, action)
    await claim(stage)
    somebody(stage)
    await stage.world.later(minutes=2)
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


async def test_who_dies_just_before_the_effect_has_it_done_by_the_next(start: Build) -> None:
    stage = await play(start)
    await stage.answer()
    before = stage.touch("before")
    await stage.at_work()
    before.unlink()
    assert stage.effects == []
    await stage.world.later(minutes=1)
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


async def test_who_dies_after_the_effect_has_it_read_back_by_the_next(start: Build) -> None:
    stage = await play(start)
    await stage.answer()
    after = stage.touch("after")
    await stage.die(await stage.begin(lambda: len(stage.effects) == 1))
    after.unlink()
    await stage.world.later(minutes=1)
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)
    assert [told.outcome.say for told in await acted(stage)] == ["api was switched already"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_cannot_be_read_back_is_in_doubt_after_a_death_and_not_done_again(start: Build, when: str) -> None:
    stage = await play(start, PRESS)
    await stage.answer()
    file = stage.touch(when)
    await stage.at_work()
    happened = len(stage.effects)
    file.unlink()
    await stage.world.later(minutes=1)
    assert (await stage.state(), len(stage.effects)) == (ActionState.IN_DOUBT, happened)
    assert happened == (when == "after")


async def test_who_is_told_to_stop_leaves_what_is_under_way_to_be_read_back(start: Build) -> None:
    stage = await play(start, stop_within=timedelta(milliseconds=50))
    await stage.answer()
    after = stage.touch("after")
    settling = await stage.begin(lambda: len(stage.effects) == 1)
    settling.cancel()
    await stage.world.engine.stop()
    after.unlink()
    somebody(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


@pytest.mark.parametrize(("action", "state"), [("trial.switch", ActionState.DONE), (PRESS, ActionState.IN_DOUBT)])
async def test_who_comes_back_late_changes_nothing_that_another_has_settled(
    start: Build, action: str, state: ActionState
) -> None:
    """It stood still behind the effect until its lease was over; the next one settles it; then it goes on."""
    stage = await play(start, action)
    await stage.answer()
    after = stage.touch("after")
    late = await stage.begin(lambda: len(stage.effects) == 1)
    frozen = stage.world.engine
    somebody(stage)
    stage.world.clock.forward(minutes=1)
    settling = asyncio.create_task(stage.world.engine.settle())
    async with asyncio.timeout(30):
        while not await acted(stage):
            await asyncio.sleep(0.01)
    settled = await acted(stage)
    after.unlink()
    await asyncio.gather(late, settling, *frozen._performer.tasks)
    assert await acted(stage) == settled
    assert (await stage.state(), len(stage.effects)) == (state, 1)


async def test_who_stood_still_before_the_effect_until_others_took_it_over_does_nothing_any_more(start: Build) -> None:
    stage = await waiting(start, PRESS)
    first = await claim(stage, "node-1/12/ab34")
    before = stage.touch("before")
    began = stage.world.clock.now()
    frozen = asyncio.create_task(carry_out(stage, first))
    async with asyncio.timeout(30):
        while not (stage.world.folder / "reached").exists():
            await asyncio.sleep(0.005)
    stage.world.clock.forward(minutes=1)
    told = await carry_out(stage, await claim(stage))
    assert isinstance(told, Acted)
    holder = f"node-1 (process 12), at it since {began:%Y-%m-%d %H:%M:%S} UTC,"
    assert (told.outcome.status, told.outcome.say) == ("in_doubt", f"{holder} did not say what came of it")
    before.unlink()
    late = await frozen
    assert isinstance(late, Acted)
    assert (late.outcome.status, late.outcome.say) == ("not_done", "somebody else has taken it over")
    assert stage.effects == []


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_who_has_lost_its_claim_does_not_begin(start: Build, action: str) -> None:
    stage = await waiting(start, action)
    stale = await claim(stage, minutes=0)
    await claim(stage, "a third")
    told = await carry_out(stage, stale)
    assert isinstance(told, Acted)
    assert (told.outcome.status, told.outcome.say) == ("not_done", "somebody else has taken it over")
    assert stage.effects == []


async def test_what_loses_its_owners_again_and_again_is_given_up(start: Build) -> None:
    stage = await waiting(start, PRESS)
    for _ in range(5):
        await claim(stage, minutes=0)
    somebody(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), stage.effects) == (ActionState.REFUSED, [])
    assert "processes ended" in (await stage.attempt()).why


# --- what the world answers ---


@pytest.mark.parametrize("how", ["lost", "unanswered"])
async def test_without_an_answer_it_is_read_back_and_happens_once(start: Build, how: str) -> None:
    stage = await play(start)
    stage.touch(how)
    await stage.approve()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


@pytest.mark.parametrize(("how", "happened"), [("lost", 0), ("unanswered", 1)])
async def test_without_an_answer_what_cannot_be_read_back_is_in_doubt(start: Build, how: str, happened: int) -> None:
    stage = await play(start, PRESS)
    stage.touch(how)
    await stage.approve()
    assert (await stage.state(), len(stage.effects)) == (ActionState.IN_DOUBT, happened)
    assert (await stage.attempt()).why == "no answer came"


async def test_who_takes_too_long_is_read_back_once_and_then_in_doubt(start: Build) -> None:
    stage = await play(start, "trial.hasty")
    stage.touch("before")
    await stage.approve()
    assert (await stage.state(), stage.effects) == (ActionState.IN_DOUBT, [])
    assert "no answer within 200ms" in (await stage.attempt()).why


async def test_what_takes_too_long_behind_its_effect_is_found_done(start: Build) -> None:
    stage = await play(start, "trial.hasty")
    stage.touch("after")
    await stage.approve()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_a_plugin_that_breaks_leaves_a_doubt_and_the_others_alone(start: Build, action: str) -> None:
    stage = await play(start, action)
    stage.touch("breaks")
    await stage.approve()
    assert (await stage.state(), len(stage.effects)) == (ActionState.IN_DOUBT, 1)
    assert "ZeroDivisionError" in (await stage.attempt()).why


async def test_what_the_world_refuses_has_failed(start: Build) -> None:
    stage = await play(start)
    stage.touch("refuses")
    await stage.approve()
    assert (await stage.state(), stage.effects) == (ActionState.FAILED, [])
    assert (await stage.attempt()).why == "the world refuses"


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_what_cannot_even_be_asked_for_is_tried_three_times_without_a_doubt(start: Build, action: str) -> None:
    stage = await waiting(start, action)
    away = stage.touch("away")
    somebody(stage)
    for _ in range(2):
        await stage.world.later(minutes=1)
        assert await stage.state() is ActionState.RUNNING
    away.unlink()
    await stage.world.later(minutes=1)
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)


async def test_what_stays_away_has_failed_after_three_times(start: Build) -> None:
    stage = await waiting(start, PRESS)
    stage.touch("away")
    somebody(stage)
    for _ in range(4):
        await stage.world.later(minutes=2)
    assert (await stage.state(), stage.effects) == (ActionState.FAILED, [])


async def test_what_has_changed_since_it_was_approved_is_not_done(start: Build) -> None:
    stage = await waiting(start, "trial.switch")
    (stage.world.folder / "api.json").write_text('{"value": 5, "generation": 8, "attempt": "else"}')
    somebody(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), stage.effects) == (ActionState.REFUSED, [])
    assert (await stage.attempt()).why == "generation was 7, is 8 now"


# --- taking back, dry run ---


async def test_what_was_done_is_taken_back_once_on_request(start: Build) -> None:
    stage = await play(start)
    await stage.approve()
    await stage.answer("undo", "bob")
    after = stage.touch("after")
    await stage.die(await stage.begin(lambda: len(stage.effects) == 2))
    after.unlink()
    await stage.world.later(minutes=1)
    assert await stage.state() is ActionState.UNDONE
    assert [effect["value"] for effect in stage.effects] == [2, 1]
    assert stage.effects[1]["attempt"].endswith("/1/0/undo")


@pytest.mark.parametrize("action", ["trial.switch", PRESS])
async def test_a_dry_run_decides_everything_and_changes_nothing(start: Build, action: str) -> None:
    stage = await play(start, action, dry_run=True)
    await stage.approve()
    assert (await stage.state(), stage.effects) == (ActionState.DONE, [])
    (told,) = await acted(stage)
    assert told.outcome.say == DRY_RUN


async def test_who_begins_a_dry_run_does_not_finish_what_was_meant(start: Build) -> None:
    stage = await waiting(start, "trial.switch")
    stage.world.engine = Engine(stage.world.store, replace(stage.world.runtime, dry_run=True))
    await stage.world.engine.settle()
    assert stage.effects == []
    (told,) = await acted(stage)
    assert told.outcome.status == "not_done"
    assert "dry run" in told.outcome.say


class Deaf:
    """A store that takes no results while it is `deaf`; `again` is set when a command was claimed a second time."""

    def __init__(self, store: Store) -> None:
        self.deaf, self.again, self._store = True, asyncio.Event(), store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._store.transaction() as tx:
            yield cast(Transaction, _Refusing(tx, self))


class _Refusing:
    def __init__(self, tx: Transaction, store: Deaf) -> None:
        self._tx, self._of = tx, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def fetch(self, name: str, *args: object) -> Rows:
        rows = await self._tx.fetch(name, *args)
        if name == "command_claim" and any(CommandRow.of(row).epoch > 1 for row in rows):
            self._of.again.set()
        return rows

    async def fetch_all(self, *calls: Call) -> Sequence[Rows]:
        if self._of.deaf and any(call[0] == "command_finish" and call[-1] == "acted" for call in calls):
            raise StoreUnavailable("the disk is full")
        return await self._tx.fetch_all(*calls)


async def test_what_is_known_of_an_effect_outlives_a_store_that_does_not_take_it(start: Build) -> None:
    stage = await play(start, PRESS)
    store = Deaf(stage.world.store)
    stage.world.engine = Engine(cast(Store, store), stage.world.runtime)
    await stage.answer("yes", "ann")
    settling = await stage.begin(lambda: bool(stage.effects))
    stage.world.clock.forward(minutes=1)
    async with asyncio.timeout(30):
        await store.again.wait()
    store.deaf = False
    await settling
    (told,) = await acted(stage)
    assert (told.outcome.status, len(stage.effects)) == ("done", 1)
    assert await stage.state() is ActionState.DONE
