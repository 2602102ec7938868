"""What people answer: which word counts, and why another does not."""

from typing import Any

import pytest

from responder.model.action import ActionState, Outcome, Stop
from responder.model.command import Act, Look
from responder.model.timeline import ActionAsked, Answered
from responder.model.wanted import suggested, typed, wanted_of
from responder.response.approvals import needed
from tests.response.given import NOON
from tests.response.story import DONE, Story, a_playbook, an_action, asked

TWO = {"approvals": 2, "approvers": ["security"]}


def test_two_distinct_people_have_to_say_yes() -> None:
    story = asked(an_action(guard={"approvals": 2}))
    story.say("yes", "ann")
    assert story.state is ActionState.PROPOSED
    story.say("yes", "ann")
    assert (story.state, story.refused) == (ActionState.PROPOSED, ["ann has said yes already"])
    story.say("yes", "bob")
    assert story.state is ActionState.APPROVED
    assert story.attempt().approved_by == ("ann", "bob")


def test_the_plugin_says_how_many_where_the_rules_do_not() -> None:
    story = asked(an_action("flush", "redis.flush_db"), automation="approve")
    story.say("break_glass", "eve", roles=("admin",), why="cache is poisoned")
    assert story.state is ActionState.APPROVED
    other = asked(an_action("flush", "redis.flush_db", guard={"approvals": 1}))
    assert other.state is ActionState.BLOCKED


def test_what_one_step_says_is_not_said_of_another() -> None:
    """Each wants what its own guards say, or its plugin: a careful one in a sequence stays careful."""
    keep = an_action("keep", "evidence.capture")
    one, flush = an_action("one", guard={"approvals": 1}), an_action("flush", "redis.flush_db")
    for guard, people in (({}, 2), ({"approvals": 1}, 1), ({"approvals": 3}, 3)):
        both = an_action("both", "", do=("one", "flush"), params={}, guard=guard)
        story = Story(playbook=a_playbook(keep, both, one, flush, propose=("keep", "both"))).open()
        assert needed(story.brain, story.attempt(2)) == people


def test_a_yes_takes_the_role_that_the_rules_name() -> None:
    story = asked(an_action(guard=TWO))
    story.say("yes", roles=("on-call",))
    assert story.refused == ["it takes somebody with the role security"]
    story.say("yes", "ann", roles=("security",))
    story.say("yes", "bob", roles=("security", "admin"))
    assert story.state is ActionState.APPROVED


def test_a_yes_to_an_old_preview_does_not_count() -> None:
    story = asked()
    story.say("yes", digest="0123456789abcdef")
    assert (story.state, story.attempt().approvals) == (ActionState.PROPOSED, ())
    assert "has changed since" in story.refused[0]


def test_a_yes_before_the_preview_does_not_count() -> None:
    story = Story().open()
    story.say("yes", digest="")
    assert story.state is ActionState.PROPOSED
    assert len(story.refused) == 1


def test_an_answer_of_nobody_does_not_count() -> None:
    story = asked()
    story.say("yes", "")
    assert (story.state, story.refused) == (ActionState.PROPOSED, ["it has to be known who says so"])


def test_one_no_is_enough() -> None:
    story = asked(an_action(guard={"approvals": 2}))
    story.say("yes", "ann")
    story.say("no", "bob", why="we are migrating")
    assert (story.state, story.attempt().why) == (ActionState.REJECTED, "bob said no: we are migrating")
    assert story.attempt().approved_by == ("ann",)


def test_anybody_may_say_no_where_the_rules_name_no_role_and_who_asked_for_it_always() -> None:
    anybody = asked()
    anybody.say("no", "bob", roles=())
    assert anybody.state is ActionState.REJECTED
    named = asked(an_action(guard=TWO))
    named.say("no", "bob", roles=("on-call",))
    assert (named.state, named.refused) == (ActionState.PROPOSED, ["it takes somebody with the role security"])
    named.say("no", "cem", roles=("security",))
    assert named.state is ActionState.REJECTED
    own = Story(an_action(mode="suggest", guard=TWO)).open()
    own.turn(ActionAsked("bob", "kubernetes.rollout_undo", {"revision": 5}))
    own.preview()
    own.say("no", "bob", roles=())
    assert own.state is ActionState.REJECTED


def test_what_was_rejected_is_not_asked_again_by_itself() -> None:
    story = asked()
    story.say("no")
    for rate in (0.3, 0.01, 0.2):
        story.rate = rate
        story.turn(after=600)
        story.look_at()
    assert len(story.incident.attempts) == 1


def test_a_yes_that_crossed_a_no_does_not_ask_again() -> None:
    story = asked()
    said = {"digest": story.attempt().digest, "roles": ("on-call",)}
    story.turn(Answered(1, "no", "bob", **said), Answered(1, "yes", "ann", **said))
    assert (story.state, len(story.incident.attempts)) == (ActionState.REJECTED, 1)
    assert story.refused == ["it is rejected: bob said no"]
    story.say("yes", "ann")
    assert len(story.incident.attempts) == 2


def test_a_no_still_counts_while_an_approved_action_is_checked() -> None:
    story = asked()
    story.say("yes", "ann")
    story.say("no", "bob")
    assert story.state is ActionState.REJECTED
    story.preview()
    assert not story.asked(Act)


def test_a_no_comes_too_late_once_it_runs() -> None:
    story = asked()
    story.say("yes")
    story.preview()
    story.say("no", "bob")
    assert (story.state, story.refused) == (ActionState.RUNNING, ["it is running"])


@pytest.mark.parametrize(
    ("first", "second", "state", "refused"),
    [
        ("yes", "no", ActionState.REJECTED, 0),
        ("no", "yes", ActionState.REJECTED, 1),
        ("yes", "yes", ActionState.APPROVED, 1),
        ("no", "no", ActionState.REJECTED, 1),
    ],
)
def test_answers_that_race_are_taken_in_their_order(first: Any, second: Any, state: ActionState, refused: int) -> None:
    story = asked()
    digest = story.attempt().digest
    story.turn(Answered(1, first, "ann", digest=digest), Answered(1, second, "bob", digest=digest))
    assert story.state is state
    assert len(story.refused) == refused
    assert not story.asked(Act)


def test_a_blocked_action_cannot_be_approved() -> None:
    story = Story().open()
    story.preview(refusal="paused")
    story.say("yes")
    assert (story.state, story.refused) == (ActionState.BLOCKED, ["it is blocked: paused"])


# --- breaking the glass ---

CLOSED: dict[str, Any] = {
    "cooldown": {"cooldown": "2h"},
    "windows": {"windows": [{"freeze": True}]},
    "blast_radius": {"blast_radius": 1},
    "when": {"when": "rate.value > 0.9"},
    "evidence": {"evidence": ["roll-back"]},
    "approvals": {"approvals": 3, "approvers": ["nobody"]},
}


@pytest.mark.parametrize("name", CLOSED)
def test_an_admin_breaks_the_glass_with_a_written_reason(name: str) -> None:
    story = Story(an_action(guard=CLOSED[name])).open()
    story.preview(pods=2)
    story.say("break_glass", "eve", roles=("admin",), why="all of checkout is down")
    story.preview(pods=2)
    assert story.state is ActionState.RUNNING
    assert story.asked(Act)[0].reason == "INC-7, eve broke the glass: all of checkout is down"
    assert story.attempt().approvals[0].broke_glass


@pytest.mark.parametrize(
    ("roles", "why", "told"),
    [(("on-call",), "because", "takes the role admin"), (("admin",), " ", "takes a written reason")],
)
def test_the_glass_takes_a_role_and_a_reason(roles: tuple[str, ...], why: str, told: str) -> None:
    story = asked(an_action(guard={"windows": [{"freeze": True}]}))
    story.say("break_glass", roles=roles, why=why)
    assert (story.state, told in story.refused[0]) == (ActionState.BLOCKED, True)


FIRM: dict[str, dict[str, Any]] = {
    "never": {"guard": {"never": ["prod"]}},
    "only_in": {"guard": {"only_in": ["stage"]}},
    "forbid": {"forbidden": ("kubernetes.rollout_undo",)},
    "stop": {"stop": Stop("bob", NOON)},
    "refusal": {"preview": {"refusal": "paused"}},
    "guard": {"guard": {"colldown": "2h"}},
}


@pytest.mark.parametrize("name", FIRM)
def test_broken_glass_does_not_lead_past_what_is_firm(name: str) -> None:
    given = dict(FIRM[name])
    guard, preview = given.pop("guard", {}), given.pop("preview", {})
    story = Story(an_action(guard=guard), **given).open()
    story.preview(**preview)
    story.say("break_glass", "eve", roles=("admin",), why="down")
    assert story.state is ActionState.BLOCKED
    assert "even broken glass" in story.refused[0]


def test_broken_glass_does_not_lead_past_facts_that_changed() -> None:
    story = asked(an_action(guard={"windows": [{"freeze": True}]}))
    story.say("break_glass", "eve", roles=("admin",), why="down")
    story.preview(basis={"generation": 8})
    assert story.state is ActionState.BLOCKED
    assert not story.asked(Act)


# --- inputs ---

INPUTS = {
    "n": {"type": "int", "suggest": "3", "pattern": "[0-9]{1,2}", "refuse": ["inputs.n < 1", "inputs.n > 20"]},
}
WITH_INPUT = an_action("scale", "kubernetes.scale", params={"revision": "${inputs.n}"}, inputs=INPUTS)


def test_what_is_suggested_is_what_people_agree_to() -> None:
    story = asked(WITH_INPUT)
    assert (story.attempt().inputs, story.attempt().steps[0].params) == ({"n": 3}, {"revision": 3})
    story.say("yes", inputs={"n": 3})
    assert story.state is ActionState.APPROVED


def test_other_inputs_freeze_the_action_anew_and_only_their_giver_has_agreed() -> None:
    story = asked(
        an_action(
            "scale", "kubernetes.scale", params={"revision": "${inputs.n}"}, inputs=INPUTS, guard={"approvals": 2}
        )
    )
    shown = story.attempt().digest
    story.say("yes", "ann")
    story.say("yes", "bob", inputs={"n": 5})
    assert story.attempt().steps[0].params == {"revision": 5}
    assert len(story.asked(Look)) == 1
    story.say("yes", "cem", digest=shown)
    assert "has changed since" in story.refused[-1]
    story.preview()
    assert story.attempt().digest != shown
    assert story.attempt().approved_by == ("bob",)
    story.say("yes", "cem")
    assert story.state is ActionState.APPROVED


def test_one_yes_with_inputs_is_enough_once_they_are_looked_at() -> None:
    story = asked(WITH_INPUT)
    story.say("yes", "bob", inputs={"n": "7"})
    assert story.state is ActionState.PROPOSED
    story.preview()
    assert story.state is ActionState.APPROVED
    assert story.attempt().steps[0].params == {"revision": 7}


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"n": "many"}, "a whole number is wanted"),
        ({"n": 100}, "it has to match"),
        ({"n": 0}, "never allowed to be so: inputs.n < 1"),
        ({"n": 21}, "never allowed to be so: inputs.n > 20"),
        ({"m": 3}, "it takes no input m"),
        ({"n": True}, "a whole number is wanted"),
    ],
    ids=str,
)
def test_an_input_that_is_not_allowed_does_not_count(inputs: dict[str, Any], why: str) -> None:
    story = asked(WITH_INPUT)
    story.say("yes", inputs=inputs)
    assert story.attempt().approvals == ()
    assert why in story.refused[0]


def test_inputs_that_cannot_be_done_block_and_void_the_yes() -> None:
    story = asked(WITH_INPUT)
    story.say("yes", inputs={"n": 9})
    story.preview(refusal="the quota does not allow it")
    assert (story.state, story.attempt().approvals) == (ActionState.BLOCKED, ())


@pytest.mark.parametrize(
    ("kind", "given", "taken"),
    [
        ("int", "-3", -3),
        ("double", "0.5", 0.5),
        ("double", 2, 2.0),
        ("bool", "true", True),
        ("string", "a b", "a b"),
        ("duration", "1h30m", "1h30m"),
        ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
        ("cidr", "2001:db8::/32", "2001:db8::/32"),
        ("uuid", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("list(cidr)", "10.0.0.0/8, 192.0.2.7/32", ["10.0.0.0/8", "192.0.2.7/32"]),
        ("list(int)", [1, 2], [1, 2]),
    ],
)
def test_an_input_is_typed(kind: str, given: Any, taken: Any) -> None:
    assert typed(wanted_of({"type": kind}), given) == taken


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("int", 1.5),
        ("int", "1e3"),
        ("double", "nan"),
        ("double", True),
        ("bool", "yes"),
        ("string", 5),
        ("string", "a\nb"),
        ("string", "x" * 1001),
        ("duration", "soon"),
        ("cidr", "10.0.0.1/8"),
        ("cidr", "0.0.0.0/0; drop"),
        ("uuid", "x"),
        ("list(int)", 3),
        ("list(int)", list(range(201))),
        ("moon", "full"),
    ],
    ids=str,
)
def test_an_input_of_another_type_is_refused(kind: str, given: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        typed(wanted_of({"type": kind}), given)


def test_of_a_suggested_list_only_what_fits_is_suggested() -> None:
    cidrs = wanted_of({"type": "list(cidr)", "pattern": ".*/32"})
    assert suggested(cidrs, ["10.0.0.1", "0.0.0.0/0", "unknown", 7]) == ["10.0.0.1/32"]
    with pytest.raises(ValueError, match="nothing to suggest"):
        suggested(cidrs, ["unknown"])


def test_a_suggestion_that_is_refused_counts_only_with_another_value() -> None:
    given = {"n": {"type": "int", "suggest": "30", "refuse": ["inputs.n > 20"]}}
    story = asked(an_action("scale", "kubernetes.scale", params={"revision": "${inputs.n}"}, inputs=given))
    story.say("yes")
    assert "never allowed to be so" in story.refused[0]
    story.say("yes", inputs={"n": 20})
    story.preview()
    assert story.state is ActionState.APPROVED


def test_an_approval_tells_who_when_and_through_what() -> None:
    story = asked()
    story.say("yes", via="slack", why="looks right")
    approval = story.attempt().approvals[0]
    assert (approval.by, approval.at, approval.via, approval.why) == ("ann", story.now, "slack", "looks right")


def test_undo_of_what_only_waits_is_refused() -> None:
    story = asked()
    story.say("undo")
    assert story.refused == ["it is proposed"]


def done(**fields: Any) -> Story:
    """Return a story whose action two people of the role security approved, and which is done."""
    story = asked(an_action(guard=TWO), **fields)
    story.say("yes", "ann", roles=("security",))
    story.say("yes", "bob", roles=("security",))
    story.preview()
    return story


def test_taking_back_takes_the_role_that_doing_it_took() -> None:
    story = done()
    story.act(DONE)
    assert story.state is ActionState.DONE
    story.say("undo", "eve", roles=("on-call",))
    assert story.refused == ["it takes somebody with the role security"]
    assert not story.asked(Act)
    story.say("undo", "ann", roles=("security",))
    assert story.state is ActionState.UNDOING


def test_settling_a_doubt_takes_the_role_that_doing_it_took_or_an_admin() -> None:
    story = done()
    story.act(Outcome("in_doubt", "no answer"))
    story.say("happened", "eve", roles=("on-call",))
    assert story.refused == ["it takes somebody with the role security"]
    story.say("happened", "max", roles=("admin",))
    assert story.state is ActionState.DONE


def test_a_doubt_holds_its_yes_to_the_first_effect() -> None:
    story = asked()
    story.say("yes")
    story.preview()
    story.act(Outcome("in_doubt", "no answer"))
    story.say("yes")
    assert story.refused == ["it is in doubt"]
    assert not story.asked(Act)
