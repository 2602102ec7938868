"""Alertmanager's API v2, against a real Alertmanager."""

import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from responder.clients.alertmanager import Alertmanager
from responder.errors import PermanentError, TransientError
from responder.model.labels import fingerprint
from responder.settings.sections import AlertmanagerEndpoint
from tests.servers.processes import Server
from tests.servers.web import WebServers

Connect = Callable[[str], Alertmanager]
CONFIG = {
    "route": {"receiver": "team.a", "routes": [{"receiver": "other", "matchers": ['team="b"']}]},
    "receivers": [{"name": "team.a"}, {"name": "other"}],
    "inhibit_rules": [
        {"source_matchers": ['severity="critical"'], "target_matchers": ['severity="info"'], "equal": ["namespace"]}
    ],
}


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[Alertmanager] = []

    def build(url: str) -> Alertmanager:
        made.append(Alertmanager(AlertmanagerEndpoint(url=url)))
        return made[-1]

    yield build
    for client in made:
        await client.close()


def post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()


def firing(**labels: str) -> dict[str, object]:
    return {
        "labels": labels,
        "annotations": {"summary": "größer\nals"},
        "startsAt": "2026-11-21T08:00:00.123456789Z",
        "generatorURL": "http://prometheus.example/graph",
    }


async def test_every_alert_is_listed_with_its_receivers_and_what_holds_it_back(
    start_alertmanager: Callable[..., Server], connect: Connect
) -> None:
    server = start_alertmanager(config=CONFIG, flags=["--web.route-prefix=/am"])
    plain = {"alertname": "Plain", "namespace": "a", "severity": "warning"}
    muted = {"alertname": "Muted", "namespace": "b", "severity": "warning", "team": "b"}
    loud = {"alertname": "Loud", "namespace": "c", "severity": "critical"}
    covered = {"alertname": "Covered", "namespace": "c", "severity": "info"}
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "Mu.*", "isRegex": True, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "ann",
        "comment": "known",
    }
    post(f"{server.url}/api/v2/silences", silence)
    post(f"{server.url}/api/v2/alerts", [firing(**labels) for labels in (plain, muted, loud, covered)])
    client = connect(server.url)

    alerts = {alert.labels["alertname"]: alert for alert in await client.alerts()}
    silences = await client.silences()

    assert {name: alert.fingerprint for name, alert in alerts.items()} == {
        labels["alertname"]: fingerprint(labels) for labels in (plain, muted, loud, covered)
    }
    assert (alerts["Plain"].receivers, alerts["Muted"].receivers) == (("team.a",), ("other",))
    assert alerts["Muted"].silenced_by == (silences[0].id,)
    assert alerts["Covered"].inhibited_by == (alerts["Loud"].fingerprint,)
    assert (alerts["Plain"].state, alerts["Muted"].state) == ("active", "suppressed")
    assert alerts["Plain"].starts_at == datetime(2026, 11, 21, 8, 0, 0, 123000, tzinfo=UTC)
    assert alerts["Plain"].annotations == {"summary": "größer\nals"}
    assert alerts["Plain"].generator_url == "http://prometheus.example/graph"
    assert (silences[0].matchers, silences[0].state, silences[0].created_by) == (
        ('alertname=~"Mu.*"',),
        "active",
        "ann",
    )
    assert [each.id for each in await client.silences('alertname=~"Mu.*"')] == [silences[0].id]
    assert await client.silences('alertname="Other"') == []


async def test_the_status_tells_since_when_it_runs(start_alertmanager: Callable[..., Server], connect: Connect) -> None:
    before = datetime.now(UTC)
    server = start_alertmanager(config=CONFIG)
    status = await connect(server.url).status()
    assert before - timedelta(seconds=1) < status.uptime_since < datetime.now(UTC)
    assert status.version.split(".")[0].isdigit()
    assert status.peers == 0


async def test_peers_are_counted(start_alertmanager: Callable[..., Server], connect: Connect) -> None:
    server = start_alertmanager(
        config=CONFIG, flags=["--cluster.listen-address=127.0.0.1:0", "--cluster.settle-timeout=0s"]
    )
    assert (await connect(server.url).status()).peers == 1


async def test_a_bad_filter_is_permanent(start_alertmanager: Callable[..., Server], connect: Connect) -> None:
    client = connect(start_alertmanager(config=CONFIG).url)
    with pytest.raises(PermanentError, match="Alertmanager answered 400"):
        await client.silences("no operator here")


async def test_one_that_is_down_is_transient(connect: Connect) -> None:
    with pytest.raises(TransientError, match="cannot connect"):
        await connect("http://127.0.0.1:1").alerts()


@pytest.mark.parametrize("body", ["{}", "[{}]", "[1]", "null", "3"])
async def test_something_else_that_answers_json_is_told_apart(
    web_servers: WebServers, connect: Connect, body: str
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(text=body)

    client = connect(await web_servers.serve(other))
    with pytest.raises(PermanentError, match="does not speak Alertmanager's API v2"):
        await client.alerts()


async def test_what_no_store_takes_is_replaced(web_servers: WebServers, connect: Connect) -> None:
    async def hostile(request: web.Request) -> web.Response:
        alert = {
            "fingerprint": "0" * 16,
            "labels": {"alertname": "a\x00b"},
            "annotations": {},
            "startsAt": "2026-11-21T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00.000Z",
            "receivers": [{"name": "x"}],
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        }
        return web.json_response([alert])

    (alert,) = await connect(await web_servers.serve(hostile)).alerts()
    assert alert.labels == {"alertname": "a\ufffdb"}
    assert alert.ends_at is None
