"""What the engine shows of its incidents."""

from tests.engine.world import World, alert


async def test_related_are_those_of_the_namespace_and_those_about_the_whole_cluster(world: World) -> None:
    await world.deliver(
        alert("Slow", namespace="shop", deployment="api"),
        alert("Down", namespace="shop", deployment="web"),
        alert("Full", namespace="bank", deployment="ledger"),
        alert("KubeNodeNotReady", namespace="", node="node-1"),
    )
    incidents = {incident.title: incident for incident in await world.incidents()}
    assert len(incidents) == 4
    found = await world.engine.reader.related(incidents["Slow is on"])
    assert [(one.title, one.same) for one in found] == [
        ("Down is on", ("cluster", "namespace")),
        ("KubeNodeNotReady is on", ("cluster",)),
    ]
