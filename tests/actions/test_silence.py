"""`alertmanager.silence` on a real Alertmanager: shown, made once, found again, ended."""

import json
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from responder.actions.silence import Silence
from responder.errors import NotConfigured, TransientError, Unanswered
from responder.model.outside import AmSilence
from tests.actions.steps import ATTEMPT, HOSTILE, Build, Step, step
from tests.servers.processes import Server, free_port
from tests.servers.web import WebServers

pytestmark = pytest.mark.alertmanager

CONFIG = {"route": {"receiver": "r"}, "receivers": [{"name": "r"}]}
LABELS = {"alertname": "HighErrorRate", "namespace": "shop"}


@pytest.fixture
def server(start_alertmanager: Callable[..., Server]) -> Server:
    return start_alertmanager(config=CONFIG)


def fire(server: Server, *alerts: dict[str, str]) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(f"{server.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()


@pytest.fixture
def silencing(steps: Build, server: Server) -> Callable[..., Step]:
    def build(urls: Sequence[str] = (), **params: Any) -> Step:
        addresses = [{"url": url} for url in (*urls, server.url)]
        given = {"matchers": LABELS, "duration": "2h", "comment": "Known"} | params
        return step(Silence(), steps(labels=LABELS, alertmanagers=addresses), **given)

    return build


async def silences(found: Step) -> list[AmSilence]:
    return [one for one in await found.tools.alertmanager.silences() if one.state != "expired"]


async def test_what_would_be_silenced_is_listed_with_what_is_of_others(
    silencing: Callable[..., Step], server: Server
) -> None:
    fire(server, LABELS | {"pod": "a"}, LABELS | {"pod": "b"}, {"alertname": "Other", "namespace": "shop"})
    preview = await silencing().preview()
    assert preview.summary == 'silence for 2h: alertname="HighErrorRate", namespace="shop"'
    assert preview.disruption.startswith("2 alerts now: ")
    assert (preview.touches, preview.warnings, preview.namespace) == (("HighErrorRate × 2",), (), "shop")
    preview = await silencing(matchers={"namespace": "shop"}).preview()
    assert preview.touches == ("HighErrorRate × 2", "Other")
    assert preview.warnings == ("1 of them is not of this incident",)
    assert await silences(silencing()) == []


async def test_it_is_made_once_and_ended_by_undoing(silencing: Callable[..., Step]) -> None:
    found = silencing()
    preview = await found.preview()
    done = await found.act(preview)
    (made,) = await silences(found)
    assert done.undo == {"silence": made.id}
    assert made.matchers == ('alertname="HighErrorRate"', 'namespace="shop"')
    assert (made.created_by, made.comment) == ("ann", f"Known — INC-17, approved by ann [{ATTEMPT}]")
    assert abs(made.ends_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert (await found.act(preview, retry=True)).undo == done.undo
    assert len(await silences(found)) == 1
    assert (await found.undo(done.undo)).status == "done"
    assert await silences(found) == []
    assert (await found.undo(done.undo)).status == "done"


async def test_a_silence_whose_making_was_in_doubt_is_found_and_ended(silencing: Callable[..., Step]) -> None:
    found = silencing()
    preview = await found.preview()
    await found.act(preview)
    assert (await found.undo(preview.undo)).status == "done"
    assert await silences(found) == []
    assert (await silencing(matchers={"alertname": "X"}).undo(preview.undo)).status == "done"


async def test_a_silence_that_arrived_twice_is_ended_twice(silencing: Callable[..., Step]) -> None:
    found = silencing()
    preview = await found.preview()
    first, second = await found.act(preview), await found.act(preview)
    assert first.undo != second.undo
    await found.undo(second.undo)
    assert await silences(found) == []


async def test_what_is_silenced_for_long_enough_is_not_silenced_again(silencing: Callable[..., Step]) -> None:
    await silencing(duration="3h").do()
    assert (await silencing().preview()).refusal.startswith("ann has silenced them until 20")
    assert (await silencing(duration="4h").preview()).refusal == ""


async def test_a_whole_severity_is_never_silenced(silencing: Callable[..., Step]) -> None:
    found = silencing(matchers={"severity": "critical", "cluster": "west"})
    assert "alone silences far more than an incident" in (await found.preview()).refusal


async def test_the_first_that_answers_is_asked(silencing: Callable[..., Step]) -> None:
    found = silencing(urls=[f"http://127.0.0.1:{free_port()}"])
    await found.do()
    assert len(await silences(found)) == 1


async def test_one_that_hung_up_is_asked_again_and_no_other_is(
    silencing: Callable[..., Step], web_servers: WebServers
) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        if request.method == "POST":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response([])

    found = silencing(urls=[await web_servers.serve(hang_up)])
    preview = await found.preview()
    with pytest.raises(Unanswered, match="it may have been done"):
        await found.act(preview)
    assert await silences(silencing()) == []


async def test_one_that_is_away_is_no_success(silencing: Callable[..., Step], server: Server) -> None:
    found = silencing()
    preview = await found.preview()
    server.stop()
    with pytest.raises(TransientError, match="cannot connect"):
        await found.act(preview)


async def test_without_an_alertmanager_the_setting_is_named(steps: Build) -> None:
    found = step(Silence(), steps(), matchers=LABELS, duration="2h", comment="x")
    with pytest.raises(NotConfigured, match="no Alertmanager in the settings: add its url to alertmanagers"):
        await found.preview()


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_silences_itself_alone(
    silencing: Callable[..., Step], server: Server, value: str
) -> None:
    fire(server, {"alertname": "Victim"}, {"alertname": value})
    found = silencing(matchers={"alertname": value}, comment=value)
    assert (await found.preview()).disruption.startswith("1 alert now: ")
    await found.do()
    alerts = {one.labels["alertname"]: one.state for one in await found.tools.alertmanager.alerts()}
    assert alerts["Victim"] != "suppressed"
    (made,) = await silences(found)
    assert made.comment.startswith(value)
