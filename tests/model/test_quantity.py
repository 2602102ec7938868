"""Amounts and moments as Kubernetes writes them."""

from datetime import UTC, datetime

import pytest

from responder.model.moment import parse_moment
from responder.model.quantity import format_bytes, parse_quantity
from responder.model.regex import compile_regex


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", 1.0),
        ("250m", 0.25),
        ("750000000n", 0.75),
        ("1.5", 1.5),
        (".5", 0.5),
        ("512Mi", 512 * 2.0**20),
        ("1Gi", 2.0**30),
        ("2G", 2e9),
        ("1e3", 1000.0),
        ("12E6", 12e6),
        (4, 4.0),
        ("", None),
        ("1KB", None),
        ("Mi", None),
        ("1 Gi", None),
        ("nan", None),
        (None, None),
        (["1"], None),
    ],
)
def test_an_amount_is_read(text: object, amount: float | None) -> None:
    found = parse_quantity(text)
    assert found == (None if amount is None else pytest.approx(amount))


@pytest.mark.parametrize(("amount", "text"), [(0, "0"), (1023, "1023"), (2**20 * 1.5, "1.5Mi"), (2**30, "1Gi")])
def test_bytes_are_written_short(amount: float, text: str) -> None:
    assert format_bytes(amount) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_moment_is_read(text: object, moment: datetime | None) -> None:
    assert parse_moment(text) == moment


def test_an_expression_that_is_none_is_refused_with_the_complaint() -> None:
    assert compile_regex("^a+$").search("aaa")
    with pytest.raises(ValueError, match=r"'\(' is not RE2: missing \)"):
        compile_regex("(")
