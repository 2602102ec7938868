"""What the Alertmanagers hold against what we hold: nobody who cannot be asked proves anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from responder.engine.runtime import Watched
from responder.errors import TransientError
from responder.model.incident import Status
from responder.model.outside import AmAlert, AmStatus
from responder.model.timeline import AlertEnded, AlertSilenced
from tests.engine.conftest import Build
from tests.engine.world import NOON, World, alert


@dataclass
class Alertmanager:
    """An Alertmanager that holds what it is given."""

    held: list[AmAlert] = field(default_factory=list)
    up_since: datetime = NOON - timedelta(days=1)
    down: bool = False

    async def alerts(self) -> Sequence[AmAlert]:
        """List."""
        if self.down:
            raise TransientError("refused")
        return self.held

    async def status(self) -> AmStatus:
        """Say since when."""
        if self.down:
            raise TransientError("refused")
        return AmStatus(self.up_since, "0.34.0")

    def hold(self, wire: dict[str, Any], *, silenced_by: tuple[str, ...] = (), receiver: str = "responder") -> None:
        """Hold an alert."""
        self.held.append(
            AmAlert(
                fingerprint=wire["fingerprint"],
                labels=wire["labels"],
                annotations=wire["annotations"],
                starts_at=datetime.fromisoformat(wire["startsAt"]),
                ends_at=None,
                receivers=(receiver,),
                silenced_by=silenced_by,
                state="suppressed" if silenced_by else "active",
            )
        )


async def look(world: World, **span: float) -> None:
    """Move the clock, look, and let what follows happen."""
    world.clock.forward(**span)
    await world.engine.reconciler.step()
    await world.engine.settle()


async def watched(start: Build, *sources: Alertmanager) -> World:
    return await start(alertmanagers=tuple(Watched("default", "responder", source) for source in sources))


async def test_an_alert_missing_everywhere_on_two_looks_five_minutes_apart_ends(start: Build) -> None:
    world = await watched(start, Alertmanager(), Alertmanager())
    await world.deliver(alert())
    await look(world, seconds=10)
    await look(world, minutes=4)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=1)
    assert (await world.only()).status is Status.MONITORING
    (told,) = [what for what in await world.happenings() if isinstance(what, AlertEnded)]
    assert (told.why, told.ended_at) == ("missing", NOON + timedelta(seconds=10))


async def test_a_look_before_an_alert_fired_again_does_not_count_against_it(start: Build) -> None:
    world = await watched(start, Alertmanager())
    await world.deliver(alert())
    await look(world, minutes=1)
    await world.deliver(alert(start=120))
    await look(world, minutes=5)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=5)
    ends = [what for what in await world.happenings() if isinstance(what, AlertEnded)]
    assert ends[-1] == AlertEnded(alert()["fingerprint"], NOON + timedelta(minutes=6), "missing")


async def test_an_alert_that_one_of_them_still_holds_goes_on(start: Build) -> None:
    one, two = Alertmanager(), Alertmanager()
    two.hold(alert())
    world = await watched(start, one, two)
    await world.deliver(alert())
    for _ in range(4):
        await look(world, minutes=6)
    assert (await world.only()).status is Status.OPEN


async def test_one_that_cannot_be_asked_closes_nothing(start: Build) -> None:
    world = await watched(start, Alertmanager(), Alertmanager(down=True))
    await world.deliver(alert())
    for _ in range(4):
        await look(world, minutes=6)
    assert (await world.only()).status is Status.OPEN


async def test_one_that_has_just_started_closes_nothing(start: Build) -> None:
    world = await watched(start, Alertmanager(up_since=NOON + timedelta(minutes=9)))
    await world.deliver(alert())
    await look(world, minutes=10)
    await look(world, minutes=8)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=2)
    await look(world, minutes=6)
    assert (await world.only()).status is Status.MONITORING


async def test_an_alert_seen_again_between_two_looks_starts_the_count_anew(start: Build) -> None:
    source = Alertmanager()
    world = await watched(start, source)
    await world.deliver(alert())
    await look(world, minutes=1)
    source.hold(alert())
    await look(world, minutes=3)
    source.held.clear()
    await look(world, minutes=3)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=5)
    assert (await world.only()).status is Status.MONITORING


async def test_each_cluster_is_remembered_for_itself(start: Build) -> None:
    one, two = Alertmanager(), Alertmanager()
    places = (Watched("a", "responder", one), Watched("b", "responder", two))
    world = await start(clusters=("a", "b"), alertmanagers=places)
    two.hold(alert(cluster="b"))
    await world.deliver(alert(cluster="a"), alert(cluster="b"))
    one.hold(alert("Lost", cluster="a"))
    for _ in range(7):
        await look(world, minutes=1)
    found = {(i.cluster, i.rule.rpartition("/")[2]): i.status for i in await world.incidents()}
    assert found[("a", "errors")] is Status.MONITORING
    assert found[("b", "errors")] is Status.OPEN
    assert len(found) == 3
    assert (await world.engine.reader.counts()).undelivered == 1


async def test_what_an_alertmanager_of_all_clusters_holds_of_another_is_known(start: Build) -> None:
    source = Alertmanager()
    source.hold(alert(cluster="b"))
    world = await start(clusters=("a", "b"), alertmanagers=(Watched("a", "responder", source),))
    await world.deliver(alert(cluster="b"))
    for _ in range(4):
        await look(world, minutes=1)
    assert (await world.engine.reader.counts()).undelivered == 0


async def test_looks_count_only_one_after_the_other_and_each_complete(start: Build) -> None:
    one, two = Alertmanager(), Alertmanager()
    world = await watched(start, one, two)
    await world.deliver(alert())
    await look(world, seconds=10)
    two.down = True
    one.hold(alert())
    await look(world, minutes=20)
    two.down = False
    one.held.clear()
    await look(world, minutes=1)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=4)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=1)
    assert (await world.only()).status is Status.MONITORING


async def test_looks_before_another_process_looked_count_no_more(start: Build) -> None:
    world = await watched(start, Alertmanager())
    await world.deliver(alert())
    await look(world, minutes=1)
    world.clock.forward(minutes=10)
    other = replace(world.engine.reconciler, owner="another")
    await other.step()
    await look(world, minutes=1)
    await look(world, minutes=3)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=1)
    assert (await world.only()).status is Status.OPEN
    await look(world, minutes=4)
    assert (await world.only()).status is Status.MONITORING


async def test_an_alert_that_fires_again_after_it_was_missing_is_not_taken_for_stale(start: Build) -> None:
    world = await watched(start, Alertmanager())
    await world.deliver(alert())
    await look(world, minutes=1)
    await look(world, minutes=5)
    await world.deliver(alert(start=120))
    incident = await world.only()
    assert (incident.status, len(incident.firing)) == (Status.OPEN, 1)


async def test_an_alert_for_us_that_was_never_delivered_is_taken_in_once_it_is_late(start: Build) -> None:
    source = Alertmanager()
    source.hold(alert())
    world = await watched(start, source)
    await look(world, seconds=0)
    await look(world, seconds=60)
    assert await world.incidents() == []
    await look(world, seconds=5)
    assert (await world.only()).status is Status.OPEN
    assert (await world.engine.reader.counts()).undelivered == 1
    await look(world, seconds=70)
    assert len((await world.only()).episodes) == 1


@pytest.mark.parametrize("how", [{"receiver": "others"}, {"silenced_by": ("s1",)}], ids=["another's", "silenced"])
async def test_an_alert_that_is_not_to_be_delivered_to_us_is_left_alone(start: Build, how: dict[str, Any]) -> None:
    source = Alertmanager()
    source.hold(alert(), **how)
    world = await watched(start, source)
    for _ in range(3):
        await look(world, minutes=5)
    assert await world.incidents() == []


async def test_a_heartbeat_that_is_not_delivered_is_not_taken_in_by_looking(start: Build) -> None:
    source = Alertmanager()
    source.hold(alert("Watchdog"))
    world = await watched(start, source)
    for _ in range(3):
        await look(world, minutes=5)
    assert await world.store.read("heartbeats_list") == []


async def test_a_silence_shows_and_its_end_does_too(start: Build) -> None:
    source = Alertmanager()
    source.hold(alert(), silenced_by=("s1",))
    world = await watched(start, source)
    await world.deliver(alert())
    await look(world, minutes=1)
    assert (await world.only()).silenced
    await look(world, minutes=1)
    source.held.clear()
    source.hold(alert())
    await look(world, minutes=1)
    assert not (await world.only()).silenced
    told = [what.silenced_by for what in await world.happenings() if isinstance(what, AlertSilenced)]
    assert told == [("s1",), ()]
