"""Measured values, written with their unit."""

import math

import pytest

from responder.model.unit import in_unit, scale, significant


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.1234, "ratio", "12.3 %"),
        (0.00004, "ratio", "0.004 %"),
        (1.0, "ratio", "100 %"),
        (1536 * 1024**2, "bytes", "1.5 GiB"),
        (0, "bytes", "0 B"),
        (1023, "bytes", "1,023 B"),
        (-2048, "bytes", "-2 KiB"),
        (0.25, "seconds", "250 ms"),
        (0.00025, "seconds", "250 µs"),
        (90, "seconds", "90 s"),
        (600, "seconds", "10 min"),
        (86400 * 3, "seconds", "3 d"),
        (0, "seconds", "0 s"),
        (1234567.8, "requests/s", "1,234,568 requests/s"),
        (42, "", "42"),
        (math.nan, "ratio", "not a number %"),
    ],
)
def test_values_are_written_for_people(value: float, unit: str, shown: str) -> None:
    assert in_unit(value, unit) == shown


def test_an_axis_takes_the_unit_of_its_largest_value() -> None:
    assert scale("bytes", 3 * 1024**3).suffix == "GiB"
    assert scale("bytes", math.inf).suffix == "B"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (1e-20, "0"), (0.000123456, "0.000123"), (99.95, "100"), (-1.5, "-1.5")]
)
def test_three_digits_are_enough(value: float, shown: str) -> None:
    assert significant(value) == shown
