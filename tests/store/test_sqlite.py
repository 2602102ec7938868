"""The embedded store: one process a file, a journal that stays small, an inbox that may be lost."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from responder.errors import ConfigError, StoreLocked
from responder.store.opening import open_store


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def test_a_second_process_on_the_same_file_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "responder.db"
    store = await open_store(url(path))
    code = (
        "import asyncio\nfrom responder.store.opening import open_store\nfrom responder.errors import StoreLocked\n"
        f"try:\n asyncio.run(open_store({url(path)!r}))\nexcept StoreLocked as error:\n print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "(pid " in said
    assert f"uses {path}: stop it, or give this one its own database_url" in said
    await store.close()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True).stdout == b""


async def test_the_same_process_cannot_open_it_twice_either(tmp_path: Path) -> None:
    store = await open_store(url(tmp_path / "a.db"))
    with pytest.raises(StoreLocked):
        await open_store(url(tmp_path / "a.db"))
    await store.close()


async def test_tidying_cuts_the_journals_back(tmp_path: Path) -> None:
    store = await open_store(url(tmp_path / "a.db"))
    for number in range(20):
        await store.inbox.add([(b"x" * 50_000, "delivery", number)])
        async with store.transaction() as tx:
            tx.run("counter_add", "a" * 50_000, number)
    journals = [tmp_path / "a.db-wal", tmp_path / "a.db-inbox-wal"]
    assert all(path.stat().st_size > 0 for path in journals)
    await store.tidy()
    assert [path.stat().st_size for path in journals] == [0, 0]
    await store.close()


async def test_an_inbox_that_was_removed_begins_anew_and_takes_deliveries(tmp_path: Path) -> None:
    for _ in range(2):
        store = await open_store(url(tmp_path / "a.db"))
        for number in range(3):
            await store.inbox.add([(b"x", "delivery", number)])
        async with store.transaction() as tx:
            rows = await store.inbox.waiting(tx, 9)
            assert [row.received_at for row in rows] == [0, 1, 2]
            store.inbox.settle(tx, [row.id for row in rows], None)
        await store.close()
        for path in tmp_path.glob("a.db-inbox*"):
            path.unlink()


async def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"there is no folder {tmp_path / 'new'}: make or mount it"):
        await open_store(url(tmp_path / "new" / "a.db"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="change database_url"):
        await open_store(url(tmp_path / "file" / "a.db"))


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    store = await open_store(url(tmp_path / "a.db"))
    await store.inbox.add([(b"x", "delivery", 1)])
    async with store.transaction() as tx:
        tx.run("counter_add", "a", 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    await store.close()
    assert {"a.db", "a.db-lock", "a.db-wal", "a.db-inbox", "a.db-inbox-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("name", ["a.db", "a.db-inbox"])
async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a diary, and no database at all\n" * 40)
    with pytest.raises(ConfigError, match=f"{tmp_path / name} is not a database of ours: move it away"):
        await open_store(url(tmp_path / "a.db"))
    assert (tmp_path / name).read_text().startswith("a diary")


@pytest.mark.parametrize("table", ["book (title text)", "schema_version (number integer)"])
async def test_the_database_of_somebody_else_is_left_as_it_is(tmp_path: Path, table: str) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"create table {table}")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="is not a database of ours"):
        await open_store(url(path))
    assert path.read_bytes() == before


async def test_a_damaged_database_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await (await open_store(url(path))).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    with pytest.raises(ConfigError, match=r"a\.db is damaged .*restore a backup"):
        await open_store(url(path))


@pytest.mark.parametrize("wrong", ["sqlite:///", "sqlite:///:memory:", "mysql://x", "sqlite://x"])
async def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        await open_store(wrong)


async def test_durability_is_not_traded_for_speed(tmp_path: Path) -> None:
    store = await open_store(url(tmp_path / "a.db"))
    for connection in (store._writing, store.inbox._writing):  # type: ignore[attr-defined]
        modes = await connection.call(
            lambda c: [c.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        )
        assert modes == ["wal", 2]
    await store.close()
