"""A payload goes in through HTTP, and one message comes out at Slack, which is edited from then on."""

import json
import re
import signal
from pathlib import Path
from typing import Any

from tests.acceptance.house import until, write_rules
from tests.servers.processes import free_port
from tests.servers.responder import Run
from tests.servers.slack import FakeSlack

RULE = {
    "name": "errors",
    "match": ['alertname="HighErrorRate"'],
    "correlate_by": ["namespace"],
    "severity": {"label": "severity", "otherwise": "warning"},
    "playbook": "errors",
}
PLAYBOOK = {
    "title": "Errors in ${labels.namespace}",
    "runbook": "https://example.com/runbooks/errors",
    "diagnose": {"rate": {"prometheus.query": {"query": "vector(1)"}}},
    "steps": ["Look at the error tracker"],
}


def payload(*, status: str = "firing", namespace: str = "shop", starts_at: str = "2026-03-01T11:59:00Z") -> bytes:
    ends_at = "0001-01-01T00:00:00Z" if status == "firing" else "2026-03-01T12:10:00Z"
    alert: dict[str, Any] = {
        "status": status,
        "labels": {"alertname": "HighErrorRate", "namespace": namespace, "severity": "critical"},
        "annotations": {"summary": "5 % of requests fail <!channel>"},
        "startsAt": starts_at,
        "endsAt": ends_at,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{abs(hash(namespace)):016x}"[:16],
    }
    return json.dumps({"version": "4", "status": status, "receiver": "responder", "alerts": [alert]}).encode()


async def test_one_message_is_posted_and_edited_when_all_is_over(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path, database_url: str
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK})
    responder = run_responder(
        rules=[str(rules)],
        database_url=database_url,
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        quiet_for="1s",
    )
    await responder.start()

    assert await responder.post(payload()) == 200
    (posted,) = await until(lambda: fake_slack.messages("incidents"))
    assert "Errors in shop" in posted.shown
    assert posted.pings == []

    assert await responder.post(payload(status="resolved")) == 200
    await until(lambda: "esolved" in fake_slack.messages("incidents")[0].shown)
    assert [message.ts for message in fake_slack.messages("incidents")] == [posted.ts]
    (incident,) = (await responder.get("/v1/incidents"))["incidents"]
    assert (incident["status"], incident["severity"], incident["title"]) == ("resolved", "P1", "Errors in shop")
    assert await responder.stop() == 0
    assert responder.errors == []


async def test_a_diagnostic_that_cannot_look_is_said_and_stops_nothing(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK})
    responder = run_responder(
        rules=[str(rules)], slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url}
    )
    await responder.start()
    await responder.post(payload())
    await until(lambda: "prometheus.url" in "".join(m.shown for m in fake_slack.messages("incidents")))
    detail = await responder.get("/v1/incidents/INC-1")
    assert ("rate", "failed") in [(one["name"], one["status"]) for one in detail["diagnostics"]]
    assert len(fake_slack.messages("incidents")) == 1


async def test_a_message_links_to_where_its_incident_is_shown(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    responder = run_responder(
        listen=address,
        external_url=f"http://{address}/",
        rules=[str(write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK}))],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
    )
    await responder.start()
    await responder.post(payload())
    (posted,) = await until(lambda: fake_slack.messages("incidents"))
    (link,) = set(re.findall(rf"http://{address}([^|>\s\"]+)", json.dumps(posted.blocks)))
    assert (await responder.get(link))["id"] == "INC-1"


async def test_the_same_delivery_twice_is_one_incident_and_one_message(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK})
    responder = run_responder(
        rules=[str(rules)], slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url}
    )
    await responder.start()
    for _ in range(3):
        assert await responder.post(payload()) == 200
    assert await responder.post(payload(namespace="other")) == 200
    await until(lambda: len(fake_slack.messages("incidents")) == 2)
    assert [one["id"] for one in (await responder.get("/v1/incidents"))["incidents"]] == ["INC-2", "INC-1"]


async def test_with_slack_down_a_restart_loses_nothing_and_posts_once_it_is_back(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK})
    slack = {"bot_token": fake_slack.token, "base_url": fake_slack.base_url}
    outage = fake_slack.fail(status=500, times=10_000)
    first = run_responder(rules=[str(rules)], slack=slack)
    await first.start()
    assert await first.post(payload()) == 200
    await until(lambda: fake_slack.calls)
    await first.end()
    second = run_responder(rules=[str(rules)], slack=slack)
    await second.start()
    outage.times = 0
    (posted,) = await until(lambda: fake_slack.messages("incidents"))
    assert "Errors in shop" in posted.shown


async def test_bad_rules_keep_the_good_ones_and_are_said_everywhere(
    run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK})
    responder = run_responder(
        rules=[str(rules)], slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url}
    )
    await responder.start()
    write_rules(tmp_path / "rules", rules=[{**RULE, "playbook": "erors"}], playbooks={"errors": PLAYBOOK})
    responder.signal(signal.SIGHUP)
    await responder.said("rules.refused")
    readiness = await responder.get("/readyz")
    assert (readiness["ready"], readiness["rules"]["ok"]) == (True, False)
    assert "erors" in readiness["rules"]["detail"]
    assert "responder_rules_reload_ok 0.0" in await responder.text("/metrics")
    await responder.post(payload())
    (posted,) = await until(lambda: fake_slack.messages("incidents"))
    assert "Errors in shop" in posted.shown
