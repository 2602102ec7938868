"""Secrets out of text."""

import pytest

from responder.model.redaction import MARK, redact, redact_json, redact_url

SECRETS = (
    "password=hunter2hunter2",
    "token: hunter2hunter2",
    '{"api_key": "hunter2hunter2"}',
    "Authorization: Bearer hunter2hunter2",
    "sent bearer hunter2hunter2",
    "postgres://app:hunter2hunter2@db/app",
)


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_goes_and_a_second_look_changes_nothing(text: str) -> None:
    once = redact(text)
    assert MARK in once
    assert "hunter2" not in once
    assert redact(once) == once


def test_a_value_is_a_secret_by_its_name() -> None:
    assert redact_json({"db_password": "x", "user": "y"}) == {"db_password": MARK, "user": "y"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?b=c#d", "https://a.example/x?b=c#d"),
        ("https://a.example/x?q=%C3%A4%20%25", "https://a.example/x?q=%C3%A4%20%25"),
        ("https://a.example/#/new?filter=%7Bnote%3D%22password%3Dhunter2%22%7D", "https://a.example/#/new"),
        ("https://a.example/password%3Dhunter2/x?y=1", "https://a.example"),
        ("https://a.example/x?token=hunter2", "https://a.example/x?token=[redacted]"),
        ("https://ann%3Ahunter2@a.example/", ""),
    ],
)
def test_an_address_tells_no_secret_that_is_percent_encoded(url: str, shown: str) -> None:
    assert redact_url(url) == shown
