"""A secret that a person gives with a yes is held in memory; the door writes a mark, and tells nobody the value."""

from typing import Any

import aiohttp
import pytest

from responder.model.action import ActionState
from responder.model.secrecy import SECRET, secrets_in
from responder.model.timeline import Answered
from tests.web.acting_world import ANN, BOB, DIGEST, PEOPLE, asking, attempt, incident, written
from tests.web.conftest import Open
from tests.web.house import House

VALUE = "planted-Xq7-value"
TOKEN = {"type": SECRET, "describe": "The new token", "pattern": "planted-.*"}


@pytest.fixture
async def peopled(open_house: Open) -> House:
    house = await open_house(webhook={"bearer_tokens": ["token-of-the-tests"]}, people=PEOPLE)
    await house.keep("book", asking(token=TOKEN))
    return house


async def post(house: House, path: str, body: Any, who: dict[str, str] = ANN) -> tuple[int, str]:
    address = f"{house.url}/v1/incidents/INC-17/actions{path}"
    async with aiohttp.ClientSession(headers=who) as session, session.post(address, json=body) as answer:
        return answer.status, await answer.text()


def stored(house: House, folder: Any) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("house.db*"))


async def test_a_secret_is_held_and_only_a_mark_is_written_and_answered(peopled: House, tmp_path: Any) -> None:
    await peopled.put(incident(attempt(), playbook="book"))
    status, said = await post(peopled, "/1/approve", {"digest": DIGEST, "inputs": {"token": VALUE}})
    assert (status, VALUE in said) == (202, False)
    (answered,) = await written(peopled)
    assert isinstance(answered, Answered)
    held = secrets_in(answered.inputs)["token"]
    assert held.held_by == "this-process"
    assert peopled.vault.values({"token": held.ticket}) == {"token": VALUE}
    assert VALUE.encode() not in stored(peopled, tmp_path)


@pytest.mark.parametrize("value", ["", 5, None, {"secret": True}, ["x"], "other", "planted-" + "x" * 20_000])
async def test_what_is_no_such_secret_is_refused_without_repeating_it(peopled: House, value: Any) -> None:
    await peopled.put(incident(attempt(), playbook="book"))
    status, said = await post(peopled, "/1/approve", {"digest": DIGEST, "inputs": {"token": value}})
    assert (status, "inputs.token" in said) == (400, True)
    assert not (isinstance(value, str) and len(value) > 5 and value in said)
    assert (await written(peopled), peopled.vault.entrusted()) == ([], ())


async def test_nothing_is_held_of_what_could_not_be_written(peopled: House) -> None:
    await peopled.put(incident(attempt(), playbook="book"))
    assert (await post(peopled, "/1/approve", {"digest": "ffff", "inputs": {"token": VALUE}}))[0] == 409
    assert peopled.vault.entrusted() == ()
    for _ in range(100):
        peopled.vault.hold("x", incident=1, attempt=1)
    status, said = await post(peopled, "/1/approve", {"digest": DIGEST, "inputs": {"token": VALUE}})
    assert (status, "give it again" in said) == (503, True)
    assert await written(peopled) == []


async def test_who_breaks_the_glass_may_give_it_and_nothing_else(peopled: House) -> None:
    blocked = attempt(state=ActionState.BLOCKED, blocks=("cooldown",))
    await peopled.put(incident(blocked, playbook="book"))
    body = {"digest": DIGEST, "why": "all is down"}
    assert (await post(peopled, "/1/break-glass", {**body, "inputs": {"x": 1}}, BOB))[0] == 400
    assert (await post(peopled, "/1/break-glass", {**body, "inputs": {"token": VALUE}}, BOB))[0] == 202
    assert len(peopled.vault.entrusted()) == 1


async def test_a_secret_is_no_parameter_of_what_is_asked_for_by_hand(peopled: House) -> None:
    await peopled.put(incident(playbook="book"))
    params = {"name": "api", "key": "token", "value": VALUE}
    status, said = await post(peopled, "", {"action": "kubernetes.patch_secret", "params": params})
    assert (status, "params.value" in said, VALUE in said) == (400, True, False)
    assert await written(peopled) == []


async def test_a_secret_is_not_given_to_what_is_asked_for_by_its_name_in_the_playbook(peopled: House) -> None:
    await peopled.put(incident(playbook="book"))
    status, said = await post(peopled, "", {"action": "restart", "params": {"token": VALUE}})
    assert (status, "params.token" in said, VALUE in said) == (400, True, False)
    assert await written(peopled) == []
    assert (await post(peopled, "", {"action": "restart", "params": {}}))[0] == 202
