"""kubernetes.patch_configmap with restart: all that takes up the change is restarted once, and again when undone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.actions.patch_configmap import PatchConfigmap
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Unanswered
from responder.settings.sections import KubernetesAccess
from tests.actions.packs import at_work, config_map
from tests.actions.rollouts import Bench, Meddled, Rolling, every, patch
from tests.servers.kubernetes import Fault
from tests.servers.kubernetes_behind import NOBODY
from tests.servers.kubernetes_cluster import template, workload

PATCH = PatchConfigmap()
ENV_FROM = {"envFrom": [{"configMapRef": {"name": "flags"}}]}
VALUE_FROM = {"env": [{"name": "B", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "BREAKER"}}}]}
VOLUME = {"volumes": [{"name": "f", "configMap": {"name": "flags"}}]}
PROJECTED = {"volumes": [{"name": "f", "projected": {"sources": [{"configMap": {"name": "flags"}}]}}]}
OTHER = {"volumes": [{"name": "f", "configMap": {"name": "others"}}, {"name": "s", "secret": {"secretName": "flags"}}]}
RESTART = {"name": "flags", "set": {"BREAKER": "on"}, "restart": True}


async def runs(
    rolling: Rolling, name: str, *, kind: str = "Deployment", container: Any = None, replicas: int = 3, **spec: Any
) -> None:
    """Let a workload run; `container` and `spec` are of its pods."""
    described = {"name": name, "image": f"r/{name}:1", **(container or {})}
    made = template({"app": name}, [described], schedulerName=NOBODY, **spec)
    wanted: dict[str, Any] = {"template": made} if kind == "DaemonSet" else {"template": made, "replicas": replicas}
    await rolling.cluster.create(workload(kind, name, spec=wanted))
    await rolling.settle()


async def two_of_three(rolling: Rolling, writer: KubernetesWriter | None = None) -> Bench:
    """Let two workloads take up the flags and one not."""
    await rolling.cluster.create(config_map(BREAKER="off"))
    await runs(rolling, "api", container=ENV_FROM)
    await runs(rolling, "db", kind="StatefulSet", replicas=2, **VOLUME)
    await runs(rolling, "web", **OTHER)
    return at_work(PATCH, rolling.cluster, writer or rolling.writer, **RESTART)


async def generations(at: Bench) -> list[int]:
    """Return the generations of api, db and web: 1 for what was not restarted."""
    found = [await at.object("Deployment", "api"), await at.object("StatefulSet", "db"), await at.object(name="web")]
    return [each["metadata"]["generation"] for each in found]


def locks(rolling: Rolling, *references: str) -> tuple[str, ...]:
    """Name what is locked in the namespace of the tests."""
    split = (reference.split("/") for reference in references)
    return tuple(f"default/{kind}/{rolling.cluster.namespace}/{name}" for kind, name in split)


def later(at: Bench) -> Bench:
    return replace(at, tools=replace(at.tools, later=timedelta(minutes=5)))


async def test_all_that_takes_up_the_change_is_restarted_and_again_when_it_is_undone(rolling: Rolling) -> None:
    at = await two_of_three(rolling)

    preview = await at.preview()
    done = await at.act(preview)
    await rolling.settle()
    progress = await at.progress(done)

    assert (done.status, done.follow) == ("done", True)
    assert done.say.endswith("BREAKER set; restarted: deployment/api, statefulset/db")
    assert await generations(at) == [2, 2, 1]
    assert progress.say == "2 of 2 workloads done"
    assert (progress.complete, progress.ready) == (True, True)
    assert (progress.updated, progress.wanted) == (5, 5)
    undone = await later(at).undo(done.undo)
    again = await later(at).undo(done.undo, retry=True)
    assert (undone.status, again.status) == ("done", "done")
    assert undone.follow
    assert await generations(at) == [3, 3, 1]
    assert (await at.object("ConfigMap", "flags"))["data"] == {"BREAKER": "off"}
    assert (await at.progress(undone)).reverted == ""


async def test_each_restart_is_named_before_anybody_is_asked(rolling: Rolling) -> None:
    preview = await (await two_of_three(rolling)).preview()

    assert "restart deployment/api, statefulset/db in " in preview.summary
    assert [change.what.partition(" of the pods of ")[2] for change in preview.changes] == [
        "",
        "deployment/api",
        "statefulset/db",
    ]
    assert (preview.pods, preview.ready, preview.replicas, preview.at_once) == (5, 5, 5, 1)
    assert [(each.name, each.ready, each.at_once) for each in preview.apart] == [
        ("deployment/api", 3, 0),
        ("statefulset/db", 2, 1),
    ]
    assert "deployment/api: none missing at any time" in preview.disruption
    assert "; statefulset/db: one at a time" in preview.disruption
    assert {name for name in preview.basis if name.startswith("restart: ")} == {
        f"restart: {name}, {fact}" for name in ("deployment/api", "statefulset/db") for fact in ("uid", "its spec")
    }
    assert preview.dry_run


async def test_the_configmap_and_each_that_is_restarted_are_locked(rolling: Rolling) -> None:
    preview = await (await two_of_three(rolling)).preview()

    assert preview.locks == locks(rolling, "configmap/flags", "deployment/api", "statefulset/db")


async def test_the_world_is_told_on_each_that_was_restarted(rolling: Rolling) -> None:
    await (await two_of_three(rolling)).do()

    told = [each for each in await every(rolling.cluster, "Event") if each["reason"] == "Restarted"]
    assert {each["involvedObject"]["name"] for each in told} == {"api", "db"}


@pytest.mark.parametrize(
    ("container", "spec"), [(ENV_FROM, {}), (VALUE_FROM, {}), ({}, VOLUME), ({}, PROJECTED), (ENV_FROM, PROJECTED)]
)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_however_it_is_taken_up_it_is_found(rolling: Rolling, kind: str, container: Any, spec: Any) -> None:
    await rolling.cluster.create(config_map(BREAKER="off"))
    await runs(rolling, "api", kind=kind, container=container, **spec)

    preview = await at_work(PATCH, rolling.cluster, rolling.writer, **RESTART).preview()

    assert f"then restart {kind.lower()}/api in " in preview.summary


async def test_who_keeps_any_of_them_is_named(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    tracked = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/StatefulSet:prod/db"}}}
    await patch(rolling.cluster, "StatefulSet", "db", tracked)

    preview = await at.preview()

    assert preview.owner == "Argo CD (shop)"
    assert "argocd" in preview.owner_way


async def test_a_crash_between_two_restarts_ends_with_one_of_each(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    preview = await at.preview()
    rolling.server.faults.append(Fault("statefulsets/db", status=503))
    told = await at.act(preview)
    rolling.server.faults.clear()
    between = await generations(at)

    again = await at.act(preview, retry=True)
    more = await at.act(preview, retry=True)

    assert told.status == "failed"
    assert "restarted: deployment/api; not restarted: statefulset/db (" in told.say
    assert between == [2, 1, 1]
    assert (again.status, more.status) == ("done", "done")
    assert await generations(at) == [2, 2, 1]
    assert (await at.progress(again)).reverted == ""


async def test_a_restart_whose_answer_is_lost_is_read_back_and_the_rest_goes_on(rolling: Rolling) -> None:
    quick = KubernetesWriter(KubernetesAccess(kubeconfig=rolling.cluster.kubeconfig), deadline=timedelta(seconds=1))
    at = await two_of_three(rolling, quick)
    preview = await at.preview()
    rolling.server.lost = ["deployments/api"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    rolling.server.lost = []

    assert (await at.act(preview, retry=True)).status == "done"
    assert await generations(at) == [2, 2, 1]
    await quick.close()


async def test_what_was_restarted_and_what_not_is_told_where_one_moves_meanwhile(rolling: Rolling) -> None:
    meddled = Meddled(KubernetesAccess(kubeconfig=rolling.cluster.kubeconfig))
    at = await two_of_three(rolling, meddled)
    preview = await at.preview()
    newer = {"spec": {"template": {"metadata": {"labels": {"release": "2"}}}}}

    async def release() -> None:
        await patch(rolling.cluster, "StatefulSet", "db", newer)

    meddled.meddle = release
    told = await at.act(preview)
    again = await at.act(preview, retry=True)

    assert told.status == "failed"
    assert "restarted: deployment/api; not restarted: statefulset/db (" in told.say
    assert "its spec was changed by kubectl-edit at " in told.say
    assert again.status == "in_doubt"
    assert "nobody can tell whether restarted: statefulset/db (" in again.say
    assert await generations(at) == [2, 2, 1]
    undone = await later(at).undo(told.undo)
    assert undone.status == "done"
    assert await generations(at) == [3, 2, 1]
    assert (await at.object("ConfigMap", "flags"))["data"] == {"BREAKER": "off"}
    await meddled.close()


async def test_at_a_second_try_what_cannot_be_read_is_in_doubt_and_what_was_done_is_not(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    preview = await at.preview()
    await at.act(preview)
    rolling.server.faults.append(Fault("deployments/api", status=503))

    told = await at.act(preview, retry=True)
    rolling.server.faults.clear()

    assert told.status == "in_doubt"
    assert "restarted: statefulset/db; nobody can tell whether restarted: deployment/api (" in told.say
    assert await generations(at) == [2, 2, 1]


async def test_what_is_gone_since_keeps_nobody_from_undoing(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    done = await at.do()
    await rolling.cluster.delete(await at.object("StatefulSet", "db"))

    undone = await later(at).undo(done.undo)

    assert undone.status == "done"
    assert "statefulset/db in " in undone.say
    assert "is not there any more" in undone.say
    assert (await at.object())["metadata"]["generation"] == 3


async def test_keys_that_were_put_back_are_told_where_what_to_restart_cannot_be_read(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    done = await at.do()
    rolling.server.faults.append(Fault("statefulsets/db", status=503))
    told = await later(at).undo(done.undo)
    rolling.server.faults.clear()

    again = await later(at).undo(done.undo, retry=True)

    assert told.status == "failed"
    assert "BREAKER put back, but its pods may not all know" in told.say
    assert again.status == "done"
    assert await generations(at) == [3, 3, 1]


@pytest.mark.parametrize("came", [True, False])
async def test_people_are_asked_anew_where_one_came_or_went_since(rolling: Rolling, came: bool) -> None:
    at = await two_of_three(rolling)
    preview = await at.preview()
    if came:
        await runs(rolling, "cron", container=VALUE_FROM)
    else:
        await rolling.cluster.delete(await at.object("StatefulSet", "db"))

    told = await at.act(preview)

    assert told.status == "not_done"
    assert ("deployment/cron" if came else "statefulset/db") + ", its spec was" in told.say
    assert (await at.object("ConfigMap", "flags"))["data"] == {"BREAKER": "off"}
    assert (await at.object())["metadata"]["generation"] == 1
    assert (await at.preview()).basis != preview.basis


async def test_the_worst_is_told_first_and_it_is_complete_only_when_all_are(rolling: Rolling) -> None:
    await rolling.cluster.create(config_map(BREAKER="off"))
    for name, replicas in (("api", 2), ("web", 3), ("x", 1)):
        await runs(rolling, name, replicas=replicas, **VOLUME)
    at = at_work(PATCH, rolling.cluster, rolling.writer, **RESTART)
    rolling.world.broken_images |= {"r/api:1", "r/web:1"}

    done = await at.do()
    early = await at.progress(done)

    assert early.say.startswith("1 of 3 workloads done; deployment/web: 1 of 3 pods updated; ")
    assert "; deployment/api: 1 of 2 pods updated; " in early.say
    assert (early.complete, early.ready, early.updated, early.wanted) == (False, True, 3, 6)


async def test_one_that_does_not_get_there_is_told_by_its_name(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    rolling.world.frozen = True
    done = await at.do()

    late = await at.progress(done, later=timedelta(minutes=11))

    assert "statefulset/db: no controller has taken up the change since" in late.failed
    assert not late.complete


async def test_who_changes_one_of_them_back_is_told(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    done = await at.do()
    await rolling.settle()
    path = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
    await patch(rolling.cluster, "StatefulSet", "db", [{"op": "remove", "path": path}])

    assert "statefulset/db was changed back or over by" in (await at.progress(done)).reverted


async def test_where_nothing_takes_it_up_nothing_is_restarted_and_that_is_told(rolling: Rolling) -> None:
    await rolling.cluster.create(config_map(BREAKER="off"))
    await runs(rolling, "api", **OTHER)
    await runs(rolling, "idle", replicas=0, **VOLUME)
    at = at_work(PATCH, rolling.cluster, rolling.writer, **RESTART)

    preview = await at.preview()
    done = await at.do()

    assert any("nothing is restarted, and nothing will take it up" in warning for warning in preview.warnings)
    assert any("deployment/idle has no pods" in warning for warning in preview.warnings)
    assert (preview.refusal, preview.pods) == ("", 0)
    assert preview.locks == locks(rolling, "configmap/flags")
    assert (await at.object("ConfigMap", "flags"))["data"] == {"BREAKER": "on"}
    assert (await at.object())["metadata"]["generation"] == 1
    assert (await at.progress(done)).complete
    assert (await at.undo(done.undo)).status == "done"


async def test_a_target_that_does_not_take_it_up_is_left_alone_and_that_is_told(rolling: Rolling) -> None:
    await rolling.cluster.create(config_map(BREAKER="off"))
    await runs(rolling, "api", **OTHER)
    await runs(rolling, "web", **VOLUME)
    at = at_work(PATCH, rolling.cluster, rolling.writer, **RESTART)

    preview = await at.preview()
    await at.do()

    assert any("nor takes variables from it: it is not restarted" in warning for warning in preview.warnings)
    assert preview.locks == locks(rolling, "configmap/flags", "deployment/web")
    assert (await at.object())["metadata"]["generation"] == 1
    assert (await at.object(name="web"))["metadata"]["generation"] == 2


@pytest.mark.parametrize(("many", "refused"), [(10, False), (11, True)])
async def test_more_than_ten_are_not_restarted_by_one_action(rolling: Rolling, many: int, refused: bool) -> None:
    await rolling.cluster.create(config_map(BREAKER="off"))
    for number in range(many):
        await runs(rolling, f"api-{number}", replicas=1, **VOLUME)

    preview = await at_work(PATCH, rolling.cluster, rolling.writer, **RESTART).preview()

    assert bool(preview.refusal) is refused
    if refused:
        assert "restart them by steps of a `do` instead" in preview.refusal
        assert all(f"deployment/api-{number}" in preview.refusal for number in range(many))


async def test_one_that_cannot_be_restarted_is_refused_by_its_name(rolling: Rolling) -> None:
    at = await two_of_three(rolling)
    await patch(
        rolling.cluster, "StatefulSet", "db", {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}}
    )

    assert "statefulset/db replaces pods only when they are deleted" in (await at.preview()).refusal


async def test_what_takes_it_up_is_restarted_where_it_is_and_not_where_the_target_is(rolling: Rolling) -> None:
    await rolling.workload(container=ENV_FROM)
    found = config_map(BREAKER="off")
    found["metadata"] |= {"namespace": "default", "name": "flags"}
    await rolling.cluster.create(found)
    params = {**RESTART, "namespace": "default"}

    preview = await at_work(PATCH, rolling.cluster, rolling.writer, **params).preview()

    assert (preview.pods, preview.refusal) == (0, "")
    assert any("nothing will take it up" in warning for warning in preview.warnings)
