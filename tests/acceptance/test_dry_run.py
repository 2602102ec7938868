"""A dry run: all is decided, previewed, guarded, approved and tried, and nothing outside changes but messages."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import redis.asyncio
import yaml
from aiohttp import web

from tests.acceptance.house import until
from tests.acceptance.shop import NAMESPACE, Shop, delivery
from tests.servers.processes import Server
from tests.servers.responder import Responder, Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

EVIDENCE = {"guard": {"evidence": ["evidence"]}}
TRIED = {
    "evidence": {"evidence.capture": {"logs": True, "manifests": True}, "mode": "auto"},
    "roll-back": {
        "kubernetes.rollout_undo": {},
        "verify": {"until": "rate.value < 0.01", "within": "10m", "otherwise": ["undo"]},
    },
    "flag": {"kubernetes.patch_configmap": {"name": "ai-orchestrator-config", "set": {"LOG_LEVEL": "debug"}}},
    "shed": {"kubernetes.network_lockdown": {}, "guard": {"evidence": ["evidence"], "last_replica": True}},
    "revoke": {
        "postgres.execute": {
            "source": "main",
            "statements": ["UPDATE api_keys SET revoked = true WHERE id = $1"],
            "params": ["7"],
            "rows": {"exactly": 1},
        },
        **EVIDENCE,
    },
    "flush": {"redis.flush_db": {"source": "cache"}, **EVIDENCE},
    "call": {"http.request": {"url": "${vars.restart}"}, "mode": "auto"},
    "quiet": {
        "alertmanager.silence": {
            "matchers": {"alertname": "HighErrorRate", "namespace": NAMESPACE},
            "duration": "1h",
            "comment": "known",
        }
    },
}
REFUSED = {
    "scale": {"kubernetes.scale": {"by": 1}, "guard": {"when": "rate.value > 0.9"}},
    "elsewhere": {
        "kubernetes.patch_configmap": {"namespace": "kube-system", "name": "coredns", "set": {"a": "b"}},
    },
}
PEOPLE = {
    "ann": {"token": "token-of-ann", "roles": ["on-call"]},
    "bob": {"token": "token-of-bob", "roles": ["on-call"]},
}


def rules(folder: Path, restart: str) -> Path:
    """Write rules whose playbook calls for an action of every kind."""
    actions = {name: {"mode": "approve", **told} for name, told in (TRIED | REFUSED).items()}
    playbook = {
        "vars": {"restart": restart},
        "title": "Errors",
        "refresh": "3s",
        "target": {"kind": "Deployment", "namespace": "${labels.namespace}", "name": "ai-orchestrator"},
        "diagnose": {"rate": {"prometheus.query": {"query": "errors"}}},
        "conclude": [{"name": "high", "when": "rate.value > 0.05", "say": "Errors", "propose": list(actions)}],
        "actions": actions,
    }
    receivers = {"incidents": {"slack": {"channel": "#incidents"}}}
    document = {
        "teams": {"default": {"receivers": receivers}},
        "severities": [{"name": "high", "aliases": ["warning"], "notify": ["incidents"]}],
        "rules": [{"name": "errors", "match": ['alertname="HighErrorRate"'], "playbook": "errors", "severity": "high"}],
        "playbooks": {"errors": playbook},
    }
    path = folder / "everything.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


class Outside:
    """HTTP servers that note whatever would change something."""

    def __init__(self) -> None:
        self.changed: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as an Alertmanager without alerts."""
        if request.method != "GET":
            self.changed.append(f"{request.method} {request.path}")
        return web.json_response([])


async def settled(responder: Responder) -> dict[str, dict[str, Any]]:
    """Approve by ann and bob whatever may be approved, until every attempt is done or blocked; return them by name."""
    asked: set[tuple[str, int, str]] = set()
    found: dict[str, dict[str, Any]] = {}
    for _ in range(3000):
        attempts = (await responder.get("/v1/incidents/INC-1")).get("actions", [])
        found = {attempt["name"]: attempt for attempt in attempts}
        states = {name: attempt["state"] for name, attempt in found.items()}
        if states == {name: "blocked" if name in REFUSED else "done" for name in TRIED | REFUSED}:
            return found
        for attempt in attempts:
            for person in PEOPLE:
                said = (person, attempt["number"], attempt["digest"])
                if attempt["state"] == "proposed" and attempt["digest"] and said not in asked:
                    asked.add(said)
                    await approve(responder, person, attempt)
        await until(iter([False, True]).__next__)
    states = {name: (attempt["state"], attempt["blocks"]) for name, attempt in found.items()}
    raise AssertionError(json.dumps(states, indent=1), responder.log[-20:], responder.errors)


async def approve(responder: Responder, person: str, attempt: dict[str, Any]) -> None:
    """Say yes through the API; that it needs no more yeses is no matter."""
    headers = {"Authorization": f"Bearer token-of-{person}"}
    path = f"{responder.url}/v1/incidents/INC-1/actions/{attempt['number']}/approve"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(path, json={"digest": attempt["digest"]}) as answer,
    ):
        assert answer.status in (202, 409)


async def test_a_dry_run_decides_and_tries_everything_and_writes_nothing_but_messages(
    run_responder: Run,
    fake_slack: FakeSlack,
    web_servers: WebServers,
    postgres_database: str,
    start_redis: Callable[..., Server],
    tmp_path: Path,
) -> None:
    shop, outside, cache = Shop(), Outside(), start_redis()
    connection = await asyncpg.connect(postgres_database)
    await connection.execute("CREATE TABLE api_keys (id text PRIMARY KEY, revoked boolean NOT NULL DEFAULT false)")
    await connection.execute("INSERT INTO api_keys (id) VALUES ('7'), ('8')")
    sessions = redis.asyncio.from_url(cache.url)
    await sessions.set("session:1", "ann")
    async with shop.cluster.running():
        await shop.open(web_servers)
        url = await web_servers.serve(outside.answer)
        responder = run_responder(
            rules=[str(rules(tmp_path, f"{url}/restart"))],
            slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
            kubernetes={"kubeconfig": str(shop.cluster.kubeconfig(tmp_path))},
            prometheus={"url": shop.prometheus},
            datasources={"postgres": {"main": {"url": postgres_database}}, "redis": {"cache": {"url": cache.url}}},
            alertmanagers=[{"url": url}],
            reconcile_every="10m",
            automation="auto",
            people=PEOPLE,
            evidence={"directory": str(tmp_path / "evidence")},
        )
        responder.flags = ("--dry-run",)
        await responder.start()
        assert (await responder.said("serving"))["dry_run"] is True
        shop.cluster.settle()
        before = stored(shop)
        assert await responder.post(delivery("HighErrorRate")) == 200
        attempts = await settled(responder)

        assert different(before, stored(shop)) == []
        assert writes(shop)
        assert [asked for asked in writes(shop) if asked.query.get("dryRun") != "All"] == []
    assert await connection.fetch("SELECT id FROM api_keys WHERE revoked") == []
    assert await sessions.keys() == [b"session:1"]
    assert outside.changed == []
    assert not [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]
    await connection.close()
    await sessions.aclose()

    assert {name for name, attempt in attempts.items() if attempt["dry_run"]} == set(TRIED | REFUSED)
    assert all(attempts[name]["why"] == "DRY RUN: nothing was changed" for name in TRIED)
    assert "rate.value > 0.9 does not hold" in " ".join(attempts["scale"]["blocks"])
    assert "nothing may be done in kube-system" in " ".join(attempts["elsewhere"]["blocks"])
    living = next(message for message in fake_slack.messages("incidents") if not message.thread_ts)
    assert "DRY RUN" in living.shown
    asking = await until(lambda: [m.shown for m in fake_slack.thread(living) if "to be decided" in m.shown])
    assert all("DRY RUN" in shown for shown in asking)
    acted = [entry["what"] for entry in (await timeline(responder)) if entry["what"]["kind"] == "acted"]
    assert {one["outcome"]["say"] for one in acted} == {"DRY RUN: nothing was changed"}
    would = [line for one in acted for line in one["outcome"]["details"]]
    assert len(would) == len(TRIED)
    assert all(would)


async def timeline(responder: Responder) -> list[dict[str, Any]]:
    """Return what happened on the incident."""
    return list((await responder.get("/v1/incidents/INC-1"))["timeline"])


def different(before: Any, after: Any, where: str = "") -> list[str]:
    """Name every place where two values differ; controllers write anew what they find, which counts the version up."""
    if where.endswith("/metadata/resourceVersion"):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [place for key in keys for place in different(before.get(key), after.get(key), f"{where}/{key}")]
    return [] if before == after else [f"{where}: {before} → {after}"]


def stored(shop: Shop) -> Any:
    """Return everything that the API server holds."""
    return copy.deepcopy(shop.cluster.objects._stored)


def writes(shop: Shop) -> list[Any]:
    """Return the requests that could change something; asking what we may is none."""
    return [asked for asked in shop.writes("") if "selfsubjectaccessreviews" not in asked.path]
