"""The incoming webhook, against a Slack that speaks HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from responder.errors import NotConfigured, PermanentError, TransientError
from responder.model.message import Code, Value
from responder.notifiers.slack_webhook import SlackWebhook
from responder.plugins.notifier import Outgoing
from tests.clients.messages import DIAGNOSED, OPENED
from tests.notifiers.world import World
from tests.servers.slack import FakeSlack

HOOK = SlackWebhook()
PARAMS = SlackWebhook.Params(to="incidents")


@pytest_asyncio.fixture
async def world(fake_slack: FakeSlack) -> AsyncIterator[World]:
    world = World(webhooks={"incidents": fake_slack.webhook("incidents")})
    yield world
    await world.close()


async def test_a_message_is_posted_whole(fake_slack: FakeSlack, world: World) -> None:
    ref = await HOOK.notify(PARAMS, Outgoing(DIAGNOSED, "k/1"), world.tools())
    (message,) = fake_slack.messages("incidents")
    assert "Likely cause" in message.shown
    assert ref
    assert not HOOK.edits


async def test_what_does_not_fit_is_not_promised_for_a_thread(fake_slack: FakeSlack, world: World) -> None:
    long = replace(OPENED, title=(Value("<!channel>"),), blocks=(Code(tuple("x" * 80 for _ in range(500))),))
    await HOOK.notify(PARAMS, Outgoing(long, "k/1"), world.tools())
    (message,) = fake_slack.messages("incidents")
    assert "thread" not in message.shown
    assert "more lines not shown" in message.shown
    assert message.pings == []


@pytest.mark.parametrize("outage", [{"status": 503}, {"status": 429}, {"drop": "before"}])
async def test_an_outage_is_transient(fake_slack: FakeSlack, world: World, outage: dict[str, object]) -> None:
    fake_slack.fail("webhook", **outage)
    with pytest.raises(TransientError):
        await HOOK.notify(PARAMS, Outgoing(OPENED, "k/1"), world.tools())


async def test_a_refusal_is_permanent_and_does_not_tell_the_address(fake_slack: FakeSlack, world: World) -> None:
    address = str(world.webhooks["incidents"])
    fake_slack.webhooks.clear()
    with pytest.raises(PermanentError, match=r"incidents.*no_service") as raised:
        await HOOK.notify(PARAMS, Outgoing(OPENED, "k/1"), world.tools())
    assert "/services/" not in str(raised.value)
    await fake_slack.stop()
    with pytest.raises(TransientError) as unreachable:
        await HOOK.notify(PARAMS, Outgoing(OPENED, "k/1"), world.tools())
    assert "/services/" not in str(unreachable.value)
    assert address not in repr(world.destinations().find("slack_webhook", "incidents"))


async def test_an_unknown_name_is_answered_with_those_there_are(world: World) -> None:
    with pytest.raises(NotConfigured, match=r"slack\.webhooks\.other .* incidents"):
        await HOOK.notify(SlackWebhook.Params(to="other"), Outgoing(OPENED, "k/1"), world.tools())
