"""An engine in a small world: real rules, real store, a channel that is a folder, a clock that is moved by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from responder.engine.runtime import Runtime
from responder.engine.views import Wanted
from responder.engine.worker import Engine
from responder.model.incident import Incident
from responder.model.labels import Labels, fingerprint
from responder.model.ruleset import RuleSet
from responder.model.timeline import Happening
from responder.plugins.registry import discover
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from responder.store.opening import open_store
from responder.store.store import Store
from tests.engine import plugins
from tests.engine.plugins.channel import sent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"

RULES = """
severities:
  - {name: critical, aliases: [high], notify: [incidents, on-call]}
  - {name: warning, notify: [incidents]}
teams:
  default: {receivers: {incidents: {channel: {folder: FOLDER}}, on-call: {pager: {folder: FOLDER}}}}
rules:
  - name: errors
    match: ['alertname="HighErrorRate"']
    correlate_by: [namespace]
    severity: {label: severity, otherwise: warning}
    playbook: errors
  - name: watchdog
    match: ['alertname="Watchdog"']
    heartbeat: {by: [prometheus], expect_every: 5m, severity: critical}
  - {name: noise, match: ['alertname="InfoInhibitor"'], record_only: true}
playbooks:
  errors:
    diagnose:
      rate: {trial.answer: {value: 0.2, line: "password=hunter2 for ${labels.namespace}"}}
    conclude:
      - {name: many, when: 'rate.value > 0.1', say: "Errors at ${rate.value | percent}"}
"""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def forward(self, **span: float) -> None:
        """Move on."""
        self.at += timedelta(**span)


class NoTools:
    """Tools for steps that use none."""


@dataclass
class World:
    """Everything of one test."""

    store: Store
    engine: Engine
    clock: Clock
    folder: Path
    runtime: Runtime

    async def deliver(self, *alerts: Mapping[str, Any], **fields: Any) -> None:
        """Post a delivery and let everything that is due happen."""
        await self.engine.intake.accept(delivery(*alerts, **fields))
        await self.engine.settle()

    async def later(self, **span: float) -> None:
        """Move the clock and let everything that is due happen."""
        self.clock.forward(**span)
        await self.engine.settle()

    async def incidents(self) -> Sequence[Incident]:
        """List all incidents, the oldest first."""
        return list(reversed(await self.engine.reader.incidents(Wanted(limit=1000))))

    async def only(self) -> Incident:
        """Return the only incident."""
        (incident,) = await self.incidents()
        return incident

    async def happenings(self, number: int = 1) -> list[Happening]:
        """Return what stands on a timeline."""
        return [event.what for event in await self.engine.reader.timeline(number)]

    def sent(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what reached the channel."""
        return [line for line in sent(self.folder) if kind in ("", line["kind"])]


async def build(
    url: str,
    folder: Path,
    *,
    clock: Clock | None = None,
    rules: str = RULES,
    book: Callable[[RuleSet], Rulebook] = Rulebook,
    **settings: Any,
) -> World:
    """Open the store and build an engine that does not run yet."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "rules.yaml"
    path.write_text(rules.replace("FOLDER", str(folder)))
    registry = discover([plugins])
    rulebook = book(load([path], registry).ruleset)
    clock = clock or Clock()
    tools: Any = NoTools()
    runtime = Runtime(
        rulebook=lambda: rulebook,
        kitchen=Kitchen(registry),
        registry=registry,
        tools=lambda incident: tools,
        notifier_tools=tools,
        now=clock.now,
    )
    runtime = replace(runtime, **settings)
    store = await open_store(url)
    return World(store, Engine(store, runtime), clock, folder, runtime)


def alert(name: str = "HighErrorRate", *, status: str = "firing", start: float = 0, **more: Any) -> dict[str, Any]:
    """
    Make an alert as Alertmanager writes it; `start` and `end` are seconds from noon.

    Other keywords are labels.
    """
    end, annotations = more.pop("end", 0), more.pop("annotations", {"summary": f"{name} is on"})
    labels: Labels = {"alertname": name, "namespace": "prod", "severity": "warning", **more}
    moment = (NOON + timedelta(seconds=end)).isoformat()
    return {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": (NOON + timedelta(seconds=start)).isoformat(),
        "endsAt": moment if status == "resolved" else NEVER,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint(labels),
    }


def delivery(*alerts: Mapping[str, Any], **fields: Any) -> bytes:
    """Make the body of a delivery."""
    shape = {"receiver": "responder", "version": "4", "externalURL": "http://am:9093", "truncatedAlerts": 0}
    return json.dumps({**shape, "alerts": list(alerts), **fields}).encode()
