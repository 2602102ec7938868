"""A sequence whose steps change one object: what its own steps wrote is approved, what others wrote is not."""

from dataclasses import replace
from typing import Any

import pytest

from responder.model.action import ActionState, Change, Outcome, Preview, Stop
from responder.model.command import Act, Follow, Look
from responder.model.written import Written
from tests.response.story import GOOD, Story, an_action

API = "default/deployment/prod/api"
WEB = "default/deployment/prod/web"
BEFORE = {"replicas": 3, "image": "api:1"}
SCALED = {"replicas": 4, "image": "api:1"}


def seen(spec: dict[str, Any], *, lock: str = API, prefix: str = "", **fields: Any) -> Preview:
    """Preview a step on an object as it is."""
    basis = {f"{prefix}uid": "u-1", f"{prefix}its spec": spec}
    given = {
        "changes": (Change("image", "api:1", "api:0"),),
        "wrote": {f"{prefix}its spec": "kubectl-edit at 11:00 UTC"},
    }
    return replace(GOOD, **{**given, "basis": basis, "lock": lock, **fields})


def wrote(after: dict[str, Any], before: Any = BEFORE, *, lock: str = API, **fields: Any) -> Outcome:
    """Tell what a step has written."""
    facts = ({"workload": "deployment/api", "uid": "u-1", "its spec": spec} for spec in (before, after))
    written = Written(lock, *facts, by={"its spec": "alertmanager-responder at 12:00 UTC"})
    return Outcome("done", "scaled to 4", writes=(written,), undo={"replicas": 3}, **fields)


def sequence(*previews: Preview, names: tuple[str, ...] = ("scale", "roll-back"), **brain: Any) -> Story:
    """Let a sequence run whose steps were previewed so."""
    plugins = {"scale": "kubernetes.scale", "keep": "evidence.capture"}
    steps = [an_action(name, plugins.get(name, "kubernetes.rollout_undo")) for name in names]
    story = Story(an_action("both", "", do=names, params={}), *steps, **brain).open()
    story.preview(*previews)
    story.say("yes")
    story.preview(*previews)
    return story


def between(*previews: Preview, **outcome: Any) -> Story:
    """Run a sequence up to where its second step is looked at."""
    story = sequence(*previews)
    story.act(outcome.pop("outcome", wrote(SCALED)))
    return story


def test_what_the_first_step_wrote_is_no_reason_against_the_second_one() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    assert not story.asked(Act)
    (look,) = story.asked(Look)
    assert (look.first, [step.name for step in look.steps]) == (1, ["roll-back"])
    now = seen(SCALED, wrote={"its spec": "alertmanager-responder at 12:00 UTC"}, undo={"revision": 8})
    story.preview(now)
    (act,) = story.asked(Act)
    assert (act.step, act.what.preview) == (1, now)
    story.act()
    assert story.state is ActionState.DONE


def test_the_next_step_is_looked_at_once_the_world_has_followed_the_one_before() -> None:
    story = between(seen(BEFORE), seen(BEFORE), outcome=wrote(SCALED, follow=True))
    assert story.asked(Follow)
    assert not story.asked(Look)
    story.follow()
    assert story.asked(Look)


def test_what_somebody_else_wrote_in_between_stops_it_and_only_they_are_named() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    meddled = {**SCALED, "image": "api:2"}
    story.preview(seen(meddled, wrote={"its spec": "kubectl-edit at 12:01 UTC"}))
    assert not story.asked(Act)
    assert story.state is ActionState.FAILED
    assert story.attempt().why == (
        "only 1 of 2 steps were done: kubernetes.rollout_undo on deployment/api in prod is not what was approved: "
        "its spec was changed by kubectl-edit at 12:01 UTC (image api:1 -> api:2)"
    )
    story.say("undo")
    assert [act.step for act in story.asked(Act)] == [0]


def test_nobody_is_named_for_what_was_taken_away_after_our_own_write() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    story.preview(seen({"replicas": 4}, wrote={"its spec": "alertmanager-responder at 12:00 UTC"}))
    assert story.state is ActionState.FAILED
    assert story.attempt().why.endswith("its spec was changed (image)")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (wrote(SCALED, lock=WEB), "another object"),
        (Outcome("done", "scaled"), "nobody knows what it wrote"),
        (wrote(SCALED, before={"replicas": 2, "image": "api:1"}), "it found something else than was approved"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_what_it_is_known_to_have_written_there_is_carried_on(outcome: Outcome, why: str) -> None:
    story = between(seen(BEFORE), seen(BEFORE), outcome=outcome)
    story.preview(seen(SCALED))
    assert (story.state, story.asked(Act)) == (ActionState.FAILED, []), why


def test_another_object_of_the_same_name_is_not_what_was_approved() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    story.preview(seen(SCALED, basis={"uid": "u-2", "its spec": SCALED}))
    assert "uid was u-1, is u-2 now" in story.attempt().why


def test_what_would_do_something_else_after_the_first_step_is_not_done() -> None:
    one_more = (Change("replicas", "3", "4"),)
    story = between(seen(BEFORE, changes=one_more), seen(BEFORE, changes=one_more))
    story.preview(seen(SCALED, changes=(Change("replicas", "4", "5"),)))
    assert story.state is ActionState.FAILED
    assert story.attempt().why.endswith("after the steps before, it would do something else than was shown")


def test_what_it_is_before_may_be_what_the_first_step_made_it() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    story.preview(seen(SCALED, changes=(Change("image", "api:1 (of 4)", "api:0"),)))
    assert story.asked(Act)


def test_what_is_told_of_several_objects_is_carried_on_under_its_own_name() -> None:
    prefix = "restart: deployment/api, "
    several = {"lock": WEB, "beside": (API,), "prefix": prefix, "prefixes": {API: prefix}}
    story = between(seen(BEFORE), seen(BEFORE, **several))
    story.preview(seen(SCALED, **several))
    assert [act.step for act in story.asked(Act)] == [1]


def test_every_step_before_is_carried_on_in_its_order() -> None:
    third = {"replicas": 4, "image": "api:0"}
    story = sequence(*[seen(BEFORE)] * 3, names=("scale", "roll-back", "again"))
    story.act(wrote(SCALED))
    story.preview(seen(SCALED))
    story.act(wrote(third, before=SCALED))
    story.preview(seen(third))
    assert [act.step for act in story.asked(Act)] == [2]


@pytest.mark.parametrize(
    ("names", "previews"),
    [
        (("scale", "roll-back"), (seen(BEFORE), seen(BEFORE, lock=WEB))),
        (("keep", "roll-back"), (seen(BEFORE), seen(BEFORE))),
    ],
    ids=["another object", "nothing written"],
)
def test_a_step_whose_object_no_other_one_changed_begins_at_once(
    names: tuple[str, ...], previews: tuple[Preview, ...]
) -> None:
    story = sequence(*previews, names=names)
    story.act()
    assert not story.asked(Look)
    assert [act.step for act in story.asked(Act)] == [1]


def test_a_dry_run_has_written_nothing_that_could_be_carried_on() -> None:
    story = sequence(seen(BEFORE), seen(BEFORE), dry_run=True)
    story.act()
    assert [act.step for act in story.asked(Act)] == [1]


def test_a_stop_that_comes_while_the_next_step_is_looked_at_ends_it_there() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    story.change(stop=Stop("bob", story.now))
    story.preview(seen(SCALED))
    assert not story.asked(Act)
    assert story.attempt().why.startswith("only 1 of 2 steps were done: all automation was stopped by bob")


def test_what_stands_in_the_way_of_a_next_step_may_pass_and_ends_it_if_it_does_not() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    for _ in range(3):
        story.preview(seen(BEFORE, basis={}, refusal="could not look: no answer within 30s"), after=5)
        assert story.state is ActionState.RUNNING
    story.preview(seen(BEFORE, basis={}, refusal="could not look: no answer within 30s"), after=60)
    assert story.state is ActionState.FAILED
    assert story.attempt().why.endswith("could not look: no answer within 30s")


def test_an_answer_to_an_old_look_begins_nothing() -> None:
    story = between(seen(BEFORE), seen(BEFORE))
    old = story.asked(Look)[0]
    story.preview(seen(BEFORE, refusal="could not look"))
    story.commands[old.key] = old
    first = story.asked(Look)
    assert len(first) == 2
    story.commands = {old.key: old}
    story.preview(seen(SCALED))
    assert not story.asked(Act)
    assert story.state is ActionState.RUNNING
