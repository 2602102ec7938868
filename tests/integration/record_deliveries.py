"""
Records what a real Alertmanager delivers for the alerts of the shipped pack, with the labels that real rules give.

A small exporter misbehaves, a real Prometheus scrapes it and evaluates the rules below, a real Alertmanager posts what
follows; then the exporter behaves again. To record anew:

    python -m tests.integration.record_deliveries fixtures/deliveries
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.servers.processes import Bench
from tests.servers.web import WebServers

ALERTS = ("HighErrorRate", "MemoryLeakSuspected", "AuthenticationFailureSpike")
SERVICE = {"namespace": "ai-orchestrator", "service": "ai-orchestrator"}
PODS = {"ai-orchestrator-6b8c9d5f4b-w9z1c": (0.41, 0.41), "ai-orchestrator-6b8c9d5f4b-k4m2p": (0.93, 0.35)}
"""Memory of each pod as a share of its limit, ill and well."""
KUBELET = {"job": "kubelet", "metrics_path": "/metrics/cadvisor", "instance": "10.0.3.17:10250", "node": "node-3"}
LONGEST = 180.0
"""Seconds after which a recording is given up."""


@dataclass
class Exporter:
    """Serves /metrics of two pods; while `ill` it fails requests and logins, and one pod's memory is near its limit."""

    ill: bool = True
    scrapes: Any = field(default_factory=lambda: count(1))
    errors: float = 0
    failures: float = 0

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer one scrape; counters grow with each."""
        number = next(self.scrapes)
        self.errors += 12 if self.ill else 0
        self.failures += 40 if self.ill else 0
        lines = [
            _sample("requests_total", 100 * number, SERVICE),
            _sample("errors_total", self.errors, SERVICE),
            _sample("auth_failures_total", self.failures, SERVICE),
        ]
        for pod, (ill, well) in PODS.items():
            labels = {**KUBELET, "namespace": "ai-orchestrator", "pod": pod, "container": "ai-orchestrator"}
            lines.append(_sample("container_memory_working_set_bytes", (ill if self.ill else well) * 2**32, labels))
            lines.append(_sample("container_spec_memory_limit_bytes", 2**32, labels))
        return web.Response(text="\n".join([*lines, ""]))


def _sample(name: str, value: float, labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{shown}}} {value}"


def rules(window: str) -> dict[str, Any]:
    """Write the rules as a team would; `window` is that of the rates, and ends how long an alert outlasts its cause."""
    by = "by (namespace, service)"
    rate = f"sum {by} (rate(errors_total[{window}])) / sum {by} (rate(requests_total[{window}])) > 0.05"
    leak = "container_memory_working_set_bytes / container_spec_memory_limit_bytes > 0.85"
    failures = f"sum {by} (rate(auth_failures_total[{window}])) > 5"
    full = "{{ $labels.pod }} at {{ $value | humanizePercentage }} of its limit"
    alerts = [
        _rule("HighErrorRate", rate, "warning", "{{ $value | humanizePercentage }} of requests fail"),
        _rule("MemoryLeakSuspected", leak, "warning", full),
        _rule("AuthenticationFailureSpike", failures, "high", "{{ $value | humanize }} failed logins each second"),
    ]
    return {"groups": [{"name": "ai-orchestrator", "rules": alerts}]}


def _rule(name: str, expression: str, severity: str, summary: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": "2s",
        "labels": {"severity": severity, "team": "ai-platform"},
        "annotations": {
            "summary": summary,
            "description": "In {{ $labels.namespace }} of {{ $externalLabels.cluster }}.",
            "runbook_url": f"https://runbooks.example.com/ai-orchestrator#{name.lower()}",
        },
    }


@dataclass
class Recorder:
    """Takes the deliveries, byte for byte."""

    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Keep the first delivery of each alert in each status."""
        body = await request.read()
        delivery = json.loads(body)
        self.bodies.setdefault((delivery["groupLabels"]["alertname"], delivery["status"]), body)
        self.arrived.set()
        return web.Response()

    async def until(self, status: str) -> None:
        """Wait until every alert was delivered in a status. Raises: TimeoutError."""
        async with asyncio.timeout(LONGEST):
            while not all((alert, status) in self.bodies for alert in ALERTS):
                self.arrived.clear()
                await self.arrived.wait()


async def record(bench: Bench, web_servers: WebServers, *, window: str) -> dict[tuple[str, str], bytes]:
    """Let every alert fire and resolve; returns the bodies by alert and status."""
    exporter, recorder = Exporter(), Recorder()
    metrics, receiver = await web_servers.serve(exporter.metrics), await web_servers.serve(recorder.take)
    alertmanager = await asyncio.to_thread(
        bench.alertmanager, config=_routes(receiver), flags=["--web.external-url=http://alertmanager.example:9093"]
    )
    await asyncio.to_thread(
        bench.prometheus,
        config=scrapes(metrics, alertmanager.url),
        rules=rules(window),
        flags=["--web.external-url=http://prometheus.example:9090", "--rules.alert.resend-delay=1s"],
    )
    await recorder.until("firing")
    exporter.ill = False
    await recorder.until("resolved")
    return recorder.bodies


def _routes(receiver: str) -> dict[str, Any]:
    route = {"receiver": "responder", "group_by": ["alertname", "cluster", "namespace"]}
    return {
        "route": {**route, "group_wait": "1s", "group_interval": "2s", "repeat_interval": "4h"},
        "receivers": [{"name": "responder", "webhook_configs": [{"url": f"{receiver}/v1/webhooks/alertmanager"}]}],
    }


def scrapes(metrics: str, alertmanager: str) -> dict[str, Any]:
    """Write the configuration of a Prometheus that scrapes the exporter and tells the Alertmanager."""
    return {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"cluster": "production", "prometheus": "monitoring/k8s"},
        },
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]},
        "scrape_configs": [
            {
                "job_name": "ai-orchestrator",
                "honor_labels": True,
                "static_configs": [{"targets": [metrics.removeprefix("http://")]}],
            }
        ],
    }


async def main(folder: Path) -> None:
    """Record into a folder."""
    web_servers = WebServers()
    with tempfile.TemporaryDirectory(prefix="responder-recording-", ignore_cleanup_errors=True) as root:
        bench = Bench(Path(root))
        try:
            bodies = await record(bench, web_servers, window="30s")
        finally:
            await asyncio.to_thread(bench.stop)
            await web_servers.close()
    folder.mkdir(parents=True, exist_ok=True)
    for (alert, status), body in sorted(bodies.items()):
        (folder / f"{alert}-{status}.json").write_bytes(body)
        print(f"{alert}-{status}.json: {len(body)} bytes")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
