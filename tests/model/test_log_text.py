"""What many log lines have in common."""

import pytest

from responder.model.log_text import pattern_of, top_patterns, top_values, without_keys


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("2026-11-21T10:00:01.123Z ERROR took 30000 ms", "<time> ERROR took <n> ms"),
        ("2026-11-21 10:00:01,123 WARN x", "<time> WARN x"),
        ('10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200', '<ip> - - [<time>] "GET /a HTTP/<n>" <n>'),
        ("request 7f3d2c1b-aaaa-bbbb-cccc-1234567890ab from 10.1.2.3:8080", "request <id> from <ip>"),
        ("pod api-6d4cf56db6-x2x4z at 0x7fff1234", "pod api-<id>-x<n>x<n>z at <id>"),
        ("\x1b[31mred\x1b[0m  alert", "red alert"),
        ("no numbers here: cafe", "no numbers here: cafe"),
        ("", ""),
    ],
)
def test_what_varies_is_replaced(line: str, pattern: str) -> None:
    assert pattern_of(line) == pattern


def test_the_most_frequent_pattern_comes_first_with_its_newest_example() -> None:
    lines = ["a 1", "b", "a 2", "", "a 3", "c"]

    found = top_patterns(lines, 2)

    assert [(item.text, item.count, item.example) for item in found] == [("a <n>", 3, "a 3"), ("c", 1, "c")]


def test_values_are_counted() -> None:
    assert top_values(["b", "a", "b", "c"], 2) == [("b", 2), ("a", 1)]


BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a", BEGIN, "MIIE", END, "b"], ["a", "X", "X", "X", "b"]),
        (["MIIE", "QAB=", END, "after"], ["X", "X", "X", "after"]),
        (["before", BEGIN, "MIIE"], ["before", "X", "X"]),
        ([f"key: {BEGIN} MIIE {END}", "next"], ["X", "next"]),
        (["-----BEGIN CERTIFICATE-----", "MIIC"], ["-----BEGIN CERTIFICATE-----", "MIIC"]),
    ],
)
def test_a_private_key_is_hidden_whole_or_cut_off(lines: list[str], expected: list[str]) -> None:
    assert without_keys(lines, "X") == expected


def test_a_key_without_end_does_not_hide_the_rest_of_the_log() -> None:
    lines = [BEGIN, *(f"line {n}" for n in range(500))]

    assert without_keys(lines, "X")[-1] == "line 499"
