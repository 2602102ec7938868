"""What plugins are handed belongs to the incident's own cluster, and says what to add where something is missing."""

from datetime import UTC, datetime

import pytest

from responder.clients.charts import Charts
from responder.clients.destinations import Destinations
from responder.clients.toolbox import ClusterClients, IncidentTools, SenderTools
from responder.errors import NotConfigured
from responder.model.facts import IncidentFacts
from responder.settings.sections import PagerDuty, SlackAccess

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def tools(cluster: ClusterClients | None, name: str = "default") -> IncidentTools:
    facts = IncidentFacts("INC-1", "critical", "open", "title", "rule", name, "default", NOW, NOW)
    return IncidentTools(facts, lambda: NOW, cluster, object(), object())


def test_the_clients_are_those_of_the_cluster() -> None:
    kubernetes, prometheus, database, cache = object(), object(), object(), object()
    found = tools(ClusterClients("default", kubernetes, prometheus, {"main": database}, {"sessions": cache}))
    assert found.kubernetes is kubernetes
    assert found.prometheus is prometheus
    assert found.postgres("main") is database
    assert found.redis("sessions") is cache


def test_what_is_missing_is_named_by_its_setting() -> None:
    found = tools(ClusterClients("default", postgres={"main": object(), "other": object()}))
    with pytest.raises(NotConfigured, match=r"no Prometheus in the settings: set prometheus\.url"):
        _ = found.prometheus
    with pytest.raises(
        NotConfigured, match=r"no Kubernetes in the settings: set kubernetes\.kubeconfig, or kubernetes\.in_cluster"
    ):
        _ = found.kubernetes
    with pytest.raises(
        NotConfigured, match=r"datasources\.postgres\.mian is not in the settings; there are: main, other"
    ):
        found.postgres("mian")
    with pytest.raises(NotConfigured, match=r"datasources\.redis\.x is not in the settings; there are: none"):
        found.redis("x")


def test_in_a_named_cluster_the_setting_is_the_clusters() -> None:
    with pytest.raises(NotConfigured, match=r"set clusters\.west\.prometheus\.url"):
        _ = tools(ClusterClients("west"), "west").prometheus


def test_of_an_unknown_cluster_nothing_is_read() -> None:
    found = tools(None, "nowhere")
    for read in (
        lambda: found.kubernetes,
        lambda: found.prometheus,
        lambda: found.postgres("main"),
        lambda: found.redis("main"),
    ):
        with pytest.raises(NotConfigured, match=r"the cluster 'nowhere' is not in the settings: add clusters\.nowhere"):
            read()


def test_a_notifier_without_slack_is_told_what_to_add() -> None:
    sender = SenderTools(
        now=lambda: NOW,
        workspace=None,
        http=object(),
        charts=Charts(),
        destinations=Destinations(slack=SlackAccess(), pagerduty=PagerDuty(), outgoing={}),
        render=lambda message, form, previous=None: "",
        print=lambda text: None,
    )
    with pytest.raises(NotConfigured, match=r"set slack\.bot_token"):
        _ = sender.slack
