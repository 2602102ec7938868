"""alerts.related: what else is open."""

from responder.diagnostics.alerts_related import AlertsRelated
from responder.model.finding import Weight
from responder.model.outside import RelatedIncident
from tests.diagnostics.toolbox import NOW, Neighbours, diagnose


def neighbour(number: int, title: str = "Disk full") -> RelatedIncident:
    return RelatedIncident(f"INC-{number}", title, "warning", ("cluster", "namespace"), NOW)


async def test_others_are_listed_in_their_order() -> None:
    given = {"related": Neighbours([neighbour(7), neighbour(3)])}
    result = await diagnose(AlertsRelated(), given)
    assert (result.count, [each.incident for each in result.items]) == (2, ["INC-7", "INC-3"])
    assert result.items[0].since == NOW
    assert result.headline() == "INC-7 Disk full (same cluster and namespace) and 1 more"
    assert result.weight() is Weight.NOTABLE


async def test_a_long_title_is_cut_and_not_what_stands_behind_it() -> None:
    result = await diagnose(AlertsRelated(), {"related": Neighbours([neighbour(7, "x" * 900), neighbour(8)])})
    assert result.headline().endswith("(same cluster and namespace) and 1 more")


async def test_to_be_alone_is_a_result() -> None:
    result = await diagnose(AlertsRelated(), {"related": Neighbours()})
    assert (result.count, result.items, result.headline()) == (0, (), "no other open incident here")
    assert result.weight() is Weight.NORMAL
    assert result.has_data()


async def test_the_same_cluster_alone_says_little() -> None:
    far = RelatedIncident("INC-9", "Node down", "warning", ("cluster",), NOW)
    result = await diagnose(AlertsRelated(), {"related": Neighbours([far])})
    assert (result.count, result.weight()) == (1, Weight.NORMAL)
    assert result.evidence() == ()
