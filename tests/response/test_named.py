"""People ask for an action of the playbook by its name: what runs stands in the rules, theirs are its inputs only."""

from typing import Any

import pytest

from responder.model.action import ActionState
from responder.model.command import Look
from responder.model.timeline import ActionAsked
from tests.response.story import UNTIL, Story, a_playbook, an_action

KEY = {"type": "int", "describe": "The key", "refuse": ["inputs.key == 7"]}
OTHER = an_action("restart", "kubernetes.rollout_restart", mode="suggest")


def revoke(**fields: Any) -> Any:
    given = {"params": {"revision": "${inputs.key}"}, "inputs": {"key": KEY}, "guard": {"evidence": []}, **fields}
    return an_action("revoke", "postgres.execute", **given)


def story(*actions: Any) -> Story:
    """Begin a story in which nothing calls for any but the last of them."""
    return Story(playbook=a_playbook(*(actions or (revoke(),)), OTHER, propose=("restart",))).open()


def ask(of: Story, name: str = "revoke", by: str = "ann", **params: Any) -> None:
    of.turn(ActionAsked(by, name, params, reason="it leaked"))


def test_what_the_playbook_names_is_made_of_its_words_and_a_persons_inputs() -> None:
    asked = story()
    assert asked.incident.attempts == ()
    ask(asked, key="41")
    attempt = asked.attempt()
    assert (attempt.name, attempt.proposed_by, attempt.reason) == ("revoke", "ann", "it leaked")
    assert (attempt.inputs, attempt.steps[0].params) == ({"key": 41}, {"revision": 41})
    assert [look.steps[0].params for look in asked.asked(Look)] == [{"revision": 41}]
    asked.preview(lock="default/postgres/main")
    asked.say("yes")
    asked.preview(lock="default/postgres/main")
    assert asked.state is ActionState.RUNNING


def test_its_guards_and_its_verification_are_those_of_the_playbook() -> None:
    asked = story(revoke(guard={"approvals": 2, "evidence": ["restart"]}, verify={"until": UNTIL}, temporary=None))
    ask(asked, key=41)
    attempt = asked.attempt()
    assert (attempt.guard, attempt.verify) == ({"approvals": 2, "evidence": ["restart"]}, {"until": UNTIL})
    asked.preview(lock="default/postgres/main")
    assert (asked.state, asked.attempt().blocks) == (
        ActionState.BLOCKED,
        ("no evidence has been kept yet: run the action `restart` first",),
    )


def test_whoever_asks_for_what_takes_two_is_not_one_of_them() -> None:
    asked = story(revoke(guard={"approvals": 2}))
    ask(asked, key=41)
    asked.preview(lock="default/postgres/main")
    asked.say("yes", "ann")
    assert asked.refused == ["whoever asks for an action that takes two cannot be one of them"]


def test_what_nobody_decided_is_asked_for_again_with_the_same_inputs() -> None:
    asked = story(revoke(verify={"until": UNTIL}))
    ask(asked, key=41)
    asked.preview(lock="default/postgres/main")
    asked.say("no")
    asked.say("yes")
    attempt = asked.attempt()
    assert (attempt.number, attempt.inputs, attempt.verify) == (2, {"key": 41}, {"until": UNTIL})
    assert attempt.steps[0].params == {"revision": 41}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({}, "it needs the input key (int): The key"),
        ({"key": "many"}, "the input key cannot be taken: a whole number is wanted"),
        ({"key": "${rate.value}"}, "the input key cannot be taken: a whole number is wanted"),
        ({"key": 7}, "the input key is never allowed to be so: inputs.key == 7"),
        ({"key": 41, "statements": ["DROP TABLE keys"]}, "revoke takes no input statements; it takes key"),
    ],
)
def test_nothing_but_good_inputs_can_be_given(params: dict[str, Any], why: str) -> None:
    asked = story()
    ask(asked, **params)
    assert (asked.incident.attempts, asked.refused) == ((), [why])


def test_what_may_only_be_suggested_is_not_done_by_asking_for_it() -> None:
    asked = story()
    ask(asked, "restart")
    assert asked.refused == ["restart may only be suggested: its mode is `suggest`"]


def test_what_is_forbidden_is_forbidden_by_its_name_too() -> None:
    asked = Story(playbook=a_playbook(revoke(), OTHER, propose=("restart",), forbid=("postgres.execute",))).open()
    ask(asked, key=41)
    assert asked.incident.attempts == ()
    assert "postgres.execute is forbidden during such an incident" in asked.refused[0]


def test_a_secret_is_never_asked_for_so() -> None:
    asked = story(revoke(inputs={"key": {"type": "secret"}}, params={"revision": 1}))
    ask(asked, key="hunter2")
    assert asked.incident.attempts == ()
    assert asked.refused == [
        "revoke takes a secret, which is given with a yes: let the playbook offer it (`offer: always`)"
    ]


def test_it_acts_on_what_the_playbook_says() -> None:
    asked = story()
    asked.turn(ActionAsked("ann", "revoke", {"key": 41}, target=asked.incident.target))
    assert asked.refused == ["revoke acts on what the playbook says: leave the target out"]


def test_the_plugin_itself_is_refused_with_the_names_to_ask_for() -> None:
    asked = story(revoke(), an_action("disable", "postgres.execute", mode="approve"))
    ask(asked, "postgres.execute", statements=["DROP TABLE keys"])
    (why,) = asked.refused
    assert why == (
        "postgres.execute does only what rules say, as nobody reviews what is typed now; "
        "ask for what the playbook names: responder act INC-7 revoke key=... (or disable)"
    )
    none = Story(playbook=a_playbook(OTHER)).open()
    ask(none, "postgres.execute")
    assert none.refused[0].endswith(
        "add an action to the playbook, which incidents that open after that can be asked for by its name"
    )
    ask(none, "revok")
    assert none.refused[1] == "no action is called revok; the playbook has restart"
    ask(asked, "revok")
    assert (
        asked.refused[1]
        == "no action is called revok (did you mean revoke?); the playbook has revoke, disable, restart"
    )
