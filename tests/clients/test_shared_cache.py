"""Replicas that ask the same at the same time ask once; without Redis each asks for itself."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis.asyncio
from multidict import CIMultiDict
from pydantic import SecretStr

from responder.clients.circuit import Circuit
from responder.clients.shared_cache import LARGEST, SharedCache, revealed
from responder.clients.shared_redis import PREFIX, SharedRedis
from responder.clients.shared_values import PLAIN, TYPED
from responder.errors import ConfigError, PermanentError, TransientError
from responder.model.message import Line, Point
from responder.model.outside import HttpAnswer, Sample, Samples
from responder.settings.sections import Endpoint
from tests.servers.processes import Server
from tests.servers.replicas import Join

LONG = timedelta(minutes=5)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Source:
    """An outside system that counts; it answers when `gate` is open."""

    def __init__(self, answer: Any = "an answer") -> None:
        self.answer = answer
        self.asked = 0
        self.error: Exception | None = None
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Any:
        self.asked += 1
        self.reached.set()
        await self.gate.wait()
        if self.error:
            raise self.error
        return self.answer


def cache(redis: SharedRedis, identity: str = "one", *, waits: timedelta = LONG) -> SharedCache:
    return SharedCache(redis, identity=identity, fresh_for=LONG, form=TYPED, waits=waits)


@pytest.fixture
def server(start_redis: Callable[..., Server]) -> Server:
    return start_redis()


async def stored(url: str) -> dict[bytes, bytes]:
    client = redis.asyncio.Redis.from_url(url, protocol=2)
    try:
        return {key: await client.get(key) for key in await client.keys("*")}
    finally:
        await client.aclose()


async def test_what_one_replica_was_answered_another_has(server: Server, join: Join) -> None:
    source = Source()
    first, second = cache(join(server.url)), cache(join(server.url))
    assert [await first.get("q", source), await second.get("q", source)] == ["an answer"] * 2
    assert source.asked == 1


async def test_replicas_that_ask_at_once_ask_once(server: Server, join: Join) -> None:
    source = Source()
    source.gate.clear()
    replicas = [cache(join(server.url)) for _ in range(3)]
    asking = [asyncio.create_task(replica.get("q", source)) for replica in replicas]
    await source.reached.wait()
    source.gate.set()
    assert await asyncio.gather(*asking) == ["an answer"] * 3
    assert source.asked == 1


async def test_who_waited_long_enough_asks_itself(server: Server, join: Join) -> None:
    slow, quick = Source("slow"), Source("quick")
    slow.gate.clear()
    first = asyncio.create_task(cache(join(server.url)).get("q", slow))
    await slow.reached.wait()
    second = cache(join(server.url), waits=timedelta(milliseconds=100))
    assert await second.get("q", quick) == "quick"
    slow.gate.set()
    assert await first == "slow"


async def test_a_failure_is_kept_for_nobody(server: Server, join: Join) -> None:
    source = Source()
    source.error = TransientError("no answer")
    with pytest.raises(TransientError, match="no answer"):
        await cache(join(server.url)).get("q", source)
    assert await stored(server.url) == {}
    source.error = None
    assert await cache(join(server.url)).get("q", source) == "an answer"
    source.error = PermanentError("refused")
    with pytest.raises(PermanentError):
        await cache(join(server.url)).get("another", source)


@pytest.mark.parametrize("other", [("q", "another login"), ("another question", "one")])
async def test_another_question_or_login_has_another_answer(server: Server, join: Join, other: tuple[str, str]) -> None:
    question, identity = other
    await cache(join(server.url)).get("q", Source("mine"))
    assert await cache(join(server.url), identity).get(question, Source("yours")) == "yours"


async def test_nothing_in_redis_can_be_read_and_everything_ends(server: Server, join: Join) -> None:
    secret = Source({"password": "hunter2", "query": "select"})
    await cache(join(server.url), "login:s3cret-token").get(("query", "select * from customers"), secret)
    kept = await stored(server.url)
    assert len(kept) == 1
    assert all(name.startswith(PREFIX.encode()) for name in kept)
    everything = b"".join([*kept.keys(), *kept.values()])
    for word in (b"hunter2", b"password", b"select", b"customers", b"s3cret-token"):
        assert word not in everything
    client = redis.asyncio.Redis.from_url(server.url, protocol=2)
    assert 0 < await client.pttl(next(iter(kept))) <= LONG.total_seconds() * 1000
    await client.aclose()


async def test_what_somebody_else_wrote_is_no_answer(server: Server, join: Join) -> None:
    replica, source = cache(join(server.url)), Source()
    await replica.get("q", source)
    await replica.get("r", Source("another"))
    client = redis.asyncio.Redis.from_url(server.url, protocol=2)
    names = await client.keys("*")
    swapped = [await client.get(name) for name in reversed(names)]
    await client.mset(dict(zip(names, swapped, strict=True)))
    assert await replica.get("q", source) == "an answer"
    await client.mset(dict.fromkeys(names, b'"forged"'))
    assert await replica.get("q", source) == "an answer"
    await client.aclose()
    assert source.asked == 3


async def test_replicas_without_the_same_secret_share_nothing(server: Server, join: Join) -> None:
    source = Source()
    await cache(join(server.url)).get("q", source)
    await cache(join(server.url, secret=b"another store")).get("q", source)
    assert source.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        "x" * (LARGEST + 1),
        object(),
        HttpAnswer(200, CIMultiDict({"cache-control": "max-age=5, No-Store"}), b"token", timedelta(0)),
        HttpAnswer(200, CIMultiDict({"Cache-Control": "private"}), b"token", timedelta(0)),
    ],
    ids=["too large", "no value", "no-store", "private"],
)
async def test_what_may_not_be_kept_is_not(server: Server, join: Join, answer: Any) -> None:
    source = Source(answer)
    for _ in range(2):
        assert await cache(join(server.url)).get("q", source) is answer
    assert source.asked == 2
    assert await stored(server.url) == {}


async def test_redis_killed_in_the_middle_costs_no_answer_and_is_said(server: Server, join: Join) -> None:
    circuit = Circuit("redis", lambda: START)
    replica, source = cache(join(server.url, circuit=circuit)), Source()
    source.gate.clear()
    under_way = asyncio.create_task(replica.get("q", source))
    await source.reached.wait()
    assert circuit.state == (True, "answers")
    server.kill()
    source.gate.set()
    assert await under_way == "an answer"
    assert [await replica.get(f"q{number}", source) for number in range(5)] == ["an answer"] * 5
    ok, said = circuit.state
    assert not ok
    assert said.startswith("left alone after 3 failures in a row")


async def test_a_redis_that_hangs_costs_its_deadline_and_is_said(server: Server, join: Join) -> None:
    circuit = Circuit("redis", lambda: START)
    replica = cache(join(server.url, circuit=circuit, deadline=timedelta(milliseconds=50)))
    server.freeze()
    source = Source()
    assert [await replica.get(f"q{number}", source) for number in range(5)] == ["an answer"] * 5
    server.thaw()
    assert circuit.state == (False, "left alone after 3 failures in a row: no answer within 0.05 s")


async def test_after_a_restart_of_redis_answers_are_shared_again(server: Server, join: Join) -> None:
    circuit = Circuit("redis", lambda: START)
    first, second = cache(join(server.url, circuit=circuit)), cache(join(server.url))
    await first.get("before", Source())
    server.restart()
    source = Source()
    await first.get("lost or not", source)
    source.asked = 0
    assert [await first.get("q", source), await second.get("q", source)] == ["an answer"] * 2
    assert source.asked == 1
    assert circuit.state == (True, "answers")


async def test_a_redis_that_refuses_us_is_said(start_redis: Callable[..., Server], join: Join) -> None:
    circuit = Circuit("redis", lambda: START)
    replica = cache(join(start_redis("--requirepass", "x").url, circuit=circuit))
    assert await replica.get("q", Source()) == "an answer"
    ok, said = circuit.state
    assert not ok
    assert "Authentication required" in said


def test_a_url_that_cannot_be_used_is_a_wrong_setting(join: Join) -> None:
    with pytest.raises(ConfigError, match="redis_url cannot be used"):
        join("redis://host:port/0")


def test_two_logins_are_two_identities() -> None:
    def known(token: str) -> str:
        return revealed(Endpoint(url="http://prometheus", headers={"X-Scope-OrgID": SecretStr(token)}))

    assert known("a") == known("a") != known("b")


@pytest.mark.parametrize(
    "value",
    [
        Samples((Sample({"a": "é"}, math.inf), Sample({}, -math.inf), Sample({}, 1.5)), ("partial response",)),
        Samples(),
        [Line('{a="b"}', (Point(START, 1.0), Point(START + timedelta(seconds=1), None)))],
        [{"n": 1, "f": 0.5, "t": START, "s": timedelta(days=1, microseconds=3), "l": [None, {"x": True}]}],
        {"db0": {"keys": 3}, "role": "master"},
        HttpAnswer(503, CIMultiDict({"X-A": "1"}), b"\xff\x00", timedelta(seconds=1), START),
        None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_comes_out_as_it_went_in(value: Any) -> None:
    assert TYPED.load(TYPED.dump(value)) == value


def test_what_is_not_a_number_stays_so() -> None:
    (sample,) = TYPED.load(TYPED.dump(Samples((Sample({}, math.nan),))))
    assert math.isnan(sample.value)


def test_headers_are_looked_up_without_regard_to_case() -> None:
    answer = HttpAnswer(200, CIMultiDict({"Content-Type": "text/plain"}), b"", timedelta(0))
    assert TYPED.load(TYPED.dump(answer)).headers["content-type"] == "text/plain"


def test_the_objects_of_an_api_server_come_out_as_they_went_in() -> None:
    value = [{"kind": "Pod", "spec": {"x": [1, None, True, "ü"]}}]
    assert PLAIN.load(PLAIN.dump(value)) == value
