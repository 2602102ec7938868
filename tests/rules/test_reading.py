"""YAML 1.2 with places, bounded, and with a cure for what goes wrong."""

import pytest

from responder.rules.nodes import MappingNode, Scalar, plain
from responder.rules.positions import spot_of
from responder.rules.problems import Problems, render
from responder.rules.reading import MAX_BYTES, parse


def read(text: str | bytes) -> tuple[MappingNode | None, list[str]]:
    """Parse a file called x.yaml; return its tree and what was noted."""
    problems = Problems()
    content = text if isinstance(text, bytes) else text.encode()
    tree = parse(content, file="x.yaml", pack="x", problems=problems)
    return tree, [render(problem) for problem in problems.sorted()]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("22:30", "22:30"),
        ("2026-01-01", "2026-01-01"),
        ("0o17", 15),
        ("0x1f", 31),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("'1'", "1"),
        ('"true"', "true"),
        (".inf", ".inf"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_plain_value_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    tree, problems = read(f"a: {written}\n")
    assert not problems
    assert tree is not None
    value = plain(tree)["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_a_key_that_stands_twice_is_an_error_with_both_places() -> None:
    _, problems = read("a: 1\nb: 2\na: 3\n")
    assert problems == ["x.yaml:3:1: error: the key `a` stands twice\n  3 | a: 3\n    | ^ first in line 1"]


def test_an_empty_file_is_no_problem() -> None:
    assert read("# nothing yet\n") == (None, [])


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    tree, problems = read(b"\xef\xbb\xbfa: 1\n")
    assert not problems
    assert tree is not None
    assert plain(tree) == {"a": 1}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    tree, problems = read("\n".join(lines))
    assert tree is None
    assert len(problems) == 1
    assert "repeats too much by aliases" in problems[0]


def test_an_alias_of_itself_is_refused() -> None:
    tree, problems = read("a: &x [*x]\n")
    assert tree is None
    assert "nests too deep" in problems[0]


def test_deep_nesting_is_refused() -> None:
    tree, problems = read("a: " + "[" * 500 + "]" * 500)
    assert tree is None
    assert "nests too deep" in problems[0]


def test_a_file_that_is_too_large_is_refused() -> None:
    tree, problems = read(b"#" * (MAX_BYTES + 1))
    assert tree is None
    assert f"at most {MAX_BYTES}" in problems[0]


@pytest.mark.parametrize(
    ("text", "place", "cure"),
    [
        ("a: {say: ${x | b}}\n", "x.yaml:1:11", "put quotes around a string with `${...}`"),
        ("a: {say: big {}, when: x}\n", "x.yaml:1:14", "put quotes around a string with `{`"),
        ("when: !redis.up\n", "x.yaml:1:7", "put quotes around a string that begins with `!`"),
        ("a: @b\n", "x.yaml:1:4", "put quotes around a string that begins with @"),
        ("a:\n\tb: 1\n", "x.yaml:2:1", "indent with spaces, not tabs"),
        ("a: 1\n---\nb: 1\n", "x.yaml:2:1", ""),
        ("- a\n", "x.yaml:1:1", "begin with `rules:`"),
        ("{a: b}: c\n", "x.yaml:1:1", "put quotes around a string that begins with `{`"),
    ],
)
def test_what_is_not_yaml_is_answered_with_place_and_cure(text: str, place: str, cure: str) -> None:
    _, problems = read(text)
    assert problems[0].startswith(place)
    assert cure in problems[0]


def test_bytes_that_are_not_utf_8_are_an_error() -> None:
    assert "not UTF-8" in read(b"a: \xff\n")[1][0]


TEXT = """a: >-
  hello there
  big ${x.y}

  z
b: "q\\"\\n\\u00e9${y}
   more ${z}"
c: 'it''s ${q}'
d: plain text
  goes ${w}
e: |2
    two ${v}
f: {deep: ["ä ${u}"]}
"""


def leaves(tree: object) -> list[Scalar]:
    """Return the values of TEXT in order."""
    assert isinstance(tree, MappingNode)
    return [entry.node for entry in tree.entries if isinstance(entry.node, Scalar)]


def test_a_character_of_a_value_is_found_in_the_file_however_it_was_written() -> None:
    tree, problems = read(TEXT)
    assert not problems
    lines = TEXT.split("\n")
    for leaf in leaves(tree):
        for offset in (index for index, char in enumerate(leaf.text) if char == "$"):
            spot = spot_of(leaf, offset)
            assert lines[spot.line - 1][spot.column - 1 :].startswith(leaf.text[offset : offset + 3])


def test_an_offset_behind_the_text_is_at_its_end() -> None:
    tree, _ = read("a: 'b c'\n")
    assert spot_of(leaves(tree)[0], 99).column == 7
