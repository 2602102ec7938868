"""Two steps of one sequence on one workload, with the real actions: done in their order, and undone backwards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.actions.patch_configmap import PatchConfigmap
from responder.actions.rollout_restart import RolloutRestart
from responder.actions.rollout_undo import RolloutUndo
from responder.actions.scale import Scale
from responder.actions.set_env import SetEnv
from responder.actions.set_image import SetImage
from responder.actions.set_resources import SetResources
from responder.model.action import ActionTraits, Attempt, Outcome, Preview, Step
from responder.plugins.action import Action
from responder.response import carrying
from tests.actions.packs import config_map
from tests.actions.rollouts import Bench, Meddled, Rolling, patch, without_marks
from tests.response.given import a_brain
from tests.response.story import a_playbook

FLAGS = {"name": "flags", "set": {"BREAKER": "on"}, "restart": True}
BRAIN = a_brain(a_playbook(), action=lambda name: ActionTraits())
"""All of them change something."""
ENV_FROM = {"envFrom": [{"configMapRef": {"name": "flags"}}]}


@dataclass
class Sequence:
    """Steps of one attempt, previewed before the first one begins; each is looked at again when its turn has come."""

    rolling: Rolling
    benches: list[Bench]
    attempt: Attempt

    async def begin(self, place: int) -> str:
        """Do the step whose turn it is; say why not, "" when it was done."""
        bench = self.benches[place]
        seen = await bench.preview()
        if place and (told := self.against(place, seen)):
            return told
        done = await bench.act(seen)
        if done.status != "done":
            return done.say
        self.keep(place, outcome=done, preview=seen)
        await self.followed(bench, done)
        return ""

    def against(self, place: int, seen: Preview) -> str:
        assert carrying.is_touched(BRAIN, self.attempt, place)
        return carrying.against(self.attempt, place, seen)

    async def undo(self, place: int) -> Outcome:
        """Take a step back, and let the world follow."""
        step = self.attempt.steps[place]
        assert step.outcome is not None
        assert step.preview is not None
        before = step.outcome.undo if step.outcome.undo is not None else step.preview.undo
        bench = self.benches[place]
        bench = replace(bench, tools=replace(bench.tools, later=timedelta(hours=1 + len(self.benches) - place)))
        undone = await bench.undo(before)
        await self.followed(bench, undone)
        return undone

    async def followed(self, bench: Bench, outcome: Outcome) -> None:
        for _ in range(5):
            await self.rolling.settle()
        if outcome.follow:
            progress = await bench.progress(outcome)
            assert (progress.complete, progress.reverted) == (True, ""), progress.say

    def keep(self, place: int, **fields: Any) -> None:
        steps = list(self.attempt.steps)
        steps[place] = replace(steps[place], **fields)
        self.attempt = replace(self.attempt, steps=tuple(steps))

    async def object(self) -> dict[str, Any]:
        return without_marks(await self.benches[0].object("Deployment", "api"))


async def sequence(rolling: Rolling, *actions: tuple[Action[Any], Mapping[str, Any]]) -> Sequence:
    """Preview a sequence on deployment/api, as it is before anything is done."""
    benches = [rolling.bench(action, **params) for action, params in actions]
    for place, bench in enumerate(benches):
        bench.tools = replace(bench.tools, attempt=f"INC-17@abc/3/{place}", later=timedelta(minutes=place))
    previews = [await bench.preview() for bench in benches]
    assert [preview.refusal for preview in previews] == ["" for _ in previews]
    steps = [Step("", b.action.name, {}, b.target, preview=p) for b, p in zip(benches, previews, strict=True)]
    return Sequence(rolling, benches, Attempt(3, "both", tuple(steps), "approve", datetime.now(UTC)))


async def running(rolling: Rolling) -> None:
    """Let revision 2 of deployment/api run, with a memory limit and flags."""
    await rolling.cluster.create(config_map(BREAKER="off"))
    await rolling.workload(container={**ENV_FROM, "resources": {"limits": {"memory": "1Gi"}}})
    await rolling.release("r/api:42")


SCALE = (Scale(), {"by": 1})
BACK = (RolloutUndo(), {})
ENV = (SetEnv(), {"set": {"POOL": "150"}})
IMAGE = (SetImage(), {"image": "r/api:43"})
MEMORY = (SetResources(), {"limits": {"memory": "2Gi"}})
RESTART = (RolloutRestart(), {})
CONFIG = (PatchConfigmap(), FLAGS)

PAIRS = {
    "scale, then roll back": (SCALE, BACK),
    "set_env, then scale": (ENV, SCALE),
    "set_env, then set_image": (ENV, IMAGE),
    "patch_configmap with a restart, then scale": (CONFIG, SCALE),
    "scale, then patch_configmap with a restart": (SCALE, CONFIG),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
async def test_two_steps_on_one_workload_are_done_and_undone_backwards(rolling: Rolling, pair: Any) -> None:
    await running(rolling)
    at = await sequence(rolling, *pair)
    before = await at.object()

    assert await at.begin(0) == ""
    between = await at.object()
    assert await at.begin(1) == ""

    assert await at.object() != between
    assert (await at.undo(1)).status == "done"
    if pair[1] is not CONFIG:
        assert await at.object() == between
    assert (await at.undo(0)).status == "done"
    assert await rolled(at) == without_restarts(before)


async def rolled(at: Sequence) -> dict[str, Any]:
    return without_restarts(await at.object())


def without_restarts(found: dict[str, Any]) -> dict[str, Any]:
    """Take off the mark of a restart, which nobody takes back."""
    annotations = found["spec"]["template"]["metadata"].get("annotations") or {}
    annotations.pop("kubectl.kubernetes.io/restartedAt", None)
    found["spec"]["template"]["metadata"]["annotations"] = annotations
    return found


async def test_more_memory_and_a_restart_are_done_and_the_restart_is_nothing_to_undo(rolling: Rolling) -> None:
    await running(rolling)
    at = await sequence(rolling, MEMORY, RESTART)

    assert await at.begin(0) == ""
    assert await at.begin(1) == ""

    found = await at.object()
    assert found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] == {"memory": "2Gi"}
    assert not RolloutRestart.undoable


@pytest.mark.parametrize("pair", [*PAIRS.values(), (MEMORY, RESTART)], ids=[*PAIRS, "set_resources, then restart"])
async def test_a_change_of_somebody_else_in_between_stops_it_and_they_are_named(rolling: Rolling, pair: Any) -> None:
    await running(rolling)
    at = await sequence(rolling, *pair)
    assert await at.begin(0) == ""
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"minReadySeconds": 7}}, by="kubectl-patch")
    await rolling.settle()
    before = await at.object()

    told = await at.begin(1)

    assert "is not what was approved" in told
    assert "its spec was changed by kubectl-patch at " in told
    assert told.endswith(" (minReadySeconds)")
    assert "alertmanager-responder" not in told
    assert await at.object() == before


async def test_an_annotation_of_somebody_else_in_between_is_nothing_that_anybody_agreed_to(rolling: Rolling) -> None:
    await running(rolling)
    at = await sequence(rolling, SCALE, BACK)
    assert await at.begin(0) == ""
    await patch(rolling.cluster, "Deployment", "api", {"metadata": {"annotations": {"team": "shop"}}})
    assert await at.begin(1) == ""


async def test_a_change_of_somebody_else_between_the_look_and_the_write_stops_it_too(
    rolling: Rolling, meddled: Meddled
) -> None:
    await running(rolling)
    at = await sequence(rolling, SCALE, BACK)
    assert await at.begin(0) == ""
    bench = at.benches[1]
    seen = await bench.preview()
    assert at.against(1, seen) == ""
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"replicas": 9}}, by="kubectl-scale")
    done = await bench.act(seen)
    assert done.status == "not_done"
    assert "its spec was changed by kubectl-scale at " in done.say


async def test_a_step_that_counts_from_what_there_is_does_not_count_what_the_first_one_added(rolling: Rolling) -> None:
    await running(rolling)
    at = await sequence(rolling, SCALE, SCALE)
    assert await at.begin(0) == ""
    told = await at.begin(1)
    assert told.endswith("after the steps before, it would do something else than was shown")
    assert (await at.object())["spec"]["replicas"] == 4


async def test_what_a_crash_left_in_no_doubt_is_carried_on_too(rolling: Rolling) -> None:
    await running(rolling)
    at = await sequence(rolling, SCALE, BACK)
    bench = at.benches[0]
    seen = await bench.preview()
    await bench.act(seen)
    found = await bench.act(seen, retry=True)
    assert found.say.startswith("found done by the mark")
    at.keep(0, outcome=found, preview=seen)
    assert await at.begin(1) == ""


async def test_what_others_did_after_a_crash_is_not_taken_for_ours(rolling: Rolling) -> None:
    await running(rolling)
    at = await sequence(rolling, SCALE, BACK)
    bench = at.benches[0]
    seen = await bench.preview()
    await bench.act(seen)
    await patch(rolling.cluster, "Deployment", "api", {"spec": {"minReadySeconds": 7}}, by="kubectl-patch")
    found = await bench.act(seen, retry=True)
    at.keep(0, outcome=found, preview=seen)
    told = await at.begin(1)
    assert "its spec was changed by kubectl-patch at " in told
    assert "minReadySeconds" in told
