"""
An annotation moves the generation of a Deployment, and means nothing of what was agreed to.

Source: the API server's strategy of Deployments, `PrepareForUpdate`; the Deployment controller writes its own
annotation of the revision with the status, which moves nothing.
"""

from dataclasses import replace
from typing import Any

import pytest

from responder.actions.rollout_restart import RolloutRestart
from responder.actions.rollout_undo import RolloutUndo
from responder.actions.scale import Scale
from responder.actions.set_env import SetEnv
from responder.actions.set_image import SetImage
from responder.model.action import Outcome, Preview
from tests.actions.rollouts import ATTEMPT, Bench, Rolling, patch

UNDOABLE: list[tuple[Any, dict[str, Any]]] = [
    (RolloutUndo(), {}),
    (SetImage(), {"image": "r/api:40"}),
    (SetEnv(), {"set": {"BREAKER": "on"}}),
    (Scale(), {"replicas": 5}),
]
ACTIONS = [(RolloutRestart(), {}), *UNDOABLE]
NOTES = ["team", "deployment.kubernetes.io/revision"]


async def annotate(rolling: Rolling, name: str = "team") -> None:
    """Annotate the Deployment, as any program may."""
    await patch(rolling.cluster, "Deployment", "api", {"metadata": {"annotations": {name: "41"}}})


async def at_work(rolling: Rolling, action: Any, params: dict[str, Any]) -> Bench:
    await rolling.workload()
    await rolling.release("r/api:42")
    return rolling.bench(action, **params)


def as_of_old(preview: Preview) -> Preview:
    """Return a preview as it was stored before specs were told apart."""
    kept = {name: fact for name, fact in preview.basis.items() if name != "its spec"}
    return replace(preview, basis={**kept, "generation": preview.versions["generation"]}, versions={}, wrote={})


async def written(at: Bench) -> bool:
    annotations: dict[str, str] = (await at.object())["metadata"].get("annotations") or {}
    return annotations.get(ATTEMPT) == at.tools.attempt


@pytest.mark.parametrize(("action", "params"), ACTIONS)
@pytest.mark.parametrize("name", NOTES)
async def test_what_was_agreed_to_is_done_although_somebody_annotated_it(
    rolling: Rolling, action: Any, params: Any, name: str
) -> None:
    at = await at_work(rolling, action, params)
    preview = await at.preview()
    await annotate(rolling, name)
    again = await at.preview()

    done = await at.act(preview)

    assert again.basis == preview.basis
    assert again.versions != preview.versions
    assert done.status == "done"


@pytest.mark.parametrize(("action", "params"), ACTIONS)
@pytest.mark.parametrize("name", NOTES)
async def test_an_annotation_behind_it_changes_nothing_of_what_was_done(
    rolling: Rolling, action: Any, params: Any, name: str
) -> None:
    at = await at_work(rolling, action, params)
    done = await at.do()
    await rolling.settle()
    await annotate(rolling, name)
    await rolling.settle()
    before = await at.object()

    progress = await at.progress(done)
    again = await at.act(await at.preview(), retry=True)

    assert (progress.reverted, progress.failed, progress.complete) == ("", "", True)
    after = await at.object()
    assert again.status == "done"
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])


@pytest.mark.parametrize(("action", "params"), UNDOABLE)
@pytest.mark.parametrize("crashed", [False, True])
async def test_it_is_taken_back_although_somebody_annotated_it(
    rolling: Rolling, action: Any, params: Any, crashed: bool
) -> None:
    at = await at_work(rolling, action, params)
    before = await at.object()
    preview = await at.preview()
    done = await at.act(preview)
    await annotate(rolling)
    await rolling.settle()
    if crashed:
        done = await at.act(preview, retry=True)

    undone = await at.undo(done.undo)
    await rolling.settle()

    assert undone.status == "done", undone.say
    assert (await at.object())["spec"] == before["spec"]
    assert (await at.progress(undone)).reverted == ""


@pytest.mark.parametrize(("action", "params"), UNDOABLE)
async def test_after_a_crash_it_is_not_taken_back_over_what_others_did_since(
    rolling: Rolling, action: Any, params: Any
) -> None:
    at = await at_work(rolling, action, params)
    preview = await at.preview()
    await at.act(preview)
    theirs = {"spec": {"replicas": 7, "template": {"metadata": {"labels": {"release": "2"}}}}}
    await patch(rolling.cluster, "Deployment", "api", theirs, by="argocd-controller")
    await rolling.settle()
    before = await at.object()

    undone = await at.undo((await at.act(preview, retry=True)).undo)

    assert undone.status == "not_done"
    assert "was changed since by argocd-controller at " in undone.say
    assert await at.object() == before


@pytest.mark.parametrize(("action", "params"), ACTIONS)
async def test_nobody_can_tell_after_a_crash_where_it_moved_without_the_mark(
    rolling: Rolling, action: Any, params: Any
) -> None:
    """It may have happened, and been put back with all that stood there."""
    at = await at_work(rolling, action, params)
    preview = await at.preview()
    await annotate(rolling)

    done = await at.act(preview, retry=True)

    assert done.status == "in_doubt"
    assert not await written(at)


@pytest.mark.parametrize(("action", "params"), ACTIONS)
@pytest.mark.parametrize("retry", [False, True])
async def test_what_was_agreed_to_in_an_older_version_is_asked_again(
    rolling: Rolling, action: Any, params: Any, retry: bool
) -> None:
    at = await at_work(rolling, action, params)
    old = as_of_old(await at.preview())

    told: Outcome = await at.act(old, retry=retry)

    assert told.status == ("in_doubt" if retry else "not_done")
    assert not await written(at)
    assert (await at.preview()).basis != old.basis
