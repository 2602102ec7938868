"""A database of an older version is brought up to date with all that it holds."""

import sqlite3
from pathlib import Path

import asyncpg

from responder.store.opening import open_store
from responder.store.rows import CommandRow
from responder.store.statements import Dialect, migrations, statements

COMMAND = (
    "insert into command (incident, key, kind, lane, args, priority, status, owner, epoch, attempt, due_at, asked_at) "
    "values (7, 'diagnose/rate/1', 'diagnose', 'diagnose', '{}', 5, 'ready', '', 0, 0, 1, 1)"
)


def as_it_was(dialect: Dialect) -> str:
    """Write a database of version 1 that holds a command."""
    texts = [statements(dialect)["schema_table"], migrations("state", dialect)[0], COMMAND]
    if dialect == "postgres":
        texts += [migrations("inbox", dialect)[0], "insert into schema_version values ('inbox', 1)"]
    return ";\n".join([*texts, "insert into schema_version (part, version) values ('state', 1)"])


async def make(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        with sqlite3.connect(Path(database_url.removeprefix("sqlite:///"))) as file:
            file.executescript(as_it_was("sqlite"))
        file.close()
        return
    connection = await asyncpg.connect(database_url)
    await connection.execute(as_it_was("postgres"))
    await connection.close()


async def test_a_database_of_version_1_keeps_what_it_holds_and_takes_what_is_new(database_url: str) -> None:
    await make(database_url)
    for _ in range(2):
        store = await open_store(database_url)
        assert tuple((await store.read("schema_read", "state"))[0]) == (7,)
        await store.close()
    store = await open_store(database_url)
    async with store.transaction() as tx:
        (row,) = await tx.fetch("command_claim", "me", 10, 5, "diagnose", 9)
        of = ("kubernetes.scale", "more", "x", '["y"]', "r", "n", "c")
        tx.run("run_begin", 7, 1, 0, 0, *of, 3, 1, '["kubernetes.set_env"]')
        tx.run("control_write", "stop", "{}", 3)
        tx.run("attempt_put", 7, 1, "proposed", 1, 3)
    claimed = CommandRow.of(row)
    assert (claimed.key, claimed.epoch, claimed.begun) == ("diagnose/rate/1", 1, False)
    (run,) = await store.read("runs_counted", 0, 9)
    assert (*tuple(run)[:3], *tuple(run)[-3:]) == (7, 1, "kubernetes.scale", '["y"]', 1, '["kubernetes.set_env"]')
    assert [tuple(row) for row in await store.read("control_read", "stop")] == [("{}",)]
    assert [tuple(row) for row in await store.read("attempts_pending")] == [("proposed", 1, 1, 3)]
    await store.close()
