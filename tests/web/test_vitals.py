"""The store is well only when it can be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from responder.errors import StoreUnavailable
from responder.plugins.registry import Registry
from responder.rules.rule_store import RuleStore
from responder.store import sqlite_connection
from responder.web.vitals import HouseVitals
from tests.engine.world import World, alert, build, delivery


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = tuple(line.replace("busy_timeout = 5000", "busy_timeout = 20") for line in sqlite_connection._SETUP)
    monkeypatch.setattr(sqlite_connection, "_SETUP", setup)


def house(world: World) -> HouseVitals:
    return HouseVitals(world.store, RuleStore([], Registry({}, {}, {})), [], world.engine.trouble)


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_can_be_read_but_not_written_is_not_well(tmp_path: Path) -> None:
    world = await build(f"sqlite:///{tmp_path}/x.db", tmp_path / "channel")
    vitals = house(world)
    assert (await vitals.store()).ok
    with closing(sqlite3.connect(tmp_path / "x.db-inbox", isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreUnavailable):
            await world.engine.intake.accept(delivery(alert()))
        health = await vitals.store()
        assert not health.ok
        assert "locked" in health.detail
        other.execute("rollback")
    assert (await vitals.store()).ok
    await world.store.close()


@pytest.mark.usefixtures("impatient")
async def test_a_state_that_cannot_be_written_is_noticed_by_the_work_on_it(tmp_path: Path) -> None:
    world = await build(f"sqlite:///{tmp_path}/x.db", tmp_path / "channel")
    vitals = house(world)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        await world.engine.settle()
        assert "locked" in (await vitals.store()).detail
        other.execute("rollback")
    await world.engine.settle()
    assert (await vitals.store()).ok
    await world.store.close()
