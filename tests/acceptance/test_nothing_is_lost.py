"""What was answered with 2xx is there after a stop, and after a crash."""

import asyncio
import json
import signal
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from responder.model.labels import fingerprint
from tests.acceptance.house import WITHIN, write_rules
from tests.servers.responder import HEADERS, Responder, Run

BY_NAMESPACE = {"name": "each", "match": ['alertname="Load"'], "correlate_by": ["namespace"], "playbook": "none"}
SENDERS = 8
ENOUGH = 150


def delivery(number: int) -> tuple[str, bytes]:
    labels = {"alertname": "Load", "namespace": f"ns-{number % 20}", "pod": f"pod-{number}"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-03-01T11:59:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint(labels),
    }
    return fingerprint(labels), json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()


async def send(responder: Responder, numbers: "count[int]", accepted: set[str]) -> None:
    """Send as fast as the answers come, until there is nobody to answer."""
    headers = {**HEADERS, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            key, body = delivery(next(numbers))
            try:
                async with session.post(f"{responder.url}/v1/webhooks/alertmanager", data=body) as answer:
                    if answer.status == 200:
                        accepted.add(key)
                    else:
                        assert answer.status == 503
            except aiohttp.ClientError:
                return


async def shown(responder: Responder) -> set[str]:
    body = await responder.get("/v1/incidents?limit=200")
    return {alert["fingerprint"] for incident in body["incidents"] for alert in incident["alerts"]}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_every_accepted_alert_is_there_after_an_end_under_load(
    run_responder: Run, tmp_path: Path, database_url: str, how: signal.Signals
) -> None:
    rules = write_rules(tmp_path / "rules", rules=[BY_NAMESPACE], playbooks={"none": {}})
    first = run_responder(rules=[str(rules)], database_url=database_url)
    await first.start()
    accepted: set[str] = set()
    numbers = count()
    senders = [asyncio.create_task(send(first, numbers, accepted)) for _ in range(SENDERS)]
    async with asyncio.timeout(WITHIN):
        while len(accepted) < ENOUGH:
            await asyncio.sleep(0.005)
        first.signal(how)
        await asyncio.gather(*senders)
    assert await first.ended() == (0 if how is signal.SIGTERM else -how)

    second = run_responder(rules=[str(rules)], database_url=database_url)
    await second.start()
    async with asyncio.timeout(WITHIN):
        while accepted - await shown(second):
            await asyncio.sleep(0.1)
    assert len((await second.get("/v1/incidents?limit=200"))["incidents"]) == 20
