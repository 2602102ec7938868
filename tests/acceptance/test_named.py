"""A named statement of the rules is asked for by hand, and runs once, with what a person gave for its inputs."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.acceptance.shop import Shop, delivery
from tests.servers.responder import Responder, Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

pytestmark = pytest.mark.postgres

RULES = """
teams: {default: {receivers: {incidents: {slack: {channel: "#incidents"}}}}}
severities: [{name: high, aliases: [warning], notify: [incidents]}]
rules: [{name: errors, match: ['alertname="HighErrorRate"'], playbook: errors, severity: high}]
playbooks:
  errors:
    target: {kind: Deployment, namespace: "${labels.namespace}", name: ai-orchestrator}
    conclude: [{say: A key leaked, propose: [evidence]}]
    actions:
      evidence: {evidence.capture: {manifests: true}, mode: auto}
      revoke:
        postgres.execute:
          source: main
          statements: ["UPDATE api_keys SET revoked = true WHERE id = $1"]
          params: ["${inputs.key}"]
          rows: {exactly: 1}
        inputs: {key: {type: string, describe: The key, pattern: "[0-9]+"}}
        mode: approve
        guard: {evidence: [evidence]}
guard: {by_hand: {approvals: {destructive: 1}}}
"""


async def typed(responder: Responder, *words: str) -> str:
    """Type a command as ann, and return what it says."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "responder", *words, "--server", responder.url],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "RESPONDER_TOKEN": "token-of-ann", "COLUMNS": "300"},
    )
    return done.stdout + done.stderr


async def test_a_statement_of_the_rules_is_asked_for_by_its_name_and_runs_once(
    run_responder: Run, fake_slack: FakeSlack, web_servers: WebServers, postgres_database: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(postgres_database)
    await connection.execute("CREATE TABLE api_keys (id text PRIMARY KEY, revoked boolean NOT NULL DEFAULT false)")
    await connection.execute("INSERT INTO api_keys (id) VALUES ('7'), ('8')")
    shop, rules = Shop(), tmp_path / "own.yaml"
    rules.write_text(RULES)
    async with shop.cluster.running():
        await shop.open(web_servers)
        responder = run_responder(
            rules=[str(rules)],
            slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
            kubernetes={"kubeconfig": str(shop.cluster.kubeconfig(tmp_path))},
            datasources={"postgres": {"main": {"url": postgres_database}}},
            automation="auto",
            people={"ann": {"token": "token-of-ann"}},
            evidence={"directory": str(tmp_path / "evidence")},
        )
        await responder.start()
        assert await responder.post(delivery("HighErrorRate")) == 200
        async with asyncio.timeout(60):
            while "done" not in await typed(responder, "actions", "INC-1"):
                await asyncio.sleep(0.2)

        bad = await typed(responder, "act", "INC-1", "postgres.execute", "source=main", "--yes")
        assert "ask for what the playbook names: responder act INC-1 revoke key=..." in bad
        hostile = await typed(responder, "act", "INC-1", "revoke", "key=7' OR '1'='1", "--yes")
        assert "the input key cannot be taken: it has to match" in hostile
        assert await connection.fetch("SELECT id FROM api_keys WHERE revoked") == []

        told = await typed(responder, "act", "INC-1", "revoke", "key=7", "--reason", "it leaked", "--yes")
        assert "changed 1 row" in told or "done" in told, told
    assert [row["id"] for row in await connection.fetch("SELECT id FROM api_keys WHERE revoked")] == ["7"]
    await connection.close()
