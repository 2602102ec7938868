"""`prometheus.wait` on a real Prometheus."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.actions.wait import Wait
from responder.errors import PermanentError
from tests.actions.steps import HOSTILE, Build, Step, step
from tests.servers.processes import Server, free_port


@pytest.fixture
def waiting(steps: Build, prometheus_server: Server) -> Callable[..., Step]:
    def build(query: str, now: Callable[[], datetime] | None = None, **params: Any) -> Step:
        tools = steps(prometheus={"url": prometheus_server.url}, now=now)
        return step(Wait(), tools, query=query, **params)

    return build


class Hurry:
    """A clock that goes on by so much each time that it is read."""

    def __init__(self, stride: timedelta) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.stride = stride

    def __call__(self) -> datetime:
        self.at += self.stride
        return self.at


async def test_it_ends_when_the_query_has_a_result(waiting: Callable[..., Step]) -> None:
    found = waiting("vector(1) > 0")
    preview = await found.preview()
    assert preview.summary == "wait at most 10m until the query has a result"
    assert preview.warnings == ("The query has a result already",)
    done = await found.act(preview)
    assert (done.status, done.say.partition(" after ")[0]) == ("done", "it has a result")
    assert (await found.act(preview, retry=True)).status == "done"


async def test_it_fails_when_the_time_is_over(waiting: Callable[..., Step]) -> None:
    found = waiting("vector(1) > 1", within="100ms")
    assert (await found.preview()).warnings == ()
    done = await found.act(await found.preview())
    assert (done.status, done.say) == ("failed", "not within 100ms: it had no result")


async def test_a_result_must_hold_for_as_long_as_it_says(waiting: Callable[..., Step]) -> None:
    brief = waiting("vector(1)", now=Hurry(timedelta(milliseconds=40)), hold="10m", within="100ms")
    done = await brief.act(await brief.preview())
    assert (done.status, done.say) == ("failed", "not within 100ms: it had a result, but not for 10m")
    lasting = waiting("vector(1)", now=Hurry(timedelta(minutes=11)), hold="10m", within="50m")
    assert (await lasting.act(await lasting.preview())).status == "done"


async def test_a_wrong_query_is_known_before_anybody_waits(waiting: Callable[..., Step]) -> None:
    with pytest.raises(PermanentError, match="parse error"):
        await waiting("sum(").preview()


async def test_a_prometheus_that_is_away_is_waited_for_and_named(steps: Build) -> None:
    tools = steps(prometheus={"url": f"http://127.0.0.1:{free_port()}"})
    found = step(Wait(), tools, query="up", within="100ms")
    done = await Wait().act(found.params, found.target, None, tools)  # type: ignore[arg-type]
    assert done.status == "failed"
    assert "cannot connect" in done.say


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_query_is_refused(waiting: Callable[..., Step], value: str) -> None:
    with pytest.raises(PermanentError):
        await waiting(value).preview()
