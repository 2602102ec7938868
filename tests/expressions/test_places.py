"""Escaping by place: no value changes the structure of the text around it."""

import re
from urllib.parse import unquote, urlsplit

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from responder.errors import ExpressionError
from responder.expressions.evaluator import Evaluator
from responder.model.place import Place
from responder.model.verdict import Undecided
from tests.expressions.world import FACTS, evaluator, found, labelled

WORDS = ("--x", "$(rm)", "a=b", "%2e", "\\u0022", "'; DROP TABLE a; --", "{{", "${", "$1", "\\Q", "\\E", ".*", "..")
MARKS = (*WORDS, *"\"'`\\\n{}(|#,/-@:?!= \x1b\u2028é")
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60),
    st.lists(st.sampled_from(MARKS), max_size=8).map("".join),
)
EXPRESSIONS = evaluator()


@pytest.fixture(scope="module")
def expressions() -> Evaluator:
    return EXPRESSIONS


def written(template: str, place: Place, **labels: str) -> str | Undecided:
    """Fill a template with labels, through a compilation as at load."""
    EXPRESSIONS.compile_template(template, place)
    return EXPRESSIONS.string(template, labelled(**labels), place)


def unescape(literal: str) -> str:
    """Read the inside of a PromQL string literal as Prometheus does (`strutil.Unquote`)."""
    known = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}

    def one(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else known[found[2]]

    assert not re.search(r"[\n\x00-\x1f]", literal)
    return re.sub(r"\\(?:u([0-9a-f]{4})|(.))", one, literal)


LITERAL = {'"': r'"((?:[^"\\\n]|\\.)*)"', "'": r"'((?:[^'\\\n]|\\.)*)'"}


@given(HOSTILE)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_promql_string_holds_exactly_the_value(quote: str, value: str) -> None:
    query = written(f"sum(rate(x{{a={quote}${{labels.v}}{quote},b!~{quote}y{quote}}}[5m]))", Place.PROMQL, v=value)
    shape = re.fullmatch(rf"sum\(rate\(x\{{a={LITERAL[quote]},b!~{quote}y{quote}\}}\[5m\]\)\)", str(query))
    assert shape is not None
    assert unescape(shape[1]) == value


@given(HOSTILE)
@pytest.mark.parametrize("operator", ["=~", "!~", " =~ "])
def test_a_promql_pattern_matches_exactly_the_value(operator: str, value: str) -> None:
    query = written(f'x{{a{operator}"pre-${{labels.v}}.*"}}', Place.PROMQL, v=value)
    shape = re.fullmatch("x\\{a" + operator + LITERAL['"'] + "\\}", str(query))
    assert shape is not None
    pattern = re2.compile(unescape(shape[1]))
    assert pattern.fullmatch(f"pre-{value}")
    assert pattern.fullmatch(f"pre-{value}tail")
    assert not pattern.fullmatch(f"pre-{value}"[:-1])


@given(HOSTILE)
def test_label_replace_takes_a_value_for_itself(value: str) -> None:
    query = written('label_replace(x, "d", "${labels.v}", "s", "${labels.v}")', Place.PROMQL, v=value)
    shape = re.fullmatch(r"label_replace\(x, \"d\", " + LITERAL['"'] + r", \"s\", " + LITERAL['"'] + r"\)", str(query))
    assert shape is not None
    assert unescape(shape[1]).replace("$$", "\x00").replace("$", "!").replace("\x00", "$") == value
    assert re2.compile(unescape(shape[2])).fullmatch(value)


@pytest.mark.parametrize(
    ("template", "query"),
    [
        ('rate(${vars.errors}{namespace="${labels.namespace}"}[5m])', 'rate(errors_total{namespace="prod"}[5m])'),
        ("${vars.errors}_sum", "errors_total_sum"),
        ("x > ${rate.value}", "x > 0.2"),
        ("x > ${pods.ready} * -${pods.total}", "x > 3 * -4"),
        ('x[${duration("5m")}]', "x[300000ms]"),
        ("topk(${vars.limit}, x)", "topk(3, x)"),
        ('x{code=~"${vars.codes}"}', 'x{code=~"5.."}'),
        ('x{code=~"${vars.codes}|${labels.namespace}"} # of "all', 'x{code=~"5..|prod"} # of "all'),
        ("x{a='it\\'s ${labels.namespace}'}", "x{a='it\\'s prod'}"),
        ('x{a=`raw \\`, b="${labels.namespace}"}', 'x{a=`raw \\`, b="prod"}'),
    ],
)
def test_promql_takes_numbers_and_names_from_vars(expressions: Evaluator, template: str, query: str) -> None:
    expressions.compile_template(template, Place.PROMQL)
    assert expressions.string(template, FACTS, Place.PROMQL) == query


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("${labels.x}", "only a number can stand outside quotes"),
        ('x{${labels.x}="y"}', "only a number can stand outside quotes"),
        ("sum by (${labels.x}) (y)", "only a number can stand outside quotes"),
        ("x_${rate.value}", "only a value from vars can be part of a name"),
        ("x[${rate.value | duration}]", "only a number can stand outside quotes"),
        ("${vars.on}", "cannot stand outside quotes"),
        ("x > ${vars.urls.shop}", "cannot stand outside quotes"),
        ("x{a=`${labels.x}`}", "raw string"),
        ("x # ${labels.x}", "comment"),
        ('x{a="\\${labels.x}"}', "backslash"),
        ('x{a=~"\\\\${labels.x}"}', "backslash"),
        ('x{a=~"\\\\Q${labels.x}"}', "backslash"),
    ],
)
def test_promql_refuses_at_load_what_could_change_the_query(expressions: Evaluator, template: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(says)) as caught:
        expressions.compile_template(template, Place.PROMQL)
    assert template[caught.value.offset :].startswith(("labels", "rate", "vars"))


def test_a_bad_pattern_in_vars_is_refused_at_load() -> None:
    other = evaluator()
    with pytest.raises(ExpressionError, match="is no regular expression"):
        other.compile_template('x{a=~"${"(" + vars.codes}"}', Place.PROMQL)


def test_promql_refuses_a_number_that_is_none() -> None:
    infinite = found(rate={"value": float("inf")})
    assert isinstance(EXPRESSIONS.string("x > ${rate.value}", infinite, Place.PROMQL), Undecided)
    text = EXPRESSIONS.string('x > ${errors.found["ip"][0].value}', FACTS, Place.PROMQL)
    assert text == Undecided("'10.1.2.3' cannot stand outside quotes in PromQL")


@given(HOSTILE)
def test_a_url_keeps_its_structure(value: str) -> None:
    url = written("https://h.example:8443/a/${labels.v}/b?q=${labels.v}&r=1#${labels.v}", Place.URL, v=value)
    if value in ("", ".", ".."):
        assert url == Undecided("a value would change the path of the URL")
        return
    parts = urlsplit(str(url))
    assert (parts.scheme, parts.netloc) == ("https", "h.example:8443")
    first, *middle, last = parts.path.strip("/").split("/")
    assert (first, [unquote(segment) for segment in middle], last) == ("a", [value], "b")
    name, _, rest = parts.query.partition("=")
    assert (name, unquote(rest.removesuffix("&r=1")), unquote(parts.fragment)) == ("q", value, value)


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("${vars.urls[labels.shop]}/health?ns=${labels.namespace}", "https://shop.example.com:8443/health?ns=p%2Fq"),
        ("${vars.urls.shop}/${labels.namespace}", "https://shop.example.com:8443/p%2Fq"),
        ("/internal/${labels.namespace}/health", "/internal/p%2Fq/health"),
        ("/go?to=https://${labels.namespace}", "/go?to=https://p%2Fq"),
        ("https://h.example", "https://h.example"),
    ],
)
def test_a_host_may_come_from_vars(template: str, url: str) -> None:
    assert written(template, Place.URL, shop="shop", namespace="p/q") == url


@pytest.mark.parametrize(
    "template",
    [
        "${labels.x}",
        "https://${labels.x}/",
        "https://h.example${labels.x}",
        "https://h.example:${labels.x}/",
        "http${labels.x}://h.example/",
        "${vars.urls.shop}${labels.x}",
        "//${labels.x}/a",
    ],
)
def test_a_host_never_comes_from_a_value(expressions: Evaluator, template: str) -> None:
    with pytest.raises(ExpressionError, match="never from a value"):
        expressions.compile_template(template, Place.URL)


@pytest.mark.parametrize("value", [".", "..", ""])
def test_a_value_walks_out_of_no_path(value: str) -> None:
    assert isinstance(written("https://h/a/${labels.v}", Place.URL, v=value), Undecided)
    assert isinstance(written("https://h/a/${labels.v}${labels.v}/b", Place.URL, v=value), Undecided) is (value != "..")
    assert written("https://h/a/x${labels.v}", Place.URL, v=value) == f"https://h/a/x{value}"


@given(HOSTILE)
def test_a_selector_takes_label_values_only(value: str) -> None:
    selector = written("app=${labels.v},tier!=x", Place.SELECTOR, v=value)
    if isinstance(selector, str):
        assert re.fullmatch(r"app=[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?,tier!=x", selector)
    else:
        assert "is not a valid label value" in selector.why


@given(HOSTILE)
def test_a_name_is_a_name_or_nothing(value: str) -> None:
    name = written("${labels.v}-config", Place.NAME, v=value)
    if isinstance(name, str):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)
    else:
        assert "is not a valid name of an object" in name.why


@pytest.mark.parametrize("value", ["a,b=c", "a=b", "", "-a", "a" * 64, "a b", "ä", "a\n"])
def test_selectors_refuse_what_is_no_label_value(value: str) -> None:
    assert isinstance(written("app=${labels.v}", Place.SELECTOR, v=value), Undecided)


@pytest.mark.parametrize("value", ["A", "", "-a", "a" * 254, "a/b", "../x", "a\n", "a%2fb", "a_b"])
def test_names_refuse_what_is_no_name(value: str) -> None:
    assert isinstance(written("${labels.v}", Place.NAME, v=value), Undecided)
    assert written("${labels.v}", Place.NAME, v="api-7.x") == "api-7.x"


@given(HOSTILE)
def test_a_value_in_a_pattern_matches_itself_only(value: str) -> None:
    pattern = re2.compile(str(written("^(a|${labels.v})+$", Place.REGEX, v=value)))
    assert pattern.fullmatch(value)
    assert pattern.fullmatch(f"a{value}")


def test_a_pattern_from_vars_stays_one(expressions: Evaluator) -> None:
    assert expressions.string("^${vars.codes}$", FACTS, Place.REGEX) == "^5..$"
    for template in ("\\${labels.x}", "\\Q${labels.x}"):
        with pytest.raises(ExpressionError, match="backslash"):
            expressions.compile_template(template, Place.REGEX)


@given(HOSTILE)
def test_a_value_never_becomes_a_flag(value: str) -> None:
    argument = written("${labels.e}${labels.v}", Place.ARGUMENT, v=value, e="")
    assert argument == value if not value.startswith("-") else isinstance(argument, Undecided)
    assert written("--name=${labels.v}", Place.ARGUMENT, v=value) == f"--name={value}"


def test_a_flag_in_vars_is_the_authors(expressions: Evaluator) -> None:
    assert expressions.string('${"-" + vars.errors}', FACTS, Place.ARGUMENT) == "-errors_total"


def test_where_no_value_is_safe_none_is_taken(expressions: Evaluator) -> None:
    with pytest.raises(ExpressionError, match="no value can stand safely") as caught:
        expressions.compile_template("SELECT * FROM t WHERE a = '${labels.x}'", Place.FIXED)
    assert caught.value.offset == 27
    assert expressions.string("SELECT $1, '$${x}'", FACTS, Place.FIXED) == "SELECT $1, '${x}'"


def test_a_secret_is_put_together_with_nothing(expressions: Evaluator) -> None:
    with pytest.raises(ExpressionError, match="no text to put together"):
        expressions.compile_template("Bearer ${labels.x}", Place.SECRET)


@given(HOSTILE)
def test_plain_text_is_the_value_itself(value: str) -> None:
    assert written("<${labels.v}>", Place.PLAIN, v=value) == f"<{value}>"


def test_what_is_undecided_stops_a_string(expressions: Evaluator) -> None:
    for place in Place:
        if place not in (Place.FIXED, Place.SECRET):
            template = 'x{a="${labels.none}"}' if place is Place.PROMQL else "/a/${labels.none}"
            assert expressions.string(template, FACTS, place) == Undecided("no label none")
