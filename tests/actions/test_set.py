"""kubernetes.set_env, set_resources and set_image: the fields of `kubectl set`, and nothing beside them."""

import copy
from typing import Any

import pytest

from responder.actions.set_env import SetEnv
from responder.actions.set_image import SetImage
from responder.actions.set_resources import SetResources
from responder.clients.kubernetes_writing import KubernetesWriter
from tests.actions.rollouts import CAUSE, REASON, Rolling, bench, of, patch, without_marks
from tests.servers.kubernetes_cluster import Cluster, template, workload

ENV, RESOURCES, IMAGE = SetEnv(), SetResources(), SetImage()
HOSTILE = ['"', "'", "{{ .x }}", "${HOME}", "`id`", "; rm -rf /", "a\nb: c", "\\", "~1~0/", "<!channel>", "' OR 1=1 --"]

CONTAINERS: list[dict[str, Any]] = [
    {"name": "proxy", "image": "r/proxy:1"},
    {
        "name": "api",
        "image": "r/api:41",
        "env": [
            {"name": "LOG", "value": "info"},
            {"name": "DB", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}},
            {"name": "FLAG", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "f"}}},
            {"name": "POOL", "value": "50"},
        ],
        "resources": {"limits": {"memory": "4Gi"}, "requests": {"memory": "2Gi", "cpu": "500m"}},
    },
]


async def seeded(cluster: Cluster, containers: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Create deployment/api with a proxy and the api."""
    made = template({"app": "api"}, copy.deepcopy(containers or CONTAINERS))
    return await cluster.create(workload("Deployment", "api", spec={"template": made, "replicas": 2} | more))


def container(found: dict[str, Any], index: int = 1) -> dict[str, Any]:
    one: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][index]
    return one


async def test_a_variable_is_set_where_it_stands_as_kubectl_set_env_does(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    # kubectl v1.32 `set env deployment/api --containers=api POOL=150 NEW=1` sends a strategic merge patch:
    # {"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"proxy"},{"name":"api"}],"containers":[
    #  {"$setElementOrder/env":[{"name":"LOG"},{"name":"DB"},{"name":"FLAG"},{"name":"POOL"},{"name":"NEW"}],
    #   "env":[{"name":"POOL","value":"150"},{"name":"NEW","value":"1"}],"name":"api"}]}}}}
    before = await seeded(cluster)

    done = await bench(ENV, cluster, writer, set={"POOL": "150", "NEW": "1"}).do()

    after = await bench(ENV, cluster, writer, set={"POOL": "1"}).object()
    container(before)["env"][3]["value"] = "150"
    container(before)["env"].append({"name": "NEW", "value": "1"})
    assert without_marks(after) == without_marks(before)
    assert done.say == "deployment/api given another POOL, NEW for api"


async def test_the_first_variable_of_a_container_makes_its_environment(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    before = await seeded(cluster)

    await bench(ENV, cluster, writer, set={"A": "1", "B": ""}, container="proxy").do()

    after = await bench(ENV, cluster, writer, set={"A": "1"}).object()
    found = container(after, 0).pop("env")
    assert [entry["name"] for entry in found] == ["A", "B"]
    assert without_marks(after) == without_marks(before)


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_is_text_and_nothing_else(cluster: Cluster, writer: KubernetesWriter, value: str) -> None:
    before = await seeded(cluster)

    await bench(ENV, cluster, writer, set={"POOL": value}).do()

    after = await bench(ENV, cluster, writer, set={"POOL": value}).object()
    container(before)["env"][3]["value"] = value
    assert without_marks(after) == without_marks(before)


async def test_a_value_that_would_read_another_variable_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)

    assert "$(...)" in (await bench(ENV, cluster, writer, set={"POOL": "$(DB)"}).preview()).refusal


@pytest.mark.parametrize(
    ("name", "source"), [("DB", "from url of the Secret db"), ("FLAG", "from f of the ConfigMap flags")]
)
async def test_a_value_that_is_taken_from_elsewhere_is_not_replaced(
    cluster: Cluster, writer: KubernetesWriter, name: str, source: str
) -> None:
    await seeded(cluster)

    assert source in (await bench(ENV, cluster, writer, set={name: "x"}).preview()).refusal


async def test_a_variable_that_stands_twice_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    twice = [{"name": "api", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]
    await seeded(cluster, twice)

    assert "A is set twice" in (await bench(ENV, cluster, writer, set={"A": "3"}).preview()).refusal


async def test_the_preview_hides_values_that_are_secret_by_their_name(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    at = bench(ENV, cluster, writer, set={"POOL": "150", "API_TOKEN": "hunter2"})

    preview = await at.preview()

    assert [(c.what, c.before, c.after) for c in preview.changes] == [
        ("env POOL of api", "50", "150"),
        ("env API_TOKEN of api", "", "[redacted]"),
    ]
    assert "hunter2" not in repr((preview, await at.act(preview)))


async def test_what_is_so_already_is_refused(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)

    assert "already" in (await bench(ENV, cluster, writer, set={"POOL": "50"}).preview()).refusal
    assert "already" in (await bench(IMAGE, cluster, writer, image="r/api:41").preview()).refusal
    same = bench(RESOURCES, cluster, writer, limits={"memory": "4096Mi"})
    assert "already" in (await same.preview()).refusal


@pytest.mark.parametrize("action", [ENV, RESOURCES, IMAGE])
async def test_without_a_container_to_choose_they_are_listed(
    cluster: Cluster, writer: KubernetesWriter, action: Any
) -> None:
    await seeded(cluster, [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}])
    params: dict[str, Any] = {ENV.name: {"set": {"A": "1"}}, IMAGE.name: {"image": "x"}}.get(
        action.name, {"requests": {"cpu": "1"}}
    )

    named = await bench(action, cluster, writer, **params, container="c").preview()
    none = await bench(action, cluster, writer, **params).preview()
    alert = of(cluster, container="b")
    told = await bench(action, cluster, writer, **params, target=alert).preview()

    assert "no container 'c': give `container`, one of a, b" in named.refusal
    assert "several containers, none named like it: give `container`, one of a, b" in none.refusal
    assert told.refusal == ""


async def test_a_container_of_an_alert_that_is_not_there_is_not_believed(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    target = of(cluster, container="../../x")

    preview = await bench(IMAGE, cluster, writer, image="r/api:40", target=target).preview()

    assert [change.what for change in preview.changes] == ["image of api"]


async def test_amounts_are_set_one_by_one_as_kubectl_set_resources_does(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    # kubectl v1.32 `set resources deployment/api -c=api --limits=memory=8Gi,cpu=2 --requests=memory=3Gi` sends
    # {"spec":{"template":{"spec":{"$setElementOrder/containers":[...],"containers":[{"name":"api",
    #  "resources":{"limits":{"cpu":"2","memory":"8Gi"},"requests":{"memory":"3Gi"}}}]}}}}
    before = await seeded(cluster)
    more = {"limits": {"memory": "8Gi", "cpu": "2"}, "requests": {"memory": "3Gi"}, "allow_decrease": True}
    at = bench(RESOURCES, cluster, writer, **more)

    await at.do()

    container(before)["resources"]["limits"] |= {"memory": "8Gi", "cpu": "2"}
    container(before)["resources"]["requests"] |= {"memory": "3Gi"}
    assert without_marks(await at.object()) == without_marks(before)


async def test_the_first_amounts_of_a_container_are_set(cluster: Cluster, writer: KubernetesWriter) -> None:
    before = await seeded(cluster)
    at = bench(RESOURCES, cluster, writer, requests={"ephemeral-storage": "1Gi"}, container="proxy")

    await at.do()

    container(before, 0)["resources"] = {"requests": {"ephemeral-storage": "1Gi"}}
    assert without_marks(await at.object()) == without_marks(before)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"limits": {"memory": "3Gi"}}, "the memory limit would fall from 4Gi to 3Gi: allow_decrease: true lets it"),
        ({"limits": {"memory": "2000M"}}, "the memory limit would fall from 4Gi to 2000M"),
        ({"requests": {"cpu": "0.4"}}, "the cpu request would fall from 500m to 0.4"),
        ({"limits": {"cpu": "4"}}, "there is no cpu limit now, so 4 is a decrease"),
        ({"limits": {"memory": "1Gi"}, "allow_decrease": True}, "the memory limit 1Gi would be below its request 2Gi"),
        ({"requests": {"memory": "5Gi"}}, "the memory limit 4Gi would be below its request 5Gi"),
    ],
)
async def test_a_decrease_and_a_limit_below_the_request_are_refused(
    cluster: Cluster, writer: KubernetesWriter, params: dict[str, Any], refusal: str
) -> None:
    await seeded(cluster)

    assert refusal in (await bench(RESOURCES, cluster, writer, **params).preview()).refusal


async def test_a_decrease_that_is_allowed_is_made(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(RESOURCES, cluster, writer, limits={"memory": "3Gi"}, allow_decrease=True)

    await at.do()

    assert container(await at.object())["resources"]["limits"] == {"memory": "3Gi"}


async def test_a_request_that_follows_its_limit_is_told(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster, [{"name": "api", "image": "i", "resources": {"limits": {"memory": "4Gi"}}}])

    preview = await bench(RESOURCES, cluster, writer, limits={"memory": "8Gi"}).preview()

    assert [(c.what, c.before, c.after) for c in preview.changes] == [("memory limit of api", "4Gi", "8Gi")]
    assert any("its request becomes 8Gi" in warning for warning in preview.warnings)


async def test_an_image_is_set_as_kubectl_set_image_does(cluster: Cluster, writer: KubernetesWriter) -> None:
    # kubectl v1.32 `set image deployment/api api=r/api:40` sends {"spec":{"template":{"spec":{
    # "$setElementOrder/containers":[{"name":"proxy"},{"name":"api"}],
    # "containers":[{"image":"r/api:40","name":"api"}]}}}}
    before = await seeded(cluster)
    at = bench(IMAGE, cluster, writer, image="r/api:40")

    await at.do()

    container(before)["image"] = "r/api:40"
    assert without_marks(await at.object()) == without_marks(before)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        (ENV, {"set": {"POOL": "150", "TOKEN": "hunter2"}}),
        (RESOURCES, {"requests": {"memory": "1Gi"}}),
        (IMAGE, {"image": "r/api:40"}),
    ],
)
async def test_each_is_followed_and_undone_by_the_revision_that_keeps_what_was(
    rolling: Rolling, kind: str, action: Any, params: dict[str, Any]
) -> None:
    await rolling.workload(kind, container={"env": [{"name": "PASSWORD", "value": "s3cret"}]})
    at = rolling.bench(action, **params, target=of(rolling.cluster, kind=kind))
    before = await at.object()
    preview = await at.preview()
    done = await at.act(preview)
    for _ in range(3):
        await rolling.settle()
    followed = await at.progress(done)

    undone = await at.undo(done.undo)
    again = await at.undo(done.undo, retry=True)
    for _ in range(3):
        await rolling.settle()
    back = await at.progress(undone)

    assert (back.complete, back.ready, back.reverted) == (True, True, "")
    assert (done.status, followed.complete, followed.ready, followed.reverted) == ("done", True, True, "")
    assert (undone.status, again.status) == ("done", "done")
    assert without_marks(await at.object()) == without_marks(before)
    assert "s3cret" not in repr((preview, done, undone))
    assert "hunter2" not in repr((preview, done, undone))


@pytest.mark.parametrize(
    ("action", "params", "did"),
    [
        (ENV, {"set": {"POOL": "150"}}, "given another POOL for api"),
        (RESOURCES, {"requests": {"memory": "3Gi"}}, "given memory request of api to 3Gi"),
        (IMAGE, {"image": "r/api:40"}, "given the image r/api:40 for api"),
    ],
)
async def test_the_history_of_its_revisions_says_why(
    cluster: Cluster, writer: KubernetesWriter, action: Any, params: dict[str, Any], did: str
) -> None:
    await seeded(cluster)
    at = bench(action, cluster, writer, **params)
    await at.do()

    assert (await at.object())["metadata"]["annotations"][CAUSE] == f"Responder: {did} for {REASON}"


async def test_another_container_put_in_front_since_is_not_changed_instead(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await seeded(cluster)
    at = bench(IMAGE, cluster, writer, image="r/api:40")
    preview = await at.preview()
    first = {"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "x", "image": "r/x:1"}}
    await patch(cluster, "Deployment", "api", [first])
    before = await at.object()

    done = await at.act(preview)

    assert done.status == "not_done"
    assert await at.object() == before


async def test_a_second_try_after_the_effect_finds_it_done(cluster: Cluster, writer: KubernetesWriter) -> None:
    await seeded(cluster)
    at = bench(ENV, cluster, writer, set={"POOL": "150"})
    preview = await at.preview()
    await at.act(preview)

    done = await at.act(preview, retry=True)

    assert done.status == "done"
    assert "set POOL for api in deployment/api" in done.say
    assert (await at.object())["metadata"]["generation"] == 2
