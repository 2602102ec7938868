"""`/metrics` tells of everything that happened on the way from the delivery to the message."""

from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.house import until, write_rules
from tests.acceptance.test_from_payload_to_message import PLAYBOOK, RULE, payload
from tests.servers.responder import Responder, Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers


async def scrape(responder: Responder) -> dict[str, float]:
    """Return every sample by its name and the values of its labels."""
    return {
        "/".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(await responder.text("/metrics"))
        for sample in family.samples
        if "le" not in sample.labels
    }


async def test_each_step_of_the_way_is_counted(
    run_responder: Run, fake_slack: FakeSlack, web_servers: WebServers, tmp_path: Path
) -> None:
    async def prometheus(request: web.BaseRequest) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "42"]}})

    playbook = {**PLAYBOOK, "diagnose": {**PLAYBOOK["diagnose"], "pods": {"kubernetes.pods": {}}}}
    responder = run_responder(
        rules=[str(write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": playbook}))],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        prometheus={"url": await web_servers.serve(prometheus)},
    )
    await responder.start()
    assert await responder.post(payload()) == 200
    assert await responder.post(b"{") == 400
    async with aiohttp.request("POST", f"{responder.url}/v1/webhooks/alertmanager") as refused:
        assert refused.status == 401
    await until(lambda: any("*rate*: 42" in message.shown for message in fake_slack.messages("incidents")))

    found = await scrape(responder)
    assert found["responder_deliveries_accepted_total"] == 1
    assert found["responder_deliveries_rejected_total/400"] == 1
    assert found["responder_deliveries_rejected_total/401"] == 1
    assert found["responder_deliveries_rejected_kept"] == 1
    assert found["responder_inbox_deliveries"] == 0
    assert found["responder_incidents_open/P1"] == 1
    assert found["responder_diagnostics_total/prometheus.query/found"] == 1
    assert found["responder_diagnostics_total/kubernetes.pods/failed"] == 1
    assert found["responder_diagnostics_total/alerts.related/found"] == 1
    assert found["responder_notifications_total/slack/sent"] >= 1
    assert found["responder_turn_seconds_count"] >= 2
    assert found["responder_turn_seconds_sum"] > 0
    assert found["responder_command_seconds_count/diagnose"] == 3
    assert found["responder_command_seconds_count/notify"] >= 1
    assert found["responder_rules_reload_ok"] == 1
