"""Spans of time as text."""

from datetime import timedelta

import pytest

from responder.model.duration import exact_duration, parse_duration


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=250), "250ms"),
        (timedelta(minutes=12), "12m"),
        (timedelta(days=9, hours=1, minutes=2, seconds=3, milliseconds=4), "9d1h2m3s4ms"),
    ],
)
def test_an_exact_span_is_read_back_the_same(span: timedelta, text: str) -> None:
    assert exact_duration(span) == text
    assert parse_duration(text) == span
