"""An incident that people acted on is recorded while it lives, and played again to the same attempts."""

import asyncio
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.shop import GOOD, NAMESPACE, own_pack
from tests.acceptance.test_acting import Begin, Platform, begin, verified
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.responder import TOKEN

__all__ = ["begin"]

SECRET = BY_NAME["v1", "Secret"]
GIVEN, HELD = "planted-given-with-the-yes", "planted-in-the-cluster"
STORED = {name: b64encode(value.encode()).decode() for name, value in (("token", HELD), ("token-2", GIVEN))}
LIMITED = """
keep: {evidence.capture: {manifests: true}, mode: auto}
renew:
  kubernetes.patch_secret: {name: provider, key: "${inputs.which}", value: "${inputs.key}"}
  mode: approve
  guard: {evidence: [keep]}
  inputs:
    which: {type: string, describe: Which key, suggest: '"token"'}
    key: {type: secret, describe: The new key}
"""
IN_ORDER = """
scale: {kubernetes.scale: {replicas: 4}, mode: approve}
roll-back: {kubernetes.rollout_undo: {}, mode: approve}
in-order: {do: [scale, roll-back], mode: approve}
"""


async def run(platform: Platform, *words: str | Path) -> str:
    """Run a command with the settings of the server, so that it knows every address there is."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("RESPONDER_")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "responder", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=platform.responder.folder,
        env={**others, "RESPONDER_TOKEN": TOKEN},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contacts(platform: Platform) -> tuple[int, ...]:
    """Count what everybody outside was asked and told."""
    shop = platform.shop
    return len(shop.cluster.requests), len(shop.queries), len(platform.slack.calls)


async def played(platform: Platform, folder: Path) -> dict[str, Any]:
    """Record the incident, stop the server, and play the recording; returns its outcome."""
    told = await run(platform, "record", "INC-1", "--out", folder, "--url", platform.responder.url)
    assert "action" in told
    assert await platform.responder.stop() == 0
    before = contacts(platform)
    expected = folder / "expected.yaml"
    await run(platform, "replay", folder, "--config", "responder.yaml", "--expect", expected, "--update")
    await run(platform, "replay", folder, "--config", "responder.yaml", "--expect", expected)
    assert contacts(platform) == before
    assert before != (0, 0, 0)
    story = yaml.safe_load(expected.read_text(encoding="utf-8"))[folder.name]
    assert story.get("missed", []) == []
    (only,) = story["incidents"]
    return dict(only)


async def live(platform: Platform) -> dict[str, dict[str, Any]]:
    """Return the attempts of the incident, by their names."""
    return {one["name"]: one for one in (await platform.responder.get("/v1/incidents/INC-1"))["actions"]}


async def test_a_roll_back_that_helped_is_played_again_to_the_same_attempt(begin: Begin, tmp_path: Path) -> None:
    platform = await begin(verified("high-error-rate", "roll-back", "rate.value < vars.normal"))
    await platform.fires("HighErrorRate")
    await platform.shows("Approve")
    assert await platform.person("U0ANN").press(platform.message, "Approve") == 200
    await platform.action("roll-back", "verified")
    await platform.shows("helped · approved by ann")
    attempt = (await live(platform))["roll-back"]
    assert platform.shop.image == GOOD
    again = await played(platform, tmp_path / "bad-release")
    assert again["actions"] == {"roll-back": f"would run, approved by ann; then verified: {attempt['why']}"}
    assert "assumed" not in again
    assert attempt["steps"][0]["said"] in again["message"]


async def test_a_sequence_on_one_object_that_worked_is_played_again_to_the_same_attempt(
    begin: Begin, tmp_path: Path
) -> None:
    platform = await begin(rules=own_pack(tmp_path, IN_ORDER, propose="in-order"))
    await platform.fires("HighErrorRate")
    assert (await platform.says("ann", await platform.asked("in-order")))[0] == 202
    done = await platform.action("in-order", "done", "failed", "refused")
    assert (done["state"], [step["outcome"] for step in done["steps"]]) == ("done", ["done", "done"])
    assert (platform.shop.image, platform.shop.deployment["spec"]["replicas"]) == (GOOD, 4)
    again = await played(platform, tmp_path / "ordered-again")
    assert again["actions"] == {"in-order": "would run, approved by ann"}
    assert "assumed" not in again


async def test_inputs_of_a_yes_are_played_again_and_its_secrets_are_nowhere(begin: Begin, tmp_path: Path) -> None:
    platform = await begin(rules=own_pack(tmp_path, LIMITED, propose="keep, renew"), automation="auto")
    provider = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "provider", "namespace": NAMESPACE}}
    platform.shop.cluster.seed({**provider, "data": {"token": STORED["token"]}})
    await platform.fires("HighErrorRate")
    await platform.action("keep", "done")
    asked = await platform.asked("renew")
    assert (await platform.says("ann", asked, inputs={"which": "token-2", "key": GIVEN}))[0] == 202
    done = await platform.action("renew", "done", "failed", "refused")
    assert (done["state"], platform.shop.cluster.objects.get(SECRET, NAMESPACE, "provider")["data"]) == ("done", STORED)
    folder = tmp_path / "renewed"
    again = await played(platform, folder)
    assert again["actions"] == {"keep": "would run, approved by rule (auto)", "renew": "would run, approved by ann"}
    assert "assumed" not in again
    assert "token-2" in again["message"]
    text = "".join(file.read_text(encoding="utf-8") for file in folder.iterdir())
    assert [value for value in (GIVEN, HELD, *STORED.values()) if value in text] == []
