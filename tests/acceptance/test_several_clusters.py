"""Several clusters, each with its own Prometheus and Alertmanager, behind TLS, logins and tenants."""

import json
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.acceptance.house import until, write_rules
from tests.servers.certificates import Authority
from tests.servers.responder import Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

RULE = {"name": "errors", "match": ['alertname="HighErrorRate"'], "playbook": "errors"}
PLAYBOOK = {
    "title": "Errors in ${incident.cluster}",
    "diagnose": {"rate": {"prometheus.query": {"query": "errors"}}},
    "conclude": [{"name": "severe", "when": "rate.value > 0.1", "say": "Errors at ${rate.value | percent}"}],
}
BASIC = f"Basic {b64encode(b'responder:secret').decode()}"


class Fleet:
    """The systems of all clusters; each takes only whom it knows. `asked` counts who was asked by whom."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str, str]] = Counter()

    def prometheus(self, name: str, value: str) -> Any:
        async def answer(request: web.BaseRequest) -> web.Response:
            self._note(request, name)
            data = {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, value]}]}
            return web.json_response({"status": "success", "data": data})

        return answer

    def alertmanager(self, name: str) -> Any:
        async def answer(request: web.BaseRequest) -> web.Response:
            self._note(request, name)
            if request.path.endswith("/alerts"):
                return web.json_response([])
            up = {
                "uptime": "2026-01-01T00:00:00Z",
                "versionInfo": {"version": "0.34.0"},
                "cluster": {"status": "ready"},
            }
            return web.json_response(up)

        return answer

    def _note(self, request: web.BaseRequest, name: str) -> None:
        assert request.transport is not None
        shown = "certificate" if request.transport.get_extra_info("peercert") else "none"
        login = request.headers.get("Authorization", "") + request.headers.get("X-Scope-OrgID", "")
        self.asked[(name, shown, login)] += 1


def firing(*clusters: str) -> bytes:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrorRate", "severity": "critical", "cluster": cluster},
            "annotations": {},
            "startsAt": "2026-03-01T11:59:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
        for cluster in clusters
    ]
    return json.dumps({"version": "4", "status": "firing", "receiver": "responder", "alerts": alerts}).encode()


async def test_each_cluster_is_looked_at_with_its_own_systems_and_logins(
    run_responder: Run, fake_slack: FakeSlack, web_servers: WebServers, authority: Authority, tmp_path: Path
) -> None:
    fleet = Fleet()
    ours = authority.issue("responder")
    tls = authority.server_context(authority.issue("server"), ask_clients=True)
    east, west = fleet.prometheus("prometheus east", "0.2"), fleet.prometheus("prometheus west", "0.3")
    mutual = {"ca": str(authority.file), "certificate": str(ours.certificate), "key": str(ours.key)}
    tenant = {"headers": {"X-Scope-OrgID": "team-east"}}
    basic = {"username": "responder", "password": "secret"}
    responder = run_responder(
        rules=[str(write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK}))],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        clusters={
            "east": {"prometheus": {"url": await web_servers.serve(east, tls=tls), "tls": mutual, **tenant}},
            "west": {"prometheus": {"url": await web_servers.serve(west), "bearer_token": "t0ken"}},
        },
        alertmanagers=[
            {
                "url": await web_servers.serve(fleet.alertmanager("am east 1"), tls=tls),
                "cluster": "east",
                "tls": mutual,
            },
            {"url": await web_servers.serve(fleet.alertmanager("am east 2")), "cluster": "east", **basic, **tenant},
            {"url": await web_servers.serve(fleet.alertmanager("am west")), "cluster": "west", "bearer_token": "am"},
        ],
    )
    await responder.start()
    assert await responder.post(firing("east", "west", "north")) == 200

    await until(lambda: len([m for m in fake_slack.messages("incidents") if "Errors at" in m.shown]) == 2)
    shown = {
        title: m.shown
        for m in fake_slack.messages("incidents")
        for title in ("east", "west", "north")
        if f"Errors in {title}" in m.shown
    }
    assert "Errors at 20" in shown["east"]
    assert "Errors at 30" in shown["west"]
    assert 'The settings know no cluster "north": nothing is read or changed' in shown["north"]
    assert set(fleet.asked) == {
        ("prometheus east", "certificate", "team-east"),
        ("prometheus west", "none", "Bearer t0ken"),
        ("am east 1", "certificate", ""),
        ("am east 2", "none", f"{BASIC}team-east"),
        ("am west", "none", "Bearer am"),
    }
    dependencies = (await responder.get("/readyz"))["dependencies"]
    assert len(dependencies) == 6
    assert all(one["ok"] for one in dependencies.values()), dependencies
