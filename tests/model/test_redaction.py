"""Secrets out of text."""

import pytest

from responder.model.redaction import MARK, redact, redact_json

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
