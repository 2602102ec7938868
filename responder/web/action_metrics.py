"""What Prometheus can scrape of actions: what was done, what waits for whom, whether all of it is stopped."""

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from responder.engine.views import Counts
from responder.model.action import ActionState, Stop

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds of an effect: from one write to a program in a pod."""
_LIVE = tuple(state for state in ActionState if state.live)


class ActionMetrics:
    """
    The metrics of actions. `stopped` says that the settings stop all automation.

    Moves are counted from 0 for every state, so that the first failure is an increase.
    """

    def __init__(self, registry: CollectorRegistry, *, stopped: bool) -> None:
        self._stopped_by_settings = stopped
        self._actions = Counter(
            "responder_actions",
            "Steps of actions tried or undone, by plugin and outcome.",
            ["plugin", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "responder_action_seconds", "Time of such a step.", ["plugin"], buckets=_BUCKETS, registry=registry
        )
        self._moved = Counter(
            "responder_attempts_moved",
            "Attempts at actions that came to a state; verified, ineffective and reverted say whether they helped.",
            ["state"],
            registry=registry,
        )
        self._attempts = Gauge(
            "responder_attempts", "Attempts at actions that are not over, by state.", ["state"], registry=registry
        )
        self._waiting = Gauge("responder_approvals_waiting", "Attempts that wait for people.", registry=registry)
        self._oldest = Gauge(
            "responder_approval_wait_seconds", "How long the longest of them has waited.", registry=registry
        )
        self._stopped = Gauge(
            "responder_automation_stopped", "1 while all automation is stopped, by hand or settings.", registry=registry
        )
        for state in ActionState:
            self._moved.labels(_label(state))

    def acted(self, plugin: str, outcome: str, took: timedelta) -> None:
        """Count a step that was tried, or taken back."""
        self._actions.labels(plugin, outcome).inc()
        self._seconds.labels(plugin).observe(took.total_seconds())

    def moved(self, state: str) -> None:
        """Count an attempt that came to another state."""
        self._moved.labels(_label(ActionState(state))).inc()

    def show(self, counts: Counts, now: datetime) -> None:
        """Set what is asked of the store at a scrape."""
        for state in _LIVE:
            self._attempts.labels(_label(state)).set(counts.attempts.get(state.value, 0))
        self._waiting.set(counts.approvals)
        self._oldest.set(max(0.0, (now - counts.asked_at).total_seconds()) if counts.asked_at else 0)
        self._stopped.set(self._stopped_by_settings or _stands(counts.stop, now))


def _stands(stop: Stop | None, now: datetime) -> bool:
    return stop is not None and (stop.until is None or stop.until > now)


def _label(state: ActionState) -> str:
    return state.name.lower()
