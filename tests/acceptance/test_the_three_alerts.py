"""The promise: a real Prometheus and Alertmanager, what `deploy/` says, the shipped pack; each alert is one message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.acceptance.house import until
from tests.integration.record_deliveries import ALERTS, Exporter, rules, scrapes
from tests.servers.processes import Server, free_port
from tests.servers.responder import TOKEN, Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

pytestmark = pytest.mark.alertmanager

ROOT = Path(__file__).parents[2]
TITLES = {
    "High error rate on ai-orchestrator",
    "Memory leak suspected on ai-orchestrator",
    "Authentication failures on ai-orchestrator",
}


def deployed(url: str, pager: str, token: Path) -> dict[str, Any]:
    """Return Alertmanager's configuration of `deploy/`, with these addresses, and resolves that come at once."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text("utf-8"))
    responder, outside = (receiver["webhook_configs"][0] for receiver in config["receivers"])
    responder["url"] = f"{url}/v1/webhooks/alertmanager"
    responder["http_config"]["authorization"]["credentials_file"] = str(token)
    outside["url"] = pager
    config["route"]["group_interval"] = "1s"
    return config


def team(folder: Path, loopback: str) -> Path:
    """Write the rules of `deploy/`, which ask nobody outside this machine."""
    rules = yaml.safe_load((ROOT / "deploy/team.yaml").read_text("utf-8"))
    rules["override"]["ai-orchestrator/high-error-rate"]["vars"]["provider_status"] = loopback
    path = folder / "team.yaml"
    path.write_text(yaml.safe_dump(rules, sort_keys=False), encoding="utf-8")
    return path


def shown(slack: FakeSlack, channel: str, words: str) -> set[str]:
    """Return the titles of the messages of a channel that show these words."""
    messages = [message.shown for message in slack.messages(channel)]
    return {title for title in TITLES for text in messages if text.partition("\n")[0].endswith(title) and words in text}


async def test_each_of_the_three_alerts_is_one_message_from_its_firing_to_its_end(
    run_responder: Run,
    fake_slack: FakeSlack,
    web_servers: WebServers,
    start_alertmanager: Callable[..., Server],
    start_prometheus: Callable[..., Server],
    tmp_path: Path,
) -> None:
    exporter, address, paged = Exporter(), f"127.0.0.1:{free_port()}", list[str]()

    async def pager(request: web.BaseRequest) -> web.Response:
        paged.append((await request.json())["groupLabels"]["alertname"])
        return web.Response()

    fake_slack.channel("security")
    token = tmp_path / "token"
    token.write_text(TOKEN, encoding="utf-8")
    config = deployed(f"http://{address}", await web_servers.serve(pager), token)
    alertmanager = start_alertmanager(config=config)
    own = yaml.safe_load((ROOT / "deploy/prometheus/responder.rules.yml").read_text("utf-8"))
    prometheus = start_prometheus(
        config=scrapes(await web_servers.serve(exporter.metrics), alertmanager.url),
        rules={"groups": [*rules("5s")["groups"], *own["groups"]]},
        flags=["--rules.alert.resend-delay=1s"],
    )
    responder = run_responder(
        listen=address,
        rules=[
            str(ROOT / "rules/ai-orchestrator"),
            str(ROOT / "rules/kubernetes"),
            str(team(tmp_path, prometheus.url)),
        ],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        prometheus={"url": prometheus.url},
        alertmanagers=[{"url": alertmanager.url}],
        quiet_for="1s",
    )
    await responder.start()

    await until(lambda: "Watchdog" in paged)
    await until(lambda: shown(fake_slack, "incidents", "Open") == TITLES)
    await until(lambda: shown(fake_slack, "incidents", "*Impact*") == TITLES)
    await until(lambda: shown(fake_slack, "security", "*Impact*") == {"Authentication failures on ai-orchestrator"})
    exporter.ill = False
    await until(lambda: shown(fake_slack, "incidents", "Resolved") == TITLES)
    assert len(fake_slack.messages("incidents")) == 3
    assert len(fake_slack.messages("security")) == 1
    incidents = (await responder.get("/v1/incidents"))["incidents"]
    assert [incident["status"] for incident in incidents] == ["resolved"] * 3
    assert not set(paged) & set(ALERTS)
