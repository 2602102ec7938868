"""Alerts join incidents one by one; a bad one is set aside, and nothing is left behind."""

from responder.engine.runtime import Limits
from responder.engine.views import Rejected
from responder.model.incident import Status
from responder.model.labels import Labels
from responder.model.rule import Rule
from responder.model.timeline import AlertEnded, AlertFired, AlertsLeftOut
from responder.rules.rulebook import Rulebook
from tests.engine.conftest import Build
from tests.engine.world import NOON, World, alert, delivery


async def test_a_resolved_member_of_a_truncated_delivery_closes_only_itself(world: World) -> None:
    await world.deliver(alert(pod="a"), alert(pod="b"))
    await world.deliver(alert(pod="a", status="resolved", end=30), status="resolved", truncatedAlerts=1)
    incident = await world.only()
    assert incident.status is Status.OPEN
    assert [episode.labels["pod"] for episode in incident.firing] == ["b"]


async def test_alerts_that_alertmanager_leaves_out_are_told_with_the_cure_once_for_each_count(world: World) -> None:
    await world.deliver(alert(pod="a"))
    assert "left out" not in world.sent()[-1]["text"]
    for count in (2, 2, 3, 2):
        await world.deliver(alert(pod="a"), truncatedAlerts=count, receiver="responder")
    await world.deliver(alert(pod="a"))
    told = [what for what in await world.happenings() if isinstance(what, AlertsLeftOut)]
    assert told == [AlertsLeftOut(count, "responder") for count in (2, 3, 2)]
    await world.later(minutes=1)
    text = world.sent()[-1]["text"]
    assert "1 firing, 2 left out by Alertmanager" in text
    cure = "set `max_alerts: 0` in the webhook_configs of its receiver responder"
    assert f"2 alerts were left out by Alertmanager (max_alerts): {cure}" in text


async def test_an_incident_hears_of_what_was_left_out_also_when_it_opens_and_when_an_alert_of_it_ends(
    world: World,
) -> None:
    await world.deliver(alert(), truncatedAlerts=1)
    assert (await world.only()).left_out == 1
    await world.deliver(alert(status="resolved", end=30), status="resolved", truncatedAlerts=4)
    assert (await world.only()).left_out == 4
    await world.later(minutes=10)
    await world.deliver(alert(status="resolved", end=30), status="resolved", truncatedAlerts=5)
    incident = await world.only()
    assert (incident.status, incident.left_out) == (Status.RESOLVED, 4)


async def test_a_stale_firing_of_the_other_peer_reopens_nothing(world: World) -> None:
    await world.deliver(alert())
    await world.deliver(alert(status="resolved", end=30))
    await world.deliver(alert(), externalURL="http://peer:9093")
    assert (await world.only()).status is Status.MONITORING


async def test_a_firing_again_before_the_quiet_time_ends_continues_the_incident(world: World) -> None:
    await world.deliver(alert())
    await world.deliver(alert(status="resolved", end=30))
    await world.later(minutes=2)
    await world.deliver(alert(start=100))
    incident = await world.only()
    assert incident.status is Status.OPEN
    assert incident.refires == 1


async def test_a_resolved_alert_that_never_fired_opens_nothing(world: World) -> None:
    await world.deliver(alert(status="resolved", end=30))
    assert await world.incidents() == []


async def test_firing_and_end_of_one_alert_in_one_slice_are_told_in_order(world: World) -> None:
    for body in (delivery(alert()), delivery(alert(status="resolved", end=30)), delivery(alert(start=60))):
        await world.engine.intake.accept(body)
    await world.engine.settle()
    told = [what for what in await world.happenings() if isinstance(what, AlertFired | AlertEnded)]
    assert [type(what) for what in told] == [AlertFired, AlertEnded, AlertFired]
    assert len((await world.only()).firing) == 1


async def test_an_alert_that_cannot_be_read_is_shown_among_the_rejected(world: World) -> None:
    await world.deliver(alert(pod="a"), {**alert(pod="b"), "startsAt": "soon"})
    assert len((await world.only()).episodes) == 1
    rejected, total = await world.engine.reader.rejected(10)
    assert total == 1
    assert "alert 2 of 2 was set aside: startsAt" in rejected[0].reason
    assert b'"pod": "b"' in rejected[0].body
    assert (await world.engine.reader.counts()).set_aside == 1
    await world.deliver({**alert(pod="b"), "startsAt": "soon"}, alert(pod="c"))
    assert ((await world.engine.reader.rejected(10))[1], (await world.engine.reader.counts()).set_aside) == (1, 2)


class Fragile(Rulebook):
    """Rules that break on one alert."""

    def match(self, labels: Labels) -> Rule:
        """Break."""
        if labels["pod"] == "bad":
            raise ZeroDivisionError("division by zero")
        return super().match(labels)


async def test_an_alert_on_which_we_break_is_found_and_its_neighbours_go_on(start: Build) -> None:
    world = await start(book=Fragile)
    bodies = [delivery(alert(pod=f"p{number}")) for number in range(20)]
    bodies.insert(13, delivery(alert(pod="q"), alert(pod="bad"), alert(pod="r")))
    for body in bodies:
        await world.engine.intake.accept(body)
    await world.engine.settle()
    incident = await world.only()
    assert {e.labels["pod"] for e in incident.episodes} == {*(f"p{n}" for n in range(20)), "q", "r"}
    (rejected,), _ = await world.engine.reader.rejected(10)
    assert rejected.reason == "alert 2 of 3 was set aside: it could not be stored: division by zero"
    assert b'"bad"' in rejected.body
    counts = await world.engine.reader.counts()
    assert (counts.inbox, counts.set_aside) == (0, 1)


async def test_a_delivery_larger_than_a_slice_is_correlated_whole(start: Build) -> None:
    world = await start(limits=Limits(slice=7))
    await world.deliver(*(alert(pod=f"p{number}") for number in range(40)))
    assert len((await world.only()).episodes) == 40
    assert (await world.engine.reader.counts()).inbox == 0


async def test_a_recorded_alert_is_stored_and_found_and_nobody_is_told(world: World) -> None:
    await world.deliver(alert("InfoInhibitor"))
    assert await world.incidents() == []
    (seen,) = await world.engine.reader.alerts(rule="rules/noise")
    assert seen.labels["alertname"] == "InfoInhibitor"
    assert world.sent() == []


async def test_with_one_cluster_its_label_is_not_consulted(world: World) -> None:
    await world.deliver(alert(cluster="elsewhere"))
    assert (await world.only()).cluster == "default"


async def test_an_alert_of_an_unknown_cluster_says_so_and_nothing_is_read(start: Build) -> None:
    world = await start(clusters=("east", "west"))
    await world.deliver(alert(cluster="north"))
    incident = await world.only()
    assert incident.cluster == "north"
    assert incident.findings == ()
    assert all(diagnosis.reading is None for diagnosis in incident.diagnoses.values())
    assert "north" in world.sent("post")[0]["text"]


async def test_alerts_of_two_clusters_never_share_an_incident(start: Build) -> None:
    world = await start(clusters=("east", "west"))
    await world.deliver(alert(cluster="east"), alert(cluster="west"))
    assert {incident.cluster for incident in await world.incidents()} == {"east", "west"}


async def test_a_very_long_correlation_key_is_kept_apart_from_others_like_it(world: World) -> None:
    await world.deliver(alert(namespace="x" * 4000 + "a"), alert(namespace="x" * 4000 + "b"))
    assert len(await world.incidents()) == 2


async def test_rejected_deliveries_are_kept_up_to_a_bound_and_the_same_one_once(start: Build) -> None:
    world = await start(limits=Limits(kept_rejected=3))
    for number in (1, 2, 3, 4, 4, 4):
        await world.engine.intake.reject(
            Rejected(NOON, 400, "not JSON", "10.0.0.1 curl", size=100_000, body=b"password=hunter2 \x00 %d" % number)
        )
    rejected, total = await world.engine.reader.rejected(10)
    assert total == 3
    assert rejected[0].times == 3
    assert rejected[0].size == 100_000
    assert b"hunter2" not in rejected[0].body


async def test_a_thousand_alerts_at_once_are_taken_in_by_and_by(world: World) -> None:
    await world.deliver(*(alert(pod=f"p{number}") for number in range(1000)))
    assert len((await world.only()).episodes) == 1000
    assert await world.store.read("events_unseen", 1, 9) == []
