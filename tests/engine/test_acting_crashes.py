"""Processes that are killed or frozen in the middle of an action: its effect happens at most once, and is known."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from responder.model.action import ActionState, Attempt
from responder.model.timeline import Acted
from tests.engine.actor import world_of
from tests.engine.plugins.acts import effects
from tests.engine.world import alert, delivery

SWITCH, PRESS = "trial.switch", "trial.press"
SHARED = [pytest.param("postgres", marks=pytest.mark.postgres)]
Process = asyncio.subprocess.Process
Run = Callable[[str], Awaitable[Process]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the world is."""
    return tmp_path / "channel"


@pytest.fixture
async def run(database_url: str, folder: Path) -> AsyncIterator[Run]:
    """Start processes, and end them at the end."""
    running: list[Process] = []

    async def run(action: str) -> Process:
        arguments = ("-m", "tests.engine.actor", database_url, str(folder), action)
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
        running.append(process)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        return process

    yield run
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


async def begun(database_url: str, folder: Path, run: Run, action: str, held: str) -> Process:
    """Start a process that is held up at the effect of an action, before or after."""
    world = await world_of(database_url, folder, action)
    (folder / held).touch()
    await world.engine.intake.accept(delivery(alert()))
    await world.store.close()
    process = await run(action)
    await until((folder / "reached").exists)
    return process


async def ended(process: Process) -> None:
    """Let a process end by itself."""
    process.terminate()
    await process.wait()


async def settled(database_url: str, folder: Path, action: str) -> tuple[Attempt, list[Acted]]:
    """Return what the store knows of the action."""
    world = await world_of(database_url, folder, action)
    (incident,) = await world.incidents()
    told = [what for what in await world.happenings() if isinstance(what, Acted)]
    await world.store.close()
    return incident.attempts[-1], told


async def reaches(process: Process, state: ActionState) -> None:
    """Wait until a process says that the attempt stands there."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (await process.stdout.readline()).strip() != state.value.encode():
            pass


@pytest.mark.parametrize("held", ["before", "after"])
async def test_who_is_killed_at_the_effect_leaves_it_done_once(
    database_url: str, folder: Path, run: Run, held: str
) -> None:
    first = await begun(database_url, folder, run, SWITCH, held)
    first.kill()
    await first.wait()
    (folder / held).unlink()
    second = await run(SWITCH)
    await reaches(second, ActionState.DONE)
    await ended(second)
    attempt, told = await settled(database_url, folder, SWITCH)
    assert (attempt.state, len(effects(folder)), len(told)) == (ActionState.DONE, 1, 1)


@pytest.mark.parametrize(("held", "happened"), [("before", 0), ("after", 1)])
async def test_who_is_killed_at_an_effect_that_cannot_be_read_back_leaves_a_doubt(
    database_url: str, folder: Path, run: Run, held: str, happened: int
) -> None:
    first = await begun(database_url, folder, run, PRESS, held)
    first.kill()
    await first.wait()
    (folder / held).unlink()
    second = await run(PRESS)
    await reaches(second, ActionState.IN_DOUBT)
    await ended(second)
    attempt, told = await settled(database_url, folder, PRESS)
    assert (attempt.state, len(effects(folder)), len(told)) == (ActionState.IN_DOUBT, happened, 1)


@pytest.mark.parametrize("database_url", SHARED, indirect=True)
@pytest.mark.parametrize("held", ["before", "after"])
async def test_who_stands_still_at_the_effect_and_wakes_late_does_nothing_twice(
    database_url: str, folder: Path, run: Run, held: str
) -> None:
    first = await begun(database_url, folder, run, SWITCH, held)
    first.send_signal(signal.SIGSTOP)
    (folder / held).unlink()
    second = await run(SWITCH)
    await reaches(second, ActionState.DONE)
    first.send_signal(signal.SIGCONT)
    await reaches(first, ActionState.DONE)
    for process in (first, second):
        await ended(process)
    attempt, told = await settled(database_url, folder, SWITCH)
    assert (attempt.state, len(effects(folder)), len(told)) == (ActionState.DONE, 1, 1)


@pytest.mark.parametrize("database_url", SHARED, indirect=True)
@pytest.mark.parametrize("held", ["before", "after"])
async def test_who_stands_still_at_an_effect_that_cannot_be_read_back_does_it_at_most_once(
    database_url: str, folder: Path, run: Run, held: str
) -> None:
    first = await begun(database_url, folder, run, PRESS, held)
    first.send_signal(signal.SIGSTOP)
    (folder / held).unlink()
    second = await run(PRESS)
    await reaches(second, ActionState.IN_DOUBT)
    first.send_signal(signal.SIGCONT)
    await reaches(first, ActionState.IN_DOUBT)
    for process in (first, second):
        await ended(process)
    attempt, told = await settled(database_url, folder, PRESS)
    assert (attempt.state, len(told)) == (ActionState.IN_DOUBT, 1)
    assert len(effects(folder)) <= 1
