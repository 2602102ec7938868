"""Secrets that are planted everywhere come out nowhere: not in logs, messages, answers of the API, or the store."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp

from tests.acceptance.shop import NAMESPACE
from tests.acceptance.test_acting import PEOPLE, SIGNING, Begin, Platform, begin
from tests.servers.responder import TOKEN

__all__ = ["begin"]

DATABASE, CACHE, API_TOKEN = "planted-database-pw", "planted-cache-pw", "planted-api-token"
IN_CLUSTER, IN_REASON, IN_LABEL = "planted-in-a-secret", "planted-in-a-reason", "planted-in-a-label"
IN_ENV, IN_HEADER, IN_BODY, IN_URL = "planted-in-env", "planted-in-header", "planted-in-body", "planted-in-url"
OURS = (DATABASE, CACHE, API_TOKEN, TOKEN, SIGNING, *(str(one["token"]) for one in PEOPLE.values()))
"""Of the settings: nowhere at all."""
THEIRS = (IN_CLUSTER, IN_REASON, IN_LABEL, IN_ENV, IN_HEADER, IN_BODY, IN_URL)
"""Of other people: nowhere outside; what has to be done with them is kept in the store until it is done."""


def secret(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": IN_CLUSTER}}


HAND: tuple[dict[str, Any], ...] = (
    {"action": "kubernetes.set_env", "params": {"set": {"DB_PASSWORD": IN_ENV, "SMTP_PASS": IN_ENV}}},
    {
        "action": "http.request",
        "params": {
            "url": f"http://127.0.0.1:1/?api_key={IN_URL}",
            "headers": {"Authorization": f"Bearer {IN_HEADER}"},
            "body": {"password": IN_BODY},
            "credentials": "api",
        },
    },
    {"action": "postgres.execute", "params": {"source": "main", "statements": ["DELETE FROM t"], "rows": {"max": 1}}},
    {"action": "redis.flush_db", "params": {"source": "cache"}},
    {
        "action": "kubernetes.patch_secret",
        "params": {"name": "target", "key": "a", "from": {"secret": "source", "key": "password"}},
    },
    {"action": "evidence.capture", "params": {"manifests": True, "events": True}},
)

RULES_ONLY = ("http.request", "postgres.execute")
"""What nobody may ask for with parameters of their own."""


async def test_what_is_secret_comes_out_nowhere(begin: Begin, tmp_path: Path) -> None:
    platform = await begin(
        database_url=f"sqlite:///{tmp_path / 'store.db'}",
        datasources={
            "postgres": {"main": {"url": f"postgresql://ann:{DATABASE}@127.0.0.1:1/shop"}},
            "redis": {"cache": {"url": f"redis://:{CACHE}@127.0.0.1:1/0"}},
        },
        credentials={"api": {"url": "http://127.0.0.1:1", "bearer_token": API_TOKEN}},
    )
    platform.shop.cluster.seed(secret("source"), secret("target"))
    await platform.fires("HighErrorRate", note=f"password={IN_LABEL}")
    for number, asked in enumerate(HAND):
        reason = f"try {number}: password={IN_REASON}"
        status, said = await platform.posts("bob", "/v1/incidents/INC-1/actions", **asked, reason=reason)
        assert (status, IN_REASON in json.dumps(said)) == (202, False)
    for asked in HAND:
        if asked["action"] in RULES_ONLY:
            await platform.refused(f"{asked['action']} does only what rules say")
            continue
        attempt = await platform.action(asked["action"], "proposed", "blocked", "refused", "withdrawn")
        if attempt["digest"]:
            await platform.says("ann", attempt, why=f"token={IN_REASON}")
    await platform.action("kubernetes.set_env", "done", "verified", "failed", "running", "proposed", "refused")
    outside = await told(platform)
    assert [_around(outside, one) for one in (*OURS, *THEIRS) if one in outside] == []
    kept = stored(tmp_path / "store.db")
    assert [_around(kept, one) for one in (*OURS, IN_CLUSTER, IN_REASON) if one in kept] == []
    assert "try 0: password=[redacted]" in outside
    assert IN_ENV in kept


async def told(platform: Platform) -> str:
    """Return all that has come out: the log, what Slack was sent, and what the API answers."""
    found = [json.dumps(platform.responder.log), "\n".join(platform.responder.errors)]
    found += [json.dumps(call.args, default=str) for call in platform.slack.calls]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        for path in ("incidents", "incidents/INC-1", "incidents/INC-1/recording", "alerts", "deliveries/rejected"):
            async with session.get(f"{platform.responder.url}/v1/{path}") as answer:
                assert answer.status == 200
                found.append(await answer.text())
        for path in ("metrics", "readyz", "openapi.json"):
            async with session.get(f"{platform.responder.url}/{path}") as answer:
                found.append(await answer.text())
    status, actions = await platform.posts("ann", "/v1/incidents/INC-1/actions", action="nothing.there")
    assert status == 202
    return "\n".join([*found, json.dumps(actions)])


def stored(file: Path) -> str:
    """Return every row of every table."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [str(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"')]
    finally:
        connection.close()
    return "\n".join(rows)


def _around(text: str, word: str) -> str:
    at = text.index(word)
    return f"{word}: ...{text[max(at - 300, 0) : at + 100]}"
