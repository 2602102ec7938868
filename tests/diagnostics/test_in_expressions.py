"""What conditions of the rules make of results: a fact that is not known decides nothing."""

from typing import Any

import pytest

from responder.diagnostics.http_check import HttpCheck
from responder.diagnostics.http_json import HttpJson
from responder.diagnostics.postgres_activity import PostgresActivity
from responder.diagnostics.postgres_query import PostgresQuery
from responder.diagnostics.postgres_replication import PostgresReplication
from responder.diagnostics.prometheus_query import PrometheusQuery, Series, Top
from responder.diagnostics.redis_info import RedisInfo
from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.facts import Facts
from responder.plugins.diagnostic import Result
from tests.diagnostics.toolbox import TARGET, incident

COLUMNS = {"columns": {"wrong": "int", "share": "double", "oldest": "timestamp"}}
TYPES: dict[str, type[Result]] = {
    "rate": PrometheusQuery.Result,
    "db": PostgresActivity.Result,
    "lag": PostgresReplication.Result,
    "orders": PostgresQuery.result_type(COLUMNS),
    "redis": RedisInfo.Result,
    "health": HttpCheck.Result,
    "failed_agents": HttpJson.result_type({"type": "int"}),
    "provider": HttpJson.result_type({}),
}

FULL: dict[str, dict[str, Any]] = {
    "rate": {
        "value": 0.12,
        "series": [Series(labels={"path": "/pay"}, value=0.12)],
        "top": Top(labels={"path": "/pay"}, value=0.12, share=1.0),
        "sum": 0.12,
        "count": 1,
    },
    "db": {"connections": 95, "max_connections": 100, "blocked": 2, "used_ratio": 0.95, "active_longest": 400.0},
    "lag": {"lag": 90.0, "replicas": [], "role": "standby", "receiving": False},
    "orders": {
        "first": {"wrong": 3, "share": 0.5, "oldest": "2026-01-01T00:00:00Z"},
        "rows": [{"wrong": 3, "share": 0.5, "oldest": "2026-01-01T00:00:00Z"}],
        "count": 1,
    },
    "redis": {"up": False},
    "health": {"ok": False, "status": 503, "latency": 1.5, "tls_expires_in": 86400.0},
    "failed_agents": {"ok": True, "value": 7},
    "provider": {"ok": True, "value": "major"},
}
EMPTY: dict[str, dict[str, Any]] = {
    "rate": {"value": None, "series": [], "top": None, "sum": None, "count": 0},
    "db": {"used_ratio": 1.0},
    "lag": {"lag": None, "replicas": [], "role": "primary", "receiving": False},
    "orders": {"first": None, "rows": [], "count": 0},
    "redis": {"up": False},
    "health": {"ok": False},
    "failed_agents": {"ok": False, "value": None},
    "provider": {"ok": False, "value": None},
}


def facts(fields: dict[str, dict[str, Any]]) -> Facts:
    """Make facts as they come out of the store: each result went through JSON."""
    results = {name: TYPES[name](**each).model_dump(mode="json") for name, each in fields.items()}
    return Facts(labels={}, alerts=(), incident=incident(), target=TARGET, results=results)


CONDITIONS = [
    "rate.value > 0.1",
    "rate.top.labels['path'] == '/pay' && rate.top.share > 0.9",
    "rate.series[0].value == rate.sum",
    "db.connections > 90 && db.blocked > 0",
    "db.active_longest > duration('5m')",
    "lag.lag > duration('1m')",
    "orders.first.wrong > 2 && orders.first.share == 0.5",
    "orders.rows[0].oldest < timestamp('2026-06-01T00:00:00Z')",
    "health.status == 503 && health.latency > duration('1s') && health.tls_expires_in < duration('48h')",
    "failed_agents.value > 5",
    "provider.value != 'none'",
]


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator(Schema(results=TYPES, vars={}))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_hold_on_what_was_found(evaluator: Evaluator, condition: str) -> None:
    evaluator.compile(condition, want="bool")
    verdict = evaluator.holds(condition, facts(FULL))
    assert verdict.holds, verdict


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_on_what_is_not_known_are_undecided(evaluator: Evaluator, condition: str) -> None:
    verdict = evaluator.holds(condition, facts(EMPTY))
    assert not verdict.holds
    assert verdict.undecided is not None


@pytest.mark.parametrize("condition", ["!redis.up", "db.used_ratio > 0.9", "!health.ok", "rate.count == 0"])
def test_what_is_known_of_a_system_that_is_down_decides(evaluator: Evaluator, condition: str) -> None:
    assert evaluator.holds(condition, facts(EMPTY)).holds
