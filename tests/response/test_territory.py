"""A team's packs act only in the team's namespaces; whoever asks, before a proposal or later, is told why not."""

from dataclasses import replace

import pytest

from responder.model.playbook import ActionStep, Conclusion, Playbook, TargetTemplate
from responder.model.receiver import Team
from responder.response.brain import Brain
from responder.response.message import living
from responder.response.territory import outside, pack_of
from tests.response.given import a_brain, at
from tests.response.test_decide import Talk

PAYMENTS = Team("payments", namespaces=("pay-.*", "billing"), packs=("pay-runbooks",))
TEAMS = (PAYMENTS, Team("shop", namespaces=("shop",), packs=("shop-runbooks",)), Team("default"))


@pytest.mark.parametrize("namespace", ["pay-prod", "pay-", "billing"])
def test_a_pack_acts_in_its_teams_namespaces(namespace: str) -> None:
    assert outside(pack="pay-runbooks", namespaces=[namespace], teams=TEAMS) is None


@pytest.mark.parametrize("namespace", ["kube-system", "my-pay-prod", "billing-2", "shop", "pay-prod\n", "PAY-prod"])
def test_anywhere_else_it_may_not_and_the_reason_names_pack_team_and_namespaces(namespace: str) -> None:
    assert outside(pack="pay-runbooks", namespaces=["pay-prod", namespace], teams=TEAMS) == (
        "pack pay-runbooks belongs to team payments, which may act only in namespaces pay-.*, billing;"
        f" this is {namespace}"
    )


def test_where_nobody_knows_the_namespace_it_may_not_act() -> None:
    said = outside(pack="shop-runbooks", namespaces=[""], teams=TEAMS)
    assert said is not None
    assert said.endswith("only in namespaces shop; this names no namespace")


def test_a_namespace_that_everything_matches_is_still_one_that_must_be_known() -> None:
    everywhere = Team("ops", namespaces=(".*",), packs=("p",))
    assert outside(pack="p", namespaces=["kube-system"], teams=[everywhere]) is None
    assert outside(pack="p", namespaces=[""], teams=[everywhere]) is not None


def test_a_pack_of_no_team_is_not_bound() -> None:
    assert outside(pack="kubernetes", namespaces=["kube-system", ""], teams=TEAMS) is None


def test_a_reason_stays_short_for_a_team_of_many_namespaces() -> None:
    many = Team("ops", namespaces=tuple(f"n{number}" for number in range(9)), packs=("p",))
    said = outside(pack="p", namespaces=["x"], teams=[many])
    assert said is not None
    assert said.endswith("only in namespaces n0, n1, n2 and 6 more; this is x")


@pytest.mark.parametrize("name", ["books/p", 'books/p where team="a/b"', "books/p + other/q"])
def test_what_overrides_or_joins_a_playbook_leaves_it_to_its_pack(name: str) -> None:
    assert pack_of(Playbook(name)) == "books"


def of_payments(*actions: ActionStep, teams: tuple[Team, ...] = TEAMS, propose: tuple[str, ...] = ("act",)) -> Brain:
    always = Conclusion("always", "so it is", propose=propose)
    playbook = Playbook("pay-runbooks/p", conclusions=(always,), actions=actions)
    return replace(a_brain(playbook), teams=teams)


SCALE = ActionStep("act", "kubernetes.scale", {"revision": 1})


def test_what_lies_outside_is_not_proposed_and_the_message_says_why() -> None:
    brain = of_payments(SCALE)
    talk = Talk(brain, namespace="kube-system")
    assert talk.incident.proposals == ()
    assert [doubt.name for doubt in talk.incident.doubts] == ["act"]
    shown = str(living(talk.incident, brain, at(1)))
    assert "belongs to team payments" in shown
    assert "this is kube-system" in shown


def test_what_lies_inside_is_proposed() -> None:
    talk = Talk(of_payments(SCALE), namespace="pay-prod")
    assert [proposal.name for proposal in talk.incident.proposals] == ["act"]
    assert talk.incident.doubts == ()


def test_an_action_is_judged_by_its_own_target() -> None:
    elsewhere = replace(SCALE, target=TargetTemplate("Deployment", "dns", namespace="kube-system"))
    talk = Talk(of_payments(elsewhere), namespace="pay-prod")
    assert talk.incident.proposals == ()


def test_a_node_is_in_no_namespace_whatever_the_labels_say() -> None:
    node = replace(SCALE, target=TargetTemplate("Node", "worker-1"))
    talk = Talk(of_payments(node), namespace="pay-prod")
    assert talk.incident.proposals == ()
    assert "names no namespace" in talk.incident.doubts[0].why


def test_a_sequence_with_one_step_outside_is_not_proposed() -> None:
    away = replace(SCALE, name="away", target=TargetTemplate("Deployment", "dns", namespace="kube-system"))
    near = replace(SCALE, name="near")
    both = ActionStep("act", do=("near", "away"))
    talk = Talk(of_payments(near, away, both), namespace="pay-prod")
    assert talk.incident.proposals == ()
    assert "this is kube-system" in talk.incident.doubts[0].why


def test_where_an_action_would_act_is_asked_with_its_frozen_parameters() -> None:
    asked = []

    def namespaces_of(step: ActionStep, params: object, target: object) -> tuple[str, ...]:
        asked.append((step.name, params))
        return ("kube-system",)

    talk = Talk(replace(of_payments(SCALE), namespaces_of=namespaces_of), namespace="pay-prod")
    assert talk.incident.proposals == ()
    assert asked[0] == ("act", {"revision": 1})


def test_what_is_always_offered_is_not_offered_outside() -> None:
    offered = replace(SCALE, offer="always")
    assert Talk(of_payments(offered, propose=()), namespace="kube-system").incident.proposals == ()
    assert Talk(of_payments(offered, propose=()), namespace="pay-prod").incident.proposals != ()


def test_an_open_incident_goes_by_the_teams_of_the_newest_rules() -> None:
    talk = Talk(of_payments(SCALE), namespace="pay-prod")
    assert talk.incident.proposals
    talk.brain = of_payments(SCALE, teams=(replace(PAYMENTS, namespaces=("pay-test",)),))
    talk.turn(seconds=60)
    assert talk.incident.proposals == ()
    assert "may act only in namespaces pay-test; this is pay-prod" in talk.incident.doubts[0].why
