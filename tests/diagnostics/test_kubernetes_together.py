"""All diagnostics of Kubernetes at once, as an incident runs them."""

import asyncio
from collections import Counter

import pytest

from responder import diagnostics
from responder.errors import TransientError
from responder.plugins.registry import discover
from responder.plugins.rights import Verb
from tests.diagnostics.kubernetes_tools import diagnose, of
from tests.servers.kubernetes import TOKEN, Fault, KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod

FOUND = discover([diagnostics]).diagnostics
ALL = {name: plugin for name, plugin in FOUND.items() if name.startswith("kubernetes.")}
PARAMS = {"kubernetes.pod_http": {"port": 8080}}


async def test_what_several_diagnostics_ask_for_is_asked_once(cluster: Cluster, fake: KubernetesServer) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1", spec={"nodeName": "n1"}))
    fake.requests.clear()

    await asyncio.gather(*(diagnose(plugin, cluster, **PARAMS.get(name, {})) for name, plugin in ALL.items()))

    asked = Counter((request.path, tuple(request.query.items())) for request in fake.requests)
    assert {request: count for request, count in asked.items() if count > 1} == {}
    assert len(asked) < 20


@pytest.mark.parametrize("name", ALL)
async def test_the_rights_that_a_diagnostic_names_are_all_that_it_uses(
    cluster: Cluster, fake: KubernetesServer, name: str
) -> None:
    await deployment_with_pods(cluster, "api", pod("api-6d4cf56db6-bbbbb", spec={"nodeName": "n1"}))
    fake.access.tokens[TOKEN] = "reader"
    fake.access.grants["reader"] = {(verb.group, verb.resource, verb.verb) for verb in ALL[name].needs}

    for target in (of(cluster), of(cluster, "api-6d4cf56db6-bbbbb", "Pod"), of(cluster, "absent", "Service")):
        await diagnose(ALL[name], cluster, target, **PARAMS.get(name, {}))


@pytest.mark.parametrize("name", ALL)
async def test_a_cluster_that_does_not_answer_is_could_not_look(
    cluster: Cluster, fake: KubernetesServer, name: str
) -> None:
    fake.faults.append(Fault("/api", status=503))

    with pytest.raises(TransientError):
        await diagnose(ALL[name], cluster, **PARAMS.get(name, {}))


def test_only_config_asks_for_secrets() -> None:
    assert [name for name, plugin in ALL.items() if Verb("", "secrets", "get") in plugin.needs] == ["kubernetes.config"]
