"""Conditions over typed results."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, computed_field

from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.verdict import HOLDS, HOLDS_NOT, Undecided
from responder.plugins.params import Duration
from tests.expressions.world import FACTS, evaluator, found


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return evaluator()


@pytest.mark.parametrize(
    "condition",
    [
        "rate.value > vars.severe",
        "pods.ready != pods.total",
        'top.top.labels["endpoint"] == "/pay"',
        'top.top.labels.endpoint == "/pay"',
        "orders.first.n > 0",
        "orders.rows[1].n == 5",
        'errors.found["ip"][0].value == "10.1.2.3"',
        "errors.found.ip.exists(found, found.count > 1)",
        'errors.counts["auth"] == 3',
        'pool.max["used"] / pool.max["limit"] > 0.9',
        "rollouts.latest_at < incident.started_at",
        'incident.started_at - rollouts.latest_at < duration("30m")',
        "rollouts.shortly_before",
        'incident.severity == "P1"',
        'labels.namespace == "prod" && "alertname" in labels',
        'alerts.all(alert, alert.labels.alertname == "A" && alert.starts_at == incident.started_at)',
        'target.kind == "Deployment" && target.namespace == "prod"',
        'inputs.rps == 100 && inputs.wait == duration("5m")',
        "vars.on && vars.networks.size() == 1",
        'vars.urls["shop"].startsWith("https://")',
        'errors.lines.exists(line, line.matches("^a$"))',
    ],
)
def test_a_condition_over_what_is_known_is_decided(expressions: Evaluator, condition: str) -> None:
    assert expressions.compile(condition, want="bool").type == "bool"
    assert expressions.holds(condition, FACTS) == HOLDS
    assert expressions.holds(f"!({condition})", FACTS) == HOLDS_NOT


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("rate.value < 1", True),
        ("1 > rate.value", True),
        ("-1 < rate.value", True),
        ("rate.value > -(1 + 2)", True),
        ("rate.sum == 10", True),
        ("rate.sum != 10", False),
        ("rate.sum in [9, 10]", True),
        ("5 * rate.value == 1.0", True),
        ("rate.sum / 4 == 2.5", True),
        ("1 + rate.sum - 1 == 10.0", True),
        ("(vars.on ? 1 : rate.value) == 1", True),
        ("rate.sum > vars.limit", True),
        ("rate.sum * vars.limit == 30.0", True),
        ("pods.ready * rate.value > 0.5", True),
        ("pods.ready / pods.total > 0.7", True),
        ("pods.ready / 2 == 1", True),
    ],
)
def test_an_integer_stands_for_a_double(expressions: Evaluator, condition: str, value: bool) -> None:
    assert expressions.holds(condition, FACTS).holds is value
    assert expressions.holds(condition, FACTS).undecided is None


@pytest.mark.parametrize(
    ("written", "plain"),
    [("1d", "24h"), ("1w", "168h"), ("1d12h", "36h"), ("-2d", "-48h"), ("90m", "1.5h"), ("500ms", "0.5s"), ("0", "0s")],
)
def test_a_duration_knows_days(expressions: Evaluator, written: str, plain: str) -> None:
    assert expressions.holds(f'duration("{written}") == duration("{plain}")', FACTS) == HOLDS


def test_nothing_but_true_holds(expressions: Evaluator) -> None:
    for source in ("1", '"true"', "[true]", "rate.value", "labels", "null"):
        verdict = expressions.holds(source, FACTS)
        assert not verdict.holds
        assert verdict.undecided is not None


def test_what_is_unknown_does_not_matter_where_the_rest_decides(expressions: Evaluator) -> None:
    pending = replace(FACTS, results={}, failed={}, empty=frozenset())
    for facts in (FACTS, pending):
        assert expressions.holds("true || db.used_ratio > 0.9", facts) == HOLDS
        assert expressions.holds("db.used_ratio > 0.9 || true", facts) == HOLDS
        assert expressions.holds("db.used_ratio > 0.9 && false", facts) == HOLDS_NOT


def test_open_questions_are_answered(expressions: Evaluator) -> None:
    skipped = replace(FACTS, results={}, skipped=frozenset({"rate", "pods"}))
    assert expressions.holds("failed(db)", FACTS) == HOLDS
    assert expressions.holds("failed(rate) || failed(usual)", FACTS) == HOLDS_NOT
    assert expressions.holds("has_data(rate) && !has_data(usual) && !has_data(db)", FACTS) == HOLDS
    assert expressions.holds("failed(rate) || has_data(pods)", skipped) == HOLDS_NOT
    assert expressions.holds('label("namespace", "none") == "prod"', FACTS) == HOLDS
    assert expressions.holds('label("pod", "none") == "none"', FACTS) == HOLDS
    assert expressions.holds("has(top.top.share) && !has(rate.top)", FACTS) == HOLDS


def test_questions_in_quotes_are_only_text(expressions: Evaluator) -> None:
    source = '"failed(db) duration(x) label(a)" == "failed(db) " + "duration(x) label(a)"'
    assert expressions.holds(source, FACTS) == HOLDS
    assert expressions.compile(source).reads == frozenset()


def test_results_may_be_objects_or_json(expressions: Evaluator) -> None:
    as_json = found(rollouts={"latest_at": "2026-03-01T13:20:00+02:00"}, db={"active_longest": "PT6M"})
    facts = replace(as_json, failed={})
    assert expressions.holds('db.active_longest > duration("5m")', facts) == HOLDS
    assert expressions.holds('rollouts.latest_at == timestamp("2026-03-01T11:20:00Z")', facts) == HOLDS


def test_a_program_tells_what_it_reads(expressions: Evaluator) -> None:
    compiled = expressions.compile(
        'failed(db) || has_data(usual) || rate.value > 1 && labels["pod"] == labels.job && label("node", "") == ""'
    )
    assert compiled.reads == {"db", "usual", "rate"}
    assert compiled.labels == {"pod", "job"}
    assert expressions.compile('"pod" in labels && labels.pod == "x"').labels == frozenset()
    assert expressions.compile("has(labels.pod) ? labels.pod : labels.node").labels == {"node"}
    assert expressions.compile("[1].exists(rate, rate > 0)").reads == frozenset()


def test_values_are_json(expressions: Evaluator) -> None:
    assert expressions.value("rollouts.latest_at", FACTS) == "2026-03-01T11:50:00Z"
    assert expressions.value('duration("90s")', FACTS) == "90s"
    assert expressions.value("orders.rows.map(row, row.n)", FACTS) == [2, 5]
    assert expressions.value("rate.sum", FACTS) == 10.0
    assert expressions.value("errors.found.ip", FACTS) == [{"value": "10.1.2.3", "count": 2}]


class Share(BaseModel):
    used: int = 0
    limit: int = 0
    since: Duration = timedelta(0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ratio(self) -> float | None:
        return self.used / self.limit if self.limit else None


def test_computed_fields_are_fields() -> None:
    expressions = Evaluator(Schema(results={"failed": Share}, vars={}))
    share = Share(used=9, limit=10, since=timedelta(minutes=-5))
    for result in (share, share.model_dump(), share.model_dump(mode="json")):
        facts = replace(FACTS, results={"failed": result})  # type: ignore[arg-type]
        assert expressions.holds('failed.ratio > 0.8 && failed.since == duration("-5m")', facts) == HOLDS
        assert expressions.holds("failed(failed)", facts) == HOLDS_NOT
    nothing = replace(FACTS, results={"failed": Share().model_dump(mode="json")})
    assert expressions.holds("failed.ratio > 0.8", nothing).undecided == Undecided("failed.ratio is not known")


@pytest.mark.parametrize(
    ("source", "type_of"),
    [
        ("rate.value", "double"),
        ("pods.total", "int"),
        ("top.top", "top.top"),
        ("top.series", "list(top.series)"),
        ("pool.max", "map(string, double)"),
        ("rollouts.latest_at", "timestamp"),
        ("db.active_longest", "duration"),
        ("errors.found.ip", "list"),
        ("errors.found.ip[0]", "dyn"),
        ("null", "null"),
    ],
)
def test_types_have_names_for_people(expressions: Evaluator, source: str, type_of: str) -> None:
    assert expressions.compile(source).type == type_of


class Weighed(BaseModel):
    weight: float = 0.0
    count: int = 0


class Loose(BaseModel):
    by_name: dict[str, list[Weighed]] = {}
    anything: Any = None


LOOSE = {"by_name": {"a": [{"weight": 4, "count": 3}], "zero": [{"weight": 0, "count": 0}]}, "anything": {"n": 2}}


@pytest.mark.parametrize(
    "condition",
    [
        'loose.by_name["a"][0].weight / 8 == 0.5',
        '2 * loose.by_name["a"][0].weight + 1 == 9',
        'loose.by_name["a"][0].count * 1.5 == 4.5',
        'loose.by_name["a"][0].count / 2 == 1',
        'loose.by_name["a"][0].weight * loose.by_name["a"][0].count == 12',
        'loose.by_name["a"].exists(one, one.weight - 1 == 3)',
        "loose.anything.n * 1.5 == 3.0",
        "loose.anything.n + 1 == 3",
        'loose.by_name["a"][0].weight > 3',
    ],
)
def test_an_integer_stands_for_a_double_where_types_are_loose_too(condition: str) -> None:
    expressions = Evaluator(Schema(results={"loose": Loose}, vars={}))
    assert expressions.holds(condition, replace(FACTS, results={"loose": LOOSE})) == HOLDS


def test_a_nan_decides_nothing_where_types_are_loose_too() -> None:
    expressions = Evaluator(Schema(results={"loose": Loose}, vars={}))
    facts = replace(FACTS, results={"loose": LOOSE | {"anything": {"x": 0.0}}})
    for ratio in ("loose.anything.x / loose.anything.x", 'loose.by_name["zero"][0].weight / 0'):
        assert expressions.holds(f"{ratio} != 1.0", facts).undecided == Undecided("the result is not a number")
