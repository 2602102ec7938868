"""kubernetes.rollout_undo: the template of an earlier revision, as kubectl puts it back, and nothing beside it."""

from typing import Any

import pytest

from responder.actions.rollout_undo import RolloutUndo
from tests.actions.rollouts import ATTEMPT, CAUSE, REASON, Bench, Rolling, every, of, patch, without_marks
from tests.servers.kubernetes_behind import NOBODY, add_node
from tests.servers.kubernetes_cluster import template, workload

UNDO = RolloutUndo()


def image_of(found: dict[str, Any]) -> str:
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


async def released(rolling: Rolling, kind: str = "Deployment", *images: str) -> Bench:
    """Roll 41 out, then 42 or what is given, and put the action to work on it."""
    if kind == "DaemonSet":
        for name in ("node-1", "node-2"):
            await add_node(rolling.cluster, name)
    await rolling.workload(kind)
    for image in images or ("r/api:42",):
        await rolling.release(image, kind)
    return rolling.bench(UNDO, target=of(rolling.cluster, kind=kind))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_the_template_of_before_comes_back_and_no_other_field_changes(rolling: Rolling, kind: str) -> None:
    # kubectl v1.32 sends for a Deployment a JSON patch that replaces /spec/template (without pod-template-hash) and
    # /metadata/annotations; for the others the ControllerRevision's strategic patch {"spec":{"template":{...,"$patch":
    # "replace"}}}. We leave annotations alone: they are other people's.
    at = await released(rolling, kind)
    await patch(rolling.cluster, kind, "api", {"metadata": {"annotations": {"team": "shop"}}})
    before = await at.object()

    done = await at.do()

    after = await at.object()
    before["spec"]["template"]["spec"]["containers"][0]["image"] = "r/api:41"
    assert without_marks(after) == without_marks(before)
    assert "pod-template-hash" not in after["spec"]["template"]["metadata"]["labels"]
    assert after["metadata"]["annotations"][ATTEMPT] == "INC-17@abc/3/0"
    assert after["metadata"]["annotations"][CAUSE] == f"Responder: rolled back to revision 1 for {REASON}"
    assert done.say == f"{kind.lower()}/api rolled back to revision 1"
    for _ in range(3):
        await rolling.settle()
    assert (await at.progress(done)).complete
    assert {image_of({"spec": {"template": pod}}) for pod in await every(rolling.cluster, "Pod")} == {"r/api:41"}


async def test_the_preview_says_who_goes_back_to_what(rolling: Rolling) -> None:
    at = await released(rolling)
    namespace = rolling.cluster.namespace

    preview = await at.preview()

    assert preview.summary == f"roll deployment/api in {namespace} back from revision 2 to 1"
    assert [(c.what, c.before, c.after) for c in preview.changes][:1] == [("revision", "2", "1")]
    assert any("image of api 42 -> 41" in change.what for change in preview.changes)
    assert (preview.pods, preview.ready, preview.refusal, preview.dry_run) == (3, 3, "", True)
    assert preview.undo["revision"].startswith("api-")


async def test_a_named_revision_is_gone_to(rolling: Rolling) -> None:
    at = await released(rolling, "Deployment", "r/api:42", "r/api:43")
    at.params = UNDO.Params(to_revision=1)

    await at.do()

    assert image_of(await at.object()) == "r/api:41"


async def test_the_values_of_the_environment_are_not_shown_nor_kept(rolling: Rolling) -> None:
    await rolling.workload(container={"env": [{"name": "DB", "value": "postgres://u:hunter2@db"}]})
    change = [
        {"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "postgres://u:s3cret@db"}
    ]
    await patch(rolling.cluster, "Deployment", "api", change)
    await rolling.settle()
    at = rolling.bench(UNDO)

    preview = await at.preview()
    done = await at.act(preview)

    assert "hunter2" not in repr((preview, done))
    assert "s3cret" not in repr((preview, done))
    assert any("env DB changed" in each.what for each in preview.changes)


async def test_without_an_earlier_revision_it_refuses(rolling: Rolling) -> None:
    await rolling.workload()

    preview = await rolling.bench(UNDO).preview()

    assert preview.refusal == "deployment/api has no earlier revision to go back to (kept: 1)"


async def test_a_revision_that_is_not_kept_is_refused_and_those_kept_are_named(rolling: Rolling) -> None:
    at = await released(rolling)
    at.params = UNDO.Params(to_revision=7)

    assert (await at.preview()).refusal == "deployment/api keeps no revision 7 (kept: 2, 1)"


async def test_the_revision_that_it_has_already_is_refused(rolling: Rolling) -> None:
    at = await released(rolling)
    at.params = UNDO.Params(to_revision=2)

    assert (await at.preview()).refusal == "deployment/api has the template of revision 2 already"


async def test_a_paused_deployment_is_refused(rolling: Rolling) -> None:
    at = await released(rolling)
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"paused": True}})

    assert "kubectl rollout resume" in (await at.preview()).refusal


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_its_undo_puts_the_replaced_template_back(rolling: Rolling, kind: str) -> None:
    at = await released(rolling, kind)
    before = await at.object()
    done = await at.do()

    undone = await at.undo(done.undo)
    again = await at.undo(done.undo, retry=True)
    await rolling.settle()

    assert (undone.status, again.status) == ("done", "done")
    assert without_marks(await at.object()) == without_marks(before)
    assert (await at.object())["metadata"]["annotations"][ATTEMPT] == "INC-17@abc/3/0/undo"
    assert (await at.progress(undone)).reverted == ""


async def test_it_is_not_undone_over_what_others_changed_since(rolling: Rolling) -> None:
    at = await released(rolling)
    done = await at.do()
    await rolling.release("r/api:44")
    before = await at.object()

    undone = await at.undo(done.undo)

    assert undone.status == "not_done"
    assert "changed since by" in undone.say
    assert without_marks(await at.object()) == without_marks(before)


async def test_replicas_that_others_change_do_not_keep_it_from_being_undone(rolling: Rolling) -> None:
    at = await released(rolling)
    done = await at.do()
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"replicas": 5}})

    undone = await at.undo(done.undo)

    after = await at.object()
    assert undone.status == "done"
    assert (image_of(after), after["spec"]["replicas"]) == ("r/api:42", 5)


async def test_what_was_settled_by_a_person_is_undone_only_while_it_bears_our_mark(rolling: Rolling) -> None:
    at = await released(rolling)
    preview = await at.preview()
    await at.act(preview)

    undone = await at.undo(preview.undo)

    assert undone.status == "done"
    assert image_of(await at.object()) == "r/api:42"
    assert (await at.undo(preview.undo)).say == "deployment/api is as it was before already: nothing was written"
    await rolling.release("r/api:44")
    assert (await at.undo(preview.undo)).status == "not_done"


async def test_a_second_try_after_the_effect_says_what_the_first_one_did(rolling: Rolling) -> None:
    at = await released(rolling, "Deployment", "r/api:42", "r/api:43")
    preview = await at.preview()
    await at.act(preview)
    await rolling.settle()
    before = await at.object()

    done = await at.act(preview, retry=True)

    assert done.status == "done"
    assert "from revision 3 to 2" in done.say
    assert without_marks(await at.object()) == without_marks(before)
    assert (await at.undo(done.undo)).status == "done"
    assert image_of(await at.object()) == "r/api:43"


async def test_another_rollout_since_the_approval_stops_it(rolling: Rolling) -> None:
    at = await released(rolling)
    preview = await at.preview()
    await rolling.release("r/api:43", by="argocd-controller")

    done = await at.act(preview)

    assert done.status == "not_done"
    assert "its spec was changed by argocd-controller at " in done.say
    assert "(image r/api:42 -> r/api:43)" in done.say
    assert image_of(await at.object()) == "r/api:43"


async def test_a_rollout_put_back_by_argo_is_told_as_reverted(rolling: Rolling) -> None:
    at = await released(rolling)
    kept = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}}
    kept["metadata"] = {"name": "api", "namespace": rolling.cluster.namespace}
    containers = [{"name": "api", "image": "r/api:42"}]
    kept["spec"] = {"template": {"spec": {"containers": containers}}}  # type: ignore[assignment]
    done = await at.do()
    rolling.world.kept.append(kept)
    await rolling.settle()

    said = await at.progress(done)

    assert "argocd-controller at" in said.reverted


async def test_the_change_cause_of_a_revision_is_shown(rolling: Rolling) -> None:
    await rolling.workload(metadata={"annotations": {CAUSE: "release 41; password=hunter2"}})
    await rolling.release("r/api:42", cause="release 42")

    preview = await rolling.bench(UNDO).preview()

    assert preview.changes[0].after.startswith("1 (release 41")
    assert "hunter2" not in repr(preview)


async def test_no_kept_history_means_no_undo_and_says_so(rolling: Rolling) -> None:
    at = await released(rolling)
    rolling.world.frozen = True  # Nobody has cleaned the revisions up yet.
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"revisionHistoryLimit": 0}})

    preview = await at.preview()

    assert preview.undo is None
    assert any("cannot be undone" in warning for warning in preview.warnings)
    assert (await at.undo(preview.undo)).status == "not_done"


async def test_what_others_changed_between_a_crash_and_the_second_try_is_not_undone(rolling: Rolling) -> None:
    at = await released(rolling)
    preview = await at.preview()
    await at.act(preview)
    await rolling.release("r/api:44")
    done = await at.act(preview, retry=True)

    undone = await at.undo(done.undo)

    assert (done.status, undone.status) == ("done", "not_done")
    assert image_of(await at.object()) == "r/api:44"


async def test_another_workload_of_the_same_name_is_not_undone(rolling: Rolling) -> None:
    at = await released(rolling)
    done = await at.do()
    await rolling.cluster.delete(await at.object())
    gone = await at.undo(done.undo)
    await rolling.workload(image="r/api:41")

    undone = await at.undo(done.undo)

    assert "not there any more" in gone.say
    assert undone.say == "deployment/api is another one of that name by now: nothing is undone"
    assert image_of(await at.object()) == "r/api:41"


async def test_a_revision_that_is_gone_or_says_something_else_is_not_put_back(rolling: Rolling) -> None:
    at = await released(rolling)
    done = await at.do()
    kept = {**done.undo}

    for changed in ({"revision": "api-gone"}, {"template": "something else"}):
        undone = await at.undo(kept | changed)
        assert undone.status == "not_done"
        assert "kept the template of before, is not there any more" in undone.say


async def test_a_pause_since_keeps_it_from_being_undone_and_is_no_doubt(rolling: Rolling) -> None:
    at = await released(rolling)
    done = await at.do()
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"paused": True}})

    undone = await at.undo(done.undo, retry=True)

    assert undone.status == "not_done"
    assert "paused" in undone.say


async def test_an_operator_that_takes_the_workload_over_since_the_approval_stops_it(rolling: Rolling) -> None:
    at = await released(rolling)
    preview = await at.preview()
    owner = {"apiVersion": "x.io/v1", "kind": "App", "name": "shop", "uid": "1", "controller": True}
    await patch(rolling.cluster, "Deployment", "api", {"metadata": {"ownerReferences": [owner]}})

    done = await at.act(preview)

    assert done.status == "not_done"
    assert "made by its controller, App shop" in done.say


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_the_revisions_of_another_workload_are_not_its_own(rolling: Rolling, kind: str) -> None:
    await rolling.workload(kind)
    other = template({"app": "api"}, [{"name": "api", "image": "r/other:7"}], schedulerName=NOBODY)
    await rolling.cluster.create(workload(kind, "other", labels={"app": "api"}, spec={"template": other}))
    await rolling.settle()
    at = rolling.bench(UNDO, target=of(rolling.cluster, kind=kind))

    assert "has no earlier revision to go back to (kept: 1)" in (await at.preview()).refusal


async def test_a_revision_that_replaces_no_whole_template_is_not_gone_to(rolling: Rolling) -> None:
    at = await released(rolling, "StatefulSet")
    first = next(found for found in await every(rolling.cluster, "ControllerRevision") if found["revision"] == 1)
    first |= {"apiVersion": "apps/v1", "kind": "ControllerRevision"}
    await rolling.cluster.delete(first)
    first["data"]["spec"]["template"].pop("$patch")
    kept = {key: first["metadata"][key] for key in ("labels", "ownerReferences")}
    await rolling.cluster.create(first | {"metadata": {"name": "api-whole", **kept}})

    assert "(kept: 2)" in (await at.preview()).refusal
