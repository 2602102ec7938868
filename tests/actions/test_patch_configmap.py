"""kubernetes.patch_configmap: these keys and no others, once, on what was approved, and put back."""

from datetime import timedelta

import pytest

from responder.actions.patch_configmap import PatchConfigmap
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, Unanswered
from responder.settings.sections import KubernetesAccess
from tests.actions.packs import at_work, config_map, events_of
from tests.actions.rollouts import ATTEMPT, REASON, Bench, every, patch, without_marks
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster
from tests.servers.kubernetes_objects import Denial

PATCH = PatchConfigmap()
BREAKER = {"name": "flags", "set": {"BREAKER": "on"}}


@pytest.fixture
async def flags(cluster: Cluster, writer: KubernetesWriter) -> Bench:
    await cluster.create(config_map(BREAKER="off", OTHER="1"))
    return at_work(PATCH, cluster, writer, **BREAKER)


def blocking(cluster: Cluster, writer: KubernetesWriter, *cidrs: str) -> Bench:
    return at_work(PATCH, cluster, writer, name="flags", add_cidrs={"block-cidrs": list(cidrs)})


async def test_a_key_is_set_and_nothing_else(flags: Bench) -> None:
    before = await flags.object("ConfigMap", "flags")

    preview = await flags.preview()
    done = await flags.do()

    after = await flags.object("ConfigMap", "flags")
    assert preview.summary.startswith("set BREAKER of configmap/flags in ")
    assert [(change.what, change.before, change.after) for change in preview.changes] == [("BREAKER", "off", "on")]
    assert after["data"] == {"BREAKER": "on", "OTHER": "1"}
    before["data"]["BREAKER"] = "on"
    assert without_marks(after) == without_marks(before)
    assert after["metadata"]["annotations"] == {ATTEMPT: flags.tools.attempt}
    assert "responder" in {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert (await flags.progress(done)).reverted == ""


async def test_the_world_is_told_on_the_object(flags: Bench) -> None:
    await flags.do()

    assert events_of(await every(flags.cluster, "Event")) == [
        ("ConfigurationChanged", f"Responder: BREAKER set for {REASON}")
    ]


async def test_a_second_try_after_the_effect_changes_nothing(flags: Bench) -> None:
    preview = await flags.preview()
    await flags.act(preview)
    after = await flags.object("ConfigMap", "flags")

    again = await flags.act(preview, retry=True)

    assert again.status == "done"
    assert again.undo
    assert await flags.object("ConfigMap", "flags") == after


async def test_a_second_try_tells_the_world_what_the_first_one_died_before(flags: Bench) -> None:
    preview = await flags.preview()
    await flags.act(preview)
    (told,) = await every(flags.cluster, "Event")
    await flags.cluster.delete({**told, "kind": "Event", "apiVersion": "v1"})

    await flags.act(preview, retry=True)

    done = f"done: set BREAKER of configmap/flags in {flags.cluster.namespace}"
    assert events_of(await every(flags.cluster, "Event")) == [
        ("ConfigurationChanged", f"Responder: {done} for {REASON}")
    ]


async def test_a_second_try_before_the_effect_makes_it(flags: Bench) -> None:
    preview = await flags.preview()

    assert (await flags.act(preview, retry=True)).status == "done"
    assert (await flags.object("ConfigMap", "flags"))["data"]["BREAKER"] == "on"


async def test_a_key_that_others_changed_after_the_approval_is_left_alone(flags: Bench) -> None:
    preview = await flags.preview()
    await patch(flags.cluster, "ConfigMap", "flags", {"data": {"BREAKER": "half"}})

    done = await flags.act(preview)
    again = await flags.act(preview, retry=True)

    assert done.status == "not_done"
    assert "BREAKER" in done.say
    assert again.status == "in_doubt"
    assert (await flags.object("ConfigMap", "flags"))["data"]["BREAKER"] == "half"


async def test_another_key_that_others_changed_does_not_matter(flags: Bench) -> None:
    preview = await flags.preview()
    await patch(flags.cluster, "ConfigMap", "flags", {"data": {"OTHER": "2"}})

    assert (await flags.act(preview)).status == "done"
    assert (await flags.object("ConfigMap", "flags"))["data"] == {"BREAKER": "on", "OTHER": "2"}


async def test_undoing_puts_the_value_back_and_keeps_what_others_did(flags: Bench) -> None:
    done = await flags.do()
    await patch(flags.cluster, "ConfigMap", "flags", {"data": {"OTHER": "2"}})

    undone = await flags.undo(done.undo)
    again = await flags.undo(done.undo, retry=True)

    assert (undone.status, again.status) == ("done", "done")
    assert (await flags.object("ConfigMap", "flags"))["data"] == {"BREAKER": "off", "OTHER": "2"}
    assert (await flags.progress(undone)).reverted == ""


async def test_a_key_that_was_not_there_is_taken_out_again(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(config_map(OTHER="1"))
    at = at_work(PATCH, cluster, writer, **BREAKER)

    done = await at.do()
    await at.undo(done.undo)

    assert (await at.object("ConfigMap", "flags"))["data"] == {"OTHER": "1"}


@pytest.mark.parametrize(
    ("data", "meanwhile", "left"),
    [
        ({"A": "1"}, None, {"A": "1"}),
        ({"A": "1"}, "192.0.2.7", {"A": "1", "block-cidrs": "192.0.2.7"}),
        ({"block-cidrs": ""}, None, {"block-cidrs": ""}),
    ],
)
async def test_a_list_that_was_not_there_is_taken_out_again_when_nothing_is_left_of_it(
    cluster: Cluster, writer: KubernetesWriter, data: dict[str, str], meanwhile: str | None, left: dict[str, str]
) -> None:
    await cluster.create(config_map("flags", **data))
    at = blocking(cluster, writer, "192.0.2.1")
    done = await at.do()
    if meanwhile:
        listed = f"192.0.2.1,{meanwhile}"
        await patch(cluster, "ConfigMap", "flags", {"data": {"block-cidrs": listed}})

    assert (await at.undo(done.undo)).status == "done"
    assert (await at.object("ConfigMap", "flags"))["data"] == left


async def test_a_key_that_others_changed_since_is_not_put_back(flags: Bench) -> None:
    done = await flags.do()
    await patch(flags.cluster, "ConfigMap", "flags", {"data": {"BREAKER": "half"}})

    undone = await flags.undo(done.undo)

    assert undone.status == "not_done"
    assert "changed by others" in undone.say
    assert (await flags.object("ConfigMap", "flags"))["data"]["BREAKER"] == "half"
    assert "changed back or over by" in (await flags.progress(done)).reverted


async def test_another_configmap_of_that_name_is_not_put_back(flags: Bench) -> None:
    done = await flags.do()
    await flags.cluster.delete(await flags.object("ConfigMap", "flags"))
    assert (await flags.undo(done.undo)).status == "not_done"
    await flags.cluster.create(config_map(BREAKER="on"))

    undone = await flags.undo(done.undo)

    assert undone.status == "not_done"
    assert "another one of that name" in undone.say


async def test_networks_are_added_to_a_list_and_what_is_in_it_stays(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(config_map(**{"block-cidrs": "192.0.2.0/24, 198.51.100.7/32"}))
    at = blocking(cluster, writer, "192.0.2.9", "203.0.113.4", "203.0.113.4/32", "2001:db8::/32")

    done = await at.do()

    data = (await at.object("ConfigMap", "flags"))["data"]
    assert data["block-cidrs"] == "192.0.2.0/24, 198.51.100.7/32,203.0.113.4/32,2001:db8::/32"
    await patch(cluster, "ConfigMap", "flags", {"data": {"block-cidrs": data["block-cidrs"] + ",198.18.0.1/32"}})
    assert (await at.undo(done.undo)).status == "done"
    data = (await at.object("ConfigMap", "flags"))["data"]
    assert data["block-cidrs"] == "192.0.2.0/24, 198.51.100.7/32,198.18.0.1/32"


async def test_a_list_that_others_add_to_after_the_approval_is_added_to(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await cluster.create(config_map(**{"block-cidrs": ""}))
    at = blocking(cluster, writer, "192.0.2.9")
    preview = await at.preview()
    await patch(cluster, "ConfigMap", "flags", {"data": {"block-cidrs": "203.0.113.0/24"}})

    assert (await at.act(preview)).status == "done"
    assert (await at.object("ConfigMap", "flags"))["data"]["block-cidrs"] == "203.0.113.0/24,192.0.2.9/32"


ZONES = ["fe80::1%$(reboot)", '2001:db8::%",x/64', "fe80::1%eth0"]
"""Addresses whose zone may hold anything, and is kept when they are written again."""


@pytest.mark.parametrize(
    "value", [*HOSTILE, *ZONES, "a\n", "a,b", "0.0.0.0/0", "10.0.0.0/7", "::/0", "192.0.2.0/33", "", " "]
)
def test_a_hostile_name_key_or_network_is_none(value: str) -> None:
    for params in (
        {"name": value, "set": {"A": "1"}},
        {"name": "flags", "namespace": value or "A", "set": {"A": "1"}},
        {"name": "flags", "set": {value: "1"}},
        {"name": "flags", "add_cidrs": {value: ["192.0.2.1"]}},
        {"name": "flags", "add_cidrs": {"block-cidrs": [value]}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            PATCH.Params.model_validate(params)


async def test_a_list_that_holds_them_already_is_not_written(cluster: Cluster, writer: KubernetesWriter) -> None:
    await cluster.create(config_map(**{"block-cidrs": "192.0.2.0/24"}))

    assert "nothing would change" in (await blocking(cluster, writer, "192.0.2.9").preview()).refusal


@pytest.mark.parametrize("there", ["allow all;", "192.0.2.1\n192.0.2.2", "10.0.0.0/8 deny", '"192.0.2.1"'])
async def test_a_key_that_is_no_list_of_networks_is_refused(
    cluster: Cluster, writer: KubernetesWriter, there: str
) -> None:
    await cluster.create(config_map(**{"block-cidrs": there}))

    assert "no network" in (await blocking(cluster, writer, "192.0.2.9").preview()).refusal


async def test_what_stands_in_the_way_is_said_before_anybody_is_asked(flags: Bench, fake: KubernetesServer) -> None:
    fake.objects.denials.append(Denial("ConfigMap", "flags are frozen"))
    assert "flags are frozen" in (await flags.preview()).refusal
    fake.objects.denials.clear()
    fake.access.tokens["reader"] = "reader"
    fake.access.grants["reader"] = {("", "configmaps", "get")}
    config = fake.kubeconfig(flags.cluster.kubeconfig.parent, token="reader")
    reader = KubernetesWriter(KubernetesAccess(kubeconfig=config))
    assert "RBAC" in (await at_work(PATCH, flags.cluster, reader, **BREAKER).preview()).refusal
    await reader.close()


async def test_an_object_that_is_not_there_or_cannot_change_is_refused(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    at = at_work(PATCH, cluster, writer, **BREAKER)
    with pytest.raises(Missing):
        await at.preview()
    await cluster.create(config_map(BREAKER="off") | {"immutable": True})
    assert "immutable" in (await at.preview()).refusal


async def test_who_puts_it_back_is_named(cluster: Cluster, writer: KubernetesWriter) -> None:
    found = config_map(BREAKER="off")
    found["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:prod/flags"}
    await cluster.create(found)

    preview = await at_work(PATCH, cluster, writer, **BREAKER).preview()

    assert preview.owner == "Argo CD (shop)"
    assert "argocd app sync shop" in preview.owner_way


async def test_an_answer_that_is_lost_is_read_back(flags: Bench, fake: KubernetesServer) -> None:
    preview = await flags.preview()
    fake.lost = ["configmaps/flags"]
    quick = KubernetesWriter(KubernetesAccess(kubeconfig=flags.cluster.kubeconfig), deadline=timedelta(seconds=1))
    at = at_work(PATCH, flags.cluster, quick, **BREAKER)

    with pytest.raises(Unanswered):
        await at.act(preview)
    fake.lost.clear()

    assert (await at.act(preview, retry=True)).status == "done"
    await quick.close()


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_is_that_text_and_nothing_else(flags: Bench, value: str) -> None:
    at = at_work(PATCH, flags.cluster, flags.tools.kubernetes, name="flags", set={"BREAKER": value})

    await at.do()

    assert (await at.object("ConfigMap", "flags"))["data"] == {"BREAKER": value, "OTHER": "1"}
