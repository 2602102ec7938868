"""`responder record`, and `responder replay --to`, against servers that run."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from responder.engine.recorded import RecordedReadings
from responder.engine.recording import Recording, find
from responder.settings.process import Settings
from responder.wiring import Server as Responding
from responder.wiring import plugins, start
from tests.acceptance.house import WITHIN, write_rules
from tests.servers.processes import Server, free_port
from tests.servers.responder import HEADERS, TOKEN, Responder, Run

ROOT = Path(__file__).parents[2]
PACK = "rules/ai-orchestrator"
QUIET = "1s"
STORY = ROOT / "fixtures" / "high-error-rate"


async def run(*words: str | Path, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "responder", *map(str, words)]
    others = {name: value for name, value in os.environ.items() if not name.startswith("RESPONDER_")}
    environ = {**others, "RESPONDER_TOKEN": token, "RESPONDER_QUIET_FOR": QUIET}
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=100, check=False, cwd=ROOT, env=environ
    )


async def incident(url: str, **wanted: Any) -> dict[str, Any]:
    """Wait until INC-1 is as wanted."""
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession(headers=HEADERS) as session:
        while True:
            async with session.get(f"{url}/v1/incidents/INC-1") as answer:
                shown: dict[str, Any] = await answer.json()
            diagnostics = shown.get("diagnostics", ())
            ended = diagnostics and all(one["status"] not in ("waiting", "running") for one in diagnostics)
            if ended and all(shown[name] == value for name, value in wanted.items()):
                return shown
            await asyncio.sleep(0.05)


async def outcome(folder: Path, rules: str | Path) -> dict[str, Any]:
    """Replay what was recorded."""
    expected = folder / "expected.yaml"
    again = ("replay", folder, "--rules", rules, "--expect", expected)
    written = await run(*again, "--update")
    assert written.returncode == 0, written.stderr
    agrees = await run(*again)
    assert agrees.returncode == 0, agrees.stdout + agrees.stderr
    (only,) = yaml.safe_load(expected.read_text(encoding="utf-8"))[folder.name]["incidents"]
    return dict(only)


def compared(live: dict[str, Any]) -> dict[str, Any]:
    """Show a live incident as an outcome does."""
    diagnostics = live["diagnostics"]
    return {
        "severity": live["severity"],
        "why": live["severity_why"],
        "title": live["title"],
        "rule": live["rule"],
        "findings": [one["say"] for one in live["findings"]],
        "proposals": {one["name"]: one["commands"] for one in live["proposals"]},
        "found": {one["name"]: one["headline"] for one in diagnostics if one["status"] == "found"},
        "failed": {one["name"]: one["error"] for one in diagnostics if one["status"] == "failed"},
    }


def chosen(outcome: dict[str, Any]) -> dict[str, Any]:
    empty = {"findings": [], "proposals": {}, "found": {}, "failed": {}}
    return {**empty, **{key: value for key, value in outcome.items() if key in {*empty, *compared_keys()}}}


def compared_keys() -> set[str]:
    return {"severity", "why", "title", "rule"}


class Told:
    """A server whose diagnostics answer from a recording that began now."""

    def __init__(self, server: Responding, recording: Recording) -> None:
        self.url = server.addresses[0]
        self.recording = recording

    async def post(self, place: int) -> None:
        async with aiohttp.ClientSession(headers=HEADERS) as session:
            body = self.recording.deliveries[place][1]
            async with session.post(f"{self.url}/v1/webhooks/alertmanager", data=body, headers=JSON) as answer:
                assert answer.status == 200


JSON = {"Content-Type": "application/json"}


async def _at_once(_: object) -> None:
    return


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    (recording,) = find([STORY])
    recording = recording.moved(datetime.now(UTC))
    recorded = RecordedReadings(
        find=lambda _: recording,
        playbook_of=lambda _: "",
        registry=plugins(),
        now=lambda: datetime.now(UTC),
        sleep=_at_once,
    )
    settings = {
        "listen": "127.0.0.1:0",
        "database_url": f"sqlite:///{tmp_path / 'told.db'}",
        "rules": [str(ROOT / PACK)],
        "webhook": {"bearer_tokens": [TOKEN]},
        "quiet_for": QUIET,
    }
    server = await start(Settings.model_validate(settings), recorded=recorded)
    yield Told(server, recording)
    await server.stop()


async def test_a_live_incident_is_recorded_and_played_again_to_the_same_findings(told: Told, tmp_path: Path) -> None:
    await told.post(0)
    live = await incident(told.url, status="open")
    folder = tmp_path / "outage"
    done = await run("record", "INC-1", "--out", folder, "--url", told.url)
    assert done.returncode == 0, done.stderr
    assert f"Play it: responder replay {folder}" in done.stdout
    again = await outcome(folder, PACK)
    assert chosen(again) == compared(live)
    assert live["findings"]
    assert live["proposals"]


async def test_a_past_incident_is_played_again_to_its_end(told: Told, tmp_path: Path) -> None:
    await told.post(0)
    await incident(told.url, status="open")
    await told.post(1)
    live = await incident(told.url, status="resolved")
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    folder = tmp_path / "past"
    done = await run("record", "1", "--out", folder, "--url", f"{told.url}/", "--token-file", token, token="no")
    assert done.returncode == 0, done.stderr
    again = await outcome(folder, PACK)
    assert again["status"] == "resolved"
    assert chosen(again) == compared(live)


@pytest.mark.alertmanager
async def test_what_prometheus_said_is_recorded_with_its_chart(
    run_responder: Run, prometheus_server: Server, tmp_path: Path
) -> None:
    query = {"prometheus.query": {"query": "vector(0.75)", "chart": "10m"}}
    playbook = {
        "title": "Errors",
        "diagnose": {"rate": query},
        "conclude": [
            {"name": "up", "when": "rate.value > 0.5", "say": "It is up: ${rate.value | percent}", "severity": "P1"}
        ],
    }
    rule = {"name": "errors", "match": ['alertname="Errors"'], "playbook": "errors"}
    rules = write_rules(tmp_path / "rules", rules=[rule], playbooks={"errors": playbook})
    responder = run_responder(rules=[str(rules)], prometheus={"url": prometheus_server.url})
    await responder.start()
    assert await responder.post(_body("a" * 16)) == 200
    live = await incident(responder.url)
    folder = tmp_path / "up"
    assert (await run("record", "INC-1", "--out", folder, "--url", responder.url)).returncode == 0
    again = await outcome(folder, rules)
    assert chosen(again) == compared(live)
    assert live["severity"] == "P1"
    assert again["findings"][0].startswith("It is up: 75")
    (recording,) = find([folder])
    (run_,) = recording.diagnostics["rate"]
    assert run_.chart is not None
    assert set(run_.chart.values) == {0.75}


async def test_a_wrong_call_says_what_to_do(run_responder: Run, tmp_path: Path) -> None:
    responder = run_responder()
    await responder.start()
    here = ("--url", responder.url)
    for words, token, status, said in (
        (("record", "INC-7", *here, "--out", tmp_path / "new"), TOKEN, 1, "there is no incident 'INC-7'"),
        (("record", "INC-7", *here, "--out", tmp_path / "new"), "wrong", 2, "give the token with --token-file"),
        (("record", "x", *here), TOKEN, 2, "'x' is no incident: write INC-17 or 17"),
        (("record", "1", *here, "--out", tmp_path), TOKEN, 2, "exists: name a new folder with --out"),
        (("record", "1", "--url", "localhost:8080"), TOKEN, 2, "'localhost:8080' is no address of a server"),
        (("record", "1", *here, "--token-file", tmp_path / "none"), TOKEN, 2, "none: No such file"),
        (("replay", STORY, "--to", responder.url), "wrong", 2, "give the token with --token-file"),
        (("replay", STORY, "--to", responder.url, "--junit", "x"), TOKEN, 2, "--junit does not go with --to"),
        (
            ("replay", STORY, "--to", f"http://127.0.0.1:{free_port()}"),
            TOKEN,
            1,
            "delivery 1 of 2 at 0s: http://127.0.0.1:",
        ),
    ):
        done = await run(*words, token=token)
        assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert not (tmp_path / "new").exists()


async def test_deliveries_go_to_a_running_server_as_if_they_came_now(run_responder: Run) -> None:
    responder = run_responder(rules=[str(ROOT / PACK)], quiet_for=QUIET)
    await responder.start()
    began = datetime.now(UTC)
    done = await run("replay", STORY, "--to", responder.url, "--speed", "0")
    assert done.returncode == 0, done.stderr
    assert f"2 deliveries taken by {responder.url}, 0 refused" in done.stdout
    assert done.stderr == ""
    live = await until_resolved(responder)
    (alert,) = live["alerts"]
    starts_at, ends_at = (datetime.fromisoformat(alert[name]) for name in ("starts_at", "ends_at"))
    assert starts_at < ends_at <= datetime.now(UTC)
    assert began - timedelta(minutes=2) < ends_at
    assert ends_at - starts_at == timedelta(minutes=11)


async def test_a_refused_delivery_is_named_and_the_others_go_on(run_responder: Run, tmp_path: Path) -> None:
    responder = run_responder()
    await responder.start()
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name, body in (("1", _body("a" * 16)), ("2", b"{"), ("3", b'{"alerts": 3}'), ("4", _body("b" * 16))):
        (folder / f"{name}.json").write_bytes(body)
    done = await run("replay", folder, "--to", responder.url, "--speed", "1000")
    assert done.returncode == 1
    assert "refused: mixed, delivery 2 of 4 at 10s" in done.stdout
    assert "answered 400: the body is not JSON" in done.stdout
    assert "refused: mixed, delivery 3 of 4 at 20s" in done.stdout
    assert "2 deliveries taken" in done.stdout
    await _alerts(responder, 2)


async def until_resolved(responder: Responder) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN):
        while not (found := (await responder.get("/v1/incidents?status=resolved"))["incidents"]):
            await asyncio.sleep(0.05)
    return dict(found[0])


async def _alerts(responder: Responder, number: int) -> None:
    async with asyncio.timeout(WITHIN):
        while sum(len(one["alerts"]) for one in (await responder.get("/v1/incidents"))["incidents"]) < number:
            await asyncio.sleep(0.05)


def _body(fingerprint: str) -> bytes:
    alert = {
        "status": "firing",
        "labels": {"alertname": "Errors", "instance": fingerprint},
        "annotations": {},
        "startsAt": "2026-03-01T11:59:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint,
    }
    return json.dumps({"version": "4", "status": "firing", "receiver": "responder", "alerts": [alert]}).encode()
