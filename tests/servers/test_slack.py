"""The fake Slack refuses what the real one refuses."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.slack import FakeSlack


@pytest_asyncio.fixture
async def client(fake_slack: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(fake_slack.token, base_url=fake_slack.base_url, session=session, retry_handlers=[])


async def _error(client: AsyncWebClient, method: str, **args: object) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=dict(args))
    return str(raised.value.response["error"])


async def test_a_message_is_posted_edited_and_seen(fake_slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#incidents", text="one")
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    (message,) = fake_slack.messages("#incidents")
    assert (message.text, message.edits) == ("two", 1)
    assert [call.method for call in fake_slack.calls] == ["chat.postMessage", "chat.update"]


async def test_what_slack_refuses_is_refused(fake_slack: FakeSlack, client: AsyncWebClient) -> None:
    fake_slack.channel("old", archived=True)
    strange = fake_slack.channel("strange", member=False)
    posted = await client.chat_postMessage(channel="#incidents", text="one")
    home = posted["channel"]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    divider = {"type": "divider"}
    assert await _error(client, "chat.postMessage", channel="#nowhere", text="x") == "channel_not_found"
    assert await _error(client, "chat.postMessage", channel="#old", text="x") == "is_archived"
    assert await _error(client, "chat.postMessage", channel="#incidents") == "no_text"
    assert await _error(client, "chat.postMessage", channel=home, text="x", blocks=[section]) == "invalid_blocks"
    assert await _error(client, "chat.postMessage", channel=home, text="x", blocks=[divider] * 51) == "invalid_blocks"
    assert await _error(client, "chat.update", channel=home, ts="1.0", text="x") == "message_not_found"
    assert await _error(client, "chat.update", channel=home, ts=posted["ts"], text="x" * 4001) == "msg_too_long"
    assert await _error(client, "chat.update", channel="#incidents", ts=posted["ts"], text="x") == "channel_not_found"
    assert await _error(client, "conversations.history", channel=strange) == "not_in_channel"
    fake_slack.scopes = frozenset()
    assert await _error(client, "conversations.history", channel=home) == "missing_scope"
    client.token = "xoxb-wrong"
    assert await _error(client, "auth.test") == "invalid_auth"


async def test_blocks_are_too_long_together(fake_slack: FakeSlack, client: AsyncWebClient) -> None:
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5
    assert await _error(client, "chat.postMessage", channel="#incidents", text="x", blocks=sections) == (
        "msg_blocks_too_long"
    )


async def test_a_file_goes_into_a_thread(fake_slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#incidents", text="one")
    await client.files_upload_v2(channel=posted["channel"], thread_ts=posted["ts"], content=b"abc", filename="a.txt")
    (message,) = fake_slack.messages()
    assert [file["name"] for reply in fake_slack.thread(message) for file in reply.files] == ["a.txt"]


async def test_a_connection_dropped_afterwards_leaves_the_message(
    fake_slack: FakeSlack, client: AsyncWebClient
) -> None:
    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="#incidents", text="one")
    fake_slack.fail("chat.postMessage", drop="before")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="#incidents", text="two")
    assert [message.text for message in fake_slack.messages()] == ["one"]


async def test_a_full_channel_answers_429_and_another_does_not(client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    fake_slack.channel("other")
    fake_slack.burst = 1
    await client.chat_postMessage(channel="#incidents", text="one")
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="#incidents", text="two")
    assert raised.value.response.status_code == 429
    assert raised.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel="#other", text="three")


async def test_a_webhook_answers_ok_and_no_ts(fake_slack: FakeSlack) -> None:
    url = fake_slack.webhook("incidents")
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"text": "hello <!channel>"}) as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with session.post(url + "0", json={"text": "hello"}) as answer:
            assert (answer.status, await answer.text()) == (404, "no_service")
        async with session.post(url, json={}) as answer:
            assert (answer.status, await answer.text()) == (400, "no_text")
    (message,) = fake_slack.messages("incidents")
    assert message.pings == ["!channel"]
