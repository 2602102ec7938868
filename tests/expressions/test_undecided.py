"""What is not known is undecided, and says why."""

import math
from dataclasses import replace

import pytest

from responder.expressions.evaluator import Evaluator
from responder.model.verdict import Undecided
from tests.expressions.world import FACTS, evaluator, found


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return evaluator()


def why(expressions: Evaluator, condition: str, facts: object = FACTS) -> Undecided:
    verdict = expressions.holds(condition, facts)  # type: ignore[arg-type]
    assert not verdict.holds
    assert verdict.undecided is not None
    return verdict.undecided


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("db.used_ratio > 0.9", "db could not be read: connection refused"),
        ("usual.value > 0.9", "usual has no data"),
        ('labels.pod == "x"', "no label pod"),
        ('labels["pod"] != "x"', "no label pod"),
        ("rate.top.value > 0.0", "rate.top is not known"),
        ('pool.max["other"] > 1', "pool.max has no other"),
        ('vars.urls[labels.namespace] == "x"', "vars.urls has no prod"),
        ("inputs.cidrs.size() > 0", "the input cidrs is not given"),
        ('target.container == ""', "the labels name no container"),
        ("orders.rows[7].n > 0", "a list has fewer items than were asked for"),
        ("1 / (pods.total - 4) > 0", "divide by zero"),
        ("dyn(pods.total) > 'x'", "the types of the values do not fit together"),
    ],
)
def test_a_reason_is_in_words(expressions: Evaluator, condition: str, words: str) -> None:
    assert why(expressions, condition).why == words


def test_a_skipped_diagnostic_is_undecided(expressions: Evaluator) -> None:
    facts = replace(FACTS, results={}, skipped=frozenset({"rate"}))
    assert why(expressions, "rate.value > 0", facts) == Undecided("rate was not looked at")


def test_pending_diagnostics_are_named_all(expressions: Evaluator) -> None:
    facts = replace(FACTS, results={}, failed={}, empty=frozenset())
    expected = Undecided("waiting for db, rate", ("db", "rate"))
    assert why(expressions, "rate.value > 0.1 && db.used_ratio > 0.9", facts) == expected
    assert why(expressions, "failed(db) || has_data(rate)", facts) == expected
    assert why(expressions, "failed(db)", replace(FACTS, failed={})) == Undecided("waiting for db", ("db",))


@pytest.mark.parametrize(
    "condition",
    [
        "rate.value > 0.0",
        "rate.value <= 0.0",
        "rate.value != 1.0",
        "rate.value == rate.value",
        "!(rate.value > 0.0)",
        "rate.value + 1 > 0",
    ],
)
@pytest.mark.parametrize("value", [None, math.nan, "NaN"])
def test_no_data_and_nan_decide_nothing(expressions: Evaluator, condition: str, value: object) -> None:
    assert why(expressions, condition, found(rate={"value": value})) == Undecided("rate.value is not known")


@pytest.mark.parametrize(
    "condition",
    [
        "rate.sum / rate.value != 0.5",
        "!(rate.sum / rate.value > 0.5)",
        "rate.sum / rate.value == rate.sum / rate.value",
        "(rate.sum / rate.value + 1) * 2 != 3",
        'double("NaN") != 1.0',
        "[rate.sum / rate.value].exists(x, x != 1.0)",
        "math.sqrt(-1.0) != 1.0",
    ],
)
def test_a_computed_nan_decides_nothing(expressions: Evaluator, condition: str) -> None:
    undecided = why(expressions, condition, found(rate={"value": 0.0, "sum": 0.0}))
    assert undecided == Undecided("the result is not a number")


def test_an_infinite_ratio_is_a_number(expressions: Evaluator) -> None:
    assert expressions.holds("rate.sum / rate.value > 0.5", found(rate={"value": 0.0, "sum": 1.0})).holds
    assert isinstance(expressions.value("1.0 / 0.0", FACTS), Undecided)


def test_an_empty_result_counts_as_no_data_though_it_has_fields(expressions: Evaluator) -> None:
    facts = replace(FACTS, empty=frozenset({"rate"}))
    assert why(expressions, "rate.value > 0", facts) == Undecided("rate has no data")


def test_an_item_without_a_field_does_not_decide_for_the_others(expressions: Evaluator) -> None:
    facts = found(top={"series": [{"value": 1.0}, {"value": 2.0, "share": 0.9}]})
    assert expressions.holds("top.series.exists(s, s.share > 0.5)", facts).holds
    assert why(expressions, "top.series.all(s, s.share > 0.5)", facts).why == "share is not known"


@pytest.mark.parametrize(
    "result",
    [
        {"total": "many", "ready": 3},
        {"total": 2**70, "ready": 3},
        {"total": 1.5, "ready": 3},
        {"total": True, "ready": 3},
        {"total": [1], "ready": 3},
    ],
)
def test_a_value_of_another_type_is_not_known(expressions: Evaluator, result: dict[str, object]) -> None:
    assert why(expressions, "pods.total != pods.ready", found(pods=result)).why == "pods.total is not known"
