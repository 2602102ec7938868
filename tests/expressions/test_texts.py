"""Texts for people: ours and values apart, formats, links."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from responder.errors import ExpressionError
from responder.expressions.evaluator import Evaluator
from responder.model.message import Instant, Link, Own, Value, plain
from responder.model.place import Place
from tests.expressions.world import FACTS, STARTED, evaluator, found, labelled


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return evaluator()


def test_ours_and_values_stay_apart(expressions: Evaluator) -> None:
    text = expressions.text("Pods of ${labels.namespace}: ${pods.ready} of ${pods.total}", FACTS)
    assert text == (Own("Pods of "), Value("prod"), Own(": "), Value("3"), Own(" of "), Value("4"))


def test_what_is_undecided_shows_as_such(expressions: Evaluator) -> None:
    missing = Own("(no service)", "italic")
    assert expressions.text("at ${labels.service}", FACTS) == (Own("at "), missing)
    assert expressions.text("${db.used_ratio | percent}", FACTS) == (Own("(no db)", "italic"),)
    assert expressions.text("${rate.top.value}", FACTS) == (Own("(no rate.top)", "italic"),)
    assert expressions.text("${1 / 0}", FACTS) == (Own("(no value)", "italic"),)
    waiting = replace(FACTS, results={})
    assert expressions.text("${rate.value}", waiting) == (Own("(no rate yet)", "italic"),)


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("${rate.value | percent}", "20 %"),
        ("${0.1234 | percent}", "12.3 %"),
        ("${0.00123 | percent}", "0.123 %"),
        ("${12.5 | percent}", "1250 %"),
        ("${pods.ready / pods.total | percent}", "75 %"),
        ("${1 | percent}", "100 %"),
        ('${duration("90m")}', "1h30m"),
        ('${duration("90m") | duration}', "1h30m"),
        ("${90 | duration}", "1m30s"),
        ("${0.25 | duration}", "250ms"),
        ("${1536 | bytes}", "1.5 KiB"),
        ("${512 | bytes}", "512 B"),
        ("${-2147483648.0 | bytes}", "-2 GiB"),
        ("${0 | bytes}", "0 B"),
        ("${1234567 | number}", "1,234,567"),
        ("${1234.5678 | number}", "1,235"),
        ("${0.000123456 | number}", "0.000123"),
        ("${123456.789}", "123457"),
        ("${0.0}", "0"),
        ("${1.0 / 0.0 | percent}", "inf"),
        ("${[1, 2] | list}", "1, 2"),
        ("${[1,2,3,4,5,6,7,8,9,10,11,12] | list}", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"),
        ("${errors.lines}", "a, b"),
        ("${errors.counts}", "auth 3"),
        ("${true}", "true"),
        ('${"a"in{"a": 1}}', "true"),
        ("${1e300}", "1e+300"),
        ('${ {"}": "a|b"}["}"] | list }', None),
        ("${true || false}", "true"),
        ('${r"\\d" + "|}"}', "\\d|}"),
        ("${'''it's }''' + \"\"\"a\"b\"\"\"}", "it's }a\"b"),
        ("$${labels.x} costs $5 and $", "${labels.x} costs $5 and $"),
        ("${labels.namespace}$${x}${labels.namespace}", "prod${x}prod"),
        ("", ""),
    ],
)
def test_values_are_written_in_their_format(expressions: Evaluator, template: str, shown: str | None) -> None:
    if shown is None:
        with pytest.raises(ExpressionError, match="the format list takes list, this is string"):
            expressions.compile_template(template)
        return
    expressions.compile_template(template)
    assert plain(expressions.text(template, FACTS)) == shown


def test_moments_are_instants_for_people_and_iso_for_machines(expressions: Evaluator) -> None:
    at = datetime(2026, 3, 1, 11, 50, tzinfo=UTC)
    assert expressions.text("${rollouts.latest_at}", FACTS) == (Instant(at, "datetime"),)
    assert expressions.text("${incident.started_at | ago}", FACTS) == (Instant(STARTED, "datetime"),)
    assert expressions.string("${incident.started_at | ago}", FACTS, Place.PLAIN) == "2026-03-01T12:00:00Z"


def test_links_are_links_and_their_values_are_encoded(expressions: Evaluator) -> None:
    facts = labelled(q="a b&c=d)")
    text = expressions.text("See [the board](https://g.example/d?q=${labels.q}#x), [not](a link) and [x] (y)", facts)
    url = "https://g.example/d?q=a%20b%26c%3Dd%29#x"
    assert text == (Own("See "), Link("the board", url), Own(", [not](a link) and [x] (y)"))
    assert expressions.text("[here](https://g.example/${labels.none})", facts) == (Own("here"),)


def test_a_link_never_goes_to_a_host_from_a_label(expressions: Evaluator) -> None:
    with pytest.raises(ExpressionError, match="never from a value") as caught:
        expressions.compile_template("look [here](https://${labels.host}/x)")
    assert caught.value.offset == len("look [here](https://${")


def test_interpolated_values_are_never_read_again(expressions: Evaluator) -> None:
    evil = "${rate.value} $${x} [a](https://evil.example) {{ x }}"
    assert expressions.text("${labels.x}!", labelled(x=evil)) == (Value(evil), Own("!"))
    assert expressions.string("${labels.x}", labelled(x=evil), Place.PLAIN) == evil


@pytest.mark.parametrize(
    ("template", "offset", "says", "offers"),
    [
        ("a ${rate.value", 2, "${ is not closed by }", "quote the whole string in YAML"),
        ('${"a}', 2, "the string is not closed", "quote the whole string in YAML"),
        ("x${ }", 3, "there is nothing in ${}", "$${"),
        ("${rate.value | }", 13, "no format after the bar", ""),
        ("${rate.value | percnt}", 15, "there is no format percnt", "did you mean percent?"),
        ("${rate.value | zz}", 15, "there is no format zz", "The formats are: percent"),
        ("a ${labels.x | percent}", 4, "the format percent takes int or double, this is string", ""),
        ("${rate.value | ago}", 2, "the format ago takes timestamp", ""),
        ("ab ${  rate.valu }", 12, "rate has no field valu", "value"),
        ("${labels.x | list | list}", 13, "there is no format list | list", ""),
    ],
)
def test_a_template_says_what_is_wrong_and_where(
    expressions: Evaluator, template: str, offset: int, says: str, offers: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        expressions.compile_template(template)
    assert says in caught.value.message
    assert offers in caught.value.hint
    assert caught.value.offset == offset


def test_a_template_tells_what_it_reads(expressions: Evaluator) -> None:
    compiled = expressions.compile_template('${rate.value | percent} ${labels.pod} ${label("x", "")} ${failed(db)}')
    assert compiled.reads == {"rate", "db"}
    assert compiled.labels == {"pod"}
    assert compiled.type == "string"
    assert expressions.compile_template("${pods.ready}").type == "int"
    assert expressions.compile_template("no holes").reads == frozenset()


def test_what_does_not_compile_raises_nothing_later(expressions: Evaluator) -> None:
    assert "rate has no field valu" in plain(expressions.text("${rate.valu}", FACTS))
    assert not isinstance(expressions.string("${rate.valu}", FACTS, Place.PLAIN), str)


def test_a_value_of_another_type_than_its_format_shows_as_none(expressions: Evaluator) -> None:
    facts = found(errors={"found": {"ip": [{"value": "10.1.2.3", "count": 2}]}})
    assert plain(expressions.text('${errors.found["ip"][0].value | percent}', facts)) == "(no value)"
