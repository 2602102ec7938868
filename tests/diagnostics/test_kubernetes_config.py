"""kubernetes.config: what the pod template names and is not there, and what changed; never a value."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.diagnostics.kubernetes_config import Config, KubernetesConfig
from responder.model.finding import Weight
from tests.diagnostics.kubernetes_tools import KubernetesTools, diagnose, of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster, pod, template, workload

CONFIG = KubernetesConfig()
SECRET = "hunter2hunter2"


async def secret(cluster: Cluster, name: str, *keys: str) -> dict[str, Any]:
    data = {key: base64.b64encode(SECRET.encode()).decode() for key in keys}
    return await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})


async def config_map(cluster: Cluster, name: str, *keys: str) -> dict[str, Any]:
    data = dict.fromkeys(keys, SECRET)
    return await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def variable(kind: str, name: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    return {"name": key.upper(), "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, "optional": optional}}}


async def deployment(cluster: Cluster, container: dict[str, Any] | None = None, **spec: Any) -> None:
    containers = [{"name": "api", "image": "i", **(container or {})}]
    await cluster.create(workload("Deployment", "api", spec={"template": template({"app": "api"}, containers, **spec)}))


def later(cluster: Cluster) -> KubernetesTools:
    """Look at an incident that began long after everything was made."""
    return KubernetesTools(cluster.client, started_at=datetime.now(UTC) + timedelta(days=1))


async def test_objects_and_keys_that_are_missing_are_named(cluster: Cluster) -> None:
    await secret(cluster, "db", "url")
    await config_map(cluster, "app", "mode")
    env = [
        variable("secret", "db", "url"),
        variable("secret", "db", "password"),
        variable("configMap", "app", "level"),
        variable("secret", "gone", "key"),
        variable("secret", "maybe", "key", optional=True),
        variable("configMap", "app", "maybe", optional=True),
    ]
    sources = [{"configMapRef": {"name": "no-such-map"}}, {"secretRef": {"name": "db"}}]
    await deployment(cluster, {"env": env, "envFrom": sources})

    found = await diagnose(CONFIG, cluster, tools=later(cluster))

    assert found.missing == ("configmap/no-such-map", "secret/gone")
    assert found.missing_keys == ("configmap/app[level]", "secret/db[password]")
    assert found.changed == ()
    assert found.weight() is Weight.TROUBLE


async def test_volumes_and_init_containers_count_too(cluster: Cluster) -> None:
    await secret(cluster, "tls", "tls.crt")
    volumes = [
        {"name": "a", "secret": {"secretName": "tls", "items": [{"key": "tls.key", "path": "k"}]}},
        {"name": "b", "configMap": {"name": "volume-map"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "part"}}]}},
    ]
    init = [{"name": "init", "image": "i", "env": [variable("secret", "init", "key")]}]
    await deployment(cluster, volumes=volumes, initContainers=init, imagePullSecrets=[{"name": "pull"}])

    found = await diagnose(CONFIG, cluster, tools=later(cluster))

    assert found.missing == ("configmap/part", "configmap/volume-map", "secret/init", "secret/projected")
    assert found.missing_keys == ("secret/tls[tls.key]",)


async def test_what_was_written_lately_is_named(cluster: Cluster) -> None:
    await secret(cluster, "db", "url")
    made = await config_map(cluster, "app", "mode")
    await deployment(cluster, {"envFrom": [{"configMapRef": {"name": "app"}}, {"secretRef": {"name": "db"}}]})
    tools = KubernetesTools(cluster.client, started_at=datetime.now(UTC) + timedelta(minutes=5))

    lately = await diagnose(CONFIG, cluster, tools=tools)
    before = await diagnose(CONFIG, cluster, tools=tools, window="1m")

    assert sorted(lately.changed) == ["configmap/app", "secret/db"]
    assert before.changed == ()
    assert made["metadata"]["name"] == "app"
    assert lately.weight() is Weight.NOTABLE


async def test_no_value_is_ever_told(cluster: Cluster) -> None:
    await secret(cluster, "db", "url")
    await config_map(cluster, "app", "mode")
    env = [variable("secret", "db", "url"), variable("configMap", "app", "nope"), {"name": "X", "value": SECRET}]
    await deployment(cluster, {"env": env})

    found = await diagnose(CONFIG, cluster)

    shown = found.model_dump_json() + found.headline() + "".join(found.evidence())
    assert SECRET not in shown
    assert base64.b64encode(SECRET.encode()).decode() not in shown


async def test_only_metadata_is_read_where_no_key_is_named(cluster: Cluster, fake: KubernetesServer) -> None:
    await secret(cluster, "db", "url")
    await secret(cluster, "whole", "url")
    env = [variable("secret", "db", "url")]
    await deployment(cluster, {"env": env, "envFrom": [{"secretRef": {"name": "whole"}}]})
    fake.requests.clear()

    await diagnose(CONFIG, cluster)
    with_values = [request.path for request in fake.asked("GET", "/secrets/") if "Partial" not in request.accept]
    fake.requests.clear()
    await diagnose(CONFIG, cluster, keys=False)
    without_keys = [request.path for request in fake.asked("GET", "/secrets/") if "Partial" not in request.accept]

    assert [path.rpartition("/")[2] for path in with_values] == ["db"]
    assert without_keys == []


async def test_what_the_rights_forbid_is_said_and_the_rest_is_told(cluster: Cluster, fake: KubernetesServer) -> None:
    sources = [{"configMapRef": {"name": "app"}}, {"secretRef": {"name": "db"}}]
    await deployment(cluster, {"envFrom": sources})
    fake.access.tokens["the-administrator"] = "reader"
    reads = {("apps", "deployments", "get"), ("apps", "replicasets", "list"), ("", "pods", "list")}
    fake.access.grants["reader"] = reads | {("", "configmaps", "get")}

    found = await diagnose(CONFIG, cluster)

    assert found.missing == ("configmap/app",)
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith("secret/db: The cluster allows us no `get` on `secrets`")


async def test_a_pod_without_a_workload_is_its_own_template(cluster: Cluster, fake: KubernetesServer) -> None:
    env = [variable("secret", "gone", "key")]
    await cluster.create(pod("solo", spec={"containers": [{"name": "api", "image": "i", "env": env}]}))

    assert (await diagnose(CONFIG, cluster, of(cluster, "solo", "Pod"))).missing == ("secret/gone",)


async def test_what_does_not_exist_has_no_data(cluster: Cluster) -> None:
    assert not (await diagnose(CONFIG, cluster, of(cluster, "absent"))).has_data()


@pytest.mark.parametrize(
    ("checked", "said"),
    [
        (0, "It refers to no Secret or ConfigMap"),
        (1, "The one Secret or ConfigMap is there, none new"),
        (2, "All 2 Secrets and ConfigMaps are there, none new"),
    ],
)
def test_where_all_is_well_it_says_of_how_many(checked: int, said: str) -> None:
    assert Config(missing=(), missing_keys=(), changed=(), checked=checked).headline() == said
