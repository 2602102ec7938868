"""`redis.flush_db` and `redis.config_set` on a real Redis."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from responder.actions.config_set import ConfigSet
from responder.actions.flush_db import FlushDb
from responder.errors import CallError
from tests.actions.steps import HOSTILE, Build, Step, step
from tests.servers.processes import Server

pytestmark = pytest.mark.redis


@pytest.fixture
def server(start_redis: Callable[..., Server]) -> Server:
    return start_redis("--maxmemory", "100mb")


@pytest.fixture
async def inside(server: Server) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(server.url, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def flushing(steps: Build, server: Server) -> Step:
    return step(FlushDb(), steps(datasources={"redis": {"cache": {"url": server.url}}}), source="cache")


@pytest.fixture
def setting(steps: Build, server: Server) -> Callable[..., Step]:
    def build(**options: str) -> Step:
        allowed = ["maxmemory", "maxmemory-policy", "timeout", "requirepass", "no-such-thing"]
        tools = steps(datasources={"redis": {"cache": {"url": server.url}}}, actions={"redis_parameters": allowed})
        return step(ConfigSet(), tools, source="cache", set={k.replace("_", "-"): v for k, v in options.items()})

    return build


async def test_the_keys_are_counted_their_kinds_told_and_then_they_are_gone(flushing: Step, inside: Any) -> None:
    await inside.mset({f"session:{n}-xoxb-12345678901": "x" for n in range(75)} | {f"plain{n}": "x" for n in range(25)})
    preview = await flushing.preview()
    assert preview.summary == "delete all keys of the Redis cache"
    assert preview.disruption.startswith("100 keys are there now: ")
    assert preview.touches == ("session:* (about 75 %)", "others (about 25 %)")
    assert (FlushDb.approvals, FlushDb.weight, FlushDb.once) == (2, "destructive", "doubtful")
    assert await inside.dbsize() == 100
    done = await flushing.act(preview)
    assert (done.status, done.say) == ("done", "deleted 100 keys")
    assert await inside.dbsize() == 0


async def test_another_database_of_the_same_server_is_left_alone(steps: Build, server: Server, inside: Any) -> None:
    await inside.set("a", "x")
    other = {"url": server.url, "action_url": server.url.removesuffix("/0") + "/1"}
    found = step(FlushDb(), steps(datasources={"redis": {"cache": other}}), source="cache")
    assert (await found.preview()).refusal == "there are no keys: nothing would change"
    await found.act(await found.preview())
    assert await inside.dbsize() == 1


async def test_a_second_flush_is_never_tried(flushing: Step, inside: Any) -> None:
    await inside.set("a", "x")
    assert (await flushing.act(await flushing.preview(), retry=True)).status == "in_doubt"
    assert await inside.dbsize() == 1


async def test_a_refusal_of_the_server_is_a_failure_and_no_doubt(flushing: Step, inside: Any) -> None:
    await inside.set("a", "x")
    preview = await flushing.preview()
    await inside.execute_command("ACL", "SETUSER", "default", "-flushdb")
    with pytest.raises(CallError, match="no permissions"):
        await flushing.act(preview)
    assert await inside.dbsize() == 1


async def test_options_are_set_and_put_back(setting: Callable[..., Step], inside: Any) -> None:
    found = setting(maxmemory="200mb", maxmemory_policy="allkeys-lru")
    preview = await found.preview()
    assert [(one.what, one.before, one.after) for one in preview.changes] == [
        ("maxmemory", "104857600", "200mb"),
        ("maxmemory-policy", "noeviction", "allkeys-lru"),
    ]
    assert preview.basis == {"maxmemory": "104857600", "maxmemory-policy": "noeviction"}
    done = await found.act(preview)
    assert (done.status, done.details[0]) == ("done", "maxmemory: 104857600 → 209715200")
    assert (await found.act(preview, retry=True)).status == "done"
    assert await inside.config_get("maxmemory") == {"maxmemory": "209715200"}
    undone = await found.undo(done.undo)
    assert (undone.status, undone.say) == ("done", "put back maxmemory, maxmemory-policy")
    assert (await found.undo(done.undo)).say == "put back nothing: all is as it was"
    assert await inside.config_get("maxmemory*policy") == {"maxmemory-policy": "noeviction"}


async def test_what_others_set_meanwhile_is_not_overwritten(setting: Callable[..., Step], inside: Any) -> None:
    found = setting(timeout="30")
    preview = await found.preview()
    await inside.config_set("timeout", "60")
    done = await found.act(preview)
    assert (done.status, done.say) == ("not_done", "timeout has changed since it was looked at")
    done = await found.do()
    await inside.config_set("timeout", "90")
    undone = await found.undo(done.undo)
    assert (undone.status, undone.say) == ("not_done", "timeout was set to something else since: left as it is")
    assert await inside.config_get("timeout") == {"timeout": "90"}


async def test_a_second_try_overwrites_nothing_that_a_person_set(setting: Callable[..., Step], inside: Any) -> None:
    found = setting(timeout="30", maxmemory="200mb")
    preview = await found.preview()
    await inside.config_set("maxmemory", "200mb")  # as far as the first try came
    await inside.config_set("timeout", "90")
    again = await found.act(preview, retry=True)
    assert (again.status, again.say.partition(" is ")[0]) == ("in_doubt", "timeout")
    assert await inside.config_get("timeout") == {"timeout": "90"}


async def test_a_second_try_goes_on_where_the_first_one_ended(setting: Callable[..., Step], inside: Any) -> None:
    found = setting(timeout="30", maxmemory="200mb")
    preview = await found.preview()
    await inside.config_set("maxmemory", "200mb")
    again = await found.act(preview, retry=True)
    assert (again.status, again.details[0]) == ("done", "timeout: 0 → 30")
    assert (await found.undo(again.undo)).status == "done"
    assert await inside.config_get("maxmemory") == {"maxmemory": "104857600"}


async def test_options_go_together_or_not_at_all(setting: Callable[..., Step], inside: Any) -> None:
    done = await _act(setting(timeout="30", maxmemory_policy="nonsense"))
    assert done.status == "failed"
    assert "maxmemory-policy was refused" in done.say
    assert done.say.endswith("; timeout was put back")
    assert await inside.config_get("timeout") == {"timeout": "0"}


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"appendonly": "yes"}, "actions.redis_parameters does not allow appendonly: add it there"),
        ({"requirepass": "hush"}, "requirepass is a secret, which would be shown and stored: set it by hand"),
        ({"no_such_thing": "1"}, "this Redis has no option no-such-thing, or does not show it to our login"),
        ({"timeout": "0"}, "the options have these values already: nothing would change"),
    ],
)
async def test_what_may_not_be_set_is_refused_with_its_cure(
    setting: Callable[..., Step], inside: Any, options: dict[str, str], refusal: str
) -> None:
    found = setting(**options)
    preview = await found.preview()
    assert preview.refusal == refusal
    if "does not allow" in refusal or "secret" in refusal:
        assert (await found.act(preview)).status == "not_done"


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_sets_nothing(setting: Callable[..., Step], inside: Any, value: str) -> None:
    before = await inside.config_get("*")
    assert (await _act(setting(maxmemory_policy=value))).status == "failed"
    assert await inside.config_get("*") == before


async def _act(found: Step) -> Any:
    return await found.act(await found.preview())


async def test_a_limit_is_lowered_only_where_that_is_said(setting: Callable[..., Step], inside: Any) -> None:
    lower = await setting(maxmemory="50mb").preview()
    assert lower.refusal == "maxmemory would fall from 104857600 to 50mb: allow_decrease: true lets it"
    for value in ("100m", "1"):
        assert "would fall" in (await setting(maxmemory=value).preview()).refusal
    for value in ("1gb", "0", "101MB"):
        assert (await setting(maxmemory=value).preview()).refusal == ""
    said = setting(maxmemory="50mb")
    said = replace(said, params=said.params.model_copy(update={"allow_decrease": True}))
    assert (await said.preview()).refusal == ""
    await inside.config_set("maxmemory", "0")
    assert "would fall from 0 to 1gb" in (await setting(maxmemory="1gb").preview()).refusal


async def test_who_stood_still_until_others_took_it_over_deletes_nothing(flushing: Step, inside: Any) -> None:
    await inside.set("a", "x")
    await flushing.held_up(await flushing.preview())
    assert await inside.dbsize() == 1
