"""With the store down nothing is accepted, so that Alertmanager keeps it; once it is back, all goes on by itself."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.house import WITHIN, until, write_rules
from tests.acceptance.test_from_payload_to_message import PLAYBOOK, RULE, payload
from tests.servers.postgres import start_postgres
from tests.servers.processes import Bench
from tests.servers.responder import HEADERS, Responder, Run
from tests.servers.slack import FakeSlack

pytestmark = pytest.mark.postgres


async def test_a_killed_postgres_is_503_until_it_is_back_and_loses_nothing(
    run_responder: Run, fake_slack: FakeSlack, bench: Bench, tmp_path: Path
) -> None:
    postgres = start_postgres(bench)
    responder = run_responder(
        rules=[str(write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": PLAYBOOK}))],
        database_url=postgres.url(),
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
    )
    await responder.start()
    assert await responder.post(payload(namespace="before")) == 200
    await until(lambda: len(fake_slack.messages("incidents")) == 1)

    postgres.server.kill()
    assert await refusal(responder) == (503, True)
    readiness = await responder.get("/readyz")
    assert (readiness["ready"], readiness["store"]["ok"]) == (False, False)
    assert await responder.text("/healthz") == "ok\n"
    assert "responder_store_up 0.0" in await responder.text("/metrics")

    postgres.server.start()
    async with asyncio.timeout(WITHIN):
        while await responder.post(payload(namespace="after")) != 200:
            await asyncio.sleep(0.1)
    await until(lambda: any("Errors in after" in message.shown for message in fake_slack.messages("incidents")))
    assert [one["id"] for one in (await responder.get("/v1/incidents"))["incidents"]] == ["INC-2", "INC-1"]
    assert len(fake_slack.messages("incidents")) == 2
    async with asyncio.timeout(WITHIN):
        while not (await responder.get("/readyz"))["ready"]:
            await asyncio.sleep(0.1)
    assert await responder.stop() == 0
    assert responder.errors == []


async def refusal(responder: Responder) -> tuple[int, bool]:
    """Post a delivery; returns the status, and whether it is said when to come back."""
    headers = {**HEADERS, "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{responder.url}/v1/webhooks/alertmanager", data=payload(namespace="after")) as answer,
    ):
        return answer.status, answer.headers.get("Retry-After", "").isdigit()
