"""Which HTTP answers are worth another try."""

from datetime import UTC, datetime, timedelta

import pytest

from responder.errors import NotLetIn, PermanentError, TransientError
from responder.model.answers import error_of, retry_after, worth_retrying

TABLE = {
    **dict.fromkeys((301, 302, 307, 308, 400, 401, 402, 403, 404, 405, 406, 409, 410), False),
    **dict.fromkeys((411, 413, 414, 415, 417, 418, 421, 422, 424, 426, 428, 431, 451, 501, 505), False),
    **dict.fromkeys((408, 425, 429, 500, 502, 503, 504, 507, 508, 511, 520, 522, 524, 529, 599), True),
}


@pytest.mark.parametrize(("status", "transient"), TABLE.items())
def test_each_status_means_wait_or_change_something(status: int, transient: bool) -> None:
    assert worth_retrying(status) is transient
    assert isinstance(error_of(status, asked="GET http://x"), TransientError if transient else PermanentError)
    assert isinstance(error_of(status, asked="GET http://x"), NotLetIn) is (status in (401, 403))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_success_is_no_error(status: int) -> None:
    assert error_of(status, asked="GET http://x") is None


def test_the_error_names_the_status_and_the_cure() -> None:
    assert (
        str(error_of(401, asked="Prometheus"))
        == "Prometheus answered 401 Unauthorized: check the credentials in the settings"
    )
    assert "redirect" in str(error_of(302, asked="Prometheus"))
    assert str(error_of(599, asked="Prometheus")) == "Prometheus answered 599"


def test_the_other_sides_words_are_redacted_and_cut() -> None:
    error = str(error_of(400, asked="Prometheus", said="bad\npassword=hunter2 " + "x" * 9000))
    assert "hunter2" not in error
    assert "\n" not in error
    assert len(error) < 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", timedelta(seconds=30)),
        ("999999999999", timedelta(hours=1)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", timedelta(seconds=60)),
        ("Wed, 21 Oct 2026 07:00:00 GMT", timedelta(0)),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected: timedelta | None) -> None:
    now = datetime(2026, 10, 21, 7, 27, tzinfo=UTC)
    assert retry_after({"retry-after": text}, now) == expected


def test_a_transient_error_carries_the_wait_that_was_asked_for() -> None:
    error = error_of(429, asked="x", headers={"Retry-After": "7"})
    assert isinstance(error, TransientError)
    assert error.delay == timedelta(seconds=7)
