"""The global stop holds on every replica at once, and every open incident says so."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
import structlog

from responder.engine.worker import Engine
from responder.model import codec
from responder.model.action import ActionState
from responder.model.timeline import ActionAsked, Answered, AutomationChanged
from responder.rules.rulebook import Rulebook
from responder.store.rows import micros
from tests.engine.acting import Stage, play
from tests.engine.conftest import Build
from tests.engine.test_acting import acted, somebody, waiting
from tests.engine.world import alert


async def changes(stage: Stage, number: int = 1) -> list[AutomationChanged]:
    return [what for what in await stage.world.happenings(number) if isinstance(what, AutomationChanged)]


async def test_a_stop_between_the_approval_and_the_effect_keeps_it_from_happening(start: Build) -> None:
    stage = await waiting(start, "trial.switch")
    another = Engine(stage.world.store, stage.world.runtime)
    await another.controls.stop("bob", why="black friday")
    somebody(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), stage.effects) == (ActionState.REFUSED, [])
    (told,) = await acted(stage)
    assert (told.outcome.status, told.outcome.say) == ("not_done", "all automation is stopped")


async def test_while_automation_is_stopped_nothing_starts_whoever_approves(start: Build) -> None:
    stage = await play(start)
    stopped = await stage.world.engine.controls.stop("bob", why="black friday")
    assert await Engine(stage.world.store, stage.world.runtime).controls.standing() == stopped
    await stage.approve()
    assert stage.effects == []
    assert not (await stage.state()).at_work


async def test_what_is_in_doubt_when_automation_stops_is_not_looked_after_by_doing_it_again(start: Build) -> None:
    stage = await play(start)
    await stage.answer()
    before = stage.touch("before")
    await stage.at_work()
    await stage.world.engine.controls.stop("bob")
    before.unlink()
    await stage.world.later(minutes=1)
    assert (await stage.state(), stage.effects) == (ActionState.IN_DOUBT, [])
    assert (await stage.attempt()).why == "it may have been done, and all automation is stopped"


async def test_every_open_incident_is_told_of_a_stop_and_of_its_end(start: Build) -> None:
    stage = await play(start)
    await stage.world.deliver(alert(namespace="b"), alert(namespace="c", status="firing"))
    controls = stage.world.engine.controls
    until = stage.world.clock.now() + timedelta(hours=2)
    await controls.stop("bob", until=until, why="black friday")
    await stage.world.engine.settle()
    assert await controls.lift("ann", why="over")
    await stage.world.engine.settle()
    for number in (1, 2, 3):
        assert await changes(stage, number) == [
            AutomationChanged("bob", True, "black friday", until),
            AutomationChanged("ann", False, "over"),
        ]
    assert await controls.standing() is None
    assert not await controls.lift("ann")
    await stage.approve()
    assert len(stage.effects) == 1


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_who_lifts_a_stop_waits_for_whoever_is_stopping_at_that_moment(start: Build, database_url: str) -> None:
    """Else all are told of a stop that does not stand: who stops has read one that lasts longer, and it is gone."""
    stage = await play(start)
    controls, waits = stage.world.engine.controls, "datname = current_database() and wait_event_type = 'Lock'"
    await controls.stop("bob")
    connection = await asyncpg.connect(database_url)
    async with stage.world.store.transaction() as tx, asyncio.timeout(30):
        await tx.fetch("control_lock")
        lifting = asyncio.create_task(controls.lift("ann"))
        while not await connection.fetchval(f"select exists (select from pg_stat_activity where {waits})"):
            assert not lifting.done()
            await asyncio.sleep(0.01)
    assert await lifting
    await connection.close()


async def test_an_incident_that_was_told_of_a_stop_and_not_woken_is_woken_by_and_by(start: Build) -> None:
    stage = await play(start)
    told = codec.HAPPENING.dump(AutomationChanged("bob", True))
    async with stage.world.store.transaction() as tx:
        tx.run("event_add_open", "automation.changed", told, micros(stage.world.clock.now()))
    await stage.world.engine.settle()
    unseen = await stage.world.store.read("events_unseen", 1, 9)
    await stage.world.engine.controls.remind()
    await stage.world.engine.settle()
    assert (len(unseen), await stage.world.store.read("events_unseen", 1, 9)) == (1, [])


async def test_a_stop_is_shown_in_the_message_at_once(start: Build) -> None:
    stage = await play(start)
    await stage.world.engine.controls.stop("bob", why="black friday")
    await stage.world.later(seconds=30)
    assert "black friday" in stage.world.sent()[-1]["text"]


async def test_new_rules_let_every_open_incident_look_at_once_at_what_it_shows(start: Build) -> None:
    stage = await play(start)
    world = stage.world
    old = world.runtime.rulebook()
    playbook = replace(old.ruleset.playbooks["rules/errors"], forbid=("trial.switch",))
    newest = Rulebook(replace(old.ruleset, playbooks={**old.ruleset.playbooks, "rules/errors": playbook}))
    books = [old]
    engine = Engine(world.store, replace(world.runtime, rulebook=lambda: books[-1]))
    await engine._review()
    await engine.settle()
    assert (await stage.attempt()).forbidden == ""
    books.append(newest)
    await engine._review()
    await engine.settle()
    assert (await stage.attempt()).forbidden == "trial.switch is forbidden during such an incident"
    waiting_for = await world.store.read("incidents_due", micros(world.clock.now()), 9)
    await engine._review()
    assert (waiting_for, await world.store.read("incidents_due", micros(world.clock.now()), 9)) == ([], [])


async def test_a_stop_ends_by_itself_at_its_time(start: Build) -> None:
    stage = await play(start)
    await stage.world.engine.controls.stop("bob", until=stage.world.clock.now() + timedelta(minutes=5))
    await stage.world.later(minutes=6)
    assert await stage.world.engine.controls.standing() is None
    assert not await stage.world.engine.controls.lift("ann")
    await stage.approve()
    assert len(stage.effects) == 1


async def test_a_shorter_stop_shortens_none_and_every_incident_says_until_when_it_is(start: Build) -> None:
    stage = await play(start)
    controls, now = stage.world.engine.controls, stage.world.clock.now()
    first = await controls.stop("bob", until=now + timedelta(hours=2), why="black friday")
    assert await controls.stop("ann", until=now + timedelta(minutes=5), why="a moment") == first
    assert await controls.standing() == first
    longer = await controls.stop("ann", why="for good")
    assert await controls.standing() == longer
    assert await controls.stop("bob", until=now + timedelta(days=30)) == longer
    await stage.world.engine.settle()
    told = [(each.by, each.until, each.why) for each in await changes(stage)]
    assert told == [
        ("bob", first.until, "black friday"),
        ("ann", first.until, "a moment"),
        ("ann", None, "for good"),
        ("bob", None, ""),
    ]


async def test_a_stop_that_is_over_is_longer_than_none(start: Build) -> None:
    stage = await play(start)
    controls = stage.world.engine.controls
    await controls.stop("bob", until=stage.world.clock.now() + timedelta(hours=2))
    await stage.world.later(hours=3)
    until = stage.world.clock.now() + timedelta(minutes=5)
    assert (await controls.stop("ann", until=until)).until == until


async def test_a_stop_by_the_settings_holds_too(start: Build) -> None:
    stage = await waiting(start, "trial.switch")
    stage.world.engine = Engine(stage.world.store, replace(stage.world.runtime, stopped=True))
    await stage.world.engine.settle()
    assert (await stage.state(), stage.effects) == (ActionState.REFUSED, [])


async def test_who_stops_and_resumes_stands_in_the_log(start: Build) -> None:
    stage = await play(start)
    with structlog.testing.capture_logs() as logs:
        await stage.world.engine.controls.stop("bob", why="black friday")
        await stage.world.engine.controls.lift("ann")
    assert [(line["event"], line["by"]) for line in logs] == [
        ("automation.stopped", "bob"),
        ("automation.resumed", "ann"),
    ]


async def test_a_word_on_an_incident_that_there_is_none_of_is_not_taken(start: Build) -> None:
    answers = (await play(start)).world.engine.answers
    assert not await answers.answer(99, Answered(1, "yes", "ann"))
    assert not await answers.ask(99, ActionAsked("ann", "trial.switch", {}))


async def test_an_action_that_a_person_asks_for_is_offered_and_done_once(start: Build) -> None:
    stage = await play(start)
    asked = ActionAsked("ann", "trial.switch", {"folder": str(stage.world.folder), "name": "db", "to": 9})
    assert await stage.world.engine.answers.ask(1, replace(asked, roles=("on-call",), reason="because"))
    await stage.world.engine.settle()
    manual = await stage.attempt()
    assert (manual.proposed_by, manual.state) == ("ann", ActionState.PROPOSED)
    await stage.approve()
    assert (await stage.state(), len(stage.effects)) == (ActionState.DONE, 1)
