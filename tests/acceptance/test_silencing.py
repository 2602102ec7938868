"""An incident's silence ends with it: made by the real action in a real Alertmanager, and expired when all is quiet."""

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.shop import delivery, own_pack
from tests.acceptance.test_acting import Begin, begin
from tests.servers.processes import Server

__all__ = ["begin"]

pytestmark = pytest.mark.alertmanager

CONFIG = {"route": {"receiver": "r"}, "receivers": [{"name": "r"}]}
QUIET = """
quiet:
  alertmanager.silence: {matchers: {alertname: HighErrorRate}, duration: 2h, comment: Known}
  mode: approve
"""


def silences(server: Server) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/api/v2/silences", timeout=5) as answer:
        return list(json.load(answer))


async def test_a_silence_is_expired_when_its_incident_resolves(
    begin: Begin, start_alertmanager: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_alertmanager(config=CONFIG)
    packs = own_pack(tmp_path, QUIET, propose="quiet")
    platform = await begin(rules=packs, alertmanagers=[{"url": server.url}], quiet_for="1s")
    await platform.fires("HighErrorRate")
    assert (await platform.says("ann", await platform.asked("quiet")))[0] == 202
    await platform.action("quiet", "done", "failed", "refused")
    assert [one["status"]["state"] for one in silences(server)] in (["active"], ["pending"])

    assert await platform.responder.post(delivery("HighErrorRate", status="resolved")) == 200

    async with asyncio.timeout(30):
        while [one["status"]["state"] for one in silences(server)] != ["expired"]:
            await asyncio.sleep(0.1)
    assert (await platform.action("quiet", "undone"))["steps"][0]["action"] == "alertmanager.silence"
