"""The Slack client against a Slack that speaks HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from responder.clients.slack.client import SlackClient
from responder.clients.slack.web_api import Time
from responder.errors import CallError, MessageGone, PermanentError, TransientError
from responder.model.message import Message, Purpose
from tests.clients.messages import DIAGNOSED, OPENED, RESOLVED
from tests.servers.slack import SCOPES, FakeSlack


class Clock:
    """Monotonic seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    @property
    def time(self) -> Time:
        return Time(clock=lambda: self.seconds, sleep=self.sleep, now=lambda: datetime.now(UTC))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def slack(fake_slack: FakeSlack, clock: Clock) -> AsyncIterator[SlackClient]:
    client = SlackClient(token=fake_slack.token, base_url=fake_slack.base_url, time=clock.time)
    yield client
    await client.close()


async def _post(slack: SlackClient, message: Message = OPENED, key: str = "k1", **more: object) -> dict[str, str]:
    args = {"key": key, "look_first": False, "channel": "#incidents", **more}
    return dict(await slack.post(message=message, **args))  # type: ignore[arg-type]


async def _forgetful(fake_slack: FakeSlack, clock: Clock) -> SlackClient:
    """Start a client that knows nothing of what was sent before, as after a crash."""
    return SlackClient(token=fake_slack.token, base_url=fake_slack.base_url, time=clock.time)


async def test_one_message_is_posted_and_then_edited(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    assert await slack.update(ref, DIAGNOSED) == ref
    await slack.update(ref, RESOLVED)
    (message,) = fake_slack.messages("#incidents")
    assert message.edits == 2
    assert "✅ P1 · High error rate" in message.shown
    assert message.metadata["event_payload"] == {"key": "k1", "incident": "INC-12"}


async def test_a_channel_may_be_given_by_name_or_id(fake_slack: FakeSlack, slack: SlackClient) -> None:
    identity = fake_slack.channel("other")
    await _post(slack, channel="other")
    await _post(slack, channel="#other", key="k2")
    await _post(slack, channel=identity, key="k3")
    assert len(fake_slack.messages(identity)) == 3


async def test_a_post_whose_answer_was_lost_is_not_repeated_by_itself(
    fake_slack: FakeSlack, slack: SlackClient
) -> None:
    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(TransientError):
        await _post(slack)
    assert len(fake_slack.requests("chat.postMessage")) == 1
    assert len(fake_slack.messages()) == 1


@pytest.mark.parametrize("channel", ["#incidents", "incidents", "C00000000"])
async def test_a_crash_between_answer_and_commit_leads_to_adoption(
    fake_slack: FakeSlack, slack: SlackClient, clock: Clock, channel: str
) -> None:
    first = await _post(slack, channel=channel)
    other = await _forgetful(fake_slack, clock)
    try:
        second = await _post(other, DIAGNOSED, channel=channel, look_first=True)
    finally:
        await other.close()
    assert second == first
    (message,) = fake_slack.messages("#incidents")
    assert "Likely cause" in message.shown


async def test_a_lost_answer_leads_to_adoption_of_a_reply_too(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    reply = replace(OPENED, purpose=Purpose.REPLY)
    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(TransientError):
        await _post(slack, reply, key="r1", thread=ref["ts"])
    again = await _post(slack, reply, key="r1", thread=ref["ts"], look_first=True)
    (message,) = fake_slack.messages()
    assert [answer.ts for answer in fake_slack.thread(message)] == [again["ts"]]


async def test_what_is_looked_for_and_not_there_is_posted(fake_slack: FakeSlack, slack: SlackClient) -> None:
    await _post(slack, key="k1")
    await _post(slack, key="k2", look_first=True)
    await _post(slack, replace(OPENED, incident="INC-13"), key="k1", look_first=True)
    assert len(fake_slack.messages()) == 3


async def test_a_message_is_found_on_a_later_page(fake_slack: FakeSlack, slack: SlackClient) -> None:
    first = await _post(slack)
    channel = fake_slack.channels[first["channel"]]
    old = channel.messages[first["ts"]]
    for number in range(450):
        later = f"{float(first['ts']) + 1:.0f}.{number:06d}"
        channel.messages[later] = replace(old, ts=later, metadata={})
    assert await _post(slack, look_first=True) == first


async def test_a_search_ends_at_the_bound_of_its_age(fake_slack: FakeSlack, slack: SlackClient) -> None:
    first = await _post(slack)
    channel = fake_slack.channels[first["channel"]]
    ancient = f"{(datetime.now(UTC) - timedelta(days=30)).timestamp():.6f}"
    channel.messages = {ancient: replace(channel.messages[first["ts"]], ts=ancient)}
    assert (await _post(slack, look_first=True))["ts"] != ancient


async def test_an_app_that_may_not_look_posts_rather_than_stays_silent(
    fake_slack: FakeSlack, slack: SlackClient
) -> None:
    fake_slack.scopes = SCOPES - {"channels:history"}
    await _post(slack)
    await _post(slack, look_first=True)
    assert len(fake_slack.messages()) == 2


async def test_looking_fails_for_now_when_slack_is_out_of_order(fake_slack: FakeSlack, slack: SlackClient) -> None:
    fake_slack.fail("conversations.history", status=503, times=5)
    with pytest.raises(TransientError):
        await _post(slack, look_first=True)
    assert fake_slack.messages() == []


@pytest.mark.parametrize(
    "outage",
    [
        {"status": 500},
        {"status": 502},
        {"status": 503},
        {"error": "fatal_error"},
        {"error": "internal_error"},
        {"error": "service_unavailable"},
        {"drop": "before"},
        {"retry_after": 3},
    ],
)
async def test_an_outage_is_transient(fake_slack: FakeSlack, slack: SlackClient, outage: dict[str, object]) -> None:
    fake_slack.fail("*", times=4, **outage)
    with pytest.raises(TransientError):
        await _post(slack)
    with pytest.raises(TransientError):
        await slack.update({"channel": "C00000000", "ts": "1.0"}, OPENED)


async def test_a_slack_that_is_not_there_is_transient(fake_slack: FakeSlack, slack: SlackClient) -> None:
    await fake_slack.stop()
    with pytest.raises(TransientError) as raised:
        await _post(slack)
    assert fake_slack.token not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        ("not_in_channel", "invite it there with /invite @responder"),
        ("channel_not_found", "no channel #incidents"),
        ("is_archived", "#incidents is archived"),
        ("invalid_auth", "slack.bot_token"),
        ("restricted_action", "restricted"),
        ("something_new", "something_new"),
    ],
)
async def test_what_a_person_has_to_mend_is_permanent_and_says_how(
    fake_slack: FakeSlack, slack: SlackClient, error: str, cure: str
) -> None:
    fake_slack.fail("chat.postMessage", error=error)
    with pytest.raises(PermanentError, match=cure) as raised:
        await _post(slack)
    assert fake_slack.token not in repr(raised.value) + repr(raised.value.__cause__)


async def test_a_missing_scope_is_named(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    fake_slack.scopes = SCOPES - {"files:write"}
    with pytest.raises(PermanentError, match="files:write"):
        await slack.upload(ref, name="a.txt", title="A", content=b"a")


async def test_a_deleted_message_is_told_apart(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    fake_slack.channels[ref["channel"]].messages.clear()
    with pytest.raises(MessageGone, match="#incidents is gone"):
        await slack.update(ref, DIAGNOSED)


async def test_a_wait_asked_for_in_one_channel_holds_no_other(fake_slack: FakeSlack, slack: SlackClient) -> None:
    fake_slack.channel("other")
    fake_slack.fail("chat.postMessage", retry_after=30)
    with pytest.raises(TransientError) as first:
        await _post(slack)
    with pytest.raises(TransientError) as second:
        await _post(slack, key="k2")
    assert first.value.delay == timedelta(seconds=30)
    assert second.value.delay is not None
    assert second.value.delay >= timedelta(seconds=30)
    assert len(fake_slack.requests("chat.postMessage")) == 1
    await _post(slack, channel="#other")
    assert len(fake_slack.messages("#other")) == 1


async def test_posts_to_a_channel_are_paced_and_the_rest_told_when_to_come(
    fake_slack: FakeSlack, slack: SlackClient, clock: Clock
) -> None:
    outcomes = await asyncio.gather(*(_outcome(_post(slack, key=f"k{n}")) for n in range(12)))
    waiting = [error for error in outcomes if error]
    assert len(fake_slack.messages()) < 12
    assert waiting
    assert all(isinstance(error, TransientError) and error.delay for error in waiting)
    assert max(clock.slept, default=0.0) <= 1.0


async def _outcome(call: Awaitable[object]) -> CallError | None:
    try:
        await call
    except CallError as error:
        return error
    return None


async def test_edits_of_one_message_keep_a_second_apart(
    fake_slack: FakeSlack, slack: SlackClient, clock: Clock
) -> None:
    ref = await _post(slack)
    for _ in range(3):
        await slack.update(ref, DIAGNOSED)
    assert clock.slept == [1.0, 1.0]


async def test_an_edit_survives_one_lost_connection(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    fake_slack.fail("chat.update", drop="after")
    await slack.update(ref, DIAGNOSED)
    assert [message.edits for message in fake_slack.messages()] == [2]


async def test_a_file_goes_into_the_thread_once(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    await slack.upload(ref, name="chart-1.png", title="Error rate", content=b"png")
    await slack.upload(ref, name="chart-1.png", title="Error rate", content=b"png", look_first=True)
    (message,) = fake_slack.messages()
    assert [file["title"] for reply in fake_slack.thread(message) for file in reply.files] == ["Error rate"]
    assert list(fake_slack.uploads.values()) == [b"png"]


async def test_a_reply_can_be_seen_in_the_channel_too(fake_slack: FakeSlack, slack: SlackClient) -> None:
    ref = await _post(slack)
    await _post(slack, replace(OPENED, purpose=Purpose.REPLY, broadcast=True), key="r", thread=ref["ts"])
    assert len(fake_slack.messages()) == 2


async def test_a_private_channel_is_adopted_from_where_the_app_may_see_it(
    fake_slack: FakeSlack, slack: SlackClient, clock: Clock
) -> None:
    fake_slack.channel("secret", private=True)
    fake_slack.scopes = SCOPES | {"groups:read"}
    first = await _post(slack, channel="#secret")
    other = await _forgetful(fake_slack, clock)
    try:
        assert await _post(other, channel="#secret", look_first=True) == first
    finally:
        await other.close()


async def test_the_check_says_who_we_are(slack: SlackClient) -> None:
    assert await slack.check() == "Example as U0BOT"


async def test_what_does_not_fit_is_known_before(slack: SlackClient) -> None:
    assert slack.overflow(DIAGNOSED) == ()
    assert slack.overflow(replace(DIAGNOSED, blocks=DIAGNOSED.blocks * 12)) != ()


async def test_a_proxy_of_the_system_is_used_but_not_for_what_it_excludes(
    fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", fake_slack.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    through = SlackClient(token=fake_slack.token, base_url="http://elsewhere.test/api/")
    past = SlackClient(token=fake_slack.token, base_url="http://127.0.0.1:9/api/")
    try:
        assert await through.check() == "Example as U0BOT"
        with pytest.raises(TransientError, match="reached"):
            await past.check()
    finally:
        await through.close()
        await past.close()
