"""The recorded deliveries of the shipped pack's alerts are what a real Alertmanager sends."""

import json
from pathlib import Path
from typing import Any

import pytest

from responder.model.labels import fingerprint
from tests.integration.record_deliveries import ALERTS, record
from tests.servers.processes import Bench
from tests.servers.web import WebServers

FIXTURES = Path(__file__).parents[2] / "fixtures" / "deliveries"
CHANGING = {"startsAt", "endsAt", "generatorURL", "annotations", "commonAnnotations"}


@pytest.mark.alertmanager
async def test_what_is_recorded_is_what_alertmanager_sends_today(bench: Bench, web_servers: WebServers) -> None:
    bodies = await record(bench, web_servers, window="5s")
    for (alert, status), body in bodies.items():
        recorded = json.loads((FIXTURES / f"{alert}-{status}.json").read_bytes())
        assert lasting(json.loads(body)) == lasting(recorded)
    assert set(bodies) == {(alert, status) for alert in ALERTS for status in ("firing", "resolved")}


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.json")), ids=lambda path: path.stem)
def test_every_recording_has_the_fingerprints_of_its_labels(path: Path) -> None:
    for alert in json.loads(path.read_bytes())["alerts"]:
        assert alert["fingerprint"] == fingerprint(alert["labels"])


@pytest.mark.parametrize("alert", ALERTS)
def test_a_resolved_recording_continues_the_firing_one(alert: str) -> None:
    (fired,), (resolved,) = (
        json.loads((FIXTURES / f"{alert}-{status}.json").read_bytes())["alerts"] for status in ("firing", "resolved")
    )
    assert (fired["fingerprint"], fired["startsAt"]) == (resolved["fingerprint"], resolved["startsAt"])
    assert fired["labels"]["namespace"] == "ai-orchestrator"


def lasting(document: Any) -> Any:
    """Leave out what differs from one recording to the next."""
    match document:
        case dict():
            return {key: lasting(value) for key, value in document.items() if key not in CHANGING}
        case list():
            return [lasting(value) for value in document]
    return document
