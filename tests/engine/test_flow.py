"""From a delivery to an incident, its diagnosis and its message, on both stores."""

from responder.model.incident import Status
from responder.model.timeline import AlertFired, Diagnosed, Found, Notified
from tests.engine.world import World, alert


async def test_a_delivery_becomes_an_incident_with_findings_and_one_message(world: World) -> None:
    await world.deliver(alert(pod="a"))
    await world.later(seconds=2)
    incident = await world.only()
    assert incident.id == "INC-1"
    assert [finding.name for finding in incident.findings] == ["many"]
    kinds = [type(what) for what in await world.happenings()]
    assert {AlertFired, Diagnosed, Found, Notified} <= set(kinds)
    assert len([line for line in world.sent("post") if line["purpose"] == "message"]) == 1
    assert "Errors at " in world.sent("edit")[-1]["text"]


async def test_a_repeated_delivery_opens_no_second_incident(world: World) -> None:
    await world.deliver(alert(pod="a"))
    before = await world.happenings()
    await world.deliver(alert(pod="a"))
    assert (await world.only()).number == 1
    assert await world.happenings() == before


async def test_alerts_of_one_key_share_an_incident_and_others_do_not(world: World) -> None:
    await world.deliver(alert(pod="a"), alert(pod="b"), alert(pod="c", namespace="test"))
    assert [len(incident.episodes) for incident in await world.incidents()] == [2, 1]


async def test_an_incident_resolves_after_the_quiet_time_and_a_later_firing_opens_another(world: World) -> None:
    await world.deliver(alert())
    await world.later(seconds=60)
    await world.deliver(alert(status="resolved", end=50))
    assert (await world.only()).status is Status.MONITORING
    await world.later(minutes=5)
    assert (await world.only()).status is Status.RESOLVED
    await world.later(seconds=2)
    assert world.sent("edit")[-1]["status"] == "resolved"
    await world.deliver(alert(start=400))
    assert [incident.status for incident in await world.incidents()] == [Status.RESOLVED, Status.OPEN]


async def test_secrets_leave_neither_in_results_nor_in_messages(world: World) -> None:
    await world.deliver(alert(annotations={"summary": "login with token=abcdef123456 failed"}))
    await world.later(seconds=2)
    everything = repr(await world.only()) + repr(world.sent())
    assert "hunter2" not in everything
    assert all("abcdef123456" not in line["text"] for line in world.sent())
    assert "[redacted]" in world.sent()[0]["text"]
