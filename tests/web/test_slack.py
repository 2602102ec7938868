"""Buttons in Slack: only what Slack signed, only whom the settings know, answered before Slack gives up."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from responder.clients.slack.client import SlackClient
from responder.errors import PermanentError
from responder.model.action import ActionState, Attempt
from responder.model.message import Button, Buttons, Message, Own
from responder.model.press import Press, Word
from responder.model.timeline import Answered
from tests.servers.slack import FakeSlack
from tests.servers.slack_people import SlackPerson, signed
from tests.servers.slack_workspace import Message as Posted
from tests.servers.web import WebServers
from tests.web.acting_world import DIGEST, PEOPLE, asking, attempt, incident, written
from tests.web.conftest import Open
from tests.web.house import NOW, House

SECRET = "signing-secret-of-the-tests"


class Scene:
    """A message with buttons in Slack, and who presses them."""

    def __init__(self, house: House, slack: FakeSlack, client: SlackClient) -> None:
        self.house, self.slack, self._client = house, slack, client
        self.url = f"{house.url}/v1/slack/interactions"
        self.ann = SlackPerson(slack, self.url, SECRET, "U0ANN", lambda: NOW)
        self.bob = replace(self.ann, member="U0BOB")

    async def offer(self, word: Word, one: Attempt, *, digest: str = DIGEST, playbook: str = "") -> Posted:
        """Store the incident and post a message with one button."""
        await self.house.put(incident(one, playbook=playbook))
        button = Button("Press", Press(word, 17, one.number, digest))
        message = Message("INC-17", (Own("Errors"),), "Errors", "open", "P1", 1, (Buttons((button,)),))
        await self._client.post("incidents", message, key="k", look_first=False)
        return self.slack.messages("incidents")[-1]

    @property
    def told(self) -> list[tuple[str, str]]:
        """What was said to whom alone."""
        assert all(body["response_type"] == "ephemeral" for _, body in self.slack.told)
        return [(member, body["text"]) for member, body in self.slack.told]


@pytest_asyncio.fixture
async def scene(open_house: Open, fake_slack: FakeSlack) -> AsyncIterator[Scene]:
    slack = {"bot_token": fake_slack.token, "base_url": fake_slack.base_url, "signing_secret": SECRET}
    house = await open_house(people=PEOPLE, slack=slack)
    client = SlackClient(token=fake_slack.token, base_url=fake_slack.base_url, pressed=True)
    yield Scene(house, fake_slack, client)
    await client.close()


@pytest.mark.parametrize(
    ("word", "state", "answer"),
    [
        ("approve", ActionState.PROPOSED, "yes"),
        ("approve", ActionState.EXPIRED, "yes"),
        ("reject", ActionState.PROPOSED, "no"),
        ("undo", ActionState.DONE, "undo"),
        ("happened", ActionState.IN_DOUBT, "happened"),
        ("not-happened", ActionState.IN_DOUBT, "not_happened"),
    ],
)
async def test_a_press_is_the_word_of_the_person(scene: Scene, word: Word, state: ActionState, answer: str) -> None:
    message = await scene.offer(word, attempt(state=state))
    assert await scene.ann.press(message, "Press") == 200
    (said,) = await written(scene.house)
    assert isinstance(said, Answered)
    assert (said.answer, said.by, said.roles, said.via) == (answer, "ann", ("on-call",), "slack")
    assert scene.told == []


async def test_whom_nobody_knows_is_told_alone_how_to_be_known(scene: Scene) -> None:
    message = await scene.offer("approve", attempt())
    assert await replace(scene.ann, member="U0EVE").press(message, "Press") == 200
    ((member, text),) = scene.told
    assert member == "U0EVE"
    assert "have `people.NAME.slack: U0EVE` and your roles added" in text
    assert await written(scene.house) == []


async def test_a_press_on_what_has_changed_since_is_told_and_not_written(scene: Scene) -> None:
    message = await scene.offer("approve", attempt(), digest="ffff00001111")
    assert await scene.ann.press(message, "Press") == 200
    ((_, text),) = scene.told
    assert "approve INC-17/1: what it would do has changed since that was shown" in text
    assert await written(scene.house) == []


async def test_a_lost_store_is_told_to_the_person(scene: Scene) -> None:
    message = await scene.offer("approve", attempt())
    await scene.house.lose_store()
    assert await scene.ann.press(message, "Press") == 200
    assert len(scene.told) == 1


async def test_inputs_are_asked_for_in_a_dialog_checked_in_it_and_written(scene: Scene) -> None:
    await scene.house.keep("of-17", asking(count={"type": "int", "describe": "How many replicas"}))
    message = await scene.offer("approve", attempt(inputs={"count": 3}), playbook="of-17")
    assert await scene.ann.press(message, "Press") == 200
    (view,) = scene.slack.views
    assert "How many replicas" in view.shown
    assert "restart the 3 pods of api" in view.shown
    assert await written(scene.house) == []
    wrong = await scene.ann.submit(view, {"input.count": "many"})
    assert wrong == (200, {"response_action": "errors", "errors": {"input.count": "a whole number is wanted"}})
    assert await scene.ann.submit(view, {"input.count": "4"}) == (200, {})
    (said,) = await written(scene.house)
    assert isinstance(said, Answered)
    assert (said.answer, said.inputs, said.digest) == ("yes", {"count": 4}, DIGEST)


async def test_a_secret_is_not_asked_for_in_slack_but_how_to_give_it_is_told(scene: Scene) -> None:
    await scene.house.keep("book", asking(token={"type": "secret"}))
    message = await scene.offer("approve", attempt(), playbook="book")
    assert await scene.ann.press(message, "Press") == 200
    ((member, text),) = scene.told
    assert (member, "`responder approve INC-17/1 --input token=@FILE`" in text) == ("U0ANN", True)
    assert await written(scene.house) == []


async def test_a_secret_that_was_given_already_leaves_the_button_a_yes(scene: Scene) -> None:
    await scene.house.keep("book", asking(token={"type": "secret"}))
    held = scene.house.vault.hold("planted", incident=17, attempt=1)
    message = await scene.offer("approve", attempt(inputs={"token": held.mark}), playbook="book")
    assert await scene.ann.press(message, "Press") == 200
    (said,) = await written(scene.house)
    assert isinstance(said, Answered)
    assert (said.answer, said.inputs) == ("yes", {})


async def test_breaking_the_glass_asks_for_a_reason_and_for_the_role(scene: Scene) -> None:
    message = await scene.offer("break-glass", attempt(state=ActionState.BLOCKED))
    assert await scene.ann.press(message, "Press") == 200
    assert "breaking the glass takes the role admin, which ann has not" in scene.told[0][1]
    assert await scene.bob.press(message, "Press") == 200
    (view,) = scene.slack.views
    assert (await scene.bob.submit(view, {"why": "  "}))[1]["errors"] == {
        "why": "breaking the glass takes a written reason"
    }
    assert await scene.bob.submit(view, {"why": "all is down"}) == (200, {})
    (said,) = await written(scene.house)
    assert isinstance(said, Answered)
    assert (said.answer, said.why) == ("break_glass", "all is down")


async def test_a_dialog_filled_in_by_somebody_else_is_theirs(scene: Scene) -> None:
    message = await scene.offer("break-glass", attempt())
    await scene.bob.press(message, "Press")
    status, shown = await scene.ann.submit(scene.slack.views[0], {"why": "let me"})
    assert (status, "takes the role admin, which ann has not" in shown["errors"]["why"]) == (200, True)
    assert await written(scene.house) == []


async def test_a_dialog_that_cannot_be_opened_is_told(scene: Scene) -> None:
    scene.slack.fail("views.open", error="expired_trigger_id")
    message = await scene.offer("break-glass", attempt())
    await scene.bob.press(message, "Press")
    assert "the dialog could not be opened, press again" in scene.told[0][1]


async def test_slack_is_answered_in_time_even_when_slack_itself_hangs_and_the_rest_follows(scene: Scene) -> None:
    scene.slack.fail("views.open", hang=2.5)
    message = await scene.offer("break-glass", attempt())
    assert await scene.bob.press(message, "Press") == 200
    assert scene.told == []
    await scene.house.close()
    assert len(scene.told) == 1


ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "https://hooks.slack.com.evil.example/actions/x",
    "https://hooks.slack.com@evil.example/",
    "http://hooks.slack.com/actions/x",
    "https://hooks.slack.com:8443/actions/x",
    "https://evil.example/?https://hooks.slack.com/",
    "file:///etc/passwd",
    "//hooks.slack.com/x",
    "https://user:pass@hooks.slack.com/",
    "not a url",
)


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_nothing_is_told_to_an_address_that_is_not_slacks(fake_slack: FakeSlack, url: str) -> None:
    client = SlackClient(token=fake_slack.token, base_url=fake_slack.base_url)
    with pytest.raises(PermanentError, match="is not Slack's: nothing is sent there"):
        await client.respond(url, "x")
    await client.close()


async def test_a_press_that_names_another_server_as_its_answers_address_tells_it_nothing(
    scene: Scene, web_servers: WebServers
) -> None:
    asked: list[str] = []

    async def seen(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    elsewhere = await web_servers.serve(seen)
    message = await scene.offer("approve", attempt())
    payload = scene.ann.block_actions(message, message.blocks[-1]["elements"][0])
    payload |= {"user": {"id": "U0EVE"}, "response_url": f"{elsewhere}/actions/x"}
    assert (await scene.ann.send(payload))[0] == 200
    assert (asked, scene.told, await written(scene.house)) == ([], [], [])


def _body(payload: Any) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


async def _post(scene: Scene, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(scene.url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_only_what_slack_signed_just_now_is_taken(scene: Scene) -> None:
    message = await scene.offer("reject", attempt())
    button = message.blocks[-1]["elements"][0]
    body = _body(scene.ann.block_actions(message, button))
    good = signed(SECRET, body, NOW)
    forged: list[dict[str, str]] = [
        signed("another secret", body, NOW),
        signed(SECRET, body + b" ", NOW),
        signed(SECRET, body, NOW - timedelta(seconds=301)),
        signed(SECRET, body, NOW + timedelta(seconds=301)),
        {**good, "X-Slack-Signature": ""},
        {**good, "X-Slack-Signature": "v0=\u00e4"},
        {**good, "X-Slack-Request-Timestamp": "abc"},
        {**good, "X-Slack-Request-Timestamp": "1e9"},
        {name: value for name, value in good.items() if not name.startswith("X-Slack")},
    ]
    for headers in forged:
        assert (await _post(scene, body, headers))[0] == 401
    assert await written(scene.house) == []
    assert (await _post(scene, body, good))[0] == 200
    assert len(await written(scene.house)) == 1


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"\xff\xfe", b"payload=1&payload=2", _body({"type": 1})]
)
async def test_what_slack_never_sends_is_refused(scene: Scene, body: bytes) -> None:
    assert (await _post(scene, body, signed(SECRET, body, NOW)))[0] == 400


@pytest.mark.parametrize(
    "more",
    [
        {"type": "shortcut"},
        {"actions": []},
        {"actions": [{"action_id": "other.1", "value": f"reject:INC-17:1:{DIGEST}"}]},
        {"actions": [{"action_id": "responder.1", "value": "reject:INC-17"}]},
        {"type": "view_submission", "view": {"callback_id": "other", "private_metadata": "{}"}},
        {"type": "view_submission", "view": {"callback_id": "responder.answer", "private_metadata": "[1, 2]"}},
    ],
)
async def test_what_is_about_nothing_of_ours_is_answered_and_left(scene: Scene, more: dict[str, Any]) -> None:
    message = await scene.offer("reject", attempt())
    payload = {**scene.ann.block_actions(message, message.blocks[-1]["elements"][0]), **more}
    assert await scene.ann.send(payload) == (200, "")
    assert (await written(scene.house), scene.told) == ([], [])


async def test_without_the_signing_secret_no_press_is_believed(open_house: Open, fake_slack: FakeSlack) -> None:
    house = await open_house(people=PEOPLE)
    eve = SlackPerson(fake_slack, f"{house.url}/v1/slack/interactions", "", "U0ANN", lambda: NOW)
    status, said = await eve.send({"type": "block_actions", "user": {"id": "U0ANN"}})
    assert (status, "set slack.signing_secret" in said) == (403, True)
