"""The Slack notifier, against a Slack that speaks HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import ValidationError

from responder.errors import PermanentError, TransientError
from responder.model.message import Code, Message, Own, Paragraph, Purpose
from responder.model.verdict import Json
from responder.notifiers.slack import Slack
from responder.plugins.notifier import Outgoing
from tests.clients.messages import CHART, DIAGNOSED, OPENED, RESOLVED
from tests.notifiers.world import World
from tests.servers.slack import SCOPES, FakeSlack

SLACK = Slack()
PARAMS = Slack.Params(channel="#incidents", mention=("here", "U12345678", "S12345678"))
KEY = "INC-12/notify/default/incidents"
REPLY = replace(
    OPENED,
    purpose=Purpose.REPLY,
    title=(Own("Severity raised to P0"),),
    blocks=(Paragraph((Own("Errors doubled."),)),),
    broadcast=True,
)
EVIDENCE = replace(OPENED, purpose=Purpose.EVIDENCE, title=(Own("Evidence"),), blocks=(Code(("a", "b"), "Log"), CHART))


@pytest_asyncio.fixture
async def world(fake_slack: FakeSlack) -> AsyncIterator[World]:
    world = World(slack_token=fake_slack.token, slack_url=fake_slack.base_url)
    yield world
    await world.close()


async def _tell(
    world: World, message: Message, ref: Json = None, *, number: int = 1, retry: bool = False, tools: object = None
) -> Json:
    key = f"{KEY}/{message.purpose}/{number}"
    return await SLACK.notify(PARAMS, Outgoing(message, key, ref, retry), tools or world.tools())  # type: ignore[arg-type]


async def test_an_incident_is_one_message_from_opening_to_end(fake_slack: FakeSlack, world: World) -> None:
    tools = world.tools()
    ref = await _tell(world, OPENED, tools=tools)
    ref = await _tell(world, DIAGNOSED, ref, number=2, tools=tools)
    ref = await _tell(world, RESOLVED, ref, number=3, tools=tools)
    (message,) = fake_slack.messages("#incidents")
    assert message.edits == 2
    assert "*Resolved* after 23m" in message.shown
    assert message.pings == []
    assert fake_slack.thread(message) == []


async def test_a_crash_between_answer_and_commit_doubles_nothing(fake_slack: FakeSlack, world: World) -> None:
    first = await _tell(world, OPENED)
    second = await _tell(world, DIAGNOSED, retry=True)
    assert second == first
    (message,) = fake_slack.messages()
    assert "Likely cause" in message.shown


async def test_a_later_sending_finds_what_a_failed_one_left(fake_slack: FakeSlack, world: World) -> None:
    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(TransientError):
        await _tell(world, OPENED)
    ref = await _tell(world, DIAGNOSED, number=2)
    (message,) = fake_slack.messages()
    assert isinstance(ref, dict)
    assert ref["ts"] == message.ts


async def test_an_outage_delays_and_loses_nothing(fake_slack: FakeSlack, world: World) -> None:
    outage = fake_slack.fail("*", status=503, times=1000)
    for number in (1, 2):
        with pytest.raises(TransientError):
            await _tell(world, OPENED, number=number, retry=True)
    outage.times = 0
    await _tell(world, OPENED, number=3)
    assert len(fake_slack.messages()) == 1


async def test_a_reply_mentions_people_in_the_thread_and_the_channel(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    assert await _tell(world, REPLY, ref) == ref
    living, shown = fake_slack.messages()
    assert fake_slack.thread(living) == [shown]
    assert shown.pings == ["!here", "@U12345678", "!subteam^S12345678"]
    assert "Severity raised to P0" in shown.shown


async def test_a_repeated_reply_stands_once(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    await _tell(world, REPLY, ref)
    await _tell(world, REPLY, ref, retry=True)
    await _tell(world, REPLY, ref, number=2)
    assert len(fake_slack.thread(fake_slack.messages()[0])) == 2


async def test_evidence_and_chart_go_into_the_thread_once(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    assert await _tell(world, EVIDENCE, ref) == ref
    await _tell(world, EVIDENCE, ref, retry=True)
    (living,) = fake_slack.messages()
    thread = fake_slack.thread(living)
    assert ["Log" in answer.shown for answer in thread] == [True, False]
    assert [file["title"] for answer in thread for file in answer.files] == ["Error rate"]
    assert [content[:4] for content in fake_slack.uploads.values()] == [b"\x89PNG"]
    assert all(answer.pings == [] for answer in thread)


async def test_evidence_interrupted_between_text_and_chart_is_completed(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    fake_slack.fail("files.completeUploadExternal", status=503)
    with pytest.raises(TransientError):
        await _tell(world, EVIDENCE, ref)
    await _tell(world, EVIDENCE, ref, retry=True)
    thread = fake_slack.thread(fake_slack.messages()[0])
    assert sorted(len(answer.files) for answer in thread) == [0, 1]


async def test_a_missing_scope_for_files_holds_up_nothing(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    fake_slack.scopes = SCOPES - {"files:write"}
    await _tell(world, EVIDENCE, ref)
    assert len(fake_slack.thread(fake_slack.messages()[0])) == 1


async def test_evidence_longer_than_a_message_is_a_file_besides(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    log = Code(tuple(f"line {number} of a long log" for number in range(3000)), "Log")
    await _tell(world, replace(EVIDENCE, blocks=(log,)), ref)
    (text,) = fake_slack.uploads.values()
    assert b"line 2999" in text


async def test_what_does_not_fit_is_one_reply_that_is_edited_too(fake_slack: FakeSlack, world: World) -> None:
    long = replace(OPENED, blocks=(*OPENED.blocks, Code(tuple(f"old {n}" for n in range(600)), "Log")))
    tools = world.tools()
    ref = await _tell(world, long, tools=tools)
    again = await _tell(world, long, ref, number=2, tools=tools)
    assert again == ref
    longer = replace(long, blocks=(*OPENED.blocks, Code(tuple(f"new {n}" for n in range(600)), "Log")))
    await _tell(world, longer, ref, number=3, tools=tools)
    (living,) = fake_slack.messages()
    assert "in the thread" in living.shown
    (rest,) = fake_slack.thread(living)
    assert "new 599" in rest.shown
    assert rest.edits == 1


async def test_trouble_with_the_rest_does_not_hold_up_the_message(fake_slack: FakeSlack, world: World) -> None:
    long = replace(OPENED, blocks=(Code(tuple(f"old {n}" for n in range(600)), "Log"),))
    ref = await _tell(world, OPENED)
    fake_slack.fail("chat.postMessage", drop="after")
    ref = await _tell(world, long, ref, number=2)
    ref = await _tell(world, long, ref, number=3)
    (living,) = fake_slack.messages()
    assert len(fake_slack.thread(living)) == 1
    assert isinstance(ref, dict)
    assert "rest_digest" in ref


async def test_a_deleted_message_is_posted_anew(fake_slack: FakeSlack, world: World) -> None:
    ref = await _tell(world, OPENED)
    fake_slack.channels["C00000000"].messages.clear()
    fresh = await _tell(world, DIAGNOSED, ref, number=2)
    (message,) = fake_slack.messages()
    assert isinstance(fresh, dict)
    assert fresh["ts"] == message.ts


async def test_evidence_without_a_message_is_refused(world: World) -> None:
    with pytest.raises(PermanentError):
        await _tell(world, EVIDENCE)


@pytest.mark.parametrize("who", ["@anna", "anna", "<!channel>", "everyone"])
def test_a_mention_that_would_notify_nobody_is_refused(who: str) -> None:
    with pytest.raises(ValidationError):
        Slack.Params(channel="#incidents", mention=(who,))
