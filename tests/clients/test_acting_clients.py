"""What an action is handed: clients of its own cluster with its own logins, built when first asked for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from responder.clients import by_name
from responder.clients.acting_clients import ActingClients
from responder.clients.evidence import Folder
from responder.clients.http import Policy
from responder.clients.toolbox import StepTools
from responder.errors import ConfigError, NotConfigured, PermanentError
from responder.model.facts import IncidentFacts
from responder.plugins.acting import unheld
from responder.settings.process import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Build = Callable[..., ActingClients]


@pytest.fixture
def loaded() -> list[str]:
    return []


@pytest.fixture
async def build(loaded: list[str]) -> AsyncIterator[Build]:
    async with AsyncExitStack() as ending:

        def load(module: str, name: str) -> Any:
            loaded.append(module)
            return by_name.load(module, name)

        def ended(client: Any) -> Any:
            if hasattr(client, "close"):
                ending.push_async_callback(client.close)
            return client

        def make(**settings: Any) -> ActingClients:
            return ActingClients(Settings.model_validate(settings), load, ended, Policy())

        yield make


def tools(clients: ActingClients, cluster: str = "default") -> StepTools:
    facts = IncidentFacts("INC-1", "critical", "open", "title", "rule", cluster, "default", NOW, NOW)
    return StepTools(
        incident=facts,
        now=lambda: NOW,
        cluster=clients.cluster(cluster),
        http=clients.http,
        labels={},
        attempt="a/1/0",
        reason="INC-1",
        by="ann",
        hold=unheld,
        retry=False,
        files={"jobs/rotate.yaml": "kind: Job"},
        allowed=clients.allowed,
        shelf=clients.shelf,
        max_size=clients.max_size,
    )


SOURCES = {"postgres": {"main": {"url": "postgresql://reader@db/x"}}, "redis": {"cache": {"url": "redis://r"}}}


async def test_drivers_are_loaded_when_the_first_action_asks_and_clients_stay(build: Build, loaded: list[str]) -> None:
    clients = build(datasources=SOURCES)
    assert loaded == []
    first, second = tools(clients), tools(clients)
    assert loaded == ["postgres_writing", "redis_writing"]
    assert first.postgres("main") is second.postgres("main")


async def test_each_cluster_has_its_own_and_an_unknown_one_none(build: Build) -> None:
    clients = build(
        datasources=SOURCES,
        clusters={"west": {"datasources": SOURCES}},
        alertmanagers=[{"url": "http://a", "cluster": "west"}],
    )
    assert tools(clients).redis("cache") is not tools(clients, "west").redis("cache")
    assert tools(clients, "west").alertmanager is not None
    with pytest.raises(NotConfigured, match=r"no Alertmanager in the settings: add its url to alertmanagers$"):
        _ = tools(clients).alertmanager
    lost = tools(clients, "east")
    for read in (
        lambda: lost.kubernetes,
        lambda: lost.prometheus,
        lambda: lost.redis("cache"),
        lambda: lost.alertmanager,
    ):
        with pytest.raises(NotConfigured, match=r"the cluster 'east' is not in the settings: add clusters\.east"):
            read()


async def test_evidence_has_a_place_or_says_which_setting_gives_one(build: Build, tmp_path: Path) -> None:
    assert isinstance(build(database_url=f"sqlite:///{tmp_path}/x.db").shelf, Folder)
    with pytest.raises(NotConfigured, match=r"set evidence\.directory, or evidence\.s3"):
        _ = tools(build(database_url="postgresql://db/x")).evidence
    assert tools(build(evidence={"max_size": 17})).evidence.max_size == 17


def test_a_bucket_without_its_library_is_refused_at_the_start() -> None:
    def load(module: str, name: str) -> Any:
        raise ModuleNotFoundError("obstore")

    with pytest.raises(ConfigError, match=r"evidence\.s3: install the extra"):
        ActingClients(Settings.model_validate({"evidence": {"s3": {"bucket": "abc"}}}), load, lambda it: it, Policy())


async def test_a_file_of_the_pack_is_there_or_named_with_those_that_are(build: Build) -> None:
    found = tools(build())
    assert found.file("jobs/rotate.yaml") == "kind: Job"
    with pytest.raises(PermanentError, match=r"the pack has no file jobs/x\.yaml; there are: jobs/rotate\.yaml"):
        found.file("jobs/x.yaml")
    with pytest.raises(PermanentError, match="there are: none"):
        replace(found, files={}).file("jobs/x.yaml")
