"""A plugin's parameters: every string filled, by the place of its field."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from responder.expressions.evaluator import Evaluator
from responder.expressions.places import changed, places, strings
from responder.model.place import Place
from responder.model.verdict import Undecided
from responder.plugins.params import Duration, Params
from tests.expressions.world import FACTS, evaluator, labelled


class Header(BaseModel):
    name: str
    value: Annotated[str, Place.ARGUMENT] = ""


class Everything(Params):
    query: Annotated[str, Place.PROMQL] = ""
    url: Annotated[str, Place.URL] | None = None
    name: Annotated[str | None, Place.NAME] = Field(None, description="A name.")
    selectors: list[Annotated[str, Place.SELECTOR]] = []
    arguments: Annotated[list[str], Place.ARGUMENT] = []
    patterns: dict[str, Annotated[str, Place.REGEX]] = {}
    headers: tuple[Header, ...] = ()
    header: Header | None = None
    by_name: dict[str, Header] = {}
    sql: Annotated[str, Place.FIXED] = ""
    tail: int = 1
    ratio: float = 1.0
    within: Duration = timedelta(minutes=1)
    text: str = ""
    body: Any = None
    ids: list[int] = []
    environment: dict[str, str] = {}


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return evaluator()


def test_places_are_found_at_any_depth() -> None:
    assert places(Everything) == {
        ("query",): Place.PROMQL,
        ("url",): Place.URL,
        ("name",): Place.NAME,
        ("selectors", "*"): Place.SELECTOR,
        ("arguments",): Place.ARGUMENT,
        ("arguments", "*"): Place.ARGUMENT,
        ("patterns", "*"): Place.REGEX,
        ("headers", "*", "value"): Place.ARGUMENT,
        ("header", "value"): Place.ARGUMENT,
        ("by_name", "*", "value"): Place.ARGUMENT,
        ("sql",): Place.FIXED,
    }


def test_strings_are_listed_with_their_places() -> None:
    raw = {"query": "q", "headers": [{"name": "n", "value": "v"}], "by_name": {"x": {"value": "w"}}, "tail": 3}
    assert list(strings(raw, Everything)) == [
        (("query",), "q", Place.PROMQL),
        (("headers", 0, "name"), "n", Place.PLAIN),
        (("headers", 0, "value"), "v", Place.ARGUMENT),
        (("by_name", "x", "value"), "w", Place.ARGUMENT),
    ]


def test_every_string_is_escaped_for_its_field(expressions: Evaluator) -> None:
    raw = {
        "query": 'x{a="${labels.v}"}',
        "url": "https://h/${labels.v}",
        "patterns": {"${labels.v}": "^${labels.v}$"},
        "headers": [{"name": "${labels.v}", "value": "a${labels.v}"}],
        "arguments": ["--", "x${labels.v}"],
        "selectors": ["app=${labels.ok}"],
        "name": "${labels.ok}",
        "text": "a ${labels.v}",
        "sql": "SELECT $1",
    }
    assert expressions.params(raw, Everything, labelled(v='"/.', ok="api")) == {
        "query": 'x{a="\\"/."}',
        "url": "https://h/%22%2F.",
        "patterns": {"${labels.v}": '^\\"\\/\\.$'},
        "headers": [{"name": '"/.', "value": 'a"/.'}],
        "arguments": ["--", 'x"/.'],
        "selectors": ["app=api"],
        "name": "api",
        "text": 'a "/.',
        "sql": "SELECT $1",
    }


def test_one_hole_keeps_its_type_unless_the_field_is_text(expressions: Evaluator) -> None:
    raw = {
        "tail": "${vars.limit}",
        "ratio": "${rate.value}",
        "within": "${inputs.wait}",
        "text": "${vars.limit}",
        "environment": {"LIMIT": "${vars.limit}", "RATIO": "${rate.value}"},
        "body": {"on": "${vars.on}", "all": ["${orders.rows.map(row, row.n)}"]},
        "ids": "${orders.rows.map(row, row.n)}",
    }
    filled = expressions.params(raw, Everything, FACTS)
    assert filled == {
        "tail": 3,
        "ratio": 0.2,
        "within": "300s",
        "text": "3",
        "environment": {"LIMIT": "3", "RATIO": "0.2"},
        "body": {"on": True, "all": [[2, 5]]},
        "ids": [2, 5],
    }
    assert isinstance(filled, dict)
    assert Everything(**filled).within == timedelta(minutes=5)


def test_strings_within_one_hole_are_escaped_too(expressions: Evaluator) -> None:
    facts = replace(FACTS, inputs={"cidrs": ["10.0.0.0/8", "-rf"]})
    refused = expressions.params({"arguments": "${inputs.cidrs}"}, Everything, facts)
    assert refused == Undecided("'-rf' would be taken for a flag")
    fine = replace(FACTS, inputs={"cidrs": ["10.0.0.0/8"]})
    assert expressions.params({"arguments": "${inputs.cidrs}"}, Everything, fine) == {"arguments": ["10.0.0.0/8"]}


def test_one_undecided_parameter_stops_the_step(expressions: Evaluator) -> None:
    raw = {"text": "${labels.none}", "body": ["${rate.value}", {"x": "${db.used_ratio}"}], "tail": 3}
    assert expressions.params(raw, Everything, FACTS) == Undecided("no label none")
    waiting = replace(FACTS, results={}, failed={})
    assert expressions.params(raw, Everything, waiting) == Undecided("waiting for db, rate", ("db", "rate"))
    assert expressions.params({"sql": "x ${rate.value}"}, Everything, FACTS) == Undecided(
        "x ${rate.value} does not compile: no value can stand safely in this language"
    )


def test_what_is_no_string_stays_as_it_is(expressions: Evaluator) -> None:
    raw = {"tail": 3, "ratio": 1.5, "body": None, "ids": [1, 2], "text": "no holes", "unknown": {"a": "b"}}
    assert expressions.params(raw, Everything, FACTS) == raw


class SecretParams(BaseModel):
    value: Annotated[SecretStr | None, Place.SECRET] = None
    values: list[Annotated[SecretStr, Place.SECRET]] = []
    name: str = ""


def test_a_secret_stays_a_reference_and_only_its_own_places_are_filled() -> None:
    raw = {"value": "${inputs.token}", "values": ["${inputs.token}"], "name": "${labels.namespace}"}
    filled = evaluator().params(raw, SecretParams, FACTS)
    assert filled == {**raw, "name": FACTS.labels["namespace"]}
    assert changed({**raw, "name": "${inputs.token}"}, SecretParams, Place.SECRET, lambda text: "x") == {
        "value": "x",
        "values": ["x"],
        "name": "${inputs.token}",
    }
