"""Guards: each lets pass what it should, refuses what it should with a sentence, and refuses what it cannot read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.model.action import ActionState, Disturbed, Kept, Outcome, Preview, Run
from responder.model.ceilings import Ceilings
from responder.model.guard import Limits, Rate, guard_of, verify_of
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from responder.model.receiver import Team
from responder.model.timeline import ActionAsked
from responder.model.window import Day, Window
from tests.response.story import GOOD, Story, a_playbook, an_action, asked, guarded, passes, running, why

# --- what cannot be read ---


@pytest.mark.parametrize(
    "guard",
    [
        {"cooldown": 30},
        {"cooldown": "soon"},
        {"at_most": "often"},
        {"at_most": {"target": "2 per moon"}},
        {"at_most": {"planet": "2 per 1h"}},
        {"approvals": "two"},
        {"approvals": -1},
        {"approvals": True},
        {"approvers": {"on-call": 1}},
        {"approve_within": 5},
        {"evidence": 3},
        {"when": 3},
        {"blast_radius": "half"},
        {"blast_radius": "101%"},
        {"last_replica": "yes"},
        {"only_in": ["("]},
        {"never": ["("]},
        {"windows": "at night"},
        {"windows": [{"from": "25:00"}]},
        {"windows": [{"days": ["someday"]}]},
        {"windows": [{"zone": "Mars/Phobos"}]},
        {"windows": [{"form": "09:00"}]},
        {"windows": [{"from": "2026-12-20"}]},
        {"windows": [{"from": "2026-12-20", "to": "18:00"}]},
        {"windows": [{"from": "12-20", "to": "2027-01-03"}]},
        {"windows": [{"from": "2026-02-30", "to": "2026-03-01"}]},
        {"windows": [{"from": "2027-01-03", "to": "2026-12-20"}]},
        {"cooldown": None},
        {"at_most": None},
        {"at_most": {"target": None}},
        {"blast_radius": None},
        {"windows": None},
        {"colldown": "30m"},
    ],
    ids=str,
)
def test_a_guard_that_cannot_be_read_refuses(guard: dict[str, Any]) -> None:
    assert "cannot be read" in why(guarded(guard))


@pytest.mark.parametrize(
    "verify",
    [
        {"until": 3},
        {"until": "rate.value <"},
        {"until": "no.such > 1"},
        {"hold": 3},
        {"otherwise": "pray"},
        {"wihtin": "3m"},
    ],
    ids=str,
)
def test_a_verification_that_cannot_be_read_refuses(verify: dict[str, Any]) -> None:
    story = Story(an_action(verify=verify)).open()
    story.preview()
    assert "cannot be read" in why(story)


def test_a_guard_is_read_as_it_was_written() -> None:
    guard = guard_of(
        {
            "cooldown": "2h",
            "at_most": {"overall": "3 per 1d"},
            "approvals": 2,
            "approvers": "security",
            "approve_within": "5m",
            "blast_radius": 3,
            "windows": [{"days": ["mon"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin", "freeze": True}],
        }
    )
    assert guard.cooldown == timedelta(hours=2)
    assert guard.at_most == Limits(overall=Rate(3, timedelta(days=1)))
    assert (guard.approvals, guard.approvers, guard.approve_within) == (2, ("security",), timedelta(minutes=5))
    assert str(guard.blast_radius) == "3"
    assert guard.windows == (Window(("mon",), 22 * 60, 6 * 60, "Europe/Berlin", freeze=True),)
    assert verify_of({"until": "true"}).otherwise == ("escalate",)
    assert verify_of({}).otherwise == ()


# --- where, when ---


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-node-lease"])
def test_nothing_is_done_where_the_cluster_itself_runs(namespace: str) -> None:
    story = guarded({}, preview=replace(GOOD, namespace=namespace))
    assert why(story) == f"nothing may be done in {namespace}: it is on a `never` list"


def test_a_never_list_of_the_action_refuses() -> None:
    assert "never" in why(guarded({"never": ["pr.*"]}))
    assert passes(guarded({"never": ["pr"]}))


def test_an_action_stays_in_its_namespaces() -> None:
    assert "it may run only in stage" in why(guarded({"only_in": "stage"}))
    assert passes(guarded({"only_in": ["stage", "prod"]}))
    assert "only in stage" in why(guarded({}, ceilings=Ceilings(only_in=("stage",))))
    nowhere = guarded({"only_in": "prod"}, namespaces_of=lambda step, params, target: ("",))
    assert "outside of any namespace" in why(nowhere)


def test_a_team_that_loses_a_namespace_acts_there_no_more() -> None:
    story = asked()
    story.say("yes")
    story.change(teams=[Team("shop", namespaces=("stage",), packs=("shop",))])
    story.preview()
    assert story.state is ActionState.REFUSED


@pytest.mark.parametrize(
    ("windows", "holds"),
    [
        ([{"from": "09:00", "to": "17:00"}], True),
        ([{"from": "13:00", "to": "17:00"}], False),
        ([{"from": "13:00", "to": "14:00", "zone": "Europe/Berlin"}], True),
        ([{"from": "22:00", "to": "06:00"}], False),
        ([{"from": "22:00", "to": "12:30"}], True),
        ([{"from": "09:00", "to": "12:00"}], False),
        ([{"from": "22:00", "to": "12:00"}], False),
        ([{"from": "12:00", "to": "12:01"}], True),
        ([{"days": ["sat"]}], True),
        ([{"days": ["mon"]}], False),
        ([{"days": ["fri"], "from": "22:00", "to": "13:00"}], True),
        ([{"days": ["sat"], "freeze": True}], False),
        ([{"days": ["sun"], "freeze": True}], True),
        ([{"days": ["sat"]}, {"from": "11:00", "to": "13:00", "freeze": True}], False),
        ([{"days": ["mon"]}, {"days": ["sat"]}], True),
    ],
    ids=str,
)
def test_an_action_keeps_to_its_hours(windows: list[dict[str, Any]], holds: bool) -> None:
    assert passes(guarded({"windows": windows})) is holds


@pytest.mark.parametrize(
    ("freeze", "told"),
    [
        (("2026-11-21", "2027-01-03"), "change freeze until 4 January 00:00 Europe/Berlin"),
        (("2026-11-01", "2026-11-21"), "change freeze until 22 November 00:00 Europe/Berlin"),
        (("2026-11-21", "2026-11-21"), "change freeze until 22 November 00:00 Europe/Berlin"),
        (("11-20", "01-03"), "change freeze until 4 January 00:00 Europe/Berlin"),
        (("02-01", "12-31"), "change freeze until 1 January 00:00 Europe/Berlin"),
        (("12-01", "11-25"), "change freeze until 26 November 00:00 Europe/Berlin"),
        (("2026-11-01", "2030-01-01"), "change freeze until 2 January 2030 00:00 Europe/Berlin"),
        (("2026-11-22", "2027-01-03"), ""),
        (("2026-11-01", "2026-11-20"), ""),
        (("2025-11-01", "2025-12-31"), ""),
        (("11-22", "01-03"), ""),
        (("12-01", "11-20"), ""),
    ],
    ids=str,
)
def test_a_change_freeze_lasts_from_its_first_day_to_its_last(freeze: tuple[str, str], told: str) -> None:
    first, last = freeze
    story = guarded({"windows": [{"freeze": True, "from": first, "to": last, "zone": "Europe/Berlin"}]})
    assert (why(story) if told else passes(story)) == (told or True)


def test_a_freeze_by_date_begins_and_ends_at_midnight_of_its_zone() -> None:
    frozen = Window(zone="Europe/Berlin", freeze=True, first=Day(2026, 12, 20), last=Day(2027, 1, 3))
    inside = datetime(2026, 12, 19, 23, 0, tzinfo=UTC), datetime(2027, 1, 3, 22, 59, tzinfo=UTC)
    outside = datetime(2026, 12, 19, 22, 59, tzinfo=UTC), datetime(2027, 1, 3, 23, 0, tzinfo=UTC)
    assert [frozen.covers(moment) for moment in inside + outside] == [True, True, False, False]
    assert frozen.ends(inside[0]) == outside[1]
    yearly = replace(frozen, first=Day(0, 12, 20), last=Day(0, 1, 3))
    assert [yearly.covers(moment) for moment in inside + outside] == [True, True, False, False]
    assert [yearly.ends(moment) for moment in inside] == [outside[1], outside[1]]


def test_dates_allow_too_and_may_name_weekdays_of_theirs() -> None:
    dated = {"from": "2026-11-01", "to": "2026-11-30"}
    assert passes(guarded({"windows": [dated]}))
    assert passes(guarded({"windows": [{**dated, "days": ["sun"], "freeze": True}]}))
    saturdays = guarded({"windows": [{**dated, "days": ["sat"], "freeze": True}]})
    assert why(saturdays) == "changes are frozen: sat 1 November 2026 to 30 November 2026 UTC"


def test_the_freeze_of_the_deployment_binds_every_action() -> None:
    frozen = Ceilings(windows=(Window(freeze=True),))
    assert why(guarded({}, ceilings=frozen)) == "changes are frozen: 00:00-24:00 UTC"


def test_hours_that_cannot_be_told_refuse_and_do_not_end_the_turn() -> None:
    for_ever = Window(freeze=True, first=Day(2020, 1, 1), last=Day(9999, 12, 31))
    assert "its hours cannot be read" in why(guarded({}, ceilings=Ceilings(windows=(for_ever,))))
    written = {"freeze": True, "from": "2020-01-01", "to": "9999-12-31"}
    assert "cannot be read: `9999-12-31` is for ever" in why(guarded({"windows": [written]}))


def test_a_window_goes_by_the_clocks_of_its_zone_also_when_they_are_put_back() -> None:
    night = Window(begin=2 * 60, end=3 * 60, zone="Europe/Berlin")
    assert night.covers(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert night.covers(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert not night.covers(datetime(2026, 10, 25, 2, 30, tzinfo=UTC))


def test_a_condition_is_asked_when_it_is_proposed_and_again_when_it_starts() -> None:
    assert why(guarded({"when": "rate.value > 0.5"})) == "rate.value > 0.5 does not hold"
    assert "could not decide whether" in why(guarded({"when": "pods.ready > 1"}))
    story = guarded({"when": "incident.status == 'open'"})
    assert passes(story)
    story.say("yes")
    story.incident = replace(story.incident, status=type(story.incident.status).ACKNOWLEDGED)
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "incident.status == 'open' does not hold")


# --- how much ---


@pytest.mark.parametrize(
    ("blast", "pods", "holds"),
    [(3, 3, True), (3, 4, False), ("50%", 5, True), ("50%", 6, False), (None, 9, True), (None, 10, False)],
)
def test_an_action_disturbs_no_more_pods_than_it_may(blast: Any, pods: int, holds: bool) -> None:
    guard = {} if blast is None else {"blast_radius": blast}
    assert passes(guarded(guard, preview=replace(GOOD, pods=pods, ready=10, replicas=10))) is holds


@pytest.mark.parametrize(
    ("share", "pods", "ready", "replicas", "holds"),
    [
        ("25%", 1, 3, 3, False),
        ("50%", 2, 5, 5, True),
        ("50%", 3, 5, 5, False),
        ("50%", 3, 2, 6, True),
        ("50%", 4, 2, 6, False),
        ("50%", 3, 6, 2, True),
        ("100%", 3, 4, 4, True),
        ("0%", 1, 4, 4, False),
    ],
)
def test_a_share_is_of_all_replicas_and_never_rounded_up(
    share: str, pods: int, ready: int, replicas: int, holds: bool
) -> None:
    """Of those that are wanted, or that are ready where those are more; a quarter of three pods is none."""
    preview = replace(GOOD, pods=pods, ready=ready, replicas=replicas)
    assert passes(guarded({"blast_radius": share, "last_replica": True}, preview=preview)) is holds


def test_pods_that_nobody_can_count_are_too_many_where_they_are_counted() -> None:
    unknown = replace(GOOD, pods=None, ready=0, replicas=0)
    for most in (1, 100, "100%"):
        told = f"nobody knows how many pods kubernetes.rollout_undo on deployment/api in prod disturbs; at most {most}"
        assert why(guarded({"blast_radius": most}, preview=unknown)).startswith(told)
    assert passes(guarded({}, preview=unknown))
    assert passes(guarded({"blast_radius": 1}, preview=replace(unknown, pods=0)))
    assert "no ready pod would be left" in why(guarded({}, preview=replace(unknown, ready=2)))


def sequence(guard: dict[str, Any], *previews: Preview, inner: dict[str, Any] | None = None) -> Story:
    """Propose three steps as one decision."""
    names = [f"step-{place}" for place in range(len(previews))]
    whole = an_action("whole", "", do=tuple(names), params={}, guard=guard)
    steps = [an_action(name, params={"revision": place}, guard=inner or {}) for place, name in enumerate(names)]
    story = Story(playbook=a_playbook(whole, *steps)).open()
    story.preview(*previews)
    return story


def test_a_sequence_disturbs_together_no_more_than_it_may() -> None:
    four = [replace(GOOD, pods=4, ready=8, replicas=8, lock=f"default/deployment/prod/{name}") for name in "abc"]
    assert why(sequence({"blast_radius": 11}, *four)) == "it would disturb 12 pods, 24 are ready; at most 11 may be"
    assert passes(sequence({"blast_radius": 12}, *four))
    assert why(sequence({"blast_radius": "49%"}, *four)) == "it would disturb 12 pods, 24 are ready; at most 49% may be"
    assert passes(sequence({"blast_radius": "50%"}, *four))
    assert passes(sequence({}, *four, inner={"blast_radius": 12}))
    assert "12 pods" in why(sequence({}, *four, inner={"blast_radius": 11}))
    unknown = replace(four[0], pods=None)
    assert "nobody knows how many pods" in why(sequence({"blast_radius": 100}, *four[:2], unknown))


def test_a_share_holds_for_each_object_of_a_sequence_and_not_only_for_all_of_them() -> None:
    big = replace(GOOD, lock="default/deployment/prod/big", pods=10, ready=100, replicas=100, at_once=1)
    small = replace(GOOD, lock="default/deployment/prod/small", pods=2, ready=2, replicas=2, at_once=1)
    told = "it would disturb 2 pods of deployment/small in prod, 2 are ready; at most 50% of each may be"
    guard = {"blast_radius": "50%", "last_replica": True}
    assert why(sequence(guard, big, small)) == told
    assert passes(sequence(guard, big, replace(small, pods=1)))
    over_both = replace(big, lock="default/configmap/prod/x", beside=(big.lock, small.lock))
    assert why(sequence(guard, over_both, small)) == told


def test_steps_of_a_sequence_that_do_something_to_the_same_thing_disturb_it_once() -> None:
    first, second = (replace(GOOD, pods=pods, ready=8, replicas=8) for pods in (4, 5))
    assert passes(sequence({"blast_radius": 5}, first, second))
    assert "it would disturb 5 pods, 8 are ready" in why(sequence({"blast_radius": 4}, first, second))


def test_steps_of_a_sequence_that_share_objects_disturb_no_more_than_all_of_those_that_there_are() -> None:
    first, other = (replace(GOOD, pods=4, ready=8, replicas=8, lock=f"default/deployment/prod/{name}") for name in "ab")
    both = replace(first, lock="default/configmap/prod/x", beside=(first.lock, other.lock), pods=3)
    assert "it would disturb 11 pods, 16 are ready" in why(sequence({"blast_radius": 10}, first, other, both))
    assert passes(sequence({"blast_radius": 11}, first, other, both))
    whole = replace(both, pods=16, ready=16, replicas=16, at_once=1)
    assert "it would disturb 16 pods, 16 are ready" in why(sequence({"blast_radius": 15}, first, other, whole))
    assert passes(sequence({"blast_radius": 16}, first, other, whole))
    assert passes(sequence({"blast_radius": "69%"}, first, other, both))
    assert "it would disturb 11 pods" in why(sequence({"blast_radius": "68%"}, first, other, both))


def test_two_pods_of_one_workload_are_two() -> None:
    pods = [
        replace(GOOD, lock=f"default/pod/prod/api-{n}", beside=(GOOD.lock,), pods=1, at_once=1, ready=4, replicas=4)
        for n in (1, 2)
    ]
    assert "it would disturb 2 pods, 4 are ready" in why(sequence({"blast_radius": 1}, *pods))
    assert "it would disturb 2 pods, 4 are ready" in why(sequence({"blast_radius": "25%"}, *pods))
    assert passes(sequence({"blast_radius": 2}, *pods))
    assert passes(sequence({"blast_radius": 1}, pods[0], pods[0]))


def test_the_last_ready_pod_is_left_alone_unless_said() -> None:
    last = replace(GOOD, pods=1, ready=1, replicas=1)
    told = "no ready pod would be left meanwhile: 1 may be missing at once, 1 are ready"
    assert why(guarded({}, preview=last)).startswith(told)
    assert passes(guarded({"last_replica": True}, preview=last))
    assert passes(guarded({}, preview=replace(last, ready=0)))


def test_a_roll_out_that_leaves_some_pods_ready_all_the_time_may_disturb_all_of_them() -> None:
    rolling = replace(GOOD, pods=3, ready=3, replicas=3)
    assert passes(guarded({}, preview=replace(rolling, at_once=1)))
    assert passes(guarded({}, preview=replace(rolling, pods=1, ready=1, replicas=1, at_once=0)))
    assert not passes(guarded({}, preview=replace(rolling, at_once=3)))
    assert not passes(guarded({}, preview=rolling))


def test_of_each_of_several_workloads_one_ready_pod_is_left() -> None:
    several = replace(GOOD, pods=4, ready=4, replicas=4, at_once=1)
    safe, last = Disturbed("deployment/web", 3, 1), Disturbed("deployment/api", 1, 1)
    told = "no ready pod of deployment/api would be left meanwhile: 1 may be missing at once, 1 are ready"
    assert why(guarded({}, preview=replace(several, apart=(safe, last)))).startswith(told)
    assert passes(guarded({}, preview=replace(several, apart=(safe, safe))))
    assert passes(guarded({"last_replica": True}, preview=replace(several, apart=(safe, last))))


# --- ceilings, forbidden ---


@pytest.mark.parametrize(
    ("ceilings", "state"),
    [
        (Ceilings(namespaces={"prod": "approve"}), ActionState.PROPOSED),
        (Ceilings(namespaces={"stage": "off"}), ActionState.APPROVED),
        (Ceilings(rules={"shop/errors": "approve"}), ActionState.PROPOSED),
        (Ceilings(rules={"shop/other": "off"}), ActionState.APPROVED),
    ],
    ids=["namespace", "other namespace", "rule", "other rule"],
)
def test_a_ceiling_holds_an_action_down(ceilings: Ceilings, state: ActionState) -> None:
    story = Story(an_action(mode="auto"), ceilings=ceilings).open()
    story.preview()
    assert story.state is state


def test_the_ceilings_of_every_rule_that_joined_hold() -> None:
    story = asked(an_action(mode="auto"), ceilings=Ceilings(rules={"shop/other": "off"}))
    assert story.state is ActionState.APPROVED
    story.incident = replace(story.incident, rules=("shop/errors", "shop/other"))
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "the ceiling of the rule shop/other is `off`")


@pytest.mark.parametrize(
    ("lowered", "told"),
    [
        ({"ceilings": Ceilings(namespaces={"prod": "approve"})}, "the ceiling for namespace prod is `approve`"),
        ({"ceilings": Ceilings(rules={"shop/errors": "approve"})}, "the ceiling of the rule shop/errors is `approve`"),
        ({"automation": "approve"}, "automation is `approve`"),
    ],
    ids=["namespace", "rule", "setting"],
)
def test_what_was_to_go_by_itself_does_not_once_a_ceiling_asks_for_people(lowered: dict[str, Any], told: str) -> None:
    story = asked(an_action(mode="auto"))
    assert story.state is ActionState.APPROVED
    story.change(**lowered)
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, told)


@pytest.mark.parametrize("by_hand", [False, True])
def test_nothing_is_begun_for_an_incident_that_resolves_meanwhile(by_hand: bool) -> None:
    story = Story(an_action(mode="suggest" if by_hand else "approve")).open()
    if by_hand:
        story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    story.preview()
    story.say("yes")
    story.incident = replace(story.incident, status=Status.RESOLVED)
    story.preview()
    assert (story.state, story.attempt().why) == (ActionState.REFUSED, "the incident is resolved")


def test_once_no_alert_fires_only_what_a_person_asks_for_goes_on() -> None:
    for by_hand, state in ((False, ActionState.REFUSED), (True, ActionState.RUNNING)):
        story = Story(an_action(mode="suggest" if by_hand else "approve")).open()
        if by_hand:
            story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
        story.preview()
        story.say("yes")
        story.heal()
        story.preview()
        assert (story.incident.status, story.state) == (Status.MONITORING, state)


def test_a_ceiling_that_is_off_says_so_instead_of_proposing() -> None:
    story = Story(ceilings=Ceilings(rules={"shop/errors": "off"})).open()
    assert story.incident.attempts == ()
    assert [doubt.why for doubt in story.incident.doubts] == ["the ceiling of the rule shop/errors is `off`"]


def test_every_ceiling_of_a_namespace_holds_for_what_is_in_none() -> None:
    ceilings = Ceilings(namespaces={"stage": "approve"})
    story = Story(an_action(mode="auto"), ceilings=ceilings, namespaces_of=lambda step, params, target: ("",)).open()
    story.preview()
    assert story.state is ActionState.PROPOSED


def test_what_a_sequence_holds_goes_by_itself_only_where_each_of_it_may() -> None:
    both = an_action("both", "", do=("one", "two"), params={}, mode="auto")
    story = asked(both, an_action("one", mode="auto"), an_action("two", mode="suggest"))
    assert story.state is ActionState.PROPOSED
    story = asked(both, an_action("one", mode="auto"), an_action("two", mode="auto"))
    assert story.state is ActionState.APPROVED


def test_what_the_newest_playbook_forbids_is_forbidden_to_incidents_that_are_older() -> None:
    story = asked()
    story.say("yes")
    story.change(forbidden=("kubernetes.rollout_undo",))
    story.preview()
    assert story.attempt().why == "kubernetes.rollout_undo is forbidden during such an incident"


def test_a_plugin_that_is_gone_at_the_start_refuses() -> None:
    story = asked()
    story.say("yes")
    story.change(action=lambda plugin: None)
    story.preview()
    assert story.attempt().why == "no action is called kubernetes.rollout_undo"


# --- evidence first ---


def test_what_destroys_waits_for_evidence_and_says_what_to_run() -> None:
    story = guarded({}, plugin="redis.flush_db")
    assert why(story) == (
        "redis.flush_db may destroy what cannot be brought back, and no evidence has been kept yet; "
        "first type responder act INC-7 evidence.capture logs=true manifests=true events=true"
    )
    capturing = a_playbook(
        an_action("flush", "redis.flush_db"), an_action("keep", "evidence.capture"), propose=("flush", "keep")
    )
    story = Story(playbook=capturing).open()
    story.preview()
    assert "; first run the action `keep`" in "; ".join(story.attempt(1).blocks)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "nothing kept"])
def test_evidence_counts_once_it_is_kept_and_lets_the_rest_go_on(kept: bool) -> None:
    story = Story(
        an_action("keep", "evidence.capture"),
        an_action("secret", "kubernetes.patch_secret", guard={"evidence": ["keep"]}),
    ).open()
    story.preview(lock="evidence")
    story.preview(lock="secret")
    assert story.attempt(2).state is ActionState.BLOCKED
    story.say("yes", number=1)
    story.preview(lock="evidence")
    found = (Kept("logs.txt", "00" * 32, 5, "/evidence/logs.txt"),) if kept else ()
    story.act(Outcome("done", "kept", kept=found))
    story.preview(lock="secret")
    assert story.attempt(2).state is (ActionState.PROPOSED if kept else ActionState.BLOCKED)


def test_evidence_kept_by_hand_counts_for_the_action_of_the_playbook() -> None:
    playbook = a_playbook(
        an_action("keep", "evidence.capture", mode="suggest"),
        an_action("secret", "kubernetes.patch_secret", guard={"evidence": ["keep"]}),
    )
    story = Story(playbook=playbook).open()
    story.preview(lock="secret")
    assert "run the action `keep` first" in why(story)
    story.turn(ActionAsked("ann", "evidence.capture", {}))
    story.preview(lock="evidence")
    story.say("yes")
    story.preview(lock="evidence")
    story.act(Outcome("done", "kept", kept=(Kept("logs.txt", "00" * 32, 5, "/evidence/logs.txt"),)))
    story.preview(lock="secret")
    assert story.attempt(1).state is ActionState.PROPOSED


def test_what_is_forbidden_is_so_too_as_a_part_of_another_action() -> None:
    """Also by hand, also where another playbook came to forbid it, also where nobody can tell."""
    includes = {"entails": lambda step, params: ("kubernetes.rollout_restart",), "forbidden": ()}
    story = asked(**includes)
    assert story.state is ActionState.PROPOSED
    story.say("yes")
    story.change(**{**includes, "forbidden": ("kubernetes.rollout_restart",)})
    story.preview()
    told = (
        "kubernetes.rollout_undo would do kubernetes.rollout_restart here, which is forbidden during such an incident"
    )
    assert story.attempt().why == told
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    assert story.refused[-1] == told.replace("rollout_undo", "scale")

    def nobody_knows(step: ActionStep, params: object) -> tuple[str, ...]:
        raise ValueError("half of a parameter")

    story.change(entails=nobody_knows, forbidden=("kubernetes.rollout_restart",))
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    assert "includes cannot be told" in story.refused[-1]
    story.change(entails=nobody_knows, forbidden=())
    story.turn(ActionAsked("ann", "kubernetes.scale", {"revision": 5}))
    assert story.attempt().name == "kubernetes.scale"


def test_nothing_is_taken_back_where_nothing_may_be_done() -> None:
    for never in ({"ceilings": Ceilings(never=("prod",))}, {"namespaces_of": lambda step, params, target: ("vault",)}):
        story = done(guard={"never": ["vault"]})
        story.change(**never)
        story.say("undo")
        assert "it is on a `never` list" in story.refused[-1]
        assert story.state is ActionState.DONE


def test_nothing_is_taken_back_while_another_is_at_work_on_the_same_target() -> None:
    story = done()
    working = Run(9, 1, "kubernetes.scale", "x", GOOD.lock, "shop/errors", "prod", "default", story.now)
    story.change(usage=[working])
    story.say("undo")
    assert story.refused[-1].startswith("kubernetes.scale of INC-9/1 is at work on it since")
    assert story.state is ActionState.DONE
    story.change(usage=[replace(working, lock="default/deployment/prod/web")])
    story.say("undo")
    assert story.state is ActionState.UNDOING


def done(**fields: Any) -> Story:
    """Do what can be taken back."""
    story = running(an_action(**fields))
    story.act(Outcome("done", "rolled back", undo={"revision": 7}))
    assert story.state is ActionState.DONE
    return story


def test_what_came_to_be_forbidden_is_not_taken_back_either() -> None:
    """Taking back a restart is one more: where pods must stay for their evidence, they stay."""
    story = running(an_action())
    story.act(Outcome("done", "rolled back", undo={"revision": 7}))
    story.change(forbidden=("kubernetes.rollout_undo",))
    story.say("undo")
    assert "kubernetes.rollout_undo is forbidden during such an incident" in story.refused[-1]
