"""What does not compile says where, and what was meant."""

import pytest
from pydantic import BaseModel

from responder.errors import ExpressionError
from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from tests.expressions.world import evaluator


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return evaluator()


def complaint(expressions: Evaluator, source: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        expressions.compile(source)
    return caught.value


@pytest.mark.parametrize(
    ("source", "at", "says", "offers"),
    [
        ("rate.valu > 1", "valu", "rate has no field valu", "value"),
        ("true && rate.sum > 0 && top.top.shar > 1", "shar", "top.top has no field shar", "share"),
        ('errors.found["ip"][0].valu == ""', "valu", "errors.found has no field valu", "value"),
        ("errors.found.ip.exists(f, f.cuont > 1)", "cuont", "errors.found has no field cuont", "count"),
        ("has(rate.valu)", "valu", "rate has no field valu", "value"),
        ("vars.sever > 1", "sever", "vars has no field sever", "severe"),
        ("true || rat.value > 1", "rat", "rat is not known here", "rate"),
        ("rate.value > incdent.x", "incdent", "incdent is not known here", "incident"),
        ("failed(dbb)", "dbb", "dbb is not known here", "db"),
        ("1 > 0 && labls.x == ''", "labls", "labls is not known here", "labels"),
        ("hasdata(rate)", "hasdata", "there is no function hasdata", "has_data"),
        ("labels.a.startWith('x')", "startWith", "there is no function startWith", "startsWith"),
        ('failed("db")', "(", "failed() takes the name of a diagnostic", "rollouts"),
        ("failed(rate.value)", "(", "failed() takes the name of a diagnostic", "rollouts"),
        ("label(labels.a, 'x')", "(", "label() takes the name of a label", ""),
        ("rate.value > 'x'", ">", "cannot compare a double and a string", "without quotes"),
        ("labels.a + 1", "+", "cannot add a string and an int", "string("),
        ("rate.value && true", "&&", "cannot combine by && a double and a bool", "> 0"),
        ("rate.value == null", "==", "cannot compare a double and a null", "has("),
        ("rollouts.latest_at > 5", ">", "cannot compare a timestamp and an int", ""),
        ("db.active_longest > 5", ">", "cannot compare a duration and an int", 'duration("5m")'),
        ("pods == rate", "==", "cannot compare a pods and a rate", ""),
        ("rate.value.x", ".x", "a double has no fields", ""),
        ('1 > 0 && duration("abc") > duration("1h")', '"abc"', "'abc' is not a duration", ""),
        ('labels.a.matches("(")', '"("', "invalid regular expression: missing )", ""),
        ('matches(labels.a, "[")', '"["', "invalid regular expression: missing ]", ""),
        ('timestamp("soon") < incident.started_at', '"soon"', "Timestamp", ""),
        ("rate.value >", "", "it ends too early", ""),
        ("rate.value 5", "5", "'5' was not expected here", ""),
        ("google.protobuf.Duration{seconds: 1}", "google", "cannot build messages", ""),
    ],
)
def test_a_complaint_says_where_and_what_was_meant(
    expressions: Evaluator, source: str, at: str, says: str, offers: str
) -> None:
    error = complaint(expressions, source)
    assert says in error.message
    assert offers in error.hint
    assert error.offset == (source.index(at) if at else len(source))


def test_an_offset_counts_characters_over_lines(expressions: Evaluator) -> None:
    source = "'größe 🙂' != '' &&\n  rate.valu > 1"
    assert complaint(expressions, source).offset == source.index("valu")


def test_a_condition_must_be_one(expressions: Evaluator) -> None:
    with pytest.raises(ExpressionError, match="a condition is true or false, this is double"):
        expressions.compile("rate.value", want="bool")


@pytest.mark.parametrize("source", ["", "   ", "\ud800", "1 +" * 5000, "(" * 60 + "1" + ")" * 60, "1" + " + 1" * 60])
def test_what_cannot_be_read_is_a_complaint(expressions: Evaluator, source: str) -> None:
    assert complaint(expressions, source).message


class Anything(BaseModel):
    n: int = 0


@pytest.mark.parametrize("name", ["a-b", "labels", "vars", "in", "namespace", "1a", ""])
def test_a_diagnostic_that_no_expression_could_read_is_refused(name: str) -> None:
    with pytest.raises(ExpressionError, match="cannot be the name of a diagnostic"):
        Schema(results={name: Anything}, vars={})


def test_variables_may_be_called_what_can_be_read() -> None:
    schema = Schema(results={}, vars={"namespace": "x", "labels": "y"})
    assert Evaluator(schema).compile("vars.namespace + vars.labels").type == "string"
    with pytest.raises(ExpressionError):
        Schema(results={}, vars={"a.b": 1})
