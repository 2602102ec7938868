"""PagerDuty, against a server that checks events as strictly as its documentation."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from responder.errors import NotConfigured, PermanentError, TransientError
from responder.model.message import Code
from responder.notifiers.pagerduty import PagerDuty
from responder.plugins.notifier import Alarm, Outgoing
from tests.clients.messages import DIAGNOSED, OPENED, RESOLVED
from tests.notifiers.world import ROUTING_KEY, World
from tests.servers.web import WebServers

PAGER = PagerDuty()
PARAMS = PagerDuty.Params(service="platform")


class Events:
    """POST /v2/enqueue."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 202

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        event = json.loads(await request.read())
        if request.path != "/v2/enqueue" or request.method != "POST":
            return web.Response(status=404)
        trouble = [*_troubles(event)]
        if trouble:
            return web.json_response({"status": "invalid event", "errors": trouble}, status=400)
        if self.status == 202:
            self.taken.append(event)
        return web.json_response({"status": "?", "message": f"key {event['routing_key']}"}, status=self.status)


def _troubles(event: dict[str, Any]) -> list[str]:
    found = [] if event.get("routing_key") == ROUTING_KEY else ["routing_key is invalid"]
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("event_action")
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        found.append("dedup_key")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        if not 0 < len(payload.get("summary", "")) <= 1024 or not payload.get("source"):
            found.append("summary or source")
        if payload.get("severity") not in {"critical", "error", "warning", "info"}:
            found.append("severity")
    if len(json.dumps(event)) > 512_000:
        found.append("too large")
    return found


@pytest.fixture
def events() -> Events:
    return Events()


@pytest_asyncio.fixture
async def world(web_servers: WebServers, events: Events) -> AsyncIterator[World]:
    world = World(pagerduty_url=await web_servers.serve(events.answer))  # type: ignore[arg-type]
    yield world
    await world.close()


async def test_an_incident_is_triggered_acknowledged_and_resolved_under_one_key(events: Events, world: World) -> None:
    tools = world.tools()
    await PAGER.page(PARAMS, Alarm("trigger", DIAGNOSED, "responder/INC-12"), tools)
    await PAGER.page(PARAMS, Alarm("acknowledge", DIAGNOSED, "responder/INC-12"), tools)
    await PAGER.page(PARAMS, Alarm("resolve", RESOLVED, "responder/INC-12"), tools)
    assert [event["event_action"] for event in events.taken] == ["trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events.taken} == {"responder/INC-12"}
    payload = events.taken[0]["payload"]
    assert payload["summary"] == "[P1] High error rate on ai-orchestrator-api"
    assert payload["severity"] == "error"
    assert "Likely cause" in payload["custom_details"]["text"]
    assert {"href": "https://example.com/runbooks/high-error-rate", "text": "Runbook"} in events.taken[0]["links"]


async def test_a_huge_message_stays_within_the_limits(events: Events, world: World) -> None:
    huge = replace(OPENED, summary="x" * 5000, blocks=(Code(tuple("y" * 100 for _ in range(20_000))),))
    await PAGER.page(PARAMS, Alarm("trigger", huge, "k" * 400), world.tools())
    assert len(events.taken) == 1


async def test_a_summary_that_names_the_severity_is_not_given_it_twice(events: Events, world: World) -> None:
    for summary in ("P1 · down", "down"):
        await PAGER.page(PARAMS, Alarm("trigger", replace(OPENED, summary=summary), "k"), world.tools())
    assert [event["payload"]["summary"] for event in events.taken] == ["P1 · down", "[P1] down"]


@pytest.mark.parametrize(("rank", "severity"), [(0, "critical"), (1, "error"), (2, "warning"), (7, "info")])
async def test_the_severity_follows_the_rank(events: Events, world: World, rank: int, severity: str) -> None:
    await PAGER.page(PARAMS, Alarm("trigger", replace(OPENED, rank=rank), "k"), world.tools())
    assert events.taken[0]["payload"]["severity"] == severity


async def test_the_rules_may_say_another_severity(events: Events, world: World) -> None:
    params = PagerDuty.Params(service="platform", severities={"P1": "critical"})
    await PAGER.page(params, Alarm("trigger", OPENED, "k"), world.tools())
    assert events.taken[0]["payload"]["severity"] == "critical"


@pytest.mark.parametrize(("status", "kind"), [(500, TransientError), (429, TransientError), (400, PermanentError)])
async def test_a_failure_says_whether_to_try_again_and_tells_no_secret(
    events: Events, world: World, status: int, kind: type[Exception]
) -> None:
    events.status = status
    with pytest.raises(kind) as raised:
        await PAGER.page(PARAMS, Alarm("trigger", OPENED, "k"), world.tools())
    assert ROUTING_KEY not in str(raised.value)


async def test_a_service_that_is_not_in_the_settings_is_named(world: World) -> None:
    with pytest.raises(NotConfigured, match=r"pagerduty\.services\.payments .* platform"):
        await PAGER.page(PagerDuty.Params(service="payments"), Alarm("trigger", OPENED, "k"), world.tools())


async def test_a_pager_takes_no_messages(world: World) -> None:
    assert PAGER.pages
    with pytest.raises(PermanentError):
        await PAGER.notify(PARAMS, Outgoing(OPENED, "k/1"), world.tools())
