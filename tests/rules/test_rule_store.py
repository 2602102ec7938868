"""New rules are taken when the files change; bad ones never replace good ones."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from responder.plugins.registry import Registry
from responder.rules.problems import RuleErrors
from responder.rules.rule_store import Reload, RuleStore

GOOD = "rules: [{name: NAME, match: ['a=\"b\"'], record_only: true}]\n"
PATIENCE = 20
"""Seconds to wait for the file system before a test fails."""


def named(name: str) -> str:
    """Return a file with one rule of that name."""
    return GOOD.replace("NAME", name)


def first(store: RuleStore) -> str:
    """Return the name of the first rule in use."""
    return store.current.ruleset.rules[0].name


@asynccontextmanager
async def watched(paths: list[Path], registry: Registry) -> AsyncIterator[tuple[RuleStore, asyncio.Queue[Reload]]]:
    """Watch the paths; the queue gets what became of each reload."""
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[Reload] = asyncio.Queue()
    store = RuleStore(paths, registry, lambda reload: loop.call_soon_threadsafe(told.put_nowait, reload) and None)
    stop = asyncio.Event()
    task = asyncio.create_task(store.watch(stop))
    try:
        yield store, told
    finally:
        stop.set()
        await task


async def until(change: Callable[[int], None], told: asyncio.Queue[Reload]) -> Reload:
    """Make the change, again and again as the watching may not have begun, until it is noticed."""
    for number in range(PATIENCE):
        change(number)
        try:
            return await asyncio.wait_for(told.get(), 2)
        except TimeoutError:
            continue
    raise AssertionError("the change was not noticed")


async def test_playbooks_are_prepared_at_the_start_and_after_a_reload(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "a.yaml").write_text("playbooks: {one: {steps: [look]}}")
    prepared: asyncio.Queue[str] = asyncio.Queue()
    store = RuleStore([tmp_path], registry, prepare=lambda playbook: prepared.put_nowait(playbook.name))
    stop = asyncio.Event()
    task = asyncio.create_task(store.watch(stop))
    names = {await asyncio.wait_for(prepared.get(), PATIENCE) for _ in store.current.ruleset.playbooks}
    assert any(name.endswith("/one") for name in names)
    (tmp_path / "a.yaml").write_text("playbooks: {two: {steps: [look]}}")
    os.kill(os.getpid(), signal.SIGHUP)
    while not (await asyncio.wait_for(prepared.get(), PATIENCE)).endswith("/two"):
        pass
    stop.set()
    await task


async def test_a_hangup_before_the_watching_begins_is_not_forgotten(tmp_path: Path, registry: Registry) -> None:
    rules = tmp_path / "a.yaml"
    rules.write_text(named("first"), encoding="utf-8")
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[Reload] = asyncio.Queue()
    store = RuleStore([tmp_path], registry, lambda reload: loop.call_soon_threadsafe(told.put_nowait, reload) and None)
    store.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0)
    stop = asyncio.Event()
    task = asyncio.create_task(store.watch(stop))
    assert (await asyncio.wait_for(told.get(), PATIENCE)).error == ""
    stop.set()
    await task


async def test_a_file_changed_since_it_was_loaded_is_taken_when_the_watching_begins(
    tmp_path: Path, registry: Registry
) -> None:
    rules = tmp_path / "a.yaml"
    rules.write_text(named("first"), encoding="utf-8")
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[Reload] = asyncio.Queue()
    store = RuleStore([tmp_path], registry, lambda reload: loop.call_soon_threadsafe(told.put_nowait, reload) and None)
    rules.write_text(named("second-name"), encoding="utf-8")
    stop = asyncio.Event()
    task = asyncio.create_task(store.watch(stop))
    await asyncio.wait_for(told.get(), PATIENCE)
    assert first(store).endswith("/second-name")
    stop.set()
    await task


def test_bad_rules_at_the_start_are_an_error(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "a.yaml").write_text("rule: []")
    with pytest.raises(RuleErrors) as caught:
        RuleStore([tmp_path], registry)
    assert [(error.line, error.column) for error in caught.value.errors] == [(1, 1)]
    assert "did you mean `rules`" in str(caught.value)


def test_a_bad_set_keeps_the_old_one_and_says_why(tmp_path: Path, registry: Registry) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(named("one"))
    store = RuleStore([tmp_path], registry)
    version = store.current.ruleset.version
    file.write_text("rules: [{}]")
    assert store.reload() == Reload(version, store.error)
    assert "`name` is missing" in store.error
    assert first(store).endswith("/one")
    file.write_text(named("two"))
    assert store.reload().error == "" == store.error
    assert first(store).endswith("/two")
    assert store.current.ruleset.version != version
    assert (store.reloads, store.refusals) == (1, 1)


async def test_a_changed_file_is_taken_in(tmp_path: Path, registry: Registry) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(named("one"))
    async with watched([file], registry) as (store, told):
        outcome = await until(lambda n: bool(file.write_text(named(f"new{n}"))) and None, told)
        assert outcome.error == ""
        assert "/new" in first(store)


async def test_the_swap_of_a_mounted_configmap_is_taken_in(tmp_path: Path, registry: Registry) -> None:
    def publish(number: int) -> None:
        version = tmp_path / f"..2026_{number}"
        version.mkdir(exist_ok=True)
        (version / "a.yaml").write_text(named(f"v{number}"))
        fresh = tmp_path / "..data_tmp"
        fresh.symlink_to(version.name)
        fresh.replace(tmp_path / "..data")

    publish(0)
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    async with watched([tmp_path], registry) as (store, told):
        outcome = await until(lambda n: publish(n + 1), told)
        assert outcome.error == ""
        assert "/v" in first(store)
        assert not first(store).endswith("/v0")


async def test_a_new_pack_is_taken_in(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.yaml").write_text(named("one"))

    def add(number: int) -> None:
        (tmp_path / f"a{number}").mkdir()
        (tmp_path / f"a{number}" / "b.yaml").write_text(named("two"))

    async with watched([tmp_path], registry) as (store, told):
        await until(add, told)
        assert first(store) == "a0/two"


async def test_a_hang_up_signal_reloads(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "a.yaml").write_text(named("one"))
    async with watched([tmp_path], registry) as (store, told):
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        assert (await asyncio.wait_for(told.get(), PATIENCE)).error == ""
        assert store.reloads == 1
