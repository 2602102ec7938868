"""Processes that are killed or frozen in the middle: nothing accepted is lost, nobody is told twice."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from responder.model.message import Purpose
from responder.model.timeline import Notified
from tests.engine.conftest import Build
from tests.engine.plugins.channel import sent
from tests.engine.victim import NAMESPACES
from tests.engine.world import alert, delivery

Process = asyncio.subprocess.Process
Run = Callable[..., Awaitable[Process]]


@pytest.fixture
async def run(database_url: str, tmp_path: Path) -> AsyncIterator[Run]:
    """Start processes with an engine, and end them at the end."""
    running: list[Process] = []

    async def run(*, lease: float = 1.0, load: int = 0, start: int = 0) -> Process:
        arguments = (database_url, str(tmp_path / "channel"), str(lease), str(load), str(start))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.engine.victim", *arguments, stdout=asyncio.subprocess.PIPE
        )
        running.append(process)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        return process

    yield run
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def accepted(process: Process, count: int) -> list[int]:
    """Wait until so many are accepted, kill the process, and return all that it said it had accepted."""
    assert process.stdout is not None
    numbers = [int(await asyncio.wait_for(process.stdout.readline(), 60)) for _ in range(count)]
    process.kill()
    rest = (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return numbers + [int(line) for line in rest if line.endswith(b"\n")]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


async def test_after_kill_9_under_load_nothing_accepted_is_lost_and_nobody_is_told_twice(
    run: Run, start: Build, tmp_path: Path
) -> None:
    acked: list[int] = []
    for count in (40, 150, 300):
        acked += await accepted(await run(load=16, start=len(acked) * 2), count)
    world = await start(now=lambda: datetime.now(UTC))
    await world.engine.start()
    async with asyncio.timeout(90):
        while True:
            counts = await world.engine.reader.counts()
            if not counts.inbox and not counts.waiting:
                break
            await asyncio.sleep(0.1)
    await world.engine.stop()
    episodes = [e.labels["pod"] for incident in await world.incidents() for e in incident.episodes]
    assert {f"p{number}" for number in acked} <= set(episodes)
    assert max(Counter(episodes).values()) == 1
    assert len(await world.incidents()) == NAMESPACES
    posts = Counter(line["incident"] for line in sent(tmp_path / "channel") if line.get("purpose") == "message")
    first = [line for line in sent(tmp_path / "channel") if line["kind"] == "post" and line["purpose"] == "message"]
    assert len(first) == len(posts) == NAMESPACES


async def begun(run: Run, start: Build, channel: Path) -> Process:
    """Start a process that has told the channel of an incident and waits for its answer."""
    world = await start(now=lambda: datetime.now(UTC))
    (channel / "hang").touch()
    await world.engine.intake.accept(delivery(alert()))
    await world.store.close()
    process = await run()
    await until(lambda: bool(sent(channel)))
    return process


async def adopted(start: Build, channel: Path) -> None:
    """Check that the one message was found again, by its key, and that the incident knows it."""
    posted, found = [line for line in sent(channel) if line["key"].endswith("/message/1")]
    assert (posted["kind"], found["kind"]) == ("post", "adopt")
    world = await start()
    told = [what for what in await world.happenings(1) if isinstance(what, Notified)]
    assert [w.ref for w in told if w.purpose is Purpose.MESSAGE and w.sequence == 1] == [posted["ref"]]


async def test_who_is_killed_between_telling_and_noting_it_leaves_one_message(
    run: Run, start: Build, tmp_path: Path
) -> None:
    channel = tmp_path / "channel"
    first = await begun(run, start, channel)
    first.kill()
    await first.wait()
    (channel / "hang").unlink()
    second = await run()
    await until(lambda: any(line["kind"] == "adopt" for line in sent(channel)))
    second.terminate()
    await second.wait()
    await adopted(start, channel)


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_who_stands_still_between_telling_and_noting_it_loses_the_command_and_changes_nothing(
    run: Run, start: Build, tmp_path: Path
) -> None:
    channel = tmp_path / "channel"
    first = await begun(run, start, channel)
    first.send_signal(signal.SIGSTOP)
    (channel / "hang").unlink()
    second = await run()
    await until(lambda: any(line["kind"] == "adopt" for line in sent(channel)))
    first.send_signal(signal.SIGCONT)
    for process in (first, second):
        process.terminate()
        await process.wait()
    await adopted(start, channel)


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_two_processes_share_the_work_and_open_one_incident_for_each_key(run: Run, start: Build) -> None:
    processes = await asyncio.gather(run(load=8, start=0), run(load=8, start=1_000_000))
    acked = await asyncio.gather(*(accepted(process, 200) for process in processes))
    world = await start(now=lambda: datetime.now(UTC))
    await world.engine.intake.accept(delivery(alert(pod="last", namespace="n0")))
    await world.engine.settle()
    incidents = await world.incidents()
    assert len(incidents) == NAMESPACES
    pods = {e.labels["pod"] for incident in incidents for e in incident.episodes}
    assert {f"p{number}" for numbers in acked for number in numbers} <= pods
