"""A real Prometheus fires into a real Alertmanager, which posts to Responder: one message, edited at the resolve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.acceptance.house import until, write_rules
from tests.servers.processes import Server, free_port
from tests.servers.responder import TOKEN, Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

pytestmark = pytest.mark.alertmanager

RULES = {
    "groups": [
        {
            "name": "shop",
            "rules": [
                {
                    "alert": "HighErrorRate",
                    "expr": "errors_ratio > 0.05",
                    "labels": {"severity": "critical", "namespace": "shop"},
                    "annotations": {"summary": "{{ $value | humanizePercentage }} of requests fail"},
                }
            ],
        }
    ]
}


def alertmanager_config(url: str) -> dict[str, Any]:
    http = {"authorization": {"type": "Bearer", "credentials": TOKEN}, "follow_redirects": False}
    webhook = {"url": f"{url}/v1/webhooks/alertmanager", "send_resolved": True, "http_config": http}
    return {
        "route": {
            "receiver": "responder",
            "group_by": ["alertname"],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "responder", "webhook_configs": [webhook]}],
    }


def prometheus_config(alertmanager: Server, target: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target.removeprefix("http://")]}]}],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [alertmanager.url.removeprefix("http://")]}], "api_version": "v2"}
            ]
        },
    }


async def test_an_alert_fires_its_message_is_posted_and_the_resolve_edits_it(
    run_responder: Run,
    fake_slack: FakeSlack,
    web_servers: WebServers,
    start_alertmanager: Callable[..., Server],
    start_prometheus: Callable[..., Server],
    tmp_path: Path,
) -> None:
    ratio = 0.12

    async def metrics(_: web.BaseRequest) -> web.Response:
        return web.Response(text=f"errors_ratio {ratio}\n")

    target = await web_servers.serve(metrics)
    diagnose = {"rate": {"prometheus.query": {"query": "max(errors_ratio)"}}}
    conclude = [{"name": "severe", "when": "rate.value > 0.1", "say": "Errors at ${rate.value | percent}"}]
    playbook = {"title": "Errors in ${labels.namespace}", "diagnose": diagnose, "conclude": conclude}
    rule = {"name": "errors", "match": ['alertname="HighErrorRate"'], "playbook": "errors"}
    rules = write_rules(tmp_path / "rules", rules=[rule], playbooks={"errors": playbook})

    address = f"127.0.0.1:{free_port()}"
    alertmanager = start_alertmanager(config=alertmanager_config(f"http://{address}"))
    prometheus = start_prometheus(config=prometheus_config(alertmanager, target), rules=RULES)

    responder = run_responder(
        listen=address,
        rules=[str(rules)],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        prometheus={"url": prometheus.url},
        alertmanagers=[{"url": alertmanager.url}],
        quiet_for="1s",
    )
    await responder.start()

    await until(lambda: any("Errors at 12" in message.shown for message in fake_slack.messages("incidents")))
    (posted,) = fake_slack.messages("incidents")
    assert "Errors in shop" in posted.shown

    ratio = 0.01
    await until(lambda: "esolved" in fake_slack.messages("incidents")[0].shown)
    assert [message.ts for message in fake_slack.messages("incidents")] == [posted.ts]
    (incident,) = (await responder.get("/v1/incidents"))["incidents"]
    assert incident["status"] == "resolved"
    assert incident["alerts"][0]["labels"]["namespace"] == "shop"
