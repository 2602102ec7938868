"""Slack's limits are for the app, so replicas keep one pace between them, over Redis."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from responder.clients.circuit import Circuit
from responder.clients.shared_redis import SharedRedis
from responder.clients.slack.client import SlackClient
from responder.clients.slack.pacing import Rate
from responder.clients.slack.shared_pacing import SharedPace
from responder.clients.slack.web_api import Time, WebApi
from responder.errors import TransientError
from tests.clients.messages import OPENED
from tests.servers.processes import Server
from tests.servers.replicas import Join
from tests.servers.slack import FakeSlack

SLOW = Rate(every=600.0, burst=4, overdraft=2, together=True)
"""So slow that no second place comes up while a test runs."""
OWN = Rate(every=600.0, burst=4)


@pytest.fixture
def server(start_redis: Callable[..., Server]) -> Server:
    return start_redis()


def replica(redis: SharedRedis) -> WebApi:
    pace = SharedPace(redis, identity="xoxb-token")
    return WebApi(token="xoxb-token", base_url="http://127.0.0.1:9/api/", time=Time(), together=pace)


async def sent(api: WebApi, tries: int, rate: Rate = SLOW, *, urgent: bool = False) -> int:
    count = 0
    for number in range(tries):
        try:
            await api.turn("posts/C1", rate, who=f"m{number}", urgent=urgent)
        except TransientError:
            continue
        count += 1
    return count


async def test_replicas_keep_one_pace_in_a_channel(server: Server, join: Join) -> None:
    first, second = replica(join(server.url)), replica(join(server.url))
    assert [await sent(first, 3), await sent(second, 5), await sent(first, 5)] == [3, 1, 0]


async def test_an_urgent_post_goes_before_those_that_wait_anywhere(server: Server, join: Join) -> None:
    first, second = replica(join(server.url)), replica(join(server.url))
    assert [await sent(first, 9), await sent(second, 9, urgent=True)] == [4, 2]


async def test_who_is_turned_away_is_told_when_to_come_back(server: Server, join: Join) -> None:
    first, second = (SharedPace(join(server.url), identity="token") for _ in range(2))
    assert [await first.take("posts/C1", SLOW) for _ in range(4)] == [0.0] * 4
    wait = await second.take("posts/C1", SLOW)
    assert wait is not None
    assert 0 < wait <= SLOW.every


async def test_other_channels_and_other_workspaces_have_their_own(server: Server, join: Join) -> None:
    first, second = SharedPace(join(server.url), identity="token"), SharedPace(join(server.url), identity="another")
    for _ in range(4):
        await first.take("posts/C1", SLOW)
    assert await first.take("posts/C2", SLOW) == 0.0
    assert await second.take("posts/C1", SLOW) == 0.0


async def test_what_is_not_slacks_limit_each_replica_keeps_for_itself(server: Server, join: Join) -> None:
    first, second = replica(join(server.url)), replica(join(server.url))
    assert [await sent(first, 9, OWN), await sent(second, 9, OWN)] == [4, 4]


async def test_without_redis_each_replica_keeps_its_own_pace(server: Server, join: Join) -> None:
    circuits = [Circuit("redis", lambda: datetime.now(UTC)) for _ in range(2)]
    first, second = (replica(join(server.url, circuit=circuit)) for circuit in circuits)
    assert [await sent(first, 2), await sent(second, 2), await sent(second, 1)] == [2, 2, 0]
    server.kill()
    assert [await sent(first, 9), await sent(second, 9)] == [2, 2]
    assert [circuit.state[0] for circuit in circuits] == [False, False]


@pytest.fixture
async def workspace(fake_slack: FakeSlack, server: Server, join: Join) -> AsyncIterator[tuple[SlackClient, ...]]:
    clients = tuple(
        SlackClient(
            token=fake_slack.token,
            base_url=fake_slack.base_url,
            together=SharedPace(join(server.url), identity=fake_slack.token),
        )
        for _ in range(2)
    )
    yield clients
    for client in clients:
        await client.close()


async def test_a_wait_that_slack_asked_one_replica_for_holds_all(
    fake_slack: FakeSlack, workspace: tuple[SlackClient, ...]
) -> None:
    fake_slack.fail("chat.postMessage", status=429, retry_after=300)
    for client in workspace:
        with pytest.raises(TransientError) as raised:
            await client.post("#incidents", OPENED, key="k", look_first=False)
        assert raised.value.delay is not None
        assert raised.value.delay > timedelta(seconds=200)
    assert len([call for call in fake_slack.calls if call.method == "chat.postMessage"]) == 1


async def test_a_wait_for_edits_of_a_channel_holds_all(
    fake_slack: FakeSlack, workspace: tuple[SlackClient, ...]
) -> None:
    first, second = workspace
    ref = await first.post("#incidents", OPENED, key="k", look_first=False)
    fake_slack.fail("chat.update", status=429, retry_after=300)
    for client in (first, second):
        with pytest.raises(TransientError):
            await client.update(ref, OPENED)
    assert len([call for call in fake_slack.calls if call.method == "chat.update"]) == 1
