"""A secret that a person gives is used by the process that holds it, once, and stands nowhere."""

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from responder.engine.runtime import Limits
from responder.engine.worker import Engine
from responder.model.action import ActionState
from responder.model.redaction import MARK
from responder.model.secrecy import PLACEHOLDER, secrets_in
from responder.model.timeline import ActionAsked, Answered, AnswerRefused
from tests.engine.acting import Stage, play
from tests.engine.conftest import Build

VALUE = 'Xq7"planted&value'
RULE = "value: '${inputs.code}'"
MORE = ", inputs: {code: {type: secret, describe: 'The new code'}}"


async def secretive(start: Build, *, more: str = "", **settings: Any) -> Stage:
    """Open an incident that proposes to keep a secret."""
    name = f"api, {RULE}"
    return await play(start, "trial.keep", name=name, more=MORE + more, **settings)


async def give(stage: Stage, by: str = "ann", *, value: str = VALUE, word: Any = "yes") -> None:
    """Say yes with the secret, as the door does it."""
    attempt = await stage.attempt()
    held = stage.world.engine.vault.hold(value, incident=1, attempt=attempt.number)
    said = Answered(attempt.number, word, by, ("on-call", "admin"), attempt.digest, {"code": held.mark}, why="because")
    assert await stage.world.engine.answers.answer(1, said)


def another(stage: Stage) -> None:
    """Let the process end, with what it held; another begins."""
    stage.world.engine = Engine(stage.world.store, stage.world.runtime)


def kept(stage: Stage) -> list[str]:
    return [line["kept"] for line in stage.effects if "kept" in line]


def tried(stage: Stage) -> set[str]:
    return {line["tried"] for line in stage.effects if "tried" in line}


async def refused(stage: Stage) -> list[str]:
    return [what.why for what in await stage.world.happenings() if isinstance(what, AnswerRefused)]


@pytest.fixture
def stored(database_url: str) -> Callable[[], Awaitable[bytes]]:
    """Read all that the store has, byte for byte."""

    async def read() -> bytes:
        if database_url.startswith("sqlite:///"):
            file = Path(database_url.removeprefix("sqlite:///"))
            return b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
        connection = await asyncpg.connect(database_url)
        try:
            where = "schemaname not in ('pg_catalog', 'information_schema')"
            tables = await connection.fetch(f"select schemaname, tablename from pg_tables where {where}")
            rows = [await connection.fetch(f'select t::text from "{s}"."{t}" t') for s, t in tables]
        finally:
            await connection.close()
        return "\n".join(row[0] for found in rows for row in found).encode()

    return read


def tells(text: object) -> bool:
    """Whether something tells the secret, in whatever form."""
    plain = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return any(form in plain for form in (VALUE, "planted&value", base64.b64encode(VALUE.encode()).decode()))


async def test_it_is_used_once_and_stands_nowhere(
    start: Build, stored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = await secretive(start)
    await give(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])
    assert tried(stage) == {PLACEHOLDER}
    assert not tells(await stored())
    assert not tells(capsys.readouterr())
    assert not tells(stage.world.sent())
    assert not tells(await stage.incident())
    assert (await stage.attempt()).why == f"kept {MARK}"


async def test_it_is_forgotten_when_it_was_used(start: Build) -> None:
    stage = await secretive(start)
    await give(stage)
    assert len(stage.world.engine.vault.entrusted()) == 1
    await stage.world.engine.settle()
    assert stage.world.engine.vault.entrusted() == ()


async def test_it_is_forgotten_when_the_attempt_is_over_or_time_is(start: Build) -> None:
    stage = await secretive(start, more=", guard: {approvals: 2}")
    await give(stage)
    await stage.world.engine.settle()
    await stage.world.engine._tidy()
    assert len(stage.world.engine.vault.entrusted()) == 1
    await stage.answer("no", "bob")
    await stage.world.engine.settle()
    await stage.world.engine._tidy()
    assert stage.world.engine.vault.entrusted() == ()
    held = stage.world.engine.vault.hold("another", incident=1, attempt=1)
    stage.world.clock.forward(minutes=15)
    assert stage.world.engine.vault.lacks({"code": held.ticket}) == ("code",)


async def test_one_of_two_people_gives_it_and_the_last_one_given_counts(start: Build) -> None:
    stage = await secretive(start, more=", guard: {approvals: 2}")
    await give(stage, value="an older one")
    await stage.world.engine.settle()
    assert (await stage.state(), (await stage.attempt()).approved_by) == (ActionState.PROPOSED, ("ann",))
    await give(stage, "bob")
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


async def test_the_first_of_two_may_leave_it_to_the_second(start: Build) -> None:
    stage = await secretive(start, more=", guard: {approvals: 2}")
    await stage.approve("ann")
    await stage.approve("bob")
    assert (await stage.state(), kept(stage)) == (ActionState.PROPOSED, [])
    assert "--input code=@FILE" in (await refused(stage))[0]
    await give(stage, "bob")
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


async def test_a_yes_without_it_does_not_count_nor_does_broken_glass(start: Build) -> None:
    stage = await secretive(start)
    await stage.approve()
    attempt = await stage.attempt()
    glass = Answered(1, "break_glass", "eve", ("admin",), attempt.digest, why="now")
    assert await stage.world.engine.answers.answer(1, glass)
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage), len(await refused(stage))) == (ActionState.PROPOSED, [], 2)
    await give(stage, "eve", word="break_glass")
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


async def test_who_ends_before_it_is_checked_has_it_asked_for_again(start: Build) -> None:
    stage = await secretive(start)
    await give(stage)
    another(stage)
    await stage.world.engine.settle()
    await stage.world.later(minutes=2)
    attempt = await stage.attempt()
    assert (attempt.state, attempt.number, kept(stage)) == (ActionState.PROPOSED, 1, [])
    assert (secrets_in(attempt.inputs), attempt.approvals) == ({}, ())
    await give(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


async def test_who_ends_between_the_check_and_the_effect_has_it_asked_for_again_without_a_doubt(start: Build) -> None:
    stage = await secretive(start, more=", guard: {cooldown: 2h}")
    await give(stage)
    engine = stage.world.engine
    engine._performer.lanes.busy[f"act@{engine.owner}"] = Limits().actions
    await engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.RUNNING, [])
    another(stage)
    await stage.world.later(minutes=2)
    assert (await stage.state(), kept(stage)) == (ActionState.PROPOSED, [])
    assert any("give code again" in str(what) for what in await stage.world.happenings())
    await give(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


async def test_who_ends_at_the_effect_leaves_a_doubt_and_nobody_writes_what_stands_for_it(start: Build) -> None:
    stage = await secretive(start)
    await give(stage)
    after = stage.touch("after")
    await stage.at_work()
    after.unlink()
    await stage.world.later(minutes=3)
    assert (await stage.state(), kept(stage)) == (ActionState.IN_DOUBT, [VALUE])


async def test_what_was_held_for_too_long_is_asked_for_again(start: Build) -> None:
    stage = await secretive(start, more=", guard: {approvals: 2, approve_within: 1h}")
    await give(stage)
    await stage.world.later(minutes=16)
    await stage.approve("bob")
    assert (await stage.state(), kept(stage)) == (ActionState.PROPOSED, [])
    assert "nobody has given the secret code" in (await refused(stage))[0]


@pytest.mark.parametrize("way", ["blabs", "quotes", "stumbles"])
async def test_what_an_action_says_of_it_when_it_fails_tells_nothing(
    start: Build, stored: Any, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    stage = await secretive(start)
    stage.touch(way)
    await give(stage)
    await stage.world.engine.settle()
    for _ in range(4):
        await stage.world.later(minutes=2)
    assert await stage.state() in (ActionState.FAILED, ActionState.IN_DOUBT)
    assert kept(stage) == []
    assert not tells(await stored())
    assert not tells(capsys.readouterr())
    assert not tells(stage.world.sent())


async def test_it_cannot_be_given_by_hand_as_a_parameter(start: Build) -> None:
    stage = await secretive(start)
    for value in ("literal", "${inputs.code}"):
        params = {"folder": str(stage.world.folder), "value": value}
        assert await stage.world.engine.answers.ask(1, ActionAsked("ann", "trial.keep", params, ("on-call",)))
    await stage.world.engine.settle()
    assert len((await stage.incident()).attempts) == 1
    assert all("never by hand" in why for why in await refused(stage))
    assert len(await refused(stage)) == 2


async def test_two_processes_that_hold_one_each_have_the_last_one_count(start: Build) -> None:
    """Only who holds all of an attempt's secrets can run it: what another one held has to be given again."""
    stage = await secretive(start, more=", guard: {approvals: 2}")
    await give(stage)
    await stage.world.engine.settle()
    another(stage)
    await give(stage, "bob")
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_another_process_leaves_the_work_to_the_one_that_holds_it(start: Build) -> None:
    stage = await secretive(start)
    holder = stage.world.engine
    await give(stage)
    another(stage)
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.APPROVED, [])
    stage.world.engine = holder
    await stage.world.engine.settle()
    assert (await stage.state(), kept(stage)) == (ActionState.DONE, [VALUE])
