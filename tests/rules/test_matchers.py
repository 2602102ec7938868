"""Matchers mean what both of Alertmanager's parsers mean."""

import pytest

from responder.errors import ExpressionError
from responder.model.matcher import Matcher, MatchOp
from responder.rules.matchers import parse_matcher, parse_matchers


@pytest.mark.parametrize(
    ("text", "name", "op", "value"),
    [
        ('a="b"', "a", "=", "b"),
        ("a=b", "a", "=", "b"),
        (' a  =~ "x|y" ', "a", "=~", "x|y"),
        ('a!="b c"', "a", "!=", "b c"),
        ('a!~".*"', "a", "!~", ".*"),
        ('a=""', "a", "=", ""),
        ("a=größe", "a", "=", "größe"),
        ('"größe"="x"', "größe", "=", "x"),
        (r'a=~"\\d+"', "a", "=~", r"\d+"),
        (r'a="say \"hi\"\n"', "a", "=", 'say "hi"\n'),
        ('{a="}"}', "a", "=", "}"),
        ('a="x,y"', "a", "=", "x,y"),
    ],
)
def test_a_matcher_is_read_as_alertmanager_reads_it(text: str, name: str, op: str, value: str) -> None:
    assert parse_matcher(text) == Matcher(name, MatchOp(op), value)


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ('a=~"\\d"', 4, "write the backslash twice"),
        ('a=~"("', 3, "RE2"),
        ('a=~"(?=x)y"', 3, "RE2 knows no lookaround"),
        ("a==b", 2, "double quotes"),
        ("a=", 2, 'name=""'),
        ("a", 1, "= != =~ !~"),
        ('größe="x"', 2, "= != =~ !~"),
        ('a="b', 2, "does not end"),
        ("a=b c", 4, "quotes"),
        ('{a="b"', 1, "braces"),
        ("", 0, "one matcher"),
        ('a="b",c="d"', 0, "one matcher"),
    ],
)
def test_what_the_two_parsers_read_differently_is_refused_with_a_cure(text: str, offset: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_matcher(text)
    assert caught.value.offset == offset
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_several_matchers_are_read_with_braces_and_a_trailing_comma() -> None:
    assert [str(matcher) for matcher in parse_matchers('{a="b", c!~"d",}')] == ['a="b"', 'c!~"d"']


def test_what_a_matcher_shows_reads_back_as_the_same() -> None:
    matcher = Matcher("a", MatchOp.REGEX, 'x\\d"\n')
    assert parse_matcher(str(matcher)) == matcher
