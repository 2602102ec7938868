"""Expressions and values that mean harm end undecided, never in a crash."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.expressions.evaluator import Evaluator
from responder.model.message import Own
from responder.model.place import Place
from responder.model.verdict import Undecided
from tests.expressions.world import FACTS, Query, evaluator, found, labelled

EXPRESSIONS = evaluator()


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return EXPRESSIONS


@pytest.mark.parametrize(
    "source",
    [
        "errors.lines.exists(a, errors.lines.exists(b, a == b + 'x'))",
        "errors.lines.map(a, errors.lines.map(b, errors.lines.map(c, a + b + c))).size() > 0",
        "[1].exists(x, x / 0 > 1)",
        "errors.lines[99999].size() > 0",
        "9223372036854775807 + pods.total > 0",
        "int('x' + labels.namespace) > 0",
        "labels.namespace.matches('(' + labels.namespace)",
        "timestamp(labels.namespace) < incident.started_at",
        "duration(labels.namespace) > duration('1s')",
        "!!!!!!!!labels.none",
        "rate.value >",
        "\ud800 > 1",
        "((((",
        "optional.none()",
        "type(1)",
        "b'x' == b'y' ? 1 : 2",
    ],
)
def test_a_hostile_expression_is_undecided(expressions: Evaluator, source: str) -> None:
    facts = found(errors={"lines": ["x"] * 1000})
    verdict = expressions.holds(source, facts)
    assert not verdict.holds
    assert verdict.undecided is not None
    assert verdict.undecided.why
    assert "\n" not in verdict.undecided.why


@settings(max_examples=300)
@given(st.text(max_size=40), st.sampled_from(list(Place)))
def test_no_source_and_no_template_raises(source: str, place: Place) -> None:
    assert not EXPRESSIONS.holds(source + " && false && 1", FACTS).holds
    assert isinstance(EXPRESSIONS.string(source, FACTS, place), (str, Undecided))
    assert isinstance(EXPRESSIONS.text("${" + source + "}", FACTS), tuple)
    EXPRESSIONS.value(source, FACTS)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Query.model_fields, JSON)), JSON)
def test_no_result_raises(result: dict[str, Any], other: Any) -> None:
    facts = replace(FACTS, results={"rate": result, "errors": {"found": {"ip": other}}}, inputs={"rps": other})
    for source in (
        "rate.value > 0.1",
        "rate.series[0].labels.a == rate.top.labels.b",
        "inputs.rps > 1",
        "alerts == []",
    ):
        EXPRESSIONS.holds(source, facts)
    EXPRESSIONS.value("errors.found", facts)
    EXPRESSIONS.text("${rate.series} ${errors.found} ${rate.top.labels}", facts)
    EXPRESSIONS.params({"a": "${errors.found}", "b": ["${rate.series}"]}, Query, facts)


def test_long_strings_and_lists_are_cut(expressions: Evaluator) -> None:
    facts = found(errors={"lines": ["x" * 100_000] * 3_000, "counts": {str(n): n for n in range(3_000)}})
    assert expressions.value("errors.lines.size()", facts) == 1_000
    assert expressions.value("errors.lines[0].size()", facts) == 16_384
    assert expressions.value("errors.counts.size()", facts) == 1_000


def test_text_that_no_database_could_store_is_replaced(expressions: Evaluator) -> None:
    assert expressions.string("${labels.x}", labelled(x="a\ud800b\x00c"), Place.PLAIN) == "a\ufffdb\ufffdc"


def test_hostile_text_in_a_label_is_only_text(expressions: Evaluator) -> None:
    for evil in ('" || true || "', "${1 + 1}", "{{ 7 * 7 }}", "'; DROP TABLE x", "$(reboot)"):
        facts = labelled(x=evil)
        assert expressions.holds('labels.x == "prod"', facts).undecided is None
        assert not expressions.holds('labels.x == "prod"', facts).holds
        assert expressions.value("labels.x", facts) == evil


def test_facts_are_told_apart(expressions: Evaluator) -> None:
    for number in range(5):
        assert expressions.value("labels.n", labelled(n=str(number))) == str(number)
        assert expressions.text("${labels.none}", FACTS) == (Own("(no none)", "italic"),)
