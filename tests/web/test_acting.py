"""People act through the API: what they say is written where the incident finds it, or refused with its cure."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from responder.model.action import ActionState, Approval, Outcome, Step
from responder.model.incident import Status
from responder.model.target import Target
from responder.model.timeline import ActionAsked, Answered
from responder.store.rows import micros
from tests.web.acting_world import ANN, BOB, DIGEST, PEOPLE, SAID_YES, TARGET, asking, attempt, incident, written
from tests.web.conftest import HEADERS, Open
from tests.web.house import NOW, House

Session = aiohttp.ClientSession
STOP = "/v1/automation/stop"


@pytest.fixture
async def peopled(open_house: Open) -> House:
    return await open_house(webhook={"bearer_tokens": ["token-of-the-tests"]}, people=PEOPLE)


async def say(
    house: House, word: str, body: Any = None, *, who: dict[str, str] = ANN, number: object = 1
) -> tuple[int, dict[str, Any]]:
    address = f"{house.url}/v1/incidents/INC-17/actions/{number}/{word}"
    async with Session(headers=who) as session, session.post(address, json=body) as answer:
        return answer.status, await answer.json()


async def test_a_yes_is_written_for_the_incident_with_the_person_their_roles_and_what_they_saw(peopled: House) -> None:
    await peopled.put(incident(attempt()))
    status, body = await say(peopled, "approve", {"digest": DIGEST[:4], "why": "go on"})
    assert (status, body["by"], body["answer"], body["digest"]) == (202, "ann", "yes", DIGEST)
    assert await written(peopled) == [
        Answered(1, "yes", "ann", roles=("on-call",), digest=DIGEST, why="go on", via="api")
    ]
    rows = await peopled.store.read("incidents_due", 2**60, 10)
    assert [row[0] for row in rows] == [17]


@pytest.mark.parametrize(
    ("word", "state", "who", "answer"),
    [
        ("reject", ActionState.PROPOSED, ANN, "no"),
        ("reject", ActionState.APPROVED, ANN, "no"),
        ("undo", ActionState.DONE, ANN, "undo"),
        ("undo", ActionState.VERIFIED, BOB, "undo"),
        ("happened", ActionState.IN_DOUBT, ANN, "happened"),
        ("not-happened", ActionState.IN_DOUBT, ANN, "not_happened"),
        ("approve", ActionState.EXPIRED, ANN, "yes"),
        ("approve", ActionState.REJECTED, ANN, "yes"),
    ],
)
async def test_every_answer_is_written(
    peopled: House, word: str, state: ActionState, who: dict[str, str], answer: str
) -> None:
    await peopled.put(incident(attempt(state=state)))
    status, _ = await say(peopled, word, who=who)
    assert status == 202
    (said,) = await written(peopled)
    assert isinstance(said, Answered)
    assert said.answer == answer


async def test_an_admin_breaks_the_glass_with_a_written_reason(peopled: House) -> None:
    await peopled.put(incident(attempt(state=ActionState.BLOCKED, blocks=("cooldown",))))
    assert (await say(peopled, "break-glass", {"digest": DIGEST, "why": "all is down"}))[0] == 403
    assert (await say(peopled, "break-glass", {"digest": DIGEST}, who=BOB))[0] == 400
    assert (await say(peopled, "break-glass", {"digest": DIGEST, "why": "  "}, who=BOB))[0] == 400
    assert (await say(peopled, "break-glass", {"digest": DIGEST, "why": "all is down"}, who=BOB))[0] == 202
    (said,) = await written(peopled)
    assert isinstance(said, Answered)
    assert (said.answer, said.by, said.why) == ("break_glass", "bob", "all is down")


FOR_SECURITY: dict[str, Any] = {"guard": {"approvers": ["security"]}}
REFUSED: list[tuple[str, Any, dict[str, Any], int, str]] = [
    ("approve", {"digest": DIGEST}, {"state": ActionState.RUNNING}, 409, "it is running"),
    ("approve", {"digest": DIGEST}, {"state": ActionState.DONE, "why": "all ended"}, 409, "it is done: all ended"),
    ("approve", {"digest": DIGEST}, {"state": ActionState.BLOCKED, "blocks": ("x is missing",)}, 409, "x is missing"),
    ("approve", {"digest": "ffff0000"}, {}, 409, f"look again (digest {DIGEST})"),
    ("approve", {"digest": DIGEST}, {"digest": ""}, 409, "just being looked at"),
    ("approve", {"digest": DIGEST}, {"approvals": (SAID_YES,)}, 409, "ann has said yes already"),
    ("approve", {}, {}, 400, "by the digest of the preview that you saw"),
    ("approve", {"digest": "1a"}, {}, 400, "by the digest of the preview that you saw"),
    (
        "approve",
        {"digest": DIGEST},
        {"guard": {"approvers": ["security", "dba"]}},
        403,
        "security or dba; ann has on-call",
    ),
    ("approve", {"digest": DIGEST, "inputs": {"x": 1}}, {}, 400, "inputs.x: there is no such input"),
    ("approve", {"digset": DIGEST}, {}, 400, "digset: there is no such field; there are: why, digest, inputs"),
    ("reject", {}, {"state": ActionState.DONE}, 409, "it is done"),
    ("reject", {}, FOR_SECURITY, 403, "it takes somebody with the role security"),
    ("undo", {}, {"state": ActionState.PROPOSED}, 409, "it is proposed"),
    ("undo", {}, {"state": ActionState.UNDONE}, 409, "it is undone"),
    ("undo", {}, {**FOR_SECURITY, "state": ActionState.DONE}, 403, "the role security; ann has on-call"),
    ("happened", {}, {**FOR_SECURITY, "state": ActionState.IN_DOUBT}, 403, "the role security; ann has on-call"),
    ("happened", {}, {"state": ActionState.DONE}, 409, "there is no doubt about it: it is done"),
]


@pytest.mark.parametrize(("word", "body", "more", "status", "told"), REFUSED)
async def test_what_is_plain_already_is_said_at_once_and_nothing_is_written(
    peopled: House, word: str, body: Any, more: dict[str, Any], status: int, told: str
) -> None:
    await peopled.put(incident(attempt(**more)))
    answered, said = await say(peopled, word, body)
    assert (answered, told in said["error"]) == (status, True), said
    assert await written(peopled) == []


async def test_nothing_is_begun_for_a_resolved_incident_but_what_was_done_can_be_taken_back(peopled: House) -> None:
    await peopled.put(incident(attempt(), attempt(2, ActionState.DONE), status=Status.RESOLVED))
    status, said = await say(peopled, "approve", {"digest": DIGEST})
    assert (status, said["error"]) == (409, "INC-17 is resolved: nothing is begun for it any more")
    assert (await say(peopled, "undo", number=2))[0] == 202


async def test_an_attempt_or_incident_that_there_is_not_is_named(peopled: House) -> None:
    assert (await say(peopled, "approve", {"digest": DIGEST}))[1]["error"].startswith("there is no incident 'INC-17'")
    await peopled.put(incident(attempt()))
    status, said = await say(peopled, "approve", {"digest": DIGEST}, number=9)
    assert (status, said["error"]) == (404, "there is no attempt INC-17/9; the last are: INC-17/1")
    assert (await say(peopled, "approve", {}, number="x"))[0] == 404


@pytest.mark.parametrize(
    ("inputs", "status", "told"),
    [
        ({"count": "4"}, 202, ""),
        ({"count": 4}, 202, ""),
        ({"count": "many"}, 400, "inputs.count: a whole number is wanted"),
        ({"count": 4, "why": "x"}, 400, "inputs.why: there is no such input"),
        ({}, 400, "inputs.count: it is missing: How many replicas"),
    ],
)
async def test_inputs_are_checked_by_their_type_and_written(
    peopled: House, inputs: dict[str, Any], status: int, told: str
) -> None:
    playbook = asking(count={"type": "int", "describe": "How many replicas"})
    await peopled.keep("of-17", playbook)
    await peopled.put(incident(attempt(), playbook="of-17"))
    answered, said = await say(peopled, "approve", {"digest": DIGEST, "inputs": inputs})
    assert (answered, told in said.get("error", "")) == (status, True), said
    assert [one.inputs for one in await written(peopled) if isinstance(one, Answered)] == (
        [{"count": 4}] if status == 202 else []
    )


async def test_an_input_that_is_shown_already_need_not_be_given_again(peopled: House) -> None:
    await peopled.keep("of-17", asking(count={"type": "int"}))
    await peopled.put(incident(attempt(inputs={"count": 3}), playbook="of-17"))
    assert (await say(peopled, "approve", {"digest": DIGEST}))[0] == 202


async def ask(house: House, body: Any, who: dict[str, str] = ANN) -> tuple[int, dict[str, Any]]:
    address = f"{house.url}/v1/incidents/INC-17/actions"
    async with Session(headers=who) as session, session.post(address, json=body) as answer:
        return answer.status, await answer.json()


async def test_an_action_outside_the_playbook_is_asked_for(peopled: House) -> None:
    await peopled.put(incident())
    body = {"action": "kubernetes.scale", "params": {"replicas": 5}, "reason": "the queue is full"}
    status, said = await ask(peopled, body)
    assert (status, said["action"], said["by"], said["target"]) == (202, "kubernetes.scale", "ann", "")
    target = {"kind": "deployment", "name": "worker"}
    assert (await ask(peopled, {**body, "target": target}))[1]["target"] == "deployment/worker in prod"
    first, second = await written(peopled)
    plain = ActionAsked("ann", "kubernetes.scale", {"replicas": 5}, ("on-call",), "the queue is full", "api")
    assert first == plain
    assert isinstance(second, ActionAsked)
    assert second.target == Target("default", "Deployment", "prod", "worker", "worker")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "action: is missing"),
        ({"action": "x", "target": {"kind": "Gizmo", "name": "a"}}, "target.kind: there is no such kind"),
        ({"action": "x", "target": {"kind": "pod", "name": "a; rm -rf /"}}, "target.name: String should match"),
        ({"action": "x", "namespace": "prod"}, "namespace: there is no such field"),
        ([], "the body: must be"),
    ],
)
async def test_a_body_that_makes_no_sense_is_answered_with_its_cure(peopled: House, body: Any, told: str) -> None:
    await peopled.put(incident())
    status, said = await ask(peopled, body)
    assert (status, told in said["error"]) == (400, True), said
    assert await written(peopled) == []


async def test_the_webhooks_credentials_are_nobodys_and_a_persons_token_does_not_open_the_webhook(
    peopled: House, stranger: Session
) -> None:
    await peopled.put(incident(attempt()))
    for who in (HEADERS, {}, {"Authorization": "Bearer token-of-nobody"}):
        status, said = await say(peopled, "approve", {"digest": DIGEST}, who=who)
        assert (status, "send `Authorization: Bearer` with your own token" in said["error"]) == (401, True)
    assert await written(peopled) == []
    delivery = {"alerts": [{"labels": {"alertname": "A"}}]}
    async with stranger.post(peopled.webhook, json=delivery, headers=ANN) as answer:
        assert answer.status == 401
    async with stranger.get(f"{peopled.url}/v1/incidents/INC-17", headers=ANN) as answer:
        assert answer.status == 200


async def test_a_door_that_is_open_to_everybody_lets_nobody_decide(open_house: Open) -> None:
    house = await open_house(webhook={"allow_anonymous": True})
    await house.put(incident(attempt()))
    status, said = await say(house, "approve", {"digest": DIGEST})
    assert (status, said["error"].startswith("nobody may decide here: set people.NAME.token")) == (403, True)


async def test_the_actions_of_an_incident_are_shown_with_what_they_would_do(peopled: House, client: Session) -> None:
    await peopled.keep("of-17", asking(count={"type": "int", "describe": "How many"}))
    await peopled.put(incident(attempt(approvals=(Approval("bob", NOW, yes=True),)), playbook="of-17"))
    async with client.get(f"{peopled.url}/v1/incidents/INC-17/actions") as answer:
        (shown,) = (await answer.json())["actions"]
    assert (shown["id"], shown["state"], shown["digest"]) == ("INC-17/1", "proposed", DIGEST)
    assert shown["approvals"][0]["by"] == "bob"
    assert (shown["people"], shown["roles"]) == (1, [])
    assert shown["asks"] == [{"name": "count", "type": "int", "describe": "How many", "pattern": ""}]
    (step,) = shown["steps"]
    assert step["preview"]["summary"] == "restart the 3 pods of api"
    assert step["preview"]["changes"] == [{"what": "restarted at", "before": "", "after": "now"}]


async def test_what_waits_and_what_stands_for_a_while_is_listed_over_all_incidents(
    peopled: House, client: Session
) -> None:
    step = Step("restart", "kubernetes.rollout_restart", {}, TARGET, outcome=Outcome("done", "restarted"))
    stands = attempt(
        2,
        state=ActionState.VERIFIED,
        steps=(step,),
        temporary=timedelta(hours=4),
        temporary_until=NOW + timedelta(hours=3),
    )
    await peopled.put(incident(attempt(1), attempt(2, state=ActionState.DONE, steps=(step,))))
    await peopled.put(
        replace(incident(attempt(1, state=ActionState.WITHDRAWN), stands), number=18, status=Status.RESOLVED)
    )
    await peopled.put(replace(incident(attempt(1, state=ActionState.DONE, steps=(step,))), number=19))
    async with peopled.store.transaction() as tx:
        tx.run("attempt_put", 17, 1, "proposed", 1, micros(NOW))
        tx.run("timer_set", 18, "attempt/2", micros(NOW + timedelta(hours=3)))
        tx.run("timer_set", 19, "refresh", micros(NOW))
    async with client.get(f"{peopled.url}/v1/actions") as answer:
        shown = await answer.json()
    assert [(one["id"], one["stands_for_now"]) for one in shown["actions"]] == [("INC-18/2", True), ("INC-17/1", False)]
    assert shown["actions"][0]["temporary_until"] == "2026-03-01T15:00:00Z"
    assert not shown["automation"]["stopped"]
    async with client.get(f"{peopled.url}/v1/actions", headers={"Authorization": "Bearer wrong"}) as answer:
        assert answer.status == 401


async def test_an_action_is_shown_with_how_many_must_agree_to_it_in_which_role(peopled: House, client: Session) -> None:
    flush = Step("flush", "redis.flush_db", {}, TARGET)
    both = attempt(
        2, guard={"approvals": 3, "approvers": ["a", "b"]}, steps=(replace(flush, guards=({"approvers": "c"},)),)
    )
    unreadable = attempt(3, guard={"approvals": "many"})
    await peopled.put(incident(attempt(1, steps=(flush,)), both, unreadable))
    async with client.get(f"{peopled.url}/v1/incidents/INC-17/actions") as answer:
        shown = [(one["people"], one["roles"]) for one in (await answer.json())["actions"]]
    assert shown == [(2, []), (3, [["a", "b"], ["c"]]), (1, [])]


async def test_automation_is_stopped_for_a_while_shown_and_lifted(peopled: House, stranger: Session) -> None:
    address = f"{peopled.url}{STOP}"
    async with stranger.post(address, json={"for": "2h", "why": "odd restarts"}, headers=ANN) as answer:
        assert answer.status == 200
    async with stranger.get(address, headers=HEADERS) as answer:
        shown = await answer.json()
    assert (shown["stopped"], shown["by"], shown["until"]) == (True, "ann", "2026-03-01T14:00:00Z")
    async with stranger.delete(address, headers=BOB, params={"why": "found it"}) as answer:
        assert (answer.status, (await answer.json())["stopped"]) == (200, False)
    async with stranger.delete(address, headers=BOB) as answer:
        assert (answer.status, await answer.json()) == (409, {"error": "nobody has stopped automation"})


async def test_of_two_stops_the_longer_one_stands_and_who_wanted_less_is_told(
    peopled: House, stranger: Session
) -> None:
    address = f"{peopled.url}{STOP}"

    async def stop(body: dict[str, str], who: dict[str, str]) -> tuple[str, str | None, bool]:
        async with stranger.post(address, json=body, headers=who) as answer:
            shown = await answer.json()
        return shown["by"], shown["until"], "bob had stopped it for longer already" in shown["note"]

    assert await stop({"for": "1h"}, ANN) == ("ann", "2026-03-01T13:00:00Z", False)
    assert await stop({"for": "2h"}, BOB) == ("bob", "2026-03-01T14:00:00Z", False)
    assert await stop({"for": "5m"}, ANN) == ("bob", "2026-03-01T14:00:00Z", True)
    assert await stop({}, BOB) == ("bob", None, False)
    assert await stop({"for": "30d"}, ANN) == ("bob", None, True)


@pytest.mark.parametrize("span", ["0", "forever", "31d", 7, ""])
async def test_a_stop_for_an_odd_time_is_refused(peopled: House, stranger: Session, span: object) -> None:
    async with stranger.post(f"{peopled.url}{STOP}", json={"for": span}, headers=ANN) as answer:
        assert (answer.status, (await answer.json())["error"].startswith("for: ")) == (400, True)


async def test_only_people_stop_automation(peopled: House, stranger: Session) -> None:
    async with stranger.post(f"{peopled.url}{STOP}", json={}, headers=HEADERS) as answer:
        assert answer.status == 401
    assert await peopled.controls.standing() is None


async def test_without_the_store_a_person_is_told_to_say_it_again(peopled: House) -> None:
    await peopled.put(incident(attempt()))
    await peopled.lose_store()
    status, said = await say(peopled, "approve", {"digest": DIGEST})
    assert (status, bool(said["error"])) == (503, True)


async def test_what_people_say_is_counted_by_door(peopled: House, stranger: Session) -> None:
    await peopled.put(incident(attempt()))
    await say(peopled, "reject")
    await say(peopled, "reject", who={**ANN, "User-Agent": "responder-cli/1"})
    async with stranger.get(f"{peopled.url}/metrics") as answer:
        shown = await answer.text()
    assert 'responder_answers_total{answer="no",via="api"} 1.0' in shown
    assert 'responder_answers_total{answer="no",via="cli"} 1.0' in shown
    assert 'responder_answers_total{answer="yes",via="slack"} 0.0' in shown


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415), (b" " * 70_000, "application/json", 413)],
)
async def test_a_body_that_cannot_be_read_is_refused(
    peopled: House, stranger: Session, data: bytes, kind: str, status: int
) -> None:
    await peopled.put(incident(attempt()))
    address = f"{peopled.url}/v1/incidents/INC-17/actions/1/reject"
    async with stranger.post(address, data=data, headers={**ANN, "Content-Type": kind}) as answer:
        assert (answer.status, "error" in await answer.json()) == (status, True)
