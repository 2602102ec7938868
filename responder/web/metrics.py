"""What Prometheus can scrape of us. Counters are called by those who do the work; gauges are asked for at a scrape."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector

from responder.engine.views import Counts
from responder.web.action_metrics import ActionMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REFUSALS = (400, 401, 403, 413, 415, 422, 503)
"""What the door answers a delivery that it does not take."""
OUTCOMES = ("sent", "again", "refused", "broke")
"""Of a sending: done, to be tried again, refused for good, broken by a defect."""


ANSWERS = ("ask", "yes", "no", "undo", "happened", "not_happened", "break_glass", "stop", "resume")
"""What people can say."""
DOORS = ("api", "cli", "slack")


class Metrics:
    """
    All metrics of one process, in a registry of their own; `notifiers` are the names of those that there are.
    `stopped` says that the settings stop all automation.

    What Responder itself is watched by counts from 0: Prometheus sees no increase in a series that begins with 1.
    """

    def __init__(self, version: str, notifiers: Iterable[str] = (), *, stopped: bool = False) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody asks for
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        Info("responder_build", "The version that runs.", registry=registry).info({"version": version})
        self._accepted = Counter("responder_deliveries_accepted", "Deliveries committed.", registry=registry)
        self._rejected = Counter(
            "responder_deliveries_rejected", "Deliveries refused, by HTTP status.", ["status"], registry=registry
        )
        self._kept = Gauge(
            "responder_deliveries_rejected_kept", "Rejected deliveries kept to look at.", registry=registry
        )
        self._intake = Gauge("responder_intake_bytes", "Bytes of deliveries not yet committed.", registry=registry)
        self._inbox = Gauge(
            "responder_inbox_deliveries", "Deliveries committed, not yet correlated.", registry=registry
        )
        self._lag = Gauge("responder_correlate_lag_seconds", "Age of the oldest such delivery.", registry=registry)
        self._waiting = Gauge("responder_commands_waiting", "Commands not yet done.", ["kind"], registry=registry)
        self._undelivered = Gauge(
            "responder_alerts_undelivered",
            "Alerts, ever, that an Alertmanager held for us and did not deliver.",
            registry=registry,
        )
        self._set_aside = Gauge(
            "responder_alerts_set_aside",
            "Alerts, ever, that could not be worked on within an accepted delivery.",
            registry=registry,
        )
        self._store = Gauge("responder_store_up", "1 when the store can be read and written.", registry=registry)
        self._open = Gauge("responder_incidents_open", "Incidents not resolved.", ["severity"], registry=registry)
        self._turns = Histogram("responder_turn_seconds", "Time of a turn.", buckets=_FAST, registry=registry)
        self._commands = Histogram(
            "responder_command_seconds", "Time of a command, by kind.", ["kind"], buckets=_SLOW, registry=registry
        )
        self._diagnostics = Counter(
            "responder_diagnostics", "Diagnostics run, by plugin and outcome.", ["name", "outcome"], registry=registry
        )
        self._notifications = Counter(
            "responder_notifications", "Sendings, by notifier and outcome.", ["notifier", "outcome"], registry=registry
        )
        self._answers = Counter(
            "responder_answers",
            "What people said about actions, by the door that they used.",
            ["answer", "via"],
            registry=registry,
        )
        for answer in ANSWERS:
            for via in DOORS:
                self._answers.labels(answer, via)
        for status in REFUSALS:
            self._rejected.labels(str(status))
        for notifier in notifiers:
            for outcome in OUTCOMES:
                self._notifications.labels(notifier, outcome)
        self._acting = ActionMetrics(registry, stopped=stopped)
        self._rules_ok = Gauge("responder_rules_reload_ok", "1 when the newest rules are in use.", registry=registry)
        self._rules = Gauge("responder_rules", "1 for the rules in use.", ["version"], registry=registry)
        self._reloads = Counter(
            "responder_rules_reloads", "Loads of the rules, by outcome.", ["outcome"], registry=registry
        )

    def accepted(self) -> None:
        """Count a delivery that is committed."""
        self._accepted.inc()

    def answered(self, answer: str, via: str) -> None:
        """Count what a person said, once it is written; whether it counts is decided later."""
        self._answers.labels(answer, via).inc()

    def rejected(self, status: int) -> None:
        """Count a delivery that is refused, for now or for good."""
        self._rejected.labels(str(status)).inc()

    def turned(self, took: timedelta) -> None:
        """Count a turn."""
        self._turns.observe(took.total_seconds())

    def performed(self, kind: str, took: timedelta) -> None:
        """Count a command that ended, in whatever way."""
        self._commands.labels(kind).observe(took.total_seconds())

    def diagnosed(self, plugin: str, outcome: str) -> None:
        """Count a diagnostic that ended."""
        self._diagnostics.labels(plugin, outcome).inc()

    def notified(self, notifier: str, outcome: str) -> None:
        """Count a sending or paging that ended."""
        self._notifications.labels(notifier, outcome).inc()

    def acted(self, plugin: str, outcome: str, took: timedelta) -> None:
        """Count a step of an action that was tried, or taken back."""
        self._acting.acted(plugin, outcome, took)

    def moved(self, state: str) -> None:
        """Count an attempt at an action that came to another state."""
        self._acting.moved(state)

    def reloaded(self, ok: bool, version: str) -> None:
        """Note a load of the rules; `version` is of those in use after it."""
        self._reloads.labels("ok" if ok else "failed").inc()
        self._rules_ok.set(ok)
        self._rules.clear()
        self._rules.labels(version).set(1)

    def write(self, counts: Counts | None, intake: int, now: datetime, *, writable: bool = True) -> bytes:
        """
        Write everything in Prometheus's text format.

        `counts` is None while the store does not answer; `writable` says whether it could be written lately.
        """
        self._intake.set(intake)
        self._store.set(counts is not None and writable)
        if counts is not None:
            self._inbox.set(counts.inbox)
            self._lag.set((now - counts.oldest).total_seconds() if counts.oldest else 0)
            self._kept.set(counts.rejected)
            self._undelivered.set(counts.undelivered)
            self._set_aside.set(counts.set_aside)
            _replace(self._open, counts.open_by_severity)
            _replace(self._waiting, counts.waiting)
            self._acting.show(counts, now)
        return generate_latest(self.registry)


def _replace(gauge: Gauge, values: Mapping[str, int]) -> None:
    gauge.clear()
    for label, value in values.items():
        gauge.labels(label).set(value)
