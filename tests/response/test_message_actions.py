"""What the message says of actions: what one would change, who decides, how far it is, what came of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.model.action import (
    ActionState,
    ActionTraits,
    Approval,
    Attempt,
    Change,
    Figure,
    Kept,
    Outcome,
    Preview,
    Progress,
    Step,
    Stop,
    Verification,
)
from responder.model.incident import Incident, Status
from responder.model.message import Buttons, Value
from responder.response.answerable import stands_for_now
from responder.response.brain import Brain
from responder.response.message import living
from responder.response.message_actions import actions, buttons
from responder.response.message_help import proposals
from tests.response.given import a_brain, at, read
from tests.response.test_message import grown, lines, shown

PREVIEW = Preview(
    "roll api back from revision 42 to 41",
    changes=(Change("image of container api", "shop/api:1.5", "shop/api:1.4"),),
    basis={"generation": 7},
    pods=3,
    ready=3,
    replicas=3,
    touches=("api-1", "api-2", "api-3"),
    disruption="one at a time (maxUnavailable 25 % of 3 = 0, maxSurge 1)",
    budgets=("api-pdb allows 1",),
    dry_run=True,
)
DONE = Outcome("done", "rolled back to revision 41")


def an_attempt(state: ActionState = ActionState.PROPOSED, **fields: Any) -> Attempt:
    incident, _ = grown()
    step = Step(
        "roll-back",
        "kubernetes.rollout_undo",
        {},
        incident.target,
        commands=("kubectl rollout undo deployment/api -n prod",),
        preview=fields.pop("preview", PREVIEW),
        outcome=fields.pop("outcome", None),
        undone=fields.pop("undone", None),
        progress=fields.pop("progress", None),
    )
    given: dict[str, Any] = {
        "number": 1,
        "name": "roll-back",
        "steps": (step,),
        "mode": "approve",
        "proposed_at": at(1),
        "state": state,
        "digest": "0123456789abcdef",
        "expires_at": at(901) if state is ActionState.PROPOSED else None,
    }
    return Attempt(**{**given, **fields})


def brain_with(**fields: Any) -> Brain:
    traits = ActionTraits(undoable=True)
    return replace(a_brain(), action=lambda plugin: traits, **fields)


def text_of(*attempts: Attempt, brain: Brain | None = None) -> str:
    incident, _ = grown()
    return shown(living(replace(incident, attempts=attempts), brain or brain_with(), at(1)))


def blocks_of(preview: Preview) -> list[Buttons]:
    incident, _ = grown()
    found = actions(replace(incident, attempts=(an_attempt(preview=preview),)), brain_with())
    return [block for block in found if isinstance(block, Buttons)]


def pressable(*attempts: Attempt, brain: Brain | None = None) -> dict[str, str]:
    incident, _ = grown()
    blocks = actions(replace(incident, attempts=attempts), brain or brain_with())
    return {b.label: b.press.value for block in blocks if isinstance(block, Buttons) for b in block.buttons}


def test_people_are_asked_with_all_that_they_decide_on() -> None:
    text = text_of(an_attempt())
    for wanted in (
        "INC-7/1 roll-back on deployment/api in prod · waits for approval, until 12:15 UTC",
        "Would roll api back from revision 42 to 41",
        "Changes:\n- image of container api: shop/api:1.5 → shop/api:1.4",
        "Disruption: one at a time",
        "Pods: 3 of 3, 3 ready: api-1, api-2, api-3",
        "Disruption budgets: api-pdb allows 1",
        "kubectl rollout undo deployment/api -n prod",
    ):
        assert wanted in text


def test_the_buttons_carry_the_digest_of_what_was_shown() -> None:
    assert pressable(an_attempt()) == {
        "Approve": "approve:INC-7:1:0123456789abcdef",
        "Reject": "reject:INC-7:1:0123456789abcdef",
    }


def test_nothing_can_be_pressed_before_the_preview_is_there_or_while_all_is_stopped() -> None:
    assert pressable(an_attempt(pending="look/1/1", digest="")) == {}
    assert "looking at what it would change" in text_of(an_attempt(pending="look/1/1", digest=""))
    assert pressable(an_attempt(), brain=brain_with(stop=Stop("ann", at(0)))) == {}


def test_how_many_have_said_yes_and_who_is_told() -> None:
    said = (Approval("ann", at(5), yes=True),)
    text = text_of(an_attempt(guard={"approvals": 2}, approvals=said))
    assert "waits for 2 people to approve, 1 of 2 did, until 12:15 UTC · approved by ann" in text


def test_who_may_say_yes_is_told() -> None:
    text = text_of(an_attempt(guard={"approvers": ["security", "lead"]}))
    assert "waits for approval by somebody with the role security or lead, until 12:15 UTC" in text
    attempt = an_attempt(guard={"approvals": 2, "approvers": ["security"]})
    both = replace(attempt, steps=tuple(replace(step, guards=({"approvers": ["lead"]},)) for step in attempt.steps))
    told = "waits for 2 people to approve by people with the role security, and with lead, until"
    assert told in text_of(both)
    assert "role" not in text_of(an_attempt(guard={"approvals": 2}))


def test_a_stop_is_said_first_and_loudly() -> None:
    text = text_of(brain=brain_with(stop=Stop("ann", at(0), at(7200), "change freeze")))
    expected = "AUTOMATION IS STOPPED by ann since 2026-11-21 12:00 UTC until 2026-11-21 14:00 UTC: change freeze"
    assert text.splitlines()[1] == expected


def test_a_dry_run_is_said_first_and_with_each_action() -> None:
    text = text_of(an_attempt(dry_run=True), brain=brain_with(dry_run=True))
    assert text.splitlines()[1].startswith("DRY RUN")
    assert "DRY RUN INC-7/1 roll-back" in text


def test_what_stands_in_the_way_is_said_and_offers_no_button() -> None:
    blocked = an_attempt(ActionState.BLOCKED, blocks=("deployment/api is paused: kubectl rollout resume",))
    assert "cannot be done now" in text_of(blocked)
    assert "What stands in the way:\n- deployment/api is paused" in text_of(blocked)
    assert pressable(blocked) == {}


def test_who_would_take_it_back_is_said_with_the_way_to_do_it_there() -> None:
    owned = replace(PREVIEW, owner="Argo CD (shop)", owner_way="argocd app rollback shop")
    assert "Will be undone by: Argo CD (shop); its own way: argocd app rollback shop" in text_of(
        an_attempt(preview=owned)
    )


def test_what_could_not_be_tried_is_said() -> None:
    assert "Dry run: none: nobody can try it without doing it" in text_of(
        an_attempt(preview=replace(PREVIEW, dry_run=False))
    )


def test_what_was_refused_before_it_could_be_tried_is_not_said_to_have_no_dry_run() -> None:
    refused = replace(PREVIEW, dry_run=False, refusal="deployment/api in prod is being deleted")
    assert "Tried" not in text_of(an_attempt(preview=refused))


def test_the_course_of_a_rollout_is_told() -> None:
    progress = Progress("3 of 5 pods updated", complete=False, ready=False, updated=3, wanted=5)
    running = an_attempt(ActionState.RUNNING, outcome=replace(DONE, follow=True), progress=progress)
    assert "running" in text_of(running)
    assert "3 of 5 pods updated" in text_of(running)


def test_the_course_of_a_very_large_rollout_is_told_in_tenths() -> None:
    progress = Progress("1234 of 5000 pods updated", complete=False, updated=1234, wanted=5000)
    running = an_attempt(ActionState.RUNNING, outcome=DONE, progress=progress)
    assert "20 % of 5000 pods updated" in text_of(running)


def test_what_must_come_true_is_told_while_it_is_verified() -> None:
    verification = Verification(
        "rate.value < 0.01", at(60), at(660), timedelta(minutes=3), figures=(Figure("rate", "12.3 %", "4 %"),)
    )
    text = text_of(an_attempt(ActionState.VERIFYING, outcome=DONE, verification=verification))
    assert "Helps when rate.value < 0.01 for 3m, by 12:11 UTC" in text
    assert "Before → after:\n- rate 12.3 % → 4 %" in text


def test_what_helped_is_told_with_its_figures_and_how_long_it_took() -> None:
    verification = Verification("rate.value < 0.01", at(60), at(660), figures=(Figure("rate", "12.3 %", "0.4 %"),))
    helped = an_attempt(
        ActionState.VERIFIED,
        outcome=DONE,
        verification=verification,
        started_at=at(60),
        ended_at=at(305),
        why="rate.value < 0.01 held for 3m",
    )
    text = text_of(helped)
    assert "roll-back on deployment/api in prod · helped" in text
    assert "Before → after in 4m:\n- rate 12.3 % → 0.4 %" in text
    assert "rolled back to revision 41" in text


def test_what_stands_can_be_taken_back() -> None:
    assert pressable(an_attempt(ActionState.VERIFIED, outcome=replace(DONE, undo={"revision": 42}))) == {
        "Undo": "undo:INC-7:1:0123456789abcdef"
    }


@pytest.mark.parametrize(
    "attempt",
    [
        an_attempt(ActionState.DONE, outcome=DONE),
        an_attempt(ActionState.DONE, outcome=replace(DONE, undo={"revision": 42}), dry_run=True),
        an_attempt(ActionState.DONE, outcome=DONE, undone=Outcome("done", "back to 42")),
        an_attempt(ActionState.FAILED, outcome=Outcome("failed", "forbidden")),
        an_attempt(ActionState.UNDONE, outcome=DONE, undone=Outcome("done", "back to 42")),
    ],
)
def test_what_does_not_stand_cannot_be_taken_back(attempt: Attempt) -> None:
    assert pressable(attempt) == {}


def test_a_doubt_is_loud_and_asks_what_happened() -> None:
    doubt = an_attempt(ActionState.IN_DOUBT, outcome=Outcome("in_doubt", "no answer within 30s"))
    assert "IN DOUBT: it may have happened" in text_of(doubt)
    assert set(pressable(doubt)) == {"It happened", "It did not happen"}


def test_an_action_that_people_are_asked_about_is_not_proposed_a_second_time() -> None:
    incident, brain = grown()
    incident = replace(incident, attempts=(an_attempt(),))
    assert "Proposed actions" not in shown(living(incident, brain, at(1)))
    assert list(proposals(incident)) == []


def test_an_action_that_was_tried_is_not_proposed_beside_what_came_of_it() -> None:
    incident, _ = grown(
        read("rate", value=0.2), read("pods", total=3, ready=3, crash_looping=0), read("rollouts", shortly_before=True)
    )
    assert "roll-back" in named(incident)
    assert "roll-back" not in named(incident, an_attempt(ActionState.VERIFIED, outcome=DONE))
    assert "roll-back" in named(incident, an_attempt(ActionState.WITHDRAWN))


def named(incident: Incident, *attempts: Attempt) -> str:
    return "\n".join(line for block in proposals(replace(incident, attempts=attempts)) for line in lines(block))


def test_evidence_is_listed_with_its_digest_and_place() -> None:
    kept = (Kept("api-1.log", "ab" * 32, 2048, "evidence/INC-7/api-1.log", cut=True),)
    text = text_of(an_attempt(ActionState.DONE, outcome=replace(DONE, kept=kept)))
    assert "api-1.log (2048 bytes, cut, SHA-256 abababababab…) in evidence/INC-7/api-1.log" in text


def test_the_living_come_first_then_the_newest_end_and_many_are_counted() -> None:
    ended = [an_attempt(ActionState.FAILED, number=n, why=f"why {n}") for n in range(1, 9)]
    text = text_of(*ended, an_attempt(number=9))
    places = [text.index(f"INC-7/{number} ") for number in (9, 8, 7)]
    assert places == sorted(places)
    assert "and 3 earlier attempts" in text
    assert "INC-7/1 " not in text


def test_what_was_withdrawn_is_not_worth_a_line() -> None:
    assert "roll-back" not in text_of(an_attempt(ActionState.WITHDRAWN))


def test_words_of_others_stay_values_and_lose_their_secrets() -> None:
    hostile = replace(PREVIEW, summary="set PASSWORD=hunter2hunter2 <!channel> *bold*")
    incident, _ = grown()
    blocks = actions(replace(incident, attempts=(an_attempt(preview=hostile),)), brain_with())
    parts = [part for block in blocks for part in getattr(block, "text", ())]
    (told,) = [part for part in parts if isinstance(part, Value) and "<!channel>" in part.text]
    assert "hunter2" not in told.text
    pressed = [b for block in blocks_of(hostile) for b in block.buttons]
    assert "hunter2" not in "".join(button.confirm for button in pressed)


# --- what stands for a while ---


def standing(number: int, **fields: Any) -> Attempt:
    given = {"number": number, "outcome": DONE, "temporary": timedelta(hours=4), "temporary_until": at(14400)}
    return an_attempt(ActionState.VERIFIED, **{**given, **fields})


def test_what_stands_for_a_while_stays_in_the_message_however_much_came_after_it() -> None:
    failed = [an_attempt(ActionState.FAILED, number=number, outcome=Outcome("failed", "x")) for number in range(2, 9)]
    text = text_of(standing(1), *failed)
    assert "Temporary: to be undone at" in text
    assert text.index("INC-7/1 ") < text.index("INC-7/8 ")
    assert "and 2 earlier attempts" in text


def test_not_one_of_many_that_stand_for_a_while_is_left_out() -> None:
    text = text_of(*(standing(number) for number in range(1, 10)))
    assert text.count("Temporary: to be undone at") == 9
    assert "earlier attempt" not in text


@pytest.mark.parametrize(
    "fields",
    [
        {"temporary": None},
        {"dry_run": True},
        {"undone": Outcome("done", "back")},
        {"outcome": Outcome("failed", "forbidden")},
        {"state": ActionState.REVERTED},
        {"state": ActionState.UNDOING},
    ],
    ids=["for good", "dry run", "undone", "failed", "reverted", "being undone"],
)
def test_what_does_not_stand_for_a_while_is_not_said_to(fields: dict[str, Any]) -> None:
    state = fields.pop("state", ActionState.VERIFIED)
    assert not stands_for_now(replace(standing(1, **fields), state=state))


def test_what_could_not_be_undone_still_stands() -> None:
    attempt = replace(
        standing(1, undone=Outcome("failed", "forbidden"), temporary_until=None), state=ActionState.FAILED
    )
    assert "Temporary: it still stands, and is to be undone" in text_of(attempt)


def test_nobody_is_invited_to_ask_again_when_the_incident_is_over() -> None:
    incident, _ = grown()
    expired = an_attempt(ActionState.EXPIRED)
    for status, offered in ((Status.OPEN, ["Ask again"]), (Status.RESOLVED, [])):
        over = replace(incident, attempts=(expired,), status=status)
        assert [button.label for button in buttons(over, expired, brain_with())] == offered
