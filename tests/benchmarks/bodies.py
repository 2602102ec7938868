"""Deliveries to post, in files with one body a line."""

import json
from datetime import UTC, datetime
from pathlib import Path

from responder.model.labels import fingerprint

_NEVER = "0001-01-01T00:00:00Z"

TOKEN = "token-of-the-tests"
"""What lets a delivery in: the one of `tests.servers.responder`, spelled again because the load should start fast."""


def alert(number: int, group: int, *, container: str = "api") -> dict[str, object]:
    """Make one firing alert with the labels that a real one has."""
    labels = {
        "alertname": "BenchAlert",
        "cluster": "prod-eu-1",
        "container": container,
        "namespace": f"team-{group}",
        "pod": f"api-6d5f9c7b8-{number:06}",
        "service": "api",
        "severity": "warning",
        "team": "platform",
    }
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {
            "summary": "High error rate on api",
            "description": "More than 5 % of the requests of the last five minutes failed.",
            "runbook_url": "https://runbooks.example.com/high-error-rate",
        },
        "startsAt": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "endsAt": _NEVER,
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up&g0.tab=1",
        "fingerprint": fingerprint(labels),
    }


def delivery(alerts: list[dict[str, object]], group: int) -> dict[str, object]:
    """Make one delivery."""
    return {
        "receiver": "responder",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {"namespace": f"team-{group}"},
        "commonLabels": {"namespace": f"team-{group}", "severity": "warning"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "version": "4",
        "groupKey": f'{{}}:{{namespace="team-{group}"}}',
        "truncatedAlerts": 0,
    }


def write(path: Path, *, deliveries: int, alerts: int, groups: int) -> Path:
    """Write deliveries with so many alerts each, spread over groups; no alert stands in two of them."""
    lines = []
    for place in range(deliveries):
        group = place % groups
        several = [alert(place * alerts + number, group) for number in range(alerts)]
        lines.append(json.dumps(delivery(several, group)))
    path.write_text("\n".join(lines) + "\n")
    return path
