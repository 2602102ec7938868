"""A playbook's results and the facts of one moment, for the tests of this room."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.alert import Episode
from responder.model.facts import Facts, IncidentFacts
from responder.model.target import Target

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Sample(BaseModel):
    labels: dict[str, str] = {}
    value: float = 0.0
    share: float | None = None


class Query(BaseModel):
    value: float | None = None
    sum: float = 0.0
    count: int = 0
    top: Sample | None = None
    series: tuple[Sample, ...] = ()


class Found(BaseModel):
    value: str = ""
    count: int = 0


class Logs(BaseModel):
    count: int = 0
    lines: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    found: dict[str, tuple[Found, ...]] = {}


class Pods(BaseModel):
    total: int = 0
    ready: int = 0


class Activity(BaseModel):
    used_ratio: float | None = None
    active_longest: timedelta | None = None


class Rollouts(BaseModel):
    current: int = 0
    latest_at: datetime | None = None
    shortly_before: bool = False


class Metrics(BaseModel):
    max: dict[str, float] = {}


class Row(BaseModel):
    n: int = 0


class Rows(BaseModel):
    first: Row | None = None
    rows: list[Row] = []


RESULTS: Mapping[str, type[BaseModel]] = {
    "rate": Query,
    "usual": Query,
    "top": Query,
    "errors": Logs,
    "pods": Pods,
    "db": Activity,
    "rollouts": Rollouts,
    "pool": Metrics,
    "orders": Rows,
}
VARS: Mapping[str, Any] = {
    "severe": 0.1,
    "limit": 3,
    "on": True,
    "errors": "errors_total",
    "codes": "5..",
    "networks": ["10.0.0.0/8"],
    "urls": {"shop": "https://shop.example.com:8443"},
}
INPUTS = {"rps": "int", "cidrs": "list(cidr)", "wait": "duration"}
FOUND: Mapping[str, Mapping[str, Any]] = {
    "rate": {"value": 0.2, "sum": 10.0, "count": 2},
    "top": {"value": 0.5, "top": {"labels": {"endpoint": "/pay"}, "value": 0.5, "share": 0.8}},
    "errors": {
        "count": 3,
        "lines": ["a", "b"],
        "counts": {"auth": 3},
        "found": {"ip": [{"value": "10.1.2.3", "count": 2}]},
    },
    "pods": {"total": 4, "ready": 3},
    "rollouts": {"current": 7, "latest_at": "2026-03-01T11:50:00Z", "shortly_before": True},
    "pool": {"max": {"used": 95.0, "limit": 100.0}},
    "orders": {"first": {"n": 2}, "rows": [{"n": 2}, {"n": 5}]},
}
ALERT = Episode(
    fingerprint="2e6f0a24c789d27f",
    started_at=STARTED,
    ended_at=None,
    labels={"alertname": "A", "pod": "api-1"},
    annotations={"summary": "s"},
)
INCIDENT = IncidentFacts(
    id="INC-7",
    severity="P1",
    status="open",
    title="Errors",
    rule="shop/errors",
    cluster="default",
    team="default",
    started_at=STARTED,
    opened_at=STARTED + timedelta(seconds=5),
)
FACTS = Facts(
    labels={"namespace": "prod", "alertname": "A"},
    alerts=(ALERT,),
    incident=INCIDENT,
    target=Target(cluster="default", kind="Deployment", namespace="prod", name="api", workload="api"),
    results=FOUND,
    failed={"db": "connection refused"},
    empty=frozenset({"usual"}),
    inputs={"rps": 100, "wait": "5m"},
)


def evaluator() -> Evaluator:
    """Return a fresh one."""
    return Evaluator(Schema(results=RESULTS, vars=VARS, inputs=INPUTS))


def labelled(**labels: str) -> Facts:
    """Return the facts with other labels."""
    return replace(FACTS, labels=labels)


def found(**results: Mapping[str, Any]) -> Facts:
    """Return the facts with other results for some diagnostics."""
    return replace(FACTS, results={**FOUND, **results})
